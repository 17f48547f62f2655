//! Key issuers: the services of institutions that make, list and delete S3 keys.
//!
//! One module per portal, each behind [`Issuer`]. What a portal can do is data
//! ([`Capabilities`]), so that the rest of Wherry greys out what is missing instead of asking who a
//! portal is. Signing in is each portal's own affair and ends in a session that implements `Issuer`.
//! A password is used once and forgotten; nothing here writes to disk.

mod address;
mod error;
mod excerpt;
mod hosted;
mod issuer;
mod session;
mod tenancy;
mod wire;

mod cray_sts;
mod jasmin;
pub mod keystone;
pub mod oidc;
mod s3_keys_manager;
mod sts;
mod swarm;

pub use error::{Challenge, PortalError, Said};
pub use hosted::{HostedPages, hosted_pages};
pub use issuer::{
    Ability, Capabilities, Deleted, DescriptionLimit, Expiry, IssuedKey, Issuer, KeyRow, KeyWish,
    SecretShown, SignInMethod, capabilities,
};
pub use session::{
    PortalSession, Proof, S3Endpoint, Scope, SignInRequest, oidc_client, resume, sign_in,
};
