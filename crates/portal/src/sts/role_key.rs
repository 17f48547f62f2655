//! A key that may take on a role: what keys are lent for with `AssumeRole`, and what the keychain keeps
//! for that.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use wherry_vault::Secret;
use zeroize::Zeroizing;

#[derive(Debug)]
pub struct RoleKey {
    pub access_key_id: String,
    pub secret: Secret,
}

#[derive(Serialize)]
struct Written<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
}

#[derive(Deserialize)]
struct Read {
    access_key_id: String,
    secret_access_key: SecretString,
    #[serde(default)]
    session_token: Option<SecretString>,
}

impl RoleKey {
    pub fn write(&self) -> Option<SecretString> {
        let written = Written {
            access_key_id: &self.access_key_id,
            secret_access_key: self.secret.access_key().expose_secret(),
            session_token: self.secret.session_token().map(ExposeSecret::expose_secret),
        };
        let text = Zeroizing::new(serde_json::to_string(&written).ok()?);
        Some(text.as_str().into())
    }

    /// `None` for what this module did not write.
    pub fn read(text: &SecretString) -> Option<Self> {
        let read: Read = serde_json::from_str(text.expose_secret()).ok()?;
        Some(Self {
            access_key_id: read.access_key_id,
            secret: Secret::new(read.secret_access_key).with_session_token(read.session_token),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let key = RoleKey {
            access_key_id: "A".into(),
            secret: Secret::new("S\"+/".into()).with_session_token(Some("T".into())),
        };
        let read = RoleKey::read(&key.write().expect("text")).expect("is read");
        assert_eq!(read.access_key_id, "A");
        assert_eq!(read.secret.access_key().expose_secret(), "S\"+/");
        assert_eq!(
            read.secret.session_token().map(ExposeSecret::expose_secret),
            Some("T")
        );
        assert!(RoleKey::read(&"eyJ0".into()).is_none());
        assert!(RoleKey::read(&"{\"refresh_token\":\"r\"}".into()).is_none());
    }
}
