//! Where an account's key comes from and how it is, in words.

use chrono::{DateTime, Utc};
use wherry_account::{Account, KeyFacts};
use wherry_vault::VaultKind;

use crate::contract::{KeySource, KeyState};
use crate::engine::{AccountFacts, Verdict};

pub(super) fn source(account: &Account) -> KeySource {
    if account.is_practice() {
        return KeySource::Practice;
    }
    account
        .issuer
        .as_ref()
        .map_or(KeySource::Typed, |link| link.kind.into())
}

/// The state of a key, and the same in words.
pub(super) fn key_state(
    key: &KeyFacts,
    verdict: Option<Verdict>,
    now: DateTime<Utc>,
) -> (KeyState, String) {
    if key.deleted.is_some() {
        return match verdict {
            Some(Verdict::Refused) => (
                KeyState::Refused,
                "This key was deleted, and the store no longer accepts it. Make a new one.".into(),
            ),
            _ => (
                KeyState::DeletedAtPortal,
                "This key is deleted at its portal. The store may honour it for some minutes yet."
                    .into(),
            ),
        };
    }
    if let Some(expires) = key.expires {
        let left = expires - now;
        if left <= chrono::TimeDelta::zero() {
            return (
                KeyState::Expired,
                format!("expired on {}", expires.format("%-d %B %Y")),
            );
        }
        if verdict.is_none() && left <= chrono::TimeDelta::days(14) {
            let words = match left.num_days() {
                0 => "expires today".to_owned(),
                1 => "expires tomorrow".to_owned(),
                days => format!("expires in {days} days"),
            };
            return (KeyState::Expiring, words);
        }
    }
    match verdict {
        Some(Verdict::Refused) => (KeyState::Refused, "The store refuses this key.".into()),
        Some(Verdict::SecretMissing) => (
            KeyState::SecretMissing,
            "Its secret is to be entered.".into(),
        ),
        None => match key.expires {
            Some(expires) => (
                KeyState::Fine,
                format!("expires on {}", expires.format("%-d %B %Y")),
            ),
            None => (
                KeyState::Fine,
                "does not expire, as far as Wherry knows".into(),
            ),
        },
    }
}

/// Where secrets go, as a phrase that follows "it is now".
pub(crate) fn kept_words(kind: VaultKind) -> String {
    match kind {
        VaultKind::Keychain if cfg!(target_os = "macos") => "in your keychain",
        VaultKind::Keychain if cfg!(windows) => "in Windows Credential Manager",
        VaultKind::Keychain => "in your keychain",
        VaultKind::File => "in the file encrypted with your passphrase",
        VaultKind::Session => "in memory until you quit",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn a_keys_state_is_told_in_words() {
        let now = Utc
            .with_ymd_and_hms(2026, 3, 1, 12, 0, 0)
            .single()
            .expect("a time");
        let key = |days: i64| KeyFacts {
            expires: Some(now + chrono::TimeDelta::days(days)),
            ..KeyFacts::default()
        };
        let words = |k: &KeyFacts, v| key_state(k, v, now);
        assert_eq!(
            words(&key(3), None),
            (KeyState::Expiring, "expires in 3 days".into())
        );
        assert_eq!(words(&key(-1), None).0, KeyState::Expired);
        assert_eq!(words(&key(90), None).0, KeyState::Fine);
        assert_eq!(words(&key(90), Some(Verdict::Refused)).0, KeyState::Refused);
        let deleted = KeyFacts {
            deleted: Some(now),
            ..KeyFacts::default()
        };
        assert_eq!(words(&deleted, None).0, KeyState::DeletedAtPortal);
        assert_eq!(words(&deleted, Some(Verdict::Refused)).0, KeyState::Refused);
    }
}
