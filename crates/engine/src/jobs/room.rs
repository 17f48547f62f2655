//! Whether what a plan moves will fit, as far as the disk or the store says.

use wherry_transfer::Moves;

use super::Planned;
use super::plans::Plan;
use crate::contract::{PlanView, RoomView};
use crate::engine::Engine;
use crate::names::visible;
use crate::problem::size;

impl Engine {
    pub(super) async fn look_for_room(&self, planned: &Planned, view: &mut PlanView) {
        let folder = match &planned.plan {
            Plan::Download(plan) => Some(plan.folder.clone()),
            Plan::Sync(sync) => match &sync.moves {
                Moves::Download(plan) => Some(plan.folder.clone()),
                _ => None,
            },
            _ => None,
        };
        if let Some(folder) = folder {
            let at = folder.clone();
            let free = tokio::task::spawn_blocking(move || fs4::available_space(&at)).await;
            if let Ok(Ok(free)) = free {
                let of = format!("the disk of {}", visible(&folder.display().to_string()));
                view.room = Some(RoomView { free, of });
            }
            return;
        }
        let sends = match &planned.plan {
            Plan::Upload(_) | Plan::Copy(_) => true,
            Plan::Sync(sync) => !matches!(sync.moves, Moves::Download(_)),
            Plan::Download(_) | Plan::Delete(_) => false,
        };
        // What only changes its name needs no more room than it has.
        if !sends || planned.kind == crate::contract::JobKind::Rename {
            return;
        }
        let to = planned.to.as_ref().unwrap_or(&planned.location);
        let Ok(opened) = self.open(&to.account).await else {
            return;
        };
        let Ok(Some(usage)) = opened.store.usage(&to.bucket).await else {
            return;
        };
        let Some(free) = usage.free() else { return };
        view.room = Some(RoomView {
            free,
            of: format!("the quota of {}", visible(&to.bucket)),
        });
        if view.bytes > free {
            let words = format!(
                "has room for {} more, and {} are to be sent: the store may stop the transfer when it is full",
                size(free),
                size(view.bytes)
            );
            view.note("The quota".into(), &words, false);
            // Worth a look before it begins.
            view.clean = false;
        }
    }
}
