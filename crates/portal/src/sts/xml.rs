//! The service's answers. Elements nobody here needs are passed over.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;

/// `AssumeRoleResponse` and its kin, which differ in the name of the one element inside.
#[derive(Deserialize)]
pub struct Lent {
    #[serde(
        rename = "AssumeRoleResult",
        alias = "AssumeRoleWithWebIdentityResult",
        alias = "AssumeRoleWithLDAPIdentityResult"
    )]
    pub result: LentResult,
}

#[derive(Deserialize)]
pub struct LentResult {
    #[serde(rename = "Credentials")]
    pub credentials: LentCredentials,
    /// Whose token it was, for a web identity.
    #[serde(rename = "SubjectFromWebIdentityToken")]
    pub subject: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LentCredentials {
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    #[serde(default)]
    pub session_token: Option<SecretString>,
    #[serde(default)]
    pub expiration: Option<DateTime<Utc>>,
}

/// AWS and MinIO put an `Error` into an `ErrorResponse`; Ceph's root element is the `Error` itself.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Refused {
    error: Option<Box<RefusedError>>,
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RefusedError {
    code: Option<String>,
    message: Option<String>,
}

/// A refusal as it was meant.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub message: String,
    pub request_id: Option<String>,
}

pub fn lent(body: &str) -> Option<LentResult> {
    quick_xml::de::from_str::<Lent>(body)
        .ok()
        .map(|lent| lent.result)
        .filter(|result| !result.credentials.access_key_id.is_empty())
}

pub fn refusal(body: &str) -> Option<Refusal> {
    let refused: Refused = quick_xml::de::from_str(body).ok()?;
    let (code, message) = match refused.error {
        Some(error) => (error.code, error.message),
        None => (refused.code, refused.message),
    };
    Some(Refusal {
        code: code.filter(|code| !code.is_empty())?,
        message: message.unwrap_or_default(),
        request_id: refused.request_id.filter(|id| !id.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn all_three_answers_are_read() {
        for action in [
            "AssumeRole",
            "AssumeRoleWithWebIdentity",
            "AssumeRoleWithLDAPIdentity",
        ] {
            let body = format!(
                r#"<?xml version="1.0" encoding="UTF-8"?>
                <{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
                <AssumedRoleUser><Arn></Arn><AssumeRoleId></AssumeRoleId></AssumedRoleUser>
                <Credentials><AccessKeyId>Y4RJU1RNFGK48LGO9I2S</AccessKeyId>
                <SecretAccessKey>sYLRKS1Z7hSjluf6gEbb9066hnx315wHTiACPAjg</SecretAccessKey>
                <Expiration>2019-08-08T20:26:12Z</Expiration><SessionToken>a+b/c&amp;=</SessionToken></Credentials>
                </{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"#
            );
            let read = lent(&body).expect("is read").credentials;
            assert_eq!(read.access_key_id, "Y4RJU1RNFGK48LGO9I2S");
            let token = read.session_token.expect("a token");
            assert_eq!(token.expose_secret(), "a+b/c&=");
            let expires = read.expiration.expect("an end");
            assert_eq!(expires.to_rfc3339(), "2019-08-08T20:26:12+00:00");
        }
        assert!(lent("<html><body>hello</body></html>").is_none());
        assert!(lent("").is_none());
    }

    #[test]
    fn both_shapes_of_a_refusal_are_read() {
        let theirs = r#"<?xml version="1.0" encoding="UTF-8"?><ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
            <Error><Type></Type><Code>InvalidParameterValue</Code><Message>No &lt;token&gt;</Message></Error>
            <RequestId>R1</RequestId></ErrorResponse>"#;
        let refused = refusal(theirs).expect("is read");
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            ("InvalidParameterValue", "No <token>")
        );
        assert_eq!(refused.request_id.as_deref(), Some("R1"));
        let ceph = r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><RequestId>tx1</RequestId><HostId>h</HostId></Error>"#;
        let refused = refusal(ceph).expect("is read");
        assert_eq!(refused.code, "AccessDenied");
        assert_eq!(refused.request_id.as_deref(), Some("tx1"));
        assert_eq!(refusal("<html>no</html>"), None);
        assert_eq!(refusal("{}"), None);
    }
}
