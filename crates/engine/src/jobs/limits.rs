//! How fast and how many at once: as the settings say, and at some times of the day otherwise.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{Local, Timelike};
use wherry_store::Rates;

use crate::contract::{LimitSlot, TransferSettings};
use crate::engine::Engine;

/// The schedule is in minutes.
const LOOK: Duration = Duration::from_secs(10);

/// The limits at a time of the day, in minutes since midnight.
fn rates_at(settings: &TransferSettings, minute: u32) -> Rates {
    let slot = settings.schedule.iter().find(|slot| covers(slot, minute));
    let (upload, download) = match slot {
        Some(slot) => (slot.upload_limit, slot.download_limit),
        None => (settings.upload_limit, settings.download_limit),
    };
    // Nothing at all would be a pause that nobody sees.
    let some = |limit: Option<u64>| limit.filter(|bytes| *bytes > 0);
    Rates {
        upload: some(upload),
        download: some(download),
    }
}

fn covers(slot: &LimitSlot, minute: u32) -> bool {
    let (from, until) = (u32::from(slot.from), u32::from(slot.until));
    if from <= until {
        (from..until).contains(&minute)
    } else {
        minute >= from || minute < until
    }
}

impl Engine {
    /// Puts the settings into force, for what runs too.
    pub(crate) fn apply_limits(&self) {
        let settings = self.settings_now().transfers;
        let now = self.now().with_timezone(&Local);
        let jobs = &self.inner.jobs;
        jobs.throttle
            .set(rates_at(&settings, now.hour() * 60 + now.minute()));
        jobs.files.set(settings.parallel_files);
        let slots = usize::try_from(settings.jobs_at_once).unwrap_or(1).max(1);
        jobs.slots.store(slots, Ordering::Relaxed);
    }

    /// Follows the schedule for as long as the engine is there.
    pub(super) fn watch_limits(&self) {
        self.apply_limits();
        if self.inner.jobs.limits_watched.swap(true, Ordering::Relaxed) {
            return;
        }
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                match inner.upgrade() {
                    Some(inner) => Engine { inner }.apply_limits(),
                    None => return,
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_slot_that_fits_counts() {
        let slot = |from, until, upload_limit| LimitSlot {
            from,
            until,
            upload_limit,
            download_limit: None,
        };
        let settings = TransferSettings {
            upload_limit: Some(7),
            download_limit: Some(8),
            schedule: vec![
                slot(8 * 60, 18 * 60, Some(1)),
                slot(22 * 60, 6 * 60, None),
                slot(0, 24 * 60, Some(0)),
            ],
            ..TransferSettings::default()
        };
        let upload = |minute| rates_at(&settings, minute).upload;
        assert_eq!((upload(8 * 60), upload(18 * 60 - 1)), (Some(1), Some(1)));
        assert_eq!(rates_at(&settings, 8 * 60).download, None);
        for night in [22 * 60, 0, 6 * 60 - 1] {
            assert_eq!(rates_at(&settings, night), Rates::default());
        }
        assert_eq!(upload(7 * 60), None, "nought is no limit");
        let plain = TransferSettings {
            schedule: settings.schedule[..2].to_vec(),
            ..settings
        };
        let at_seven = rates_at(&plain, 7 * 60);
        assert_eq!((at_seven.upload, at_seven.download), (Some(7), Some(8)));
    }
}
