//! What an issuer says about itself: OpenID Connect Discovery 1.0, section 3.

use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::Url;

use super::Ways;
use crate::error::PortalError;
use crate::wire::{self, Answer, host};

const ISSUER: &str = "an OpenID Connect issuer";
const DOCUMENT: &str = "/.well-known/openid-configuration";
pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Its members are tolerated missing wherever Wherry can do without.
#[derive(Debug, Clone, Deserialize)]
pub struct Document {
    pub issuer: String,
    pub token_endpoint: Url,
    #[serde(default)]
    pub authorization_endpoint: Option<Url>,
    #[serde(default)]
    pub device_authorization_endpoint: Option<Url>,
    #[serde(default)]
    pub revocation_endpoint: Option<Url>,
    #[serde(default)]
    grant_types_supported: Option<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Document {
    pub fn ways(&self) -> Ways {
        let perhaps = |grant: &str| {
            let grants = self.grant_types_supported.as_ref();
            grants.is_none_or(|grants| grants.iter().any(|known| known == grant))
        };
        Ways {
            password: perhaps("password"),
            device: self.device_authorization_endpoint.is_some() && perhaps(DEVICE_GRANT),
            browser: self.authorization_endpoint.is_some() && perhaps("authorization_code"),
        }
    }

    /// Whether a client's secret goes into the form. RFC 6749 has it in the `Authorization` header, and
    /// that every issuer must take it there; some say that they do not.
    pub fn secret_in_form(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_ref();
        methods.is_some_and(|methods| {
            let takes = |way: &str| methods.iter().any(|known| known == way);
            takes("client_secret_post") && !takes("client_secret_basic")
        })
    }

    /// Passwords go to these addresses: not to another scheme than the one the user named.
    fn check(&self, issuer: &Url) -> Result<(), PortalError> {
        let endpoints = [
            Some(&self.token_endpoint),
            self.authorization_endpoint.as_ref(),
            self.device_authorization_endpoint.as_ref(),
            self.revocation_endpoint.as_ref(),
        ];
        for endpoint in endpoints.into_iter().flatten() {
            let fits = match endpoint.scheme() {
                "https" => true,
                "http" => issuer.scheme() == "http",
                _ => false,
            };
            if !fits || endpoint.host_str().is_none() {
                return Err(PortalError::OnlyUnencrypted {
                    url: endpoint.clone(),
                });
            }
        }
        Ok(())
    }
}

/// Reads an issuer's document. The issuer it names must be the one that was asked: a document from
/// somewhere else would send passwords somewhere else.
pub async fn fetch(issuer: &Url, http: &Client) -> Result<Document, PortalError> {
    let named = bare(issuer.as_str());
    let named = named.strip_suffix(DOCUMENT).unwrap_or(named);
    let address = |slash: &str| {
        let text = format!("{named}{DOCUMENT}{slash}");
        Url::parse(&text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or(PortalError::Address {
                typed: text,
                why: "it is not a web address",
            })
    };
    let mut answer = wire::send_again(http.get(address("")?)).await?;
    // Some servers have it only with a slash at the end, and send there or do not.
    if answer.status.is_redirection() || answer.status == StatusCode::NOT_FOUND {
        let slashed = address("/")?;
        let there = answer.location().and_then(|to| issuer.join(&to).ok());
        if there.is_none_or(|there| there == slashed) {
            let second = wire::send_again(http.get(slashed)).await?;
            if second.status == StatusCode::OK {
                answer = second;
            }
        }
    }
    let document = read(&answer)?;
    if bare(&document.issuer) != named {
        let said: String = document
            .issuer
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        return Err(PortalError::NotAPortal {
            host: host(issuer),
            wanted: "the OpenID Connect issuer of that address",
            excerpt: said.chars().take(200).collect(),
        });
    }
    document.check(issuer)?;
    Ok(document)
}

fn read(answer: &Answer) -> Result<Document, PortalError> {
    if answer.status.is_redirection() {
        return Err(PortalError::Redirected {
            to: answer.location().unwrap_or_default(),
            said: Box::new(answer.said(String::new())),
        });
    }
    if answer.status.is_server_error() {
        return Err(PortalError::Fault {
            said: Box::new(answer.said(answer.excerpt())),
        });
    }
    answer
        .try_json()
        .filter(|_| answer.status.is_success())
        .ok_or_else(|| PortalError::NotAPortal {
            host: answer.host().to_owned(),
            wanted: ISSUER,
            excerpt: answer.excerpt(),
        })
}

fn bare(address: &str) -> &str {
    address.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(more: &Value) -> Document {
        let mut all =
            json!({"issuer": "https://i.example", "token_endpoint": "https://i.example/token"});
        let members = more.as_object().expect("an object").clone();
        all.as_object_mut().expect("an object").extend(members);
        serde_json::from_value(all).expect("reads")
    }

    #[test]
    fn what_an_issuer_does_not_say_it_perhaps_can() {
        let silent = document(&json!({}));
        let ways = |password, device, browser| Ways {
            password,
            device,
            browser,
        };
        assert_eq!(silent.ways(), ways(true, false, false));
        let endpoints = json!({
            "authorization_endpoint": "https://i.example/auth",
            "device_authorization_endpoint": "https://i.example/device",
        });
        assert_eq!(document(&endpoints).ways(), ways(true, true, true));
        for (grants, expected) in [
            (json!(["authorization_code"]), ways(false, false, true)),
            (json!(["password"]), ways(true, false, false)),
            (json!([DEVICE_GRANT]), ways(false, true, false)),
            (json!([]), ways(false, false, false)),
        ] {
            let mut all = endpoints.clone();
            all["grant_types_supported"] = grants;
            assert_eq!(document(&all).ways(), expected, "{all}");
        }
    }

    #[test]
    fn a_clients_secret_is_in_the_header_unless_the_issuer_wants_it_otherwise() {
        let methods = |list: Value| {
            document(&json!({"token_endpoint_auth_methods_supported": list})).secret_in_form()
        };
        assert!(!document(&json!({})).secret_in_form());
        assert!(!methods(json!([
            "client_secret_post",
            "client_secret_basic"
        ])));
        assert!(methods(json!(["client_secret_post", "private_key_jwt"])));
    }

    #[test]
    fn an_encrypted_issuer_has_no_unencrypted_endpoint() {
        let issuer: Url = "https://i.example".parse().expect("a URL");
        assert!(document(&json!({})).check(&issuer).is_ok());
        for odd in [
            "http://i.example/token",
            "ftp://i.example/",
            "file:///etc/x",
        ] {
            let sly = document(&json!({"revocation_endpoint": odd}));
            assert!(sly.check(&issuer).is_err(), "{odd}");
        }
    }
}
