//! From what the user wants to a plan that can be shown.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio_util::sync::CancellationToken;
use wherry_account::Account;
use wherry_store::ObjectStore;
use wherry_transfer::{
    Conflict, CopyPlan, CopyRequest, DeletePlan, DownloadPlan, DownloadRequest, DownloadSource,
    Note, UploadPlan, UploadRequest, UploadSource, Watch,
};

use super::Planned;
use crate::contract::{
    ConflictView, Event, JobKind, Location, PlanNote, PlanRequest, PlanView, PlanWhat, Problem,
    RowKind, SelectedKey, Selection,
};
use crate::engine::{Engine, Opened, lock};
use crate::names::visible;
use crate::problem::{from_blocked, from_plan_error, from_store};

/// What is shown of long lists; the totals are told beside them.
const EXAMPLES: usize = 100;
/// Up to here a plan without surprises runs without being shown.
const SMALL_FILES: u64 = 100;
const SMALL_BYTES: u64 = 1 << 30;
/// Planning tells how far it is not more often than this.
const TELL_EVERY_MS: i64 = 150;
/// Dragging out fetches first; more than this is for the download button.
const STAGE_BYTES: u64 = 2 << 30;
const STAGE_FILES: u64 = 5_000;

/// A plan of one of the kinds there are.
pub(crate) enum Plan {
    Upload(UploadPlan),
    Download(DownloadPlan),
    Delete(DeletePlan),
    Copy(CopyPlan),
}

impl Engine {
    pub(crate) async fn make_plan(&self, request: PlanRequest) -> Result<PlanView, Problem> {
        let cancel = CancellationToken::new();
        self.inner.jobs.planning(&request.ticket, &cancel);
        let result = self.plan_it(&request, cancel).await;
        self.inner.jobs.cancel_planning(&request.ticket);
        result
    }

    fn watch(&self, ticket: &str, cancel: CancellationToken) -> Watch {
        let (events, ticket, told) = (
            self.inner.events.clone(),
            ticket.to_owned(),
            AtomicI64::new(0),
        );
        Watch::new(cancel, move |files, bytes| {
            let now = chrono::Utc::now().timestamp_millis();
            if now - told.load(Ordering::Relaxed) >= TELL_EVERY_MS {
                told.store(now, Ordering::Relaxed);
                let ticket = ticket.clone();
                events.tell(Event::Planning {
                    ticket,
                    files,
                    bytes,
                });
            }
        })
    }

