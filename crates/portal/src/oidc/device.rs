//! Signing in with a code that is typed in any browser, also on a telephone: RFC 8628.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;
use wherry_store::ErrorKind;

use super::document::DEVICE_GRANT;
use super::exchange::refusal;
use super::{Oidc, Tokens};
use crate::error::PortalError;
use crate::issuer::SignInMethod;
use crate::wire;

/// Section 3.5: how much slower to ask when told to slow down, and how often when told nothing.
const FIVE_SECONDS: Duration = Duration::from_secs(5);

/// What to show somebody who signs in with a code.
#[derive(Clone)]
pub struct DevicePrompt {
    /// The page to open.
    pub address: Url,
    /// The same with the code filled in, where the issuer has that.
    pub address_with_code: Option<Url>,
    /// What to type there.
    pub code: String,
    pub expires: DateTime<Utc>,
    device_code: SecretString,
    interval: Duration,
}

impl fmt::Debug for DevicePrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevicePrompt")
            .field("address", &self.address.as_str())
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct PromptBody {
    device_code: SecretString,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: Url,
    #[serde(default, alias = "verification_url_complete")]
    verification_uri_complete: Option<Url>,
    #[serde(default)]
    expires_in: Option<u32>,
    #[serde(default)]
    interval: Option<u32>,
}

impl Oidc {
    /// Asks for a code to show.
    pub async fn device(&self) -> Result<DevicePrompt, PortalError> {
        const DOING: &str = "give out a code";
        let Some(endpoint) = &self.document.device_authorization_endpoint else {
            return Err(PortalError::CannotDo {
                reason: "This place has no sign-in with a code.".into(),
            });
        };
        let scopes = self.client.scopes.join(" ");
        let asked = Utc::now();
        let answer = wire::send_again(self.post(endpoint, vec![("scope", &scopes)])).await?;
        if let Some(refusal) = refusal(&answer)? {
            return Err(refusal.explain(SignInMethod::DeviceCode, &self.client.client_id));
        }
        let body: PromptBody = answer.json(DOING)?;
        let odd = |url: &Url| !matches!(url.scheme(), "http" | "https");
        // The address is opened in the user's browser.
        if odd(&body.verification_uri) || body.user_code.chars().any(char::is_control) {
            return Err(answer.not_understood(DOING));
        }
        Ok(DevicePrompt {
            address: body.verification_uri,
            address_with_code: body.verification_uri_complete.filter(|url| !odd(url)),
            code: body.user_code,
            expires: asked + TimeDelta::seconds(body.expires_in.unwrap_or(600).into()),
            device_code: body.device_code,
            interval: body
                .interval
                .map_or(FIVE_SECONDS, |seconds| Duration::from_secs(seconds.into())),
        })
    }

    /// Waits until somebody has signed in with the code. To give up, drop the future.
    pub async fn await_device(&self, prompt: &DevicePrompt) -> Result<Tokens, PortalError> {
        self.poll(prompt, Utc::now, tokio::time::sleep).await
    }

