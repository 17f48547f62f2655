//! The one type that holds the secret half of a key.

use std::fmt;

use secrecy::SecretString;

/// What signs requests: the secret access key and, for temporary keys, the session token; and, where
/// keys are lent, what lets Wherry have the next one lent without the user.
///
/// All are wiped from memory when dropped. There is no `Serialize`, and `Debug` prints nothing of
/// them, so that a secret cannot reach a log, an error or the window by accident.
#[derive(Clone)]
pub struct Secret {
    access_key: SecretString,
    session_token: Option<SecretString>,
    renewal: Option<SecretString>,
}

impl Secret {
    pub fn new(secret_access_key: SecretString) -> Self {
        Self {
            access_key: secret_access_key,
            session_token: None,
            renewal: None,
        }
    }

    #[must_use]
    pub fn with_session_token(self, token: Option<SecretString>) -> Self {
        Self {
            session_token: token,
            ..self
        }
    }

    #[must_use]
    pub fn with_renewal(self, renewal: Option<SecretString>) -> Self {
        Self { renewal, ..self }
    }

    /// The secret access key.
    pub fn access_key(&self) -> &SecretString {
        &self.access_key
    }

    pub fn session_token(&self) -> Option<&SecretString> {
        self.session_token.as_ref()
    }

    /// What a portal lends the next key for: a refresh token, or a key that may take on a role. It
    /// signs no request.
    pub fn renewal(&self) -> Option<&SecretString> {
        self.renewal.as_ref()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(kept from view)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Promise: Types that hold a secret print a placeholder instead.
    #[test]
    fn debugging_shows_nothing_of_it() {
        let secret = Secret::new("hunter2".into())
            .with_session_token(Some("token3".into()))
            .with_renewal(Some("refresh4".into()));
        let shown = format!("{secret:?} {secret:#?}");
        for part in ["hunter2", "token3", "refresh4"] {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}
