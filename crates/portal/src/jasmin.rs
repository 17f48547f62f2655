//! The JASMIN Object Store Portal: HTML forms behind a session cookie.

use std::sync::Arc;

use crate::error::PortalError;
use crate::session::{PortalSession, SignInRequest, wrong_proof};

pub(crate) async fn sign_in(_: SignInRequest) -> Result<Arc<dyn PortalSession>, PortalError> {
    Err(wrong_proof())
}
