//! A plan as the window shows it: counts, examples, and what is in the way.

use wherry_account::Account;
use wherry_store::StoreError;
use wherry_transfer::{Conflict, Moves, Note, Removals, SyncPlan};

use super::plans::{EXAMPLES, Plan, SMALL_BYTES, SMALL_FILES, count};
use crate::contract::{
    ConflictView, Conflicts, ConflictsRequest, JobKind, PlanNote, PlanView, Problem,
};
use crate::engine::{Engine, lock};
use crate::problem::{from_blocked, from_store};

/// Dragging out fetches first; more than this is for the download button.
const STAGE_BYTES: u64 = 2 << 30;
const STAGE_FILES: u64 = 5_000;
pub(super) const MOST_ROWS: usize = 500;
/// Names shown of what is in a plan.
const NAMES: usize = 8;

impl Engine {
    pub(super) fn view_plan(
        &self,
        id: &str,
        kind: JobKind,
        title: &str,
        plan: &Plan,
        account: &Account,
    ) -> PlanView {
        let mut view = PlanView {
            id: id.to_owned(),
            kind,
            title: title.to_owned(),
            files: 0,
            bytes: 0,
            folders: 0,
            same: 0,
            conflicts: 0,
            conflict_examples: Vec::new(),
            notes: Vec::new(),
            notes_total: 0,
            examples: Vec::new(),
            deletes: 0,
            kept: 0,
            delete_examples: Vec::new(),
            room: None,
            elsewhere: false,
            blocked: None,
            clean: false,
        };
        view.take_conflicts(plan);
        match plan {
            Plan::Upload(plan) => {
                view.take_upload(plan);
                self.note_unseen(&mut view, plan.unseen.as_ref(), account);
            }
            Plan::Download(plan) => {
                view.take_download(plan);
                if kind == JobKind::Stage && (view.bytes > STAGE_BYTES || view.files > STAGE_FILES)
                {
                    view.blocked = Some(Problem::new(
                        "browse.drag-limit",
                        "That is too much to drag out at once: at most 2 GiB and 5,000 objects.",
                        "Use Download, which fetches any amount straight into the folder you choose.",
                    ));
                }
            }
            Plan::Delete(plan) => {
                view.files = plan.keys.len() as u64;
                view.bytes = plan.bytes;
                view.examples = plan
                    .keys
                    .iter()
                    .take(NAMES)
                    .map(ToString::to_string)
                    .collect();
                view.take_missing(&plan.missing);
            }
            Plan::Copy(plan) => {
                view.take_copy(plan);
                self.note_unseen(&mut view, plan.unseen.as_ref(), account);
            }
            Plan::Sync(plan) => view.take_sync(plan),
        }
        let adds_only = matches!(
            kind,
            JobKind::Upload | JobKind::Download | JobKind::Copy | JobKind::Stage
        );
        view.clean = adds_only
            && view.blocked.is_none()
            && view.conflicts == 0
            && view.same == 0
            && view.notes_total == 0
            && view.files <= SMALL_FILES
            && view.bytes <= SMALL_BYTES;
        view
    }

    fn note_unseen(&self, view: &mut PlanView, unseen: Option<&StoreError>, account: &Account) {
        if let Some(error) = unseen {
            let words = from_store(error, &self.about(account)).what;
            let words = format!("cannot be looked at, so what is there may be replaced. {words}");
            view.note("The destination".into(), &words, false);
        }
    }

    /// A page of what is at the destination of a plan and differs.
    pub(crate) fn conflicts_page(&self, request: &ConflictsRequest) -> Result<Conflicts, Problem> {
        let plans = lock(&self.inner.jobs.plans);
        let planned = plans
            .get(&request.plan)
            .ok_or_else(|| Problem::stale("plan"))?;
        let differing = || planned.plan.conflicts().iter().filter(|c| !c.same);
        Ok(Conflicts {
            total: differing().count(),
            conflicts: differing()
                .skip(request.from)
                .take(request.count.min(MOST_ROWS))
                .map(|conflict| planned.plan.conflict(conflict))
                .collect(),
        })
    }
}

impl Plan {
    fn conflicts(&self) -> &[Conflict] {
        match self {
            Self::Upload(plan) => &plan.conflicts,
            Self::Download(plan) => &plan.conflicts,
            Self::Copy(plan) => &plan.conflicts,
            Self::Delete(_) => &[],
            Self::Sync(plan) => match &plan.moves {
                Moves::Upload(plan) => &plan.conflicts,
                Moves::Download(plan) => &plan.conflicts,
                Moves::Copy(plan) => &plan.conflicts,
            },
        }
    }

    fn conflict(&self, conflict: &Conflict) -> ConflictView {
        let (name, here_size, here_modified) = match self {
            Self::Upload(plan) => uploaded(plan, conflict.item),
            Self::Download(plan) => downloaded(plan, conflict.item),
            Self::Copy(plan) => copied(plan, conflict.item),
            Self::Delete(_) => (String::new(), 0, None),
            Self::Sync(plan) => match &plan.moves {
                Moves::Upload(plan) => uploaded(plan, conflict.item),
                Moves::Download(plan) => downloaded(plan, conflict.item),
                Moves::Copy(copy) => {
                    let (name, size, modified) = copied(copy, conflict.item);
                    (plan.below(&name).to_owned(), size, modified)
                }
            },
        };
        ConflictView {
            item: conflict.item,
            name,
            here_size,
            here_modified,
            there_size: conflict.size,
            there_modified: conflict.modified.map(|t| t.timestamp_millis()),
        }
    }
}