    async fn plan_it(
        &self,
        request: &PlanRequest,
        cancel: CancellationToken,
    ) -> Result<PlanView, Problem> {
        let watch = self.watch(&request.ticket, cancel);
        let location = match &request.what {
            PlanWhat::Upload { to, .. } => to.clone(),
            PlanWhat::Rename { location, .. } => location.clone(),
            PlanWhat::Download { selection, .. }
            | PlanWhat::Delete { selection }
            | PlanWhat::Copy { selection, .. }
            | PlanWhat::Stage { selection } => selection.location.clone(),
            PlanWhat::Sync { .. } | PlanWhat::SavedSync { .. } => {
                return Err(Problem::stale("plan"));
            }
        };
        let Opened { account, store } = self.open(&location.account).await?;
        let store: Arc<dyn ObjectStore> = Arc::new(store);
        let mut about = self.about(&account);
        about.bucket = Some(location.bucket.clone());
        let failed = |e| from_plan_error(&e, &about);
        let bucket = location.bucket.clone();
        let (kind, title, plan) = match &request.what {
            PlanWhat::Upload { to, paths } => {
                let sources = paths
                    .iter()
                    .map(|p| UploadSource::from(PathBuf::from(p)))
                    .collect();
                let wish = UploadRequest {
                    bucket,
                    prefix: to.prefix.clone(),
                    sources,
                    with_litter: false,
                    empty_folders: true,
                    look_there: true,
                };
                let plan = UploadPlan::make(&store, wish, &watch)
                    .await
                    .map_err(failed)?;
                let files = plan.items.iter().filter(|i| !i.folder).count() as u64;
                let title = format!("Upload {} to {}", count(files, "file"), place(&location));
                (JobKind::Upload, title, Plan::Upload(plan))
            }
            PlanWhat::Download { selection, folder } => {
                let plan = self
                    .plan_download(&store, selection, PathBuf::from(folder), &watch)
                    .await?
                    .map_err(failed)?;
                let title = format!(
                    "Download {} from {}",
                    count(plan.items.len() as u64, "object"),
                    place(&location)
                );
                (JobKind::Download, title, Plan::Download(plan))
            }
            PlanWhat::Stage { selection } => {
                let folder = self.staging_folder()?;
                let plan = self
                    .plan_download(&store, selection, folder, &watch)
                    .await?
                    .map_err(failed)?;
                let title = format!(
                    "Fetch {} to drag out",
                    count(plan.items.len() as u64, "object")
                );
                (JobKind::Stage, title, Plan::Download(plan))
            }
            PlanWhat::Delete { selection } => {
                let (objects, prefixes) = split(self.selected(selection)?);
                let plan = DeletePlan::make(&store, &bucket, objects, prefixes, &watch)
                    .await
                    .map_err(failed)?;
                let title = format!(
                    "Delete {} from {}",
                    count(plan.keys.len() as u64, "object"),
                    place(&location)
                );
                (JobKind::Delete, title, Plan::Delete(plan))
            }
            PlanWhat::Copy { .. } | PlanWhat::Sync { .. } | PlanWhat::SavedSync { .. } => {
                return Err(Problem::stale("plan"));
            }
            PlanWhat::Rename {
                location,
                item,
                name,
            } => {
                let wish = rename(location, item, name)?;
                let title = format!(
                    "Rename “{}” to “{}”",
                    visible(last_name(&item.key)),
                    visible(name.trim())
                );
                let plan = CopyPlan::make(&store, wish, &watch).await.map_err(failed)?;
                (JobKind::Rename, title, Plan::Copy(plan))
            }
        };
        let id = uuid::Uuid::new_v4().simple().to_string();
        let view = self.view_plan(&id, kind, &title, &plan, &account);
        let planned = Planned {
            kind,
            title,
            plan,
            location,
            store,
        };
        self.inner.jobs.keep_plan(id, planned);
        Ok(view)
    }

    /// The outer error is about the selection, the inner one about the plan.
    async fn plan_download(
        &self,
        store: &Arc<dyn ObjectStore>,
        selection: &Selection,
        folder: PathBuf,
        watch: &Watch,
    ) -> Result<Result<DownloadPlan, wherry_transfer::PlanError>, Problem> {
        let sources = self
            .selected(selection)?
            .into_iter()
            .map(|item| match item.kind {
                RowKind::Folder => DownloadSource::Folder { prefix: item.key },
                RowKind::Object | RowKind::Marker => DownloadSource::Object {
                    key: item.key,
                    save_as: None,
                },
            })
            .collect();
        let wish = DownloadRequest {
            bucket: selection.location.bucket.clone(),
            sources,
            folder,
            look_there: true,
        };
        Ok(DownloadPlan::make(store, wish, watch).await)
    }

    /// The rows a selection means.
    fn selected(&self, selection: &Selection) -> Result<Vec<SelectedKey>, Problem> {
        let Some(all) = &selection.all_of else {
            return Ok(selection.keys.clone());
        };
        let listing = self.listing(&all.listing)?;
        if listing.location != selection.location {
            return Err(Problem::stale("selection"));
        }
        Ok(listing.range(&all.look, 0, usize::MAX))
    }

