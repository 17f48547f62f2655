//! A job that is written down, and a process that dies again and again: cut off at any step, it is
//! gone on with in the next life, until all has arrived that can.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wherry_transfer::journal::{Entry, Journal, JournalError, NewJob, State, recover};
use wherry_transfer::*;

use crate::disk;
use crate::events::Event;
use crate::fate::Fate;
use crate::life::{ended, happen, plan, runtime};
use crate::promises;
use crate::weather::Weather;
use crate::world::{BUCKET, World, in_memory};

/// Lives in fair weather until everything that can arrive must have: one to go on, one to try again
/// what failed.
const FAIR: usize = 2;

/// How often somebody has been at what had arrived between two lives.
const TAMPERED: f64 = 0.2;

/// In all worlds, for the record.
pub static CRASHES: AtomicU64 = AtomicU64::new(0);
pub static POWER_CUTS: AtomicU64 = AtomicU64::new(0);

/// Says the trace.
pub fn with_a_journal(seed: u64, aloud: bool) -> Result<u64, String> {
    live_in(World::of(seed, aloud), aloud)
}

/// The same with a disk that says that names are on it and did not put them there.
pub fn on_a_disk_that_lies(seed: u64, aloud: bool) -> Result<u64, String> {
    let world = World::of(seed, aloud);
    world.disk.lies.store(true, Relaxed);
    live_in(world, aloud)
}

