//! What a file says about a sign-in through the institution (OpenID Connect), in keystoneauth's words.

use std::fmt;

use secrecy::SecretString;
use url::Url;

/// Where and as whom the institution is asked, as far as the file says.
#[derive(Clone)]
pub struct ImportedOidc {
    /// The OpenID Connect issuer.
    pub issuer: Option<Url>,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretString>,
    /// Separated by spaces.
    pub scopes: Option<String>,
    /// What Keystone calls the institution.
    pub identity_provider: Option<String>,
    pub protocol: Option<String>,
    /// The secret to sign in with is an access token, not a password.
    pub takes_access_token: bool,
}

impl fmt::Debug for ImportedOidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportedOidc")
            .field("issuer", &self.issuer.as_ref().map(Url::as_str))
            .field("client_id", &self.client_id)
            .field("identity_provider", &self.identity_provider)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// The file's words for it.
#[derive(Default)]
pub(super) struct OidcGiven {
    pub discovery_endpoint: Option<String>,
    pub access_token_endpoint: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretString>,
    pub scopes: Option<String>,
    pub identity_provider: Option<String>,
    pub protocol: Option<String>,
    pub access_token: Option<SecretString>,
}

impl OidcGiven {
    /// `kind` is keystoneauth's name for the variety.
    pub fn into_oidc(self, kind: &str) -> ImportedOidc {
        let issuer = |text: &str, end: &str| {
            let text = text.trim().trim_end_matches('/');
            let url = Url::parse(text.strip_suffix(end)?).ok()?;
            matches!(url.scheme(), "http" | "https").then_some(url)
        };
        let discovery = self
            .discovery_endpoint
            .as_deref()
            .and_then(|text| issuer(text, "/.well-known/openid-configuration"));
        // As every Keycloak has it.
        let token = || {
            let text = self.access_token_endpoint.as_deref()?;
            issuer(text, "/protocol/openid-connect/token")
        };
        ImportedOidc {
            issuer: discovery.or_else(token),
            client_id: self.client_id,
            client_secret: self.client_secret,
            scopes: self.scopes,
            identity_provider: self.identity_provider,
            protocol: self.protocol,
            takes_access_token: kind == "v3oidcaccesstoken",
        }
    }
}

impl ImportedOidc {
    /// Why Wherry cannot sign in with what the file says.
    pub(super) fn unusable(&self, kind: &str, user: Option<&str>) -> Option<String> {
        if !matches!(kind, "v3oidcpassword" | "v3oidcaccesstoken") {
            return Some(
                "This cloud signs you in through your institution (OpenID Connect) in a way that goes on in a \
                 browser. Add an OpenStack account and choose that way to sign in."
                    .into(),
            );
        }
        let missing = if self.identity_provider.is_none() {
            "what Keystone calls your institution (identity_provider)"
        } else if self.takes_access_token {
            return None;
        } else if self.issuer.is_none() {
            "where your institution is asked (discovery_endpoint)"
        } else if self.client_id.is_none() {
            "which program asks (client_id)"
        } else if user.is_none() {
            "who signs in (username)"
        } else {
            return None;
        };
        Some(format!(
            "This cloud signs you in through your institution (OpenID Connect), and the file does not say {missing}. \
             In its dashboard, make an application credential or EC2 credentials and use those here."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_found_from_either_address() {
        let issuer = |discovery: Option<&str>, token: Option<&str>| {
            let given = OidcGiven {
                discovery_endpoint: discovery.map(str::to_owned),
                access_token_endpoint: token.map(str::to_owned),
                ..OidcGiven::default()
            };
            let oidc = given.into_oidc("v3oidcpassword");
            oidc.issuer.map(String::from)
        };
        let realm = "https://i.example.org/auth/realms/x";
        let discovery = format!("{realm}/.well-known/openid-configuration");
        let token = format!("{realm}/protocol/openid-connect/token/");
        let odd = "file:///etc/.well-known/openid-configuration";
        assert_eq!(issuer(Some(&discovery), None).as_deref(), Some(realm));
        assert_eq!(issuer(None, Some(&token)).as_deref(), Some(realm));
        assert_eq!(issuer(Some(odd), Some(&token)).as_deref(), Some(realm));
        assert_eq!(issuer(None, Some("https://i.example.org/token")), None);
        assert_eq!(issuer(None, None), None);
    }
}
