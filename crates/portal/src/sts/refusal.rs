//! Why no key was lent, told apart as far as somebody acts on the difference.

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use wherry_account::IssuerOptions;

use super::lend::{DOING, ahead};
use super::xml::{self, Refusal};
use crate::error::{PortalError, Said};
use crate::issuer::SignInMethod;
use crate::wire::Answer;

const STS: &str = "a store that lends keys (with a token service, STS)";

/// Explains an answer that brought no key.
pub fn explain(answer: &Answer, with: SignInMethod, options: &IssuerOptions) -> PortalError {
    let status = answer.status;
    if status.is_redirection() {
        return PortalError::Redirected {
            to: answer.location().unwrap_or_default(),
            said: Box::new(answer.said(String::new())),
        };
    }
    let Some(refusal) = xml::refusal(&answer.text()) else {
        if is_fault(status) {
            return PortalError::Fault {
                said: Box::new(answer.said(answer.excerpt())),
            };
        }
        return foreign(answer);
    };
    judge(&refusal, status, said(answer, &refusal), with, options)
}

fn judge(
    refusal: &Refusal,
    status: StatusCode,
    said: Said,
    with: SignInMethod,
    options: &IssuerOptions,
) -> PortalError {
    let said = Box::new(said);
    let message = refusal.message.to_ascii_lowercase();
    match refusal.code.as_str() {
        // Stores without a token service, or with it turned off.
        "MethodNotAllowed" | "NotImplemented" | "InvalidAction" | "UnsupportedOperation" => {
            PortalError::NotAPortal {
                host: said.host,
                wanted: STS,
                excerpt: said.message,
            }
        }
        "ExpiredToken" | "ExpiredTokenException" => PortalError::SignInAgain,
        "PackedPolicyTooLarge" | "MalformedPolicyDocument" => PortalError::CannotDo {
            reason: "The store says that the role's policy cannot be used. Tell whoever runs it."
                .into(),
        },
        "RegionDisabledException" => PortalError::CannotDo {
            reason: "The store lends no keys in this region.".into(),
        },
        "NoSuchEntity" | "NoSuchRole" | "RoleNotFound" | "NoSuchKey" => PortalError::Wish {
            why: match &options.role_arn {
                Some(role) => format!("the store knows no role “{role}”").into(),
                None => "the store wants a role to lend a key for".into(),
            },
        },
        "ValidationError"
        | "InvalidParameterValue"
        | "InvalidArgument"
        | "MissingParameter"
        | "InvalidRequest"
        | "MalformedArn"
        | "InvalidParameterCombination"
        | "InvalidArn"
            if !status.is_server_error() =>
        {
            invalid(&message, said, with, options)
        }
        "AccessDenied"
        | "InvalidIdentityToken"
        | "IDPRejectedClaim"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidToken"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "Unauthorized"
        | "UserSuspended" => PortalError::SignInRefused { with, said },
        "SlowDown"
        | "Throttling"
        | "InternalError"
        | "InternalFailure"
        | "ServiceUnavailable"
        | "IDPCommunicationError" => PortalError::Fault { said },
        _ if is_fault(status) => PortalError::Fault { said },
        _ if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN => {
            PortalError::SignInRefused { with, said }
        }
        _ => {
            tracing::warn!(host = %said.host, code = %refusal.code, "an unknown refusal");
            PortalError::NotUnderstood { doing: DOING, said }
        }
    }
}

/// One of the values is wrong. Ceph says no more than that.
fn invalid(
    message: &str,
    said: Box<Said>,
    with: SignInMethod,
    options: &IssuerOptions,
) -> PortalError {
    if message.contains("duration") || message.contains("maxsessionduration") {
        return PortalError::Wish {
            why: format!(
                "the store does not lend keys for {} seconds",
                options.duration.unwrap_or(super::USUAL)
            )
            .into(),
        };
    }
    if message.contains("role") || message.contains("arn") {
        return PortalError::Wish {
            why: match &options.role_arn {
                Some(role) => format!("the store cannot use the role “{role}”").into(),
                None => "the store wants a role to lend a key for".into(),
            },
        };
    }
    // MinIO's word for a wrong LDAP password and for a token it cannot use.
    if with != SignInMethod::AccessKey && !message.is_empty() {
        return PortalError::SignInRefused { with, said };
    }
    PortalError::Wish {
        why: "the store refuses the role, the name of the session or the time asked for".into(),
    }
}

/// Not an answer of a token service at all.
pub fn foreign(answer: &Answer) -> PortalError {
    let excerpt = answer.excerpt();
    tracing::warn!(host = answer.host(), status = answer.status.as_u16(), answer = %excerpt, "no token service");
    PortalError::NotAPortal {
        host: answer.host().to_owned(),
        wanted: STS,
        excerpt,
    }
}

/// Seconds that the store's clock is ahead, when it refuses a request because of that.
pub fn skew(answer: &Answer, now: DateTime<Utc>) -> Option<i64> {
    if answer.status.is_success() {
        return None;
    }
    let code = xml::refusal(&answer.text())?.code;
    if !matches!(code.as_str(), "RequestTimeTooSkewed" | "RequestExpired") {
        return None;
    }
    ahead(answer.header("date")?, now)
}

fn is_fault(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
        || status == StatusCode::TOO_MANY_REQUESTS
}

/// Their code and words: a request id of S3's kind is in the body.
fn said(answer: &Answer, refusal: &Refusal) -> Said {
    let message = match crate::excerpt::excerpt(refusal.message.as_bytes()) {
        words if words.is_empty() => refusal.code.clone(),
        words => format!("{}: {words}", refusal.code),
    };
    let said = answer.said(message);
    Said {
        request_id: said.request_id.or_else(|| refusal.request_id.clone()),
        ..said
    }
}
