//! Keystone's refusals, told apart as far as somebody acts on the difference.

use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use wherry_store::ErrorKind;

use super::wire::ErrorBody;
use crate::error::PortalError;
use crate::wire::Answer;

/// Keystone's own message, if the answer is one of Keystone's errors.
pub fn words(answer: &Answer) -> Option<String> {
    let message = answer.try_json::<ErrorBody>()?.error.message;
    // Some end in " (HTTP 403)", some in two full stops.
    Some(
        message
            .trim()
            .trim_end_matches('.')
            .chars()
            .filter(|c| !c.is_control())
            .take(400)
            .collect(),
    )
}

/// Why a request made with a token was refused.
pub fn explain(answer: &Answer, doing: &'static str) -> PortalError {
    let status = answer.status;
    if status.is_redirection() {
        let to = answer.location().unwrap_or_default();
        return PortalError::Redirected {
            to,
            said: Box::new(answer.said(String::new())),
        };
    }
    let fault = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    let Some(message) = words(answer) else {
        if fault {
            return PortalError::Fault {
                said: Box::new(answer.said(answer.excerpt())),
            };
        }
        return answer.not_understood(doing);
    };
    let (limited, limit) = (is_key_limit(&message), key_limit(&message));
    let restricted = is_restricted_credential(&message);
    let said = Box::new(answer.said(message));
    match status {
        StatusCode::UNAUTHORIZED => PortalError::SignInAgain,
        StatusCode::FORBIDDEN if restricted => PortalError::RestrictedCredential { said },
        StatusCode::FORBIDDEN if limited => PortalError::KeyLimit { limit, said },
        StatusCode::FORBIDDEN => PortalError::NotPermitted { doing, said },
        _ if fault => PortalError::Fault { said },
        _ => PortalError::NotUnderstood { doing, said },
    }
}

/// Up to Keystone 2024: "Using method 'application_credential' is not allowed for managing additional
/// application credentials"; since Keystone 30: "Delegated tokens cannot access credentials
/// directly", and "Using a delegated token to create another token is not allowed".
fn is_restricted_credential(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("delegated token")
        || message.contains("method 'application_credential' is not allowed")
}

/// "Unable to create additional credentials, maximum of N already exceeded for user".
fn is_key_limit(message: &str) -> bool {
    message.contains("maximum of ") && message.contains("exceeded")
}

fn key_limit(message: &str) -> Option<u32> {
    message
        .split_once("maximum of ")?
        .1
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// A header value that no log shows.
pub fn hidden(secret: &SecretString) -> Result<HeaderValue, PortalError> {
    let mut value =
        HeaderValue::from_str(secret.expose_secret()).map_err(|_| PortalError::Connection {
            kind: ErrorKind::Other,
            message: "the portal gave out a token that cannot be sent".to_owned(),
        })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_read_from_the_message() {
        let message =
            "Unable to create additional credentials, maximum of 10 already exceeded for user.";
        assert!(is_key_limit(message));
        assert_eq!(key_limit(message), Some(10));
        assert!(!is_key_limit("identity:ec2_create_credential"));
    }
}