    async fn poll<S: Future<Output = ()>>(
        &self,
        prompt: &DevicePrompt,
        now: impl Fn() -> DateTime<Utc>,
        sleep: impl Fn(Duration) -> S,
    ) -> Result<Tokens, PortalError> {
        let mut interval = prompt.interval;
        loop {
            if now() >= prompt.expires {
                return Err(PortalError::SignInTimeout);
            }
            let form = vec![
                ("grant_type", DEVICE_GRANT),
                ("device_code", prompt.device_code.expose_secret()),
            ];
            match self.ask_tokens(form).await {
                Ok(Ok(tokens)) => return Ok(tokens),
                Ok(Err(refusal)) if refusal.is("authorization_pending") => {}
                Ok(Err(refusal)) if refusal.is("slow_down") => interval += FIVE_SECONDS,
                // Of a code that was lost while it was being typed.
                Ok(Err(refusal)) => {
                    let client = &self.client.client_id;
                    return Err(refusal.explain(SignInMethod::DeviceCode, client));
                }
                // A train in a tunnel: the person is still typing.
                Err(PortalError::Connection {
                    kind: ErrorKind::Interrupted | ErrorKind::Unreachable,
                    message,
                }) => {
                    tracing::debug!(message, "the issuer was not reached; asking again");
                    interval += FIVE_SECONDS;
                }
                Err(error) => return Err(error),
            }
            sleep(interval).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;
    use wherry_store::HttpSettings;
    use wiremock::matchers::{body_string_contains, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::oidc::OidcClient;

    async fn issuer(server: &MockServer) -> Oidc {
        let issuer = server.uri();
        let document = json!({
            "issuer": issuer,
            "token_endpoint": format!("{issuer}/token"),
            "device_authorization_endpoint": format!("{issuer}/device"),
        });
        Mock::given(path("/.well-known/openid-configuration"))
            .respond_with(ResponseTemplate::new(200).set_body_json(document))
            .mount(server)
            .await;
        let client = OidcClient {
            issuer: issuer.parse().expect("a URL"),
            client_id: "wherry".into(),
            client_secret: None,
            scopes: vec!["openid".into()],
        };
        Oidc::discover(client, &HttpSettings::default())
            .await
            .expect("finds it")
    }

    async fn prompt(server: &MockServer, oidc: &Oidc, more: serde_json::Value) -> DevicePrompt {
        let mut body = json!({
            "device_code": "sesame", "user_code": "ABCD-EFGH", "expires_in": 60,
            "verification_uri": "https://i.example/device",
        });
        let members = more.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(members);
        Mock::given(path("/device"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(server)
            .await;
        oidc.device().await.expect("gives a code")
    }

    async fn refuse(server: &MockServer, error: &str, times: u64, priority: u8) {
        Mock::given(method("POST"))
            .and(path("/token"))
            .and(body_string_contains("device_code=sesame"))
            .respond_with(ResponseTemplate::new(400).set_body_json(json!({"error": error})))
            .up_to_n_times(times)
            .expect(times)
            .with_priority(priority)
            .mount(server)
            .await;
    }

    #[tokio::test]
    async fn it_asks_as_often_as_it_is_told_and_slower_when_told_to() {
        let server = MockServer::start().await;
        let oidc = issuer(&server).await;
        let prompt = prompt(&server, &oidc, json!({"interval": 2})).await;
        assert!(!format!("{prompt:?}").contains("sesame"), "{prompt:?}");
        refuse(&server, "authorization_pending", 1, 1).await;
        refuse(&server, "slow_down", 1, 2).await;
        refuse(&server, "authorization_pending", 1, 3).await;
        Mock::given(path("/token"))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "a"})))
            .with_priority(4)
            .mount(&server)
            .await;
        let slept = Mutex::new(Vec::new());
        let sleep = |time: Duration| {
            slept.lock().expect("is not poisoned").push(time.as_secs());
            std::future::ready(())
        };
        let tokens = oidc.poll(&prompt, Utc::now, sleep).await.expect("signs in");
        assert_eq!(tokens.access.expose_secret(), "a");
        assert_eq!(*slept.lock().expect("is not poisoned"), [2, 7, 7]);
    }

    #[tokio::test]
    async fn every_end_has_its_words() {
        for (error, code) in [
            ("expired_token", "sign-in-timeout"),
            ("access_denied", "sign-in-refused"),
            ("unauthorized_client", "client-refused"),
            ("something_new", "client-refused"),
        ] {
            let server = MockServer::start().await;
            let oidc = issuer(&server).await;
            let prompt = prompt(&server, &oidc, json!({})).await;
            assert_eq!(prompt.interval, FIVE_SECONDS, "when told nothing");
            refuse(&server, error, 1, 1).await;
            let ended = oidc.await_device(&prompt).await.expect_err("ends");
            assert_eq!(ended.code(), code, "{error}: {ended}");
            assert!(!ended.way_on().is_empty());
        }
    }

    #[tokio::test]
    async fn it_ends_by_itself_when_the_code_has_run_out() {
        let server = MockServer::start().await;
        let oidc = issuer(&server).await;
        let prompt = prompt(&server, &oidc, json!({})).await;
        refuse(&server, "authorization_pending", 3, 1).await;
        let passed = Mutex::new(TimeDelta::zero());
        let now = || Utc::now() + *passed.lock().expect("is not poisoned");
        let sleep = |_| {
            *passed.lock().expect("is not poisoned") += TimeDelta::seconds(21);
            std::future::ready(())
        };
        let ended = oidc.poll(&prompt, now, sleep).await.expect_err("ends");
        assert_eq!(ended.code(), "sign-in-timeout", "{ended}");
    }

    #[tokio::test]
    async fn an_address_that_is_no_web_page_is_not_opened() {
        let server = MockServer::start().await;
        let oidc = issuer(&server).await;
        let body =
            json!({"device_code": "d", "user_code": "u", "verification_uri": "file:///etc/passwd"});
        Mock::given(path("/device"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
        let odd = oidc.device().await.expect_err("is refused");
        assert_eq!(odd.code(), "not-understood", "{odd}");
    }
}
