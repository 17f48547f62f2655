//! Where a store's requests get their key from.
//!
//! Most accounts have one key, for good. Where keys are lent for an hour, each request asks for the
//! one that is good now, so that a transfer may take longer than any key lives: an upload begun with
//! one key is completed with another.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::config::Credentials;
use crate::error::{ErrorKind, StoreError};

/// A key that its issuer takes back by itself.
#[derive(Debug, Clone)]
pub struct LentKey {
    pub credentials: Credentials,
    pub expires: Option<DateTime<Utc>>,
}

/// Has keys lent and renews them.
#[async_trait]
pub trait KeyLender: fmt::Debug + Send + Sync {
    /// The key to sign a request with now. Many requests ask at once; a lender renews once for all.
    ///
    /// # Errors
    /// [`ErrorKind::KeyExpired`] when only the user can get a new one; what keeps the issuer from
    /// being reached otherwise, which may pass.
    async fn current(&self) -> Result<LentKey, StoreError>;

    /// The store no longer takes this key, whatever this computer's clock says: the request is made
    /// once more, if the lender has another.
    fn spent(&self, access_key_id: &str);
}

/// What a store signs its requests with.
#[derive(Debug, Clone)]
pub enum KeySource {
    Fixed(Credentials),
    Lent(Arc<dyn KeyLender>),
}

impl From<Credentials> for KeySource {
    fn from(credentials: Credentials) -> Self {
        Self::Fixed(credentials)
    }
}

/// The key of one request.
#[derive(Debug, Clone)]
pub(crate) struct KeyInUse {
    pub credentials: Credentials,
    pub expires: Option<DateTime<Utc>>,
    lender: Option<Arc<dyn KeyLender>>,
}

impl KeySource {
    pub(crate) fn is_lent(&self) -> bool {
        matches!(self, Self::Lent(_))
    }

    pub(crate) async fn current(&self) -> Result<KeyInUse, StoreError> {
        Ok(match self {
            Self::Fixed(credentials) => KeyInUse {
                credentials: credentials.clone(),
                expires: None,
                lender: None,
            },
            Self::Lent(lender) => {
                let LentKey {
                    credentials,
                    expires,
                } = lender.current().await?;
                KeyInUse {
                    credentials,
                    expires,
                    lender: Some(Arc::clone(lender)),
                }
            }
        })
    }
}

impl KeyInUse {
    pub fn is_lent(&self) -> bool {
        self.lender.is_some()
    }

    /// Tells the lender when a refusal was about its key.
    pub fn judge(&self, error: &StoreError) {
        if let Some(lender) = &self.lender
            && is_about_the_key(error.kind)
        {
            lender.spent(&self.credentials.access_key_id);
        }
    }
}

/// Refusals that another key may turn into a success.
pub(crate) fn is_about_the_key(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::KeyExpired | ErrorKind::KeyUnknown | ErrorKind::SecretWrong
    )
}
