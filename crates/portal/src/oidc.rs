//! Signing in at an OpenID Connect issuer, for the portals that trust one.

use std::fmt;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

/// What an issuer gave after a sign-in. In memory only, but for the refresh token.
#[derive(Clone)]
pub struct Tokens {
    /// The bearer token.
    pub access: SecretString,
    pub id: Option<SecretString>,
    pub refresh: Option<SecretString>,
    pub expires: Option<DateTime<Utc>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
