//! Keys that run out: the user is told 7, 3 and 1 days before, once each, and when it has happened.

use chrono::{DateTime, TimeDelta, Utc};
use wherry_account::{Account, KeyFacts};

use super::capabilities;
use crate::contract::{Event, Problem};
use crate::engine::Engine;

/// In days before the end.
const STAGES: [i64; 4] = [7, 3, 1, 0];

/// A key that stops working soon, or has, in words for a desktop notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiryNotice {
    pub account: String,
    pub title: String,
    pub words: String,
    /// What a button beside it would say; none where Wherry cannot make a key.
    pub remedy: Option<&'static str>,
}

impl Engine {
    /// What the user has not been told yet; from now on it counts as told.
    pub fn expiry_notices(&self, now: DateTime<Utc>) -> Result<Vec<ExpiryNotice>, Problem> {
        let mut notices = Vec::new();
        for account in self.inner.accounts.list()? {
            let Some(stage) = due(&account.key, now) else {
                continue;
            };
            if self.is_lent(&account) {
                continue;
            }
            self.inner
                .accounts
                .update(&account.id, |a| a.key.told_days_left = Some(stage))?;
            notices.push(notice(&account, now));
        }
        Ok(notices)
    }

    /// The window shows the keys of this account; the user has asked for it outside.
    pub fn show_keys(&self, account: String) {
        self.inner.events.tell_surely(Event::ShowKeys { account });
    }

    /// Whether its key comes for a while and is renewed by Wherry.
    pub(crate) fn is_lent(&self, account: &Account) -> bool {
        capabilities(account).is_some_and(|can| can.lent)
    }
}

/// The stage a key is at, if the user was not told of it yet.
fn due(key: &KeyFacts, now: DateTime<Utc>) -> Option<i64> {
    if key.deleted.is_some() {
        return None;
    }
    let left = key.expires? - now;
    let stage = STAGES
        .into_iter()
        .filter(|days| left <= TimeDelta::days(*days))
        .min()?;
    key.told_days_left
        .is_none_or(|told| stage < told)
        .then_some(stage)
}

fn notice(account: &Account, now: DateTime<Utc>) -> ExpiryNotice {
    let left = account.key.expires.map_or(TimeDelta::zero(), |t| t - now);
    let days = left.num_days();
    let when = if left <= TimeDelta::zero() {
        "has expired".to_owned()
    } else {
        match days {
            0 => "expires today".to_owned(),
            1 => "expires tomorrow".to_owned(),
            days => format!("expires in {days} days"),
        }
    };
    let todo = match (left <= TimeDelta::zero(), account.issuer.is_some()) {
        (true, true) => "Open Wherry to make a new one.",
        (true, false) => "Get a new one where you got this one, and enter it in Wherry.",
        (false, true) => "Rotate it in Wherry, so that nothing stops.",
        (false, false) => "Get a new one where you got this one, before it stops working.",
    };
    ExpiryNotice {
        account: account.id.to_string(),
        title: format!("The key of “{}” {when}", account.name),
        words: todo.to_owned(),
        remedy: account.issuer.is_some().then_some("Rotate the key…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Promise: Of a key that runs out the user is told 7, 3 and 1 days before, once each, and when it has
    // happened.
    #[test]
    fn each_stage_is_told_once() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let mut key = KeyFacts {
            expires: Some(now + TimeDelta::days(30)),
            ..KeyFacts::default()
        };
        let mut told = Vec::new();
        // Looked at every six hours, as a window that stays open does.
        for hours in (0..24 * 32).step_by(6) {
            let later = now + TimeDelta::hours(hours);
            if let Some(stage) = due(&key, later) {
                told.push((hours / 24, stage));
                key.told_days_left = Some(stage);
            }
        }
        assert_eq!(told, [(23, 7), (27, 3), (29, 1), (30, 0)]);
    }

    #[test]
    fn somebody_who_was_away_is_told_of_the_latest_stage_alone() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let mut key = KeyFacts {
            expires: Some(now + TimeDelta::days(2)),
            ..KeyFacts::default()
        };
        assert_eq!(due(&key, now), Some(3));
        key.told_days_left = Some(3);
        assert_eq!(due(&key, now), None);
        assert_eq!(due(&key, now + TimeDelta::days(5)), Some(0));
        key.deleted = Some(now);
        assert_eq!(
            due(&key, now + TimeDelta::days(5)),
            None,
            "a deleted key is no news"
        );
    }
}
