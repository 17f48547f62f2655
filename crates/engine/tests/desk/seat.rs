//! An engine in a home of its own, and the few things every test does with one.
//!
//! Everything goes through [`Desk`], as it does from the window. Waiting is for events, never for
//! time to pass.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use tempfile::TempDir;
use wherry_account::Home;
use wherry_engine::Engine;
use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_vault::VaultKind;

/// More than any of these tests needs for one step; a step that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Seat {
    pub engine: Engine,
    pub home: TempDir,
}

impl Seat {
    /// Secrets in memory only.
    pub fn new() -> Self {
        Self::with(VaultKind::Session)
    }

    pub fn with(vault: VaultKind) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let engine = Engine::new(Home::at(home.path().join("wherry")), Some(vault));
        Self { engine, home }
    }

    /// Secrets in memory, and time as the test has it.
    pub fn with_clock(clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let place = Home::at(home.path().join("wherry"));
        let engine = Engine::with_clock(place, Some(VaultKind::Session), clock);
        Self { engine, home }
    }

    /// A folder beside Wherry's own, with these files.
    pub fn files(&self, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let folder = self.home.path().join(name);
        for (path, bytes) in files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("is in a folder")).expect("makes it");
            std::fs::write(path, bytes).expect("writes");
        }
        folder
    }

    pub async fn account(&self, id: &str) -> AccountView {
        let all = self.engine.accounts().await.expect("lists accounts");
        all.into_iter().find(|a| a.id == id).expect("is an account")
    }

    /// Plans, asserts that nothing stands in the way, runs, and waits for the end.
    pub async fn does(&self, what: PlanWhat) -> JobView {
        let plan = self.plan(what).await.expect("a plan");
        assert!(plan.blocked.is_none(), "{:?}", plan.blocked);
        self.runs(&plan, OnConflict::Skip).await
    }

    pub async fn plan(&self, what: PlanWhat) -> Result<PlanView, Problem> {
        let ticket = format!("{what:?}");
        self.engine.plan(PlanRequest { ticket, what }).await
    }

    pub async fn runs(&self, plan: &PlanView, on_conflict: OnConflict) -> JobView {
        let mut events = self.engine.events().listen();
        let request = run_request(plan, on_conflict);
        let job = self.engine.run_plan(request).await.expect("runs");
        let ended = async {
            while let Some(event) = events.next().await {
                if let Event::Jobs { jobs } = event
                    && let Some(job) = jobs
                        .into_iter()
                        .find(|j| j.id == job.id && j.ended.is_some())
                {
                    return job;
                }
            }
            panic!("the engine is gone");
        };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("the job ends")
    }

    /// The failed files of a job: name and problem.
    pub async fn failures(&self, job: &JobView) -> Vec<(String, Problem)> {
        let request = FilesRequest {
            job: job.id.clone(),
            from: 0,
            count: 100,
            only_failed: true,
        };
        let files = self.engine.files(request).await.expect("lists files").files;
        files
            .into_iter()
            .filter_map(|f| f.problem.map(|p| (f.name, p)))
            .collect()
    }

    /// Lists a folder to its end.
    pub async fn lists(&self, location: &Location) -> Result<Vec<Row>, Problem> {
        let mut events = self.engine.events().listen();
        let mut view = self.engine.open_listing(location.clone()).await?;
        let ended = async {
            while !view.complete && view.problem.is_none() {
                match events.next().await.expect("the engine lives") {
                    Event::Listing { listing } if listing.id == view.id => view = listing,
                    _ => {}
                }
            }
            view
        };
        let view = tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("the listing ends");
        if let Some(problem) = view.problem {
            return Err(problem);
        }
        let request = RowsRequest {
            listing: view.id,
            look: LookAt::default(),
            from: 0,
            count: 500,
        };
        Ok(self.engine.rows(request).await?.rows)
    }

    pub async fn names(&self, location: &Location) -> Vec<String> {
        self.lists(location)
            .await
            .expect("lists")
            .into_iter()
            .map(|row| row.name)
            .collect()
    }
}

pub fn place(account: &str, bucket: &str, prefix: &str) -> Location {
    Location {
        account: account.to_owned(),
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
    }
}

pub fn bucket(account: &str, bucket: &str) -> BucketRef {
    BucketRef {
        account: account.to_owned(),
        bucket: bucket.to_owned(),
    }
}

/// Rows, as an action is given them.
pub fn selection(location: &Location, rows: &[Row]) -> Selection {
    let keys = rows.iter().map(|row| SelectedKey {
        kind: row.kind,
        key: row.key.clone(),
    });
    Selection {
        location: location.clone(),
        keys: keys.collect(),
        all_of: None,
    }
}

pub fn typed(text: &str) -> Typed {
    SecretString::from(text.to_owned()).into()
}

/// The form for a key one has.
pub fn form(name: &str, endpoint: &str, access_key_id: &str, secret: &str) -> AccountForm {
    AccountForm {
        name: name.into(),
        provider: "other".into(),
        endpoint_index: None,
        fields: BTreeMap::new(),
        endpoint: Some(endpoint.into()),
        region: None,
        signing: None,
        addressing: None,
        access_key_id: access_key_id.into(),
        secret: (!secret.is_empty()).then(|| typed(secret)),
        session_token: None,
        ca_file: None,
        proxy: None,
        expires: None,
        editing: None,
    }
}

/// Every regular file below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.flatten() {
        let kind = entry.file_type().expect("has a type");
        if kind.is_dir() {
            found.extend(files_below(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}

/// The files below a folder that hold this word, plainly or as hex, UTF-16 or in a URL.
pub fn files_with(word: &str, folder: &Path) -> Vec<PathBuf> {
    assert!(word.len() >= 6, "too short to be looked for: {word}");
    let utf16: String = word.chars().flat_map(|c| [c, '\0']).collect();
    let hex = word.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let url =
        percent_encoding::utf8_percent_encode(word, percent_encoding::NON_ALPHANUMERIC).to_string();
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        [word, &utf16, &hex, &url]
            .iter()
            .any(|spelling| text.contains(*spelling))
    };
    files_below(folder).into_iter().filter(holds).collect()
}

/// One answer for all of a plan.
pub fn run_request(plan: &PlanView, on_conflict: OnConflict) -> RunRequest {
    RunRequest {
        plan: plan.id.clone(),
        on_conflict,
        include_same: false,
        each: Vec::new(),
        left_out: LeftOut::default(),
    }
}

/// Runs one of the ignored tests of this binary in a process of its own; `command` starts the binary.
pub fn passes_alone(mut command: Command, test: &str) {
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    let done = command.arg("--test-threads=1").output().expect("starts");
    let (out, err) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(
        done.status.success() && out.contains("1 passed"),
        "{out}\n{err}"
    );
}
