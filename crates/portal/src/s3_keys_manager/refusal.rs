//! The manager's refusals, told apart as far as somebody acts on the difference.

use reqwest::StatusCode;

use super::wire::ErrorBody;
use crate::error::PortalError;
use crate::wire::Answer;

/// Its own words, if the answer is one of its errors.
pub fn words(answer: &Answer) -> Option<String> {
    Some(answer.try_json::<ErrorBody>()?.words())
}

pub fn explain(answer: &Answer, doing: &'static str) -> PortalError {
    let status = answer.status;
    if status.is_redirection() {
        return PortalError::Redirected {
            to: answer.location().unwrap_or_default(),
            said: Box::new(answer.said(String::new())),
        };
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        let words = words(answer).unwrap_or_else(|| answer.excerpt());
        return PortalError::Fault {
            said: Box::new(answer.said(words)),
        };
    }
    let Some(message) = words(answer) else {
        return answer.not_understood(doing);
    };
    let most = message.to_ascii_lowercase().contains("max number of");
    let said = Box::new(answer.said(message));
    match status {
        StatusCode::UNAUTHORIZED => PortalError::SignInAgain,
        StatusCode::FORBIDDEN if most => PortalError::KeyLimit { limit: None, said },
        StatusCode::FORBIDDEN => PortalError::NotPermitted { doing, said },
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => PortalError::Wish {
            why: format!("{} does not accept this: {}", said.host, said.message).into(),
        },
        _ => PortalError::NotUnderstood { doing, said },
    }
}
