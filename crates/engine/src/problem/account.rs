//! Account files and forms, for people.

use wherry_account::{AccountsError, NameProblem, ProviderError};

use crate::contract::{Problem, Remedy};
use crate::problem::sentence;

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        let what = sentence(&error);
        match error {
            AccountsError::Read { path, .. } => {
                Self::new("accounts.read", what, "Make sure the file is yours and can be read, and try again.")
                    .retryable()
                    .context("file", path.display())
            }
            AccountsError::Damaged { path, source } => Self::new(
                "accounts.damaged",
                format!("The account file {} is damaged.", path.display()),
                "Wherry leaves it as it is. Put it right, or move it away and add your accounts again; your secrets are kept elsewhere and are not lost.",
            )
            .retryable()
            .context("file", path.display())
            .context("reason", source),
            AccountsError::Newer { path, .. } => {
                Self::new("accounts.newer", what, "Update this Wherry; it will not touch the file.")
                    .context("file", path.display())
            }
            AccountsError::Write { path, .. } => Self::new(
                "accounts.write",
                what,
                "Nothing was changed. Make sure the disk has room and the folder is yours, and try again.",
            )
            .retryable()
            .context("file", path.display()),
            AccountsError::Name(name) => name.into(),
            AccountsError::Unknown(_) => {
                Self::new("accounts.unknown", what, "It may have been removed in another window.")
            }
        }
    }
}

impl From<NameProblem> for Problem {
    fn from(error: NameProblem) -> Self {
        let todo = match &error {
            NameProblem::Empty => "Give it a name you will recognise, such as the project's.",
            NameProblem::Long => "Choose a shorter one.",
            NameProblem::Character(_) => "Choose a name without colons, slashes and line breaks.",
            NameProblem::Taken(_) => "Choose another name.",
        };
        Self::new("accounts.name", sentence(&error), todo)
    }
}

impl From<ProviderError> for Problem {
    fn from(error: ProviderError) -> Self {
        let what = sentence(&error);
        match error {
            ProviderError::FieldMissing { name, .. } => {
                Self::new("accounts.field", what, "It is part of the store's address.")
                    .context("field", name)
            }
            ProviderError::FieldOdd { name, .. } => Self::new(
                "accounts.field",
                what,
                "It becomes part of the store's host name.",
            )
            .context("field", name),
            ProviderError::Address { .. } => Self::new(
                "accounts.endpoint",
                what,
                "An endpoint looks like https://s3.example.org, with a port if there is one.",
            ),
            ProviderError::Malformed { .. } | ProviderError::Invalid { .. } => Self::new(
                "app.provider",
                what,
                "This is a fault in Wherry; the log says more.",
            )
            .remedy(Remedy::ShowLog),
        }
    }
}