    /// A new folder of its own for each drag: names in it cannot clash.
    fn staging_folder(&self) -> Result<PathBuf, Problem> {
        let folder = self
            .home()
            .staging()
            .join(uuid::Uuid::new_v4().simple().to_string());
        std::fs::create_dir_all(&folder).map_err(|e| {
            Problem::new(
                "local.staging",
                format!("The folder for dragging files out cannot be made: {e}."),
                "Make sure the disk has room, or use Download instead.",
            )
            .context("folder", folder.display())
        })?;
        Ok(folder)
    }

    fn view_plan(
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
            delete_examples: Vec::new(),
            room: None,
            elsewhere: false,
            blocked: None,
            clean: false,
        };
        match plan {
            Plan::Upload(plan) => {
                view.files = plan.items.iter().filter(|i| !i.folder).count() as u64;
                view.bytes = plan.bytes;
                view.folders = plan.folders;
                view.examples = (0..plan.items.len().min(8) as u32)
                    .map(|i| plan.name(i))
                    .collect();
                view.take_conflicts(&plan.conflicts, |item| {
                    let here = plan.items.get(item as usize);
                    let sizes = here.map_or((0, None), |i| (i.size, Some(i.modified)));
                    (plan.name(item), sizes.0, sizes.1)
                });
                view.take_notes(&plan.notes);
                if plan.litter > 0 {
                    view.note(
                        count(plan.litter, "file"),
                        "left out: what systems and editors leave behind, such as .DS_Store, Thumbs.db and ~$ files",
                        true,
                    );
                }
                if let Some(error) = &plan.unseen {
                    let words = from_store(error, &self.about(account)).what;
                    view.note(
                        "The destination".into(),
                        &format!("cannot be looked at, so what is there may be replaced. {words}"),
                        false,
                    );
                }
            }
            Plan::Download(plan) => {
                view.files = plan.items.len() as u64;
                view.bytes = plan.bytes;
                view.folders = plan.folders.len() as u64;
                view.examples = (0..plan.items.len().min(8) as u32)
                    .map(|i| plan.name(i).to_owned())
                    .collect();
                view.take_conflicts(&plan.conflicts, |item| {
                    let there = plan.items.get(item as usize);
                    let sizes = there.map_or((0, None), |i| (i.size, i.modified));
                    (plan.name(item).to_owned(), sizes.0, sizes.1)
                });
                view.take_notes(&plan.notes);
                view.take_missing(&plan.missing);
                view.blocked = plan.blocked.as_ref().map(from_blocked);
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
                view.examples = plan.keys.iter().take(8).map(ToString::to_string).collect();
                view.take_missing(&plan.missing);
            }
            Plan::Copy(plan) => {
                view.files = plan.items.len() as u64;
                view.bytes = plan.bytes;
                view.examples = plan
                    .items
                    .iter()
                    .take(8)
                    .map(|i| i.to.to_string())
                    .collect();
                view.take_conflicts(&plan.conflicts, |item| {
                    let here = plan.items.get(item as usize);
                    here.map_or((String::new(), 0, None), |i| {
                        (i.to.to_string(), i.size, None)
                    })
                });
                view.take_notes(&plan.notes);
            }
        }
        view.clean = matches!(kind, JobKind::Upload | JobKind::Download | JobKind::Stage)
            && view.blocked.is_none()
            && view.conflicts == 0
            && view.same == 0
            && view.notes_total == 0
            && view.files <= SMALL_FILES
            && view.bytes <= SMALL_BYTES;
        view
    }
}

