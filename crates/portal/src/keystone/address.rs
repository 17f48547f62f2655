//! From what somebody typed to the `…/v3` address of a Keystone.

use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::address;
use crate::error::PortalError;
use crate::wire::{self, Answer, host};

/// Either form of version document: `GET /` lists versions (with status 300), `GET /v3` is one.
const KEYSTONE: &str = "an OpenStack identity service (Keystone)";

#[derive(Deserialize)]
struct VersionDocument {
    version: Option<Version>,
    versions: Option<Versions>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Versions {
    Keystone { values: Vec<Version> },
    Other(Vec<Version>),
}

#[derive(Deserialize)]
struct Version {
    id: String,
}

enum Found {
    /// It is the `/v3` itself.
    Itself,
    /// `/v3` is below it.
    Below,
}

pub async fn discover(typed: &str, http: &Client) -> Result<Url, PortalError> {
    let typed = typed.trim();
    let look_there = |url: Url| async move { Ok((probe(&url, http).await?, ())) };
    let (base, ()) = address::discover(typed, |text| parse(typed, text), look_there).await?;
    Ok(base)
}

fn parse(typed: &str, text: &str) -> Result<Url, PortalError> {
    let mut url = address::parse(typed, text)?;
    let path = url.path().to_owned();
    // Old RC files name version 2, which no Keystone has any more; /v3 is beside it.
    let path = path.strip_suffix("/v2.0").unwrap_or(&path);
    url.set_path(path.strip_suffix("/auth/tokens").unwrap_or(path));
    Ok(url)
}

/// Tries the address itself, then the places Keystone usually has below it.
async fn probe(url: &Url, http: &Client) -> Result<Url, PortalError> {
    let mut first = None;
    for candidate in candidates(url) {
        match look(&candidate, http).await {
            Ok(Found::Itself) => return Ok(candidate),
            Ok(Found::Below) => return Ok(with_path(&candidate, "/v3")),
            Err(no @ PortalError::NotAPortal { .. }) => {
                first.get_or_insert(no);
            }
            // Nobody there: other paths of the same server will not be answered either.
            Err(other) => return Err(first.unwrap_or(other)),
        }
    }
    Err(first.unwrap_or_else(|| PortalError::NotAPortal {
        wanted: KEYSTONE,
        host: host(url),
        excerpt: String::new(),
    }))
}

fn candidates(url: &Url) -> Vec<Url> {
    let mut all = vec![url.clone()];
    if !url.path().ends_with("/v3") {
        all.push(with_path(url, "/v3"));
        if url.path() == "/" {
            // As DevStack and several distributions serve it, behind the dashboard's web server.
            all.push(with_path(url, "/identity/v3"));
        }
    }
    all
}

fn with_path(url: &Url, more: &str) -> Url {
    let mut url = url.clone();
    let path = format!("{}{more}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

async fn look(url: &Url, http: &Client) -> Result<Found, PortalError> {
    let mut answer = wire::send_again(http.get(url.clone())).await?;
    let redirects = |answer: &Answer| {
        answer.status.is_redirection() && answer.status != StatusCode::MULTIPLE_CHOICES
    };
    if redirects(&answer) {
        // A slash more is no other place; some web servers send /v3 to /v3/.
        let there = answer.location().and_then(|to| url.join(&to).ok());
        let bare = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
        if let Some(there) = there.filter(|there| bare(there) == bare(url)) {
            answer = wire::send_again(http.get(there)).await?;
        }
    }
    if let Some(found) = answer
        .try_json::<VersionDocument>()
        .and_then(|document| find(&document))
    {
        return Ok(found);
    }
    if redirects(&answer) {
        let to = answer.location().unwrap_or_default();
        return Err(PortalError::Redirected {
            to,
            said: Box::new(answer.said(String::new())),
        });
    }
    Err(PortalError::NotAPortal {
        wanted: KEYSTONE,
        host: answer.host().to_owned(),
        excerpt: answer.excerpt(),
    })
}

fn find(document: &VersionDocument) -> Option<Found> {
    let v3 = |version: &Version| version.id == "v3" || version.id.starts_with("v3.");
    match document {
        VersionDocument {
            version: Some(version),
            ..
        } if v3(version) => Some(Found::Itself),
        VersionDocument {
            versions: Some(Versions::Keystone { values } | Versions::Other(values)),
            ..
        } => values.iter().any(v3).then_some(Found::Below),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_cleaned_before_anybody_is_asked() {
        let cleaned = |text: &str| parse(text, text).map(|url| url.to_string());
        for (typed, url) in [
            (
                "https://k.example.org:5000/v3/",
                "https://k.example.org:5000/v3",
            ),
            (
                "https://k.example.org/identity/v3/auth/tokens",
                "https://k.example.org/identity/v3",
            ),
            (
                "https://k.example.org:5000/v2.0/",
                "https://k.example.org:5000/",
            ),
            ("HTTPS://K.Example.ORG?x=1#y", "https://k.example.org/"),
        ] {
            assert_eq!(cleaned(typed).expect("is fine"), url, "{typed}");
        }
    }
}
