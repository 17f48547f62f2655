//! The one place where errors become values for people.
//!
//! Each crate's errors say what went wrong in its own terms; here they get a stable code, the
//! words, what to do, and the buttons. The wording is snapshot-tested in `tests/wording.rs`.

mod account;
mod other_tools;
mod portal;
mod store;
mod transfer;
mod vault;

pub use other_tools::from_import;
pub use portal::from_portal;
pub use store::{About, from_store};
pub(crate) use transfer::size;
pub use transfer::{from_blocked, from_file_error, from_plan_error};
pub use vault::from_status;

use crate::contract::{Problem, Remedy};

impl Problem {
    pub fn new(code: &str, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            what: what.into(),
            todo: todo.into(),
            remedies: Vec::new(),
            retry: false,
            context: Vec::new(),
        }
    }

    #[must_use]
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedies.push(remedy);
        self
    }

    /// Trying the same again may help; offers it as a button.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retry = true;
        self.remedies.insert(0, Remedy::Retry);
        self
    }

    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers hand over what they have"
    )]
    pub fn context(mut self, label: &str, value: impl ToString) -> Self {
        self.context.push((label.to_owned(), value.to_string()));
        self
    }

    #[must_use]
    pub fn maybe(self, label: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.context(label, value),
            None => self,
        }
    }

    /// Something in Wherry itself went wrong.
    pub fn fault(what: &str, reason: impl ToString) -> Self {
        Self::new(
            "app.fault",
            what,
            "This is a fault in Wherry; the log says more.",
        )
        .remedy(Remedy::ShowLog)
        .context("reason", reason)
    }

    /// A thing the window named is no longer there: a plan, a listing, a sign-in.
    pub fn stale(what: &str) -> Self {
        Self::new(
            "app.stale",
            format!("This {what} is no longer there."),
            "Open it again.",
        )
    }
}

/// An error's own words as a sentence: capital first letter, full stop. Names of hosts stay as they
/// are written.
pub(crate) fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let first = text.split_whitespace().next().unwrap_or_default();
    if first.trim_end_matches(['.', ':']).contains(['.', ':']) {
        return text.trim_end_matches('.').to_owned() + ".";
    }
    let mut chars = text.chars();
    let head: String = chars
        .next()
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{head}{}{end}", chars.as_str())
}
