//! What an account is: a place in an S3 store, and everything about it that is not secret.
//!
//! Knows the provider presets (`providers/*.toml`), the account file, the folders Wherry keeps
//! things in, and how other tools write their configuration. Never holds a secret: those are in
//! `wherry-vault`, found by [`AccountId`].

mod account;
mod accounts;
mod atomic;
pub mod export;
mod home;
pub mod import;
mod ini;
mod provider;
mod recognise;

pub use account::{Account, AccountId, IssuerLink, IssuerOptions, KeyFacts, NameProblem};
pub use accounts::{Accounts, AccountsError};
pub use home::Home;
pub use ini::Malformed;
pub use provider::{
    Addressing, ChecksumMode, Cluster, DeleteMode, EndpointTemplate, Field, IssuerKind,
    ListVersion, MultipartEtag, PartLimits, Provider, ProviderError, Quirks, Signing, provider,
    providers,
};
pub use recognise::provider_at;
