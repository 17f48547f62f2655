//! Security token services: stores that lend keys for a while, to whoever proves who they are.
//!
//! Three ways, one protocol (<https://docs.aws.amazon.com/STS/latest/APIReference/>, Ceph's
//! `radosgw/STS`, MinIO's `docs/sts`): a form posted to the store's own address, an answer in XML.
//! `AssumeRoleWithWebIdentity` takes a token of an OpenID Connect issuer, MinIO's
//! `AssumeRoleWithLDAPIdentity` a password, `AssumeRole` a signature with a lasting key. There is no
//! list of lent keys and no way to take one back; so a lent key whose answer was lost is harmless, and
//! asking again is the right thing to do.
//!
//! A first key is lent while signing in, because nothing else shows that everything is right, and is
//! what [`Issuer::create_key`](crate::Issuer::create_key) gives out first. For LDAP it is the only one:
//! the password is forgotten by then.

mod lend;
mod refusal;
mod role_key;
mod session;
mod signed;
mod xml;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use wherry_account::{IssuerKind, IssuerLink, IssuerOptions};
use wherry_store::HttpSettings;

use crate::error::PortalError;
use crate::issuer::{Ability, Capabilities, Expiry, SecretShown, SignInMethod};
use crate::session::{PortalSession, SignInRequest};

/// What stores lend keys for when nobody asks for another time, in seconds.
pub(crate) const USUAL: u32 = 3600;

pub(crate) async fn sign_in(request: SignInRequest) -> Result<Arc<dyn PortalSession>, PortalError> {
    session::sign_in(request).await
}

pub(crate) async fn resume(
    link: &IssuerLink,
    lasting: SecretString,
    http: &HttpSettings,
) -> Result<Arc<dyn PortalSession>, PortalError> {
    session::resume(link, &lasting, http).await
}

/// For the three kinds of store that lend keys.
pub(crate) fn capabilities(kind: IssuerKind, options: &IssuerOptions) -> Capabilities {
    Capabilities {
        list: Ability::No("The store keeps no list of the keys it lends.".into()),
        create: Ability::Yes,
        delete: Ability::No(
            "A lent key cannot be deleted: it stops working by itself when its time is over."
                .into(),
        ),
        reset: Ability::No("A lent key keeps its secret for its short life.".into()),
        expiry: Expiry::Fixed(Duration::from_secs(
            options.duration.unwrap_or(USUAL).into(),
        )),
        secret_shown: SecretShown::Once,
        new_key_revokes_old: false,
        description: None,
        lent: true,
        // A directory's password is not kept, and nothing stands in for it.
        renewed_alone: kind != IssuerKind::StsLdap,
        takes_effect_within: None,
        honoured_after_delete: None,
        sign_in: match kind {
            IssuerKind::StsLdap => &[SignInMethod::Password],
            IssuerKind::StsAssumeRole => &[SignInMethod::AccessKey],
            _ => &[
                SignInMethod::Browser,
                SignInMethod::DeviceCode,
                SignInMethod::Password,
            ],
        },
    }
}