impl PlanView {
    fn take_conflicts(
        &mut self,
        conflicts: &[Conflict],
        here: impl Fn(u32) -> (String, u64, Option<i64>),
    ) {
        self.same = conflicts.iter().filter(|c| c.same).count() as u64;
        self.conflicts = conflicts.len() as u64 - self.same;
        self.conflict_examples = conflicts
            .iter()
            .filter(|c| !c.same)
            .take(EXAMPLES)
            .map(|c| {
                let (name, here_size, here_modified) = here(c.item);
                ConflictView {
                    item: c.item,
                    name,
                    here_size,
                    here_modified,
                    there_size: c.size,
                    there_modified: c.modified.map(|t| t.timestamp_millis()),
                }
            })
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

    fn note(&mut self, name: String, words: &str, left_out: bool) {
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

/// Keys of objects, and prefixes of folders.
fn split(items: Vec<SelectedKey>) -> (Vec<String>, Vec<String>) {
    let (folders, objects): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|i| i.kind == RowKind::Folder);
    let keys = |items: Vec<SelectedKey>| items.into_iter().map(|i| i.key).collect();
    (keys(objects), keys(folders))
}

fn rename(location: &Location, item: &SelectedKey, name: &str) -> Result<CopyRequest, Problem> {
    let name = name.trim();
    let refused = |what: &str| {
        Problem::new("browse.name", what, "Choose another name.").context("field", "name")
    };
    if name.is_empty() {
        return Err(refused("The new name is empty."));
    }
    if name.contains('/') {
        return Err(refused(
            "A name cannot have a slash in it, as slashes separate folders.",
        ));
    }
    if name == "." || name == ".." || name.chars().any(char::is_control) {
        return Err(refused("That cannot be a name."));
    }
    let slash = if item.kind == RowKind::Folder {
        "/"
    } else {
        ""
    };
    let to = format!("{}{name}{slash}", location.prefix);
    if to == item.key {
        return Err(refused("That is the name it has."));
    }
    Ok(CopyRequest {
        from_bucket: location.bucket.clone(),
        from: item.key.clone(),
        to_bucket: location.bucket.clone(),
        to,
        remove_originals: true,
    })
}

fn last_name(key: &str) -> &str {
    let key = key.strip_suffix('/').unwrap_or(key);
    key.rsplit('/').next().unwrap_or(key)
}

fn place(location: &Location) -> String {
    visible(&format!("{}/{}", location.bucket, location.prefix))
}

/// "1 file", "12,000 files".
pub(super) fn count(n: u64, what: &str) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} {what}{}", if n == 1 { "" } else { "s" })
}

/// Staged files of earlier runs: nobody can be dragging them any more.
pub(crate) fn clear_staging(engine: &Engine) {
    let folder = engine.home().staging();
    if let Err(error) = std::fs::remove_dir_all(&folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "old staged files could not be removed");
    }
}

/// Folders of these keys whose listings a job may have changed.
pub(super) fn touched(plan: &Plan, location: &Location) -> Vec<Location> {
    let mut prefixes = HashSet::from([location.prefix.clone()]);
    if let Plan::Copy(copy) = plan {
        for item in copy.items.iter().take(EXAMPLES) {
            let folder = item.to.rfind('/').map_or("", |at| &item.to[..=at]);
            prefixes.insert(folder.to_owned());
        }
    }
    prefixes
        .into_iter()
        .map(|prefix| Location {
            prefix,
            ..location.clone()
        })
        .collect()
}

/// Drops what is known under a ticket or an id.
pub(super) fn drop_from<T>(
    map: &std::sync::Mutex<std::collections::HashMap<String, T>>,
    id: &str,
) -> Option<T> {
    lock(map).remove(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_well() {
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(0, "file"), "0 files");
        assert_eq!(count(1_234_567, "object"), "1,234,567 objects");
    }

    #[test]
    fn renaming_stays_in_its_folder() {
        let location = Location {
            account: "a".into(),
            bucket: "b".into(),
            prefix: "p/".into(),
        };
        let folder = SelectedKey {
            kind: RowKind::Folder,
            key: "p/old/".into(),
        };
        let wish = rename(&location, &folder, " new ").expect("is fine");
        assert_eq!((wish.from.as_str(), wish.to.as_str()), ("p/old/", "p/new/"));
        for bad in ["", "a/b", "..", "a\nb", "old"] {
            assert!(rename(&location, &folder, bad).is_err(), "{bad:?}");
        }
    }
}
