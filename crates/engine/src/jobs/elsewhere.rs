//! A planned job as a command for another computer: what the plan is about, without its items, so
//! that the tool there looks for itself.

use std::path::{Path, PathBuf};

use wherry_transfer::Filter;
use wherry_transfer::elsewhere::{Errand, Spot, StoreThere, Tool, Work, Written, write};

use super::plans::last_name;
use crate::contract::{
    ElsewhereRequest, ElsewhereText, ElsewhereTool, ElsewhereView, Location, PlanWhat, Problem,
    RowKind, SaveElsewhere, SelectedKey, SyncEnd, SyncSpec,
};
use crate::engine::{Engine, lock};
use crate::names::visible;

impl Engine {
    /// What the plan is about, where one command can say it: one thing from here to there.
    pub(super) fn errand(&self, what: &PlanWhat) -> Option<Errand> {
        let only = |keys: &[SelectedKey]| match keys {
            [only] => Some(only.clone()),
            _ => None,
        };
        let (from, to, work) = match what {
            PlanWhat::Upload { to, paths } => {
                let [path] = &paths[..] else { return None };
                let path = Path::new(path);
                let name = path.file_name()?.to_str()?;
                let (end, work) = folder_or_one(path.is_dir());
                let spot = self.spot(to, format!("{}{name}{end}", to.prefix))?;
                (Spot::Path(path.to_str()?.to_owned()), spot, work)
            }
            PlanWhat::Download { selection, folder } => {
                let item = only(&self.selected(selection).ok()?)?;
                let (_, work) = folder_or_one(item.kind == RowKind::Folder);
                let to = PathBuf::from(folder).join(last_name(&item.key));
                let from = self.spot(&selection.location, item.key)?;
                (from, Spot::Path(to.to_str()?.to_owned()), work)
            }
            PlanWhat::Copy {
                selection,
                to,
                remove_originals: false,
            } => {
                let item = only(&self.selected(selection).ok()?)?;
                let (end, work) = folder_or_one(item.kind == RowKind::Folder);
                let key = format!("{}{}{end}", to.prefix, last_name(&item.key));
                let from = self.spot(&selection.location, item.key)?;
                (from, self.spot(to, key)?, work)
            }
            _ => return None,
        };
        Some(Errand {
            from,
            to,
            work,
            filter: Filter::default(),
            with_litter: false,
        })
    }

    pub(super) fn sync_errand(&self, spec: &SyncSpec, filter: Filter) -> Option<Errand> {
        let end = |end: &SyncEnd| match end {
            SyncEnd::Folder { path } => Some(Spot::Path(path.clone())),
            SyncEnd::Place { location } => {
                let prefix = &location.prefix;
                let slash = if prefix.is_empty() || prefix.ends_with('/') {
                    ""
                } else {
                    "/"
                };
                self.spot(location, format!("{prefix}{slash}"))
            }
        };
        Some(Errand {
            from: end(&spec.from)?,
            to: end(&spec.to)?,
            work: Work::Sync {
                compare: super::syncs::compare(spec.compare),
                delete: spec.delete,
            },
            filter,
            with_litter: spec.with_litter,
        })
    }

    fn spot(&self, location: &Location, key: String) -> Option<Spot> {
        let account = self.account(&location.account).ok()?;
        let preset = wherry_account::provider(&account.provider);
        Some(Spot::Store {
            store: Box::new(StoreThere::of_account(&account, preset, true)),
            bucket: location.bucket.clone(),
            key,
        })
    }

    fn written_elsewhere(&self, plan: &str, tool: ElsewhereTool) -> Result<Written, Problem> {
        let plans = lock(&self.inner.jobs.plans);
        let planned = plans.get(plan).ok_or_else(|| Problem::stale("plan"))?;
        let errand = planned.errand.as_ref().ok_or_else(|| {
            Problem::new(
                "elsewhere.cannot",
                "This is more than one command can say.",
                "Plan one file, one folder or a sync at a time.",
            )
        })?;
        let account = self.account(&planned.location.account)?;
        let cluster = wherry_account::provider(&account.provider).and_then(|p| p.cluster.clone());
        let tool = match tool {
            ElsewhereTool::Rclone => Tool::Rclone,
            ElsewhereTool::S5cmd => Tool::S5cmd,
        };
        write(errand, tool, cluster.as_ref()).map_err(|cannot| {
            Problem::new(
                "elsewhere.cannot",
                format!("{} cannot do this as Wherry does: {cannot}.", tool.name()),
                "Choose the other tool, or change what it is about.",
            )
        })
    }

    pub(crate) fn write_elsewhere(
        &self,
        request: &ElsewhereRequest,
    ) -> Result<ElsewhereView, Problem> {
        let written = self.written_elsewhere(&request.plan, request.tool)?;
        Ok(ElsewhereView {
            command: written.command,
            script: written.script,
            notes: written.notes,
        })
    }

    pub(crate) fn save_written_elsewhere(&self, save: &SaveElsewhere) -> Result<(), Problem> {
        let written = self.written_elsewhere(&save.plan, save.tool)?;
        let text = match save.what {
            ElsewhereText::Command => written.command,
            ElsewhereText::Script => written.script,
        };
        std::fs::write(&save.path, text).map_err(|e| {
            Problem::new(
                "local.not-saved",
                format!("It could not be saved: {e}."),
                "Choose another place, or make room there.",
            )
            .context("file", visible(&save.path))
        })
    }
}

fn folder_or_one(folder: bool) -> (&'static str, Work) {
    let no_clobber = false;
    if folder {
        ("/", Work::Copy { no_clobber })
    } else {
        ("", Work::One { no_clobber })
    }
}
