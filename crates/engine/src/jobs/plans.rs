//! From what the user wants to a plan that can be shown.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::StreamExt;
use tokio_util::sync::CancellationToken;
use wherry_store::ObjectStore;
use wherry_transfer::{
    CopyPlan, CopyRequest, DeletePlan, DownloadPlan, DownloadRequest, DownloadSource, Moves,
    Removals, SyncPlan, UploadPlan, UploadRequest, UploadSource, Watch,
};

use super::Planned;
use super::titles::{file_name, only_name};
use crate::contract::{
    Event, JobKind, Location, PlanRequest, PlanView, PlanWhat, Problem, RowKind, SelectedKey,
    Selection,
};
use crate::engine::{Engine, Opened, lock};
use crate::names::visible;
use crate::problem::from_plan_error;

/// What is shown of long lists; the totals are told beside them.
pub(super) const EXAMPLES: usize = 100;
/// Up to here a plan without surprises runs without being shown.
pub(super) const SMALL_FILES: u64 = 100;
pub(super) const SMALL_BYTES: u64 = 1 << 30;
/// Chosen objects and folders that are looked at at once.
const PLANNED_AT_ONCE: usize = 16;
/// Planning tells how far it is not more often than this.
const TELL_EVERY_MS: i64 = 150;

/// A plan of one of the kinds there are.
pub(crate) enum Plan {
    Upload(UploadPlan),
    Download(DownloadPlan),
    Delete(DeletePlan),
    Copy(CopyPlan),
    Sync(Box<SyncPlan>),
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
        let mut planned = match &request.what {
            PlanWhat::Sync { sync } => self.plan_sync(sync, None, &watch).await?,
            PlanWhat::SavedSync { id } => {
                let (id, sync) = self.saved_sync(id).await?;
                self.plan_sync(&sync, Some(id), &watch).await?
            }
            PlanWhat::Copy {
                selection,
                to,
                remove_originals,
            } => {
                self.plan_copy(selection, to, *remove_originals, &watch)
                    .await?
            }
            other => self.plan_here(other, &watch).await?,
        };
        if planned.errand.is_none() {
            planned.errand = self.errand(&request.what);
        }
        let account = self.account(&planned.location.account)?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let mut view = self.view_plan(&id, planned.kind, &planned.title, &planned.plan, &account);
        view.elsewhere = planned.errand.is_some();
        self.look_for_room(&planned, &mut view).await;
        self.inner.jobs.keep_plan(id, planned);
        Ok(view)
    }

    /// Plans that need one place at a store.
    async fn plan_here(&self, what: &PlanWhat, watch: &Watch) -> Result<Planned, Problem> {
        let location = match what {
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
        let (kind, title, plan) = match what {
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
                let plan = UploadPlan::make(&store, wish, watch)
                    .await
                    .map_err(failed)?;
                let files = plan.items.iter().filter(|i| !i.folder).count() as u64;
                let names = paths.iter().map(|path| file_name(path));
                let what = only_name(names).unwrap_or_else(|| count(files, "file"));
                let title = format!("Upload {what} to {}", place(&location));
                (JobKind::Upload, title, Plan::Upload(plan))
            }
            PlanWhat::Download { selection, folder } => {
                let plan = self
                    .plan_download(&store, selection, PathBuf::from(folder), watch)
                    .await?
                    .map_err(failed)?;
                let what = self.named(selection, plan.items.len())?;
                let title = format!("Download {what} from {}", place(&location));
                (JobKind::Download, title, Plan::Download(plan))
            }
            PlanWhat::Stage { selection } => {
                let folder = self.staging_folder()?;
                let plan = self
                    .plan_download(&store, selection, folder, watch)
                    .await?
                    .map_err(failed)?;
                let what = self.named(selection, plan.items.len())?;
                let title = format!("Fetch {what} to drag out");
                (JobKind::Stage, title, Plan::Download(plan))
            }
            PlanWhat::Delete { selection } => {
                let (objects, prefixes) = split(self.selected(selection)?);
                let plan = DeletePlan::make(&store, &bucket, objects, prefixes, watch)
                    .await
                    .map_err(failed)?;
                let what = self.named(selection, plan.keys.len())?;
                let title = format!("Delete {what} from {}", place(&location));
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
                let plan = CopyPlan::make(&store, wish, watch).await.map_err(failed)?;
                (JobKind::Rename, title, Plan::Copy(plan))
            }
        };
        Ok(Planned {
            kind,
            title,
            plan,
            location,
            to: None,
            saved: None,
            errand: None,
        })
    }

    /// Objects and folders of one place into a folder of another.
    async fn plan_copy(
        &self,
        selection: &Selection,
        to: &Location,
        remove_originals: bool,
        watch: &Watch,
    ) -> Result<Planned, Problem> {
        let location = selection.location.clone();
        let from = self.open(&location.account).await?;
        let into = self.open(&to.account).await?;
        let (from_store, to_store): (Arc<dyn ObjectStore>, Arc<dyn ObjectStore>) =
            (Arc::new(from.store), Arc::new(into.store));
        let within = location.account == to.account;
        let mut about = self.about(&from.account);
        about.bucket = Some(location.bucket.clone());
        let mut plan: Option<CopyPlan> = None;
        let items = self.selected(selection)?;
        let only = only_name(items.iter().map(|item| last_name(&item.key)));
        let from_bucket = location.bucket.clone();
        let plans = futures::stream::iter(items.into_iter().map(|item| {
            let slash = if item.kind == RowKind::Folder {
                "/"
            } else {
                ""
            };
            let wish = CopyRequest {
                from_bucket: from_bucket.clone(),
                to: format!("{}{}{slash}", to.prefix, last_name(&item.key)),
                from: item.key,
                to_bucket: to.bucket.clone(),
                remove_originals,
            };
            let (from, to) = (Arc::clone(&from_store), Arc::clone(&to_store));
            let watch = watch.clone();
            async move {
                if within {
                    CopyPlan::make(&from, wish, &watch).await
                } else {
                    CopyPlan::between(&from, &to, wish, &watch).await
                }
            }
        }))
        .buffered(PLANNED_AT_ONCE);
        futures::pin_mut!(plans);
        while let Some(more) = plans.next().await {
            let more = more.map_err(|e| from_plan_error(&e, &about))?;
            match &mut plan {
                Some(plan) => join(plan, more),
                None => plan = Some(more),
            }
        }
        let plan = plan.ok_or_else(|| Problem::stale("selection"))?;
        let kind = if remove_originals {
            JobKind::Move
        } else {
            JobKind::Copy
        };
        let verb = if remove_originals { "Move" } else { "Copy" };
        let what = only.unwrap_or_else(|| count(plan.items.len() as u64, "object"));
        let title = format!("{verb} {what} from {} to {}", place(&location), place(to));
        Ok(Planned {
            kind,
            title,
            plan: Plan::Copy(plan),
            location,
            to: Some(to.clone()),
            saved: None,
            errand: None,
        })
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

    /// A selection as a title calls it: the one thing it is of, else how many `objects` that makes.
    fn named(&self, selection: &Selection, objects: usize) -> Result<String, Problem> {
        let items = self.selected(selection)?;
        let only = only_name(items.iter().map(|item| last_name(&item.key)));
        Ok(only.unwrap_or_else(|| count(objects as u64, "object")))
    }

    /// The rows a selection means.
    pub(super) fn selected(&self, selection: &Selection) -> Result<Vec<SelectedKey>, Problem> {
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

pub(super) fn last_name(key: &str) -> &str {
    let key = key.strip_suffix('/').unwrap_or(key);
    key.rsplit('/').next().unwrap_or(key)
}

pub(super) fn place(location: &Location) -> String {
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

/// Two plans of copies between the same places as one.
fn join(plan: &mut CopyPlan, more: CopyPlan) {
    let first = plan.items.len() as u32;
    plan.items.extend(more.items);
    plan.conflicts
        .extend(more.conflicts.into_iter().map(|mut conflict| {
            conflict.item += first;
            conflict
        }));
    plan.notes.extend(more.notes);
    plan.bytes += more.bytes;
    plan.unseen = plan.unseen.take().or(more.unseen);
}

/// Folders whose listings a job may change.
pub(super) fn touched(planned: &Planned) -> Vec<Location> {
    let mut touched = HashSet::new();
    let location = &planned.location;
    match (planned.kind, &planned.to) {
        (JobKind::Download | JobKind::Stage | JobKind::Verify, _) => {}
        (JobKind::Copy, Some(to)) => {
            touched.insert(to.clone());
        }
        (_, to) => {
            touched.insert(location.clone());
            touched.extend(to.clone());
        }
    }
    match &planned.plan {
        // A rename goes to a folder that the location does not say.
        Plan::Copy(copy) if planned.to.is_none() => {
            for item in copy.items.iter().take(EXAMPLES) {
                let prefix = item.to.rfind('/').map_or("", |at| &item.to[..=at]);
                touched.insert(Location {
                    prefix: prefix.to_owned(),
                    ..location.clone()
                });
            }
        }
        Plan::Sync(sync)
            if matches!(sync.moves, Moves::Download(_))
                && !matches!(sync.removals, Removals::Objects(_)) =>
        {
            touched.clear();
        }
        _ => {}
    }
    touched.into_iter().collect()
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