pub(super) type Side = (String, u64, Option<i64>);

pub(super) fn uploaded(plan: &wherry_transfer::UploadPlan, item: u32) -> Side {
    let here = plan.items.get(item as usize);
    let (size, modified) = here.map_or((0, None), |i| (i.size, Some(i.modified)));
    (plan.name(item), size, modified)
}

pub(super) fn downloaded(plan: &wherry_transfer::DownloadPlan, item: u32) -> Side {
    let there = plan.items.get(item as usize);
    let (size, modified) = there.map_or((0, None), |i| (i.size, i.modified));
    (plan.name(item).to_owned(), size, modified)
}

pub(super) fn copied(plan: &wherry_transfer::CopyPlan, item: u32) -> Side {
    let here = plan.items.get(item as usize);
    here.map_or((String::new(), 0, None), |i| {
        (i.to.to_string(), i.size, None)
    })
}

impl PlanView {
    fn take_upload(&mut self, plan: &wherry_transfer::UploadPlan) {
        self.files = plan.items.iter().filter(|i| !i.folder).count() as u64;
        self.bytes = plan.bytes;
        self.folders = plan.folders;
        self.examples = (0..plan.items.len().min(NAMES) as u32)
            .map(|i| plan.name(i))
            .collect();
        self.take_notes(&plan.notes);
        self.take_litter(plan.litter);
    }

    fn take_download(&mut self, plan: &wherry_transfer::DownloadPlan) {
        self.files = plan.items.len() as u64;
        self.bytes = plan.bytes;
        self.folders = plan.folders.len() as u64;
        self.examples = (0..plan.items.len().min(NAMES) as u32)
            .map(|i| plan.name(i).to_owned())
            .collect();
        self.take_notes(&plan.notes);
        self.take_missing(&plan.missing);
        self.blocked = plan.blocked.as_ref().map(from_blocked);
    }

    fn take_copy(&mut self, plan: &wherry_transfer::CopyPlan) {
        self.files = plan.items.len() as u64;
        self.bytes = plan.bytes;
        self.examples = plan
            .items
            .iter()
            .take(NAMES)
            .map(|i| i.to.to_string())
            .collect();
        self.take_notes(&plan.notes);
    }

    fn take_sync(&mut self, plan: &SyncPlan) {
        match &plan.moves {
            Moves::Upload(moves) => self.take_upload(moves),
            Moves::Download(moves) => self.take_download(moves),
            Moves::Copy(moves) => self.take_copy(moves),
        }
        for example in &mut self.examples {
            *example = plan.below(example).to_owned();
        }
        let counts = &plan.counts;
        if !matches!(plan.moves, Moves::Upload(_)) {
            self.take_litter(counts.litter);
        }
        self.same = counts.same;
        self.deletes = plan.removals.len() as u64;
        self.kept = counts.kept;
        let shown = plan.removals.len().min(EXAMPLES);
        self.delete_examples = (0..shown)
            .map(|item| plan.below(plan.removals.name(item)).to_owned())
            .collect();
        if let Some(withheld) = plan.withheld {
            self.note("Deletions".into(), &withheld.to_string(), false);
        }
        if counts.unproven > 0 {
            self.note(
                count(counts.unproven, "file"),
                "could be compared by size and time only: the store's ETags of them are no hashes",
                false,
            );
        }
        if let Removals::Files(_) = plan.removals {
            self.note(
                count(self.deletes, "file"),
                "will be deleted on this computer",
                false,
            );
        }
    }

    fn take_conflicts(&mut self, plan: &Plan) {
        let conflicts = plan.conflicts();
        self.same = conflicts.iter().filter(|c| c.same).count() as u64;
        self.conflicts = conflicts.len() as u64 - self.same;
        self.conflict_examples = conflicts
            .iter()
            .filter(|c| !c.same)
            .take(EXAMPLES)
            .map(|c| plan.conflict(c))
            .collect();
    }

    fn take_notes(&mut self, notes: &[Note]) {
        for note in notes {
            self.note(
                note.name.clone(),
                &note.kind.to_string(),
                note.kind.left_out(),
            );
        }
    }

    fn take_missing(&mut self, missing: &[String]) {
        for key in missing {
            self.note(key.clone(), "left out: it is not there any more", true);
        }
    }

    fn take_litter(&mut self, litter: u64) {
        if litter > 0 {
            self.note(
                count(litter, "file"),
                "left out: what systems and editors leave behind, such as .DS_Store, Thumbs.db and ~$ files",
                true,
            );
        }
    }

    pub(super) fn note(&mut self, name: String, words: &str, left_out: bool) {
        // The badge beside it says this already.
        let words = words
            .strip_prefix("left out: ")
            .filter(|_| left_out)
            .unwrap_or(words);
        self.notes_total += 1;
        if self.notes.len() < EXAMPLES {
            self.notes.push(PlanNote {
                name,
                words: words.to_owned(),
                left_out,
            });
        }
    }
}
