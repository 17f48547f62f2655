//! What a key portal said, for people.

use wherry_portal::PortalError;

use crate::contract::{Problem, Remedy};

/// `account` is the id of the account the portal was asked for, if it exists already.
pub fn from_portal(error: &PortalError, account: Option<&str>) -> Problem {
    let mut problem = Problem::new(
        &format!("portal.{}", error.code()),
        super::sentence(error),
        error.way_on(),
    );
    problem.context = error
        .context()
        .into_iter()
        .map(|(label, value)| (label.to_owned(), crate::names::visible(&value)))
        .collect();
    if error.is_transient() {
        problem = problem.retryable();
    }
    match (error, account) {
        (PortalError::SignInAgain | PortalError::RestrictedCredential { .. }, Some(account)) => {
            problem.remedy(Remedy::SignIn {
                account: account.to_owned(),
            })
        }
        _ => problem,
    }
}
