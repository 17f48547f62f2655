//! DataCore (Caringo) Swarm's Content Gateway: keys are tokens that carry a secret.
//!
//! Protocol facts are from the gateway's documentation (perifery.atlassian.net, "Creating Tokens",
//! 2443822636) and from how the JASMIN portal and `cedadev/nlds-client` use it. Not known, and so taken as
//! it comes: the words of its refusals, whether every listed token has a name, and how times are written.
//! The token service wants the password with every request, so it stays in memory as long as the session.

mod keys;
mod session;
mod wire;

use std::sync::Arc;

use reqwest::Client;
use reqwest::StatusCode;
use reqwest::header::WWW_AUTHENTICATE;
use url::Url;

use crate::error::PortalError;
use crate::issuer::{Capabilities, SignInMethod};
use crate::session::{PortalSession, Proof, SignInRequest, wrong_proof};
use crate::{address, tenancy};
use session::SwarmSession;

const TOKEN_SERVICE: &str = "the token service of a Swarm gateway";
/// Where sites have the gateway's own protocol, beside S3 on the usual port.
const USUAL_PORT: u16 = 81;

pub(crate) fn capabilities() -> Capabilities {
    tenancy::capabilities(&[SignInMethod::Password])
}

pub(crate) async fn sign_in(request: SignInRequest) -> Result<Arc<dyn PortalSession>, PortalError> {
    let Proof::Password { user, password, .. } = request.proof else {
        return Err(wrong_proof());
    };
    let http = wherry_store::http::client(&request.http)?;
    let typed = request.url.trim();
    let parse = |text: &str| address::parse(typed, text).map(gateway_of);
    let (gateway, ()) = address::discover(typed, parse, |url| find(&http, url)).await?;
    let session = SwarmSession::new(http, gateway, user, password);
    session.prove().await?;
    Ok(Arc::new(session))
}

/// The gateway itself, also when the address of its token service was given.
fn gateway_of(mut url: Url) -> Url {
    let path = url.path().to_owned();
    url.set_path(path.strip_suffix("/.TOKEN").unwrap_or(&path));
    url
}

/// Asks without credentials. Without a port in the address, the token service is more often on port 81.
async fn find(http: &Client, url: Url) -> Result<(Url, ()), PortalError> {
    let known = asks_for_password(http, &url).await?;
    if known || url.port().is_some() {
        return Ok((url, ()));
    }
    let mut usual = url.clone();
    // Only an address without a host has no port.
    let _ = usual.set_port(Some(USUAL_PORT));
    match asks_for_password(http, &usual).await {
        Ok(true) => Ok((usual, ())),
        _ => Ok((url, ())),
    }
}

async fn asks_for_password(http: &Client, gateway: &Url) -> Result<bool, PortalError> {
    let answer = crate::wire::send_again(http.get(wire::tokens(gateway))).await?;
    if answer.status.is_redirection() {
        return Err(PortalError::Redirected {
            to: answer.location().unwrap_or_default(),
            said: Box::new(answer.said(String::new())),
        });
    }
    let basic = answer
        .header(WWW_AUTHENTICATE.as_str())
        .is_some_and(|asks| asks.to_ascii_lowercase().starts_with("basic"));
    Ok(answer.status == StatusCode::UNAUTHORIZED && basic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_services_own_address_will_do() {
        let gateway = |text: &str| gateway_of(address::parse(text, text).unwrap()).to_string();
        assert_eq!(
            gateway("http://t.example.org:81/.TOKEN/"),
            "http://t.example.org:81/"
        );
        assert_eq!(
            gateway("http://t.example.org:81"),
            "http://t.example.org:81/"
        );
    }
}
