//! The JASMIN Object Store Portal: HTML forms behind a session cookie, in front of a Swarm store.
//!
//! There is no other interface. What is known comes from its public source (cedadev/jasmin-object-store-portal
//! at a06b4e9) and from running it: redirects are 303 and 307, almost everything that goes wrong is a page
//! with status 200, and creating a key shows it once in the answer to a POST. Pages are read by structure, with
//! a real HTML parser; one that is something else becomes words and a redacted excerpt.
//!
//! Not known: whether the portal in use is that version, and how it names its cookie. So the cookie is taken as
//! the sign-in window brings it, and links and texts are not relied on where a field's name will do.

mod keys;
mod read;
mod session;
mod visit;

use std::sync::Arc;

use reqwest::Client;
use url::Url;

use crate::error::PortalError;
use crate::issuer::{Capabilities, SignInMethod};
use crate::session::{PortalSession, Proof, SignInRequest, wrong_proof};
use crate::{address, tenancy};
use session::JasminSession;
use visit::Visitor;

pub(crate) fn capabilities() -> Capabilities {
    tenancy::capabilities(&[SignInMethod::HostedWindow])
}

pub(crate) async fn sign_in(request: SignInRequest) -> Result<Arc<dyn PortalSession>, PortalError> {
    let Proof::Cookie(cookie) = request.proof else {
        return Err(wrong_proof());
    };
    let http = wherry_store::http::client(&request.http)?;
    let typed = request.url.trim();
    let parse = |text: &str| address::parse(typed, text).map(portal_of);
    let (portal, ()) = address::discover(typed, parse, |url| find(&http, url)).await?;
    let visitor = Visitor::new(http, portal, &cookie)?;
    let session = JasminSession::enter(Arc::new(visitor)).await?;
    Ok(Arc::new(session))
}

/// The portal itself, also when one of its pages was given.
fn portal_of(mut url: Url) -> Url {
    url.set_path("");
    url
}

/// Whether somebody answers, asked without the cookie.
async fn find(http: &Client, url: Url) -> Result<(Url, ()), PortalError> {
    let mut login = url.clone();
    login.set_path("/login");
    crate::wire::send_again(http.get(login)).await?;
    Ok((url, ()))
}
