//! Security token services of stores themselves: AssumeRole and its kin.

use std::sync::Arc;

use secrecy::SecretString;
use wherry_account::IssuerLink;
use wherry_store::HttpSettings;

use crate::error::PortalError;
use crate::session::{PortalSession, SignInRequest, wrong_proof};

pub(crate) async fn sign_in(_: SignInRequest) -> Result<Arc<dyn PortalSession>, PortalError> {
    Err(wrong_proof())
}

pub(crate) async fn resume(
    _: &IssuerLink,
    _: SecretString,
    _: &HttpSettings,
) -> Result<Arc<dyn PortalSession>, PortalError> {
    Err(PortalError::SignInAgain)
}