fn live_in(world: World, aloud: bool) -> Result<u64, String> {
    let world = Arc::new(world);
    if aloud {
        println!("{}", world.describe());
    }
    let folder = tempfile::tempdir_in(in_memory()).unwrap();
    let lives = Arc::new(Lives {
        world: Arc::clone(&world),
        folder: folder.path().to_owned(),
        job: Mutex::default(),
        fair: AtomicBool::new(false),
        eventful: AtomicBool::new(true),
        plans: AtomicU32::new(0),
    });
    for _ in 0..world.fate.between(1, 5) {
        let crash_in = world.fate.between(1, 40) * world.fate.one_of(&[1, 5, 25]);
        lives.live(Some(crash_in))?;
        world.lock_out(false);
        if world.fate.chance(TAMPERED) {
            world.tamper(&lives.receipts(&lives.journal()?)?);
        }
    }
    lives.fair.store(true, Relaxed);
    for _ in 0..FAIR {
        lives.live(None)?;
    }
    lives.check_the_end()?;
    if world.moves.syncs() {
        lives.until_both_sides_are_the_same()?;
    }
    Ok(world.fate.trace())
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

struct Lives {
    world: Arc<World>,
    folder: PathBuf,
    /// The id of the job in the journal.
    job: Mutex<Option<String>>,
    fair: AtomicBool,
    /// What others do is done in the first life.
    eventful: AtomicBool,
    /// How often it was planned.
    plans: AtomicU32,
}

/// What a power cut leaves of the journal.
struct Cut {
    database: Vec<u8>,
    log: Vec<u8>,
    path: PathBuf,
}

impl Cut {
    /// All up to the last commit that was synced is on the disk, and some of what came after.
    fn of(journal: &Journal, folder: &Path, fate: &Fate) -> std::io::Result<Self> {
        let path = folder.join(wherry_transfer::journal::FILE);
        let database = std::fs::read(&path)?;
        let mut log = std::fs::read(path.with_extension("sqlite-wal"))?;
        let synced = journal.synced_to();
        let kept = fate.between(synced, log.len() as u64 + 1);
        if fate.chance(0.7) {
            log.truncate(kept as usize);
        }
        Ok(Self {
            database,
            log,
            path,
        })
    }

    /// Once nobody has it open any more.
    fn leave(self) -> std::io::Result<()> {
        for end in ["sqlite-wal", "sqlite-shm"] {
            let _ = std::fs::remove_file(self.path.with_extension(end));
        }
        std::fs::write(&self.path, self.database)?;
        std::fs::write(self.path.with_extension("sqlite-wal"), self.log)
    }
}

impl Lives {
    fn is_fair(&self) -> bool {
        self.fair.load(Relaxed)
    }

    fn job(&self) -> MutexGuard<'_, Option<String>> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> Result<Journal, String> {
        Journal::open_in_step(&self.folder).map_err(said)
    }

    /// One process, from its start to its end, and what must be true then.
    fn live(self: &Arc<Self>, crash_in: Option<u64>) -> Result<(), String> {
        let world = Arc::clone(&self.world);
        let journal = self.journal()?;
        let runtime = runtime();
        let crashed = runtime.block_on(async {
            let (dying, fate) = (journal.clone(), Arc::clone(&world.fate));
            let on_crash = Box::new(move || dying.crash(fate.between(0, 20) as usize));
            world.fate.begin_life(crash_in, Some(on_crash));
            // A task like all others, so that they take turns as the seed has it.
            let running = tokio::spawn(Arc::clone(self).run(journal.clone()));
            let crashed = tokio::select! {
                biased;
                () = world.fate.crash() => Ok(true),
                ran = running => ran.map_err(said).and_then(|ran| ran).map(|()| false),
            };
            world.fate.end_life();
            crashed
        });
        // What is dropped now cleans nothing up: it was cut off.
        drop(runtime);
        let crashed = crashed?;
        CRASHES.fetch_add(u64::from(crashed), Relaxed);
        if crashed && world.weather.power_cut {
            POWER_CUTS.fetch_add(1, Relaxed);
            world.disk.lose_power();
            let lost = Cut::of(&journal, &self.folder, &world.fate).map_err(said)?;
            drop(journal);
            lost.leave().map_err(said)?;
        } else {
            drop(journal);
        }
        // A journal of its own, as the next process has.
        let journal = self.journal()?;
        // The next life begins later than anything on its way takes.
        world.catch_up();
        self.check_so_far(&journal)
    }

    async fn run(self: Arc<Self>, journal: Journal) -> Result<(), String> {
        let journal = &journal;
        let world = Arc::clone(&self.world);
        let store = world.handle();
        journal.tidy(world.fate.now()).await.map_err(said)?;
        if self.is_fair() || world.fate.chance(0.5) {
            self.brave_the_weather();
            self.clear_left_over(journal).await?;
        }
        let id = self.job().clone();
        let known = match id {
            Some(id) => match journal.job(&id) {
                Ok(job) => Some(job),
                Err(JournalError::NoSuchJob) => None,
                Err(e) => return Err(said(e)),
            },
            None => None,
        };
        let job = match known {
            Some(job) if matches!(job.state, State::Done | State::Cancelled) => return Ok(()),
            Some(job) if job.state != State::Entering => {
                let tampered = !world.tampered().is_empty();
                let again = if tampered { 0.5 } else { 0.2 };
                let may = tampered || !self.is_fair();
                if may && !job.state.has_ended() && world.fate.chance(again) {
                    // The same wish again, as one repeats it on the command line.
                    self.begin(journal).await?
                } else {
                    self.brave_the_weather();
                    let from = world.has_two_stores().then(|| CopySource {
                        store: world.source_handle(),
                        one_server: false,
                    });
                    let job = Job::resume(journal, &job.id, store, from, world.settings());
                    job.await.map_err(said)?
                }
            }
            // It was cut off before it was written down.
            _ => self.begin(journal).await?,
        };
        self.brave_the_weather();
        let mut happening = None;
        if !self.is_fair() && self.eventful.swap(false, Relaxed) {
            happening = Some(tokio::spawn(happen(Arc::clone(&world), job.clone())));
        }
        if !self.is_fair() && world.fate.chance(0.4) {
            self.whim(&job).await?;
        }
        let end = ended(&job).await?;
        if let Some(happening) = happening {
            happening.abort();
        }
        promises::check_rows(&world, &job, &end)
    }

    /// The user wants something else all of a sudden, in the middle of any step.
    async fn whim(&self, job: &Job) -> Result<(), String> {
        let world = &self.world;
        let steps = world.fate.between(1, 40) * world.fate.one_of(&[1, 5, 25]);
        tokio::select! {
            biased;
            end = ended(job) => return end.map(drop),
            () = world.fate.steps(steps) => {}
        }
        let what = world.fate.between(0, 10);
        world.fate.note(&format!("a whim: {what}"));
        match what {
            // As when the window is closed.
            0..5 => job.cut_off(),
            5..9 => {
                job.pause();
                ended(job).await?;
                promises::check_rows(world, job, &job.snapshot())?;
                if world.fate.chance(0.2) {
                    self.cancel(job).await?;
                } else {
                    job.go_on();
                }
            }
            _ => self.cancel(job).await?,
        }
        Ok(())
    }

    /// What it leaves unfinished for want of a line is known.
    async fn cancel(&self, job: &Job) -> Result<(), String> {
        self.world.cancelled.store(true, Relaxed);
        job.cancel();
        ended(job).await.map(drop)
    }

    fn brave_the_weather(&self) {
        let weather = if self.is_fair() {
            Weather::calm()
        } else {
            self.world.weather.clone()
        };
        self.world.break_weather(&weather);
    }

    /// Plans anew, in the good weather that plans are made in here.
    async fn begin(&self, journal: &Journal) -> Result<Job, String> {
        let world = Arc::clone(&self.world);
        world.break_weather(&Weather::calm());
        world.tampered().clear();
        self.plans.fetch_add(1, Relaxed);
        world.show_all();
        let id = format!("{:032x}", world.fate.between(0, u64::MAX));
        *self.job() = Some(id.clone());
        let entry = Entry {
            journal: journal.clone(),
            job: NewJob {
                title: "a job".to_owned(),
                place: "here".to_owned(),
                fingerprint: Some("the same wish".to_owned()),
                id: Some(id),
                ..NewJob::default()
            },
        };
        plan(&world, Some(entry)).await
    }

    async fn clear_left_over(&self, journal: &Journal) -> Result<(), String> {
        let (store, disk) = (self.world.handle(), Arc::clone(&self.world.disk));
        for left in journal.left_over().map_err(said)? {
            let disk = disk::Handle(Arc::clone(&disk));
            recover::clear(journal, &left.job, Some(&store), &disk)
                .await
                .map_err(said)?;
        }
        Ok(())
    }

    fn receipts(&self, journal: &Journal) -> Result<Vec<Receipt>, String> {
        let Some(id) = self.job().clone() else {
            return Ok(Vec::new());
        };
        match journal.receipts(&id, 0, 1000) {
            Err(JournalError::NoSuchJob) => Ok(Vec::new()),
            receipts => receipts.map_err(said),
        }
    }

    /// At any moment, what the journal says arrived is there, and what is half done is known to it.
    fn check_so_far(&self, journal: &Journal) -> Result<(), String> {
        promises::check_so_far(&self.world, &self.receipts(journal)?)?;
        let known = journal.half_uploads(BUCKET).map_err(said)?;
        for (id, (_, key)) in self.world.unfinished() {
            if !self.untraceable() && !known.iter().any(|half| half.key == key) {
                return Err(format!("{id} of {key} is known to nobody"));
            }
        }
        Ok(())
    }

    /// An upload that the network begins twice, or long after it was asked to, is nobody's.
    fn untraceable(&self) -> bool {
        let Weather { twice, late, .. } = self.world.weather;
        twice > 0.0 || late > 0.0
    }

    fn check_the_end(&self) -> Result<(), String> {
        let journal = self.journal()?;
        let id = self.job().clone().ok_or("no job")?;
        let job = journal.job(&id).map_err(said)?;
        let receipts = self.receipts(&journal)?;
        let files = journal.files(&id, 0..1000, false).map_err(said)?;
        let done = files.iter().filter(|f| f.state == FileState::Done).count();
        let seen = self.world.seen();
        let deleted = files.iter().filter(|f| seen.is_deletion(&f.name));
        let deleted = deleted.filter(|f| f.state == FileState::Done).count();
        drop(seen);
        if done != receipts.len() + deleted || job.files_done as usize != done {
            let (receipts, counted) = (receipts.len(), job.files_done);
            return Err(format!(
                "{done} files done, {counted} counted, {receipts} receipts"
            ));
        }
        for file in &files {
            let arrived = matches!(file.state, FileState::Done | FileState::Skipped);
            if !arrived && !self.excused(&file.name, file.error.as_ref()) {
                return Err(format!("nothing was in its way any more: {file:?}"));
            }
        }
        if job.state != State::Done {
            self.give_up(&journal, &id)?;
        }
        if self.world.weather.power_cut {
            // Now that all has been written down.
            self.world.disk.lose_power();
        }
        promises::check(&self.world, &receipts, self.plans.load(Relaxed) > 1)?;
        let left = self.world.unfinished().len();
        if left > 0 && !self.untraceable() {
            return Err(format!("{left} uploads are left unfinished"));
        }
        Ok(())
    }

    /// The same wish once more, when nothing goes wrong any more.
    fn until_both_sides_are_the_same(self: &Arc<Self>) -> Result<(), String> {
        let world = &self.world;
        let blocked = |(_, _, event): &(_, _, Event)| *event == Event::Detour;
        if world.weather.rot + world.weather.turned > 0.0 || world.events.iter().any(blocked) {
            return Ok(());
        }
        world.left_alone.store(true, Relaxed);
        for _ in 0..FAIR {
            *self.job() = None;
            self.live(None)?;
        }
        world.both_sides_are_the_same()
    }

    /// Takes a job away that cannot be ended, with what it has half done.
    fn give_up(&self, journal: &Journal, id: &str) -> Result<(), String> {
        let world = &self.world;
        runtime().block_on(async {
            world.fate.begin_life(None, None);
            journal.remove(id).await.map_err(said)?;
            self.clear_left_over(journal).await?;
            world.fate.end_life();
            Ok(())
        })
    }

    fn excused(&self, name: &str, error: Option<&FileError>) -> bool {
        let world = &self.world;
        // Kept beside what was there.
        let name = name.replace(" (2)", "");
        let hit = |(_, row, event): &(_, u32, Event)| {
            let theirs = name.ends_with(&world.sources[*row as usize].name);
            theirs || *event == Event::Detour
        };
        // What was changed since a sync saw it stays, and so does all that was to go, when not all has
        // arrived; another sync will see.
        if world.moves.syncs() {
            return true;
        }
        // A copy that is made later than it was answered, or twice.
        let Weather { twice, late, .. } = world.weather;
        let copied = world.moves.copies()
            && twice + late > 0.0
            && matches!(error, Some(FileError::InTheWay { .. }));
        // Bits that turned on the way are found out when all is there, or when the right ones come and
        // find the name taken.
        let found_out = matches!(
            error,
            Some(FileError::Mismatch { .. } | FileError::InTheWay { .. })
        );
        let turned = world.weather.turned > 0.0 && found_out;
        copied
            || turned
            || world.was_cancelled()
            || world.weather.rot > 0.0
            || world.events.iter().any(hit)
    }
}
