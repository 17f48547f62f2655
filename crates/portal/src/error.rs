//! What can go wrong between Wherry and a portal, in words, with what to do about it.

use std::borrow::Cow;

use url::Url;
use wherry_store::{ErrorKind, StoreError};

use crate::issuer::SignInMethod;
use crate::keystone::Receipt;

/// What the portal answered, for the person and for a support desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub host: String,
    /// HTTP.
    pub status: u16,
    /// The portal's own words, or an excerpt of an answer that was not understood; secrets removed.
    pub message: String,
    /// What the portal's operators can find the request by.
    pub request_id: Option<String>,
}

/// A sign-in that is half done: the portal wants more than a password.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// What it still asks for, such as `totp`; any one of the inner lists will do.
    pub asks: Vec<Vec<String>>,
    pub(crate) receipt: Receipt,
}

impl Challenge {
    /// Whether a six-digit code completes the sign-in.
    pub fn takes_code(&self) -> bool {
        self.asks
            .iter()
            .any(|set| set.iter().all(|method| method == "totp"))
    }
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum PortalError {
    // The address
    #[error("“{typed}” is not an address Wherry can use: {why}")]
    Address { typed: String, why: &'static str },
    /// Nobody typed `http://`, and there is no HTTPS: a password would travel readable.
    #[error("{} can only be reached without encryption", host_of(url))]
    OnlyUnencrypted { url: Url },
    #[error("{message}")]
    Connection { kind: ErrorKind, message: String },
    #[error("what answers at {host} is not {wanted}")]
    NotAPortal {
        host: String,
        /// With its article: "an OpenStack identity service (Keystone)".
        wanted: &'static str,
        excerpt: String,
    },
    /// Redirects are not followed with credentials.
    #[error("{} sends Wherry on to {to}", said.host)]
    Redirected { to: String, said: Box<Said> },

    // The sign-in
    #[error("{}", refused(*with, &said.host))]
    SignInRefused { with: SignInMethod, said: Box<Said> },
    #[error("the portal asks for a second proof of who you are")]
    NeedsSecondFactor(Box<Challenge>),
    #[error("your password has expired at {}", said.host)]
    PasswordExpired { said: Box<Said> },
    /// A way to sign in that is not open to Wherry there; another may be.
    #[error("{} does not let the program “{client}” sign you in this way", said.host)]
    ClientRefused { client: String, said: Box<Said> },
    /// A code to type or a page in the browser, with nobody there.
    #[error("nobody signed in, and the time for it is over")]
    SignInTimeout,
    /// JASMIN's portal has one answer for a wrong password and for a store that does not answer it.
    #[error("{} says that this password is incorrect", said.host)]
    PasswordDoubted { said: Box<Said> },
    /// Signed in, but this scope of the portal is not open, or no longer.
    #[error("the portal asks for your password before it opens {scope}")]
    PasswordAgain { scope: String },
    /// The token has expired or was revoked.
    #[error("you are no longer signed in")]
    SignInAgain,
    #[error("{}", project_words(wanted.as_deref(), available))]
    NoProject {
        wanted: Option<String>,
        available: Vec<String>,
    },

    // The keys
    #[error("this application credential may not make or list S3 keys")]
    RestrictedCredential { said: Box<Said> },
    #[error("{} does not let you {doing}", said.host)]
    NotPermitted {
        doing: &'static str,
        said: Box<Said>,
    },
    #[error("{}", limit_words(*limit))]
    KeyLimit { limit: Option<u32>, said: Box<Said> },
    /// The answer to the making of a key was lost, and the listing did not settle it.
    #[error("the connection broke while the key was being made, so it may or may not exist")]
    Unclear { cause: String },
    /// The answer with its secret was lost, and the portal shows a secret once.
    #[error("the key {access_key_id} was made, but its secret was lost on the way")]
    Orphan { access_key_id: String },
    /// What was wished for the key is not possible there: a date in the past, a name that is too long.
    #[error("{why}")]
    Wish { why: Cow<'static, str> },
    #[error("{reason}")]
    CannotDo { reason: Cow<'static, str> },

    // The portal
    /// Its own fault, or it is too busy: trying again may help.
    #[error("{} had a problem of its own{}", said.host, fault_status(said.status))]
    Fault { said: Box<Said> },
    #[error("{} answered something Wherry does not understand when asked to {doing}", said.host)]
    NotUnderstood {
        doing: &'static str,
        said: Box<Said>,
    },
}

impl PortalError {
    /// Stable, for tests, scripts and the window.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "address",
            Self::OnlyUnencrypted { .. } => "only-unencrypted",
            Self::Connection { kind, .. } => match kind {
                ErrorKind::HostUnknown => "host-unknown",
                ErrorKind::CertificateUntrusted => "certificate-untrusted",
                ErrorKind::Tls => "tls",
                ErrorKind::Proxy => "proxy",
                ErrorKind::Interrupted => "interrupted",
                _ => "unreachable",
            },
            Self::NotAPortal { .. } => "not-a-portal",
            Self::Redirected { .. } => "redirected",
            Self::SignInRefused {
                with: SignInMethod::Totp,
                ..
            } => "code-refused",
            Self::SignInRefused { .. } | Self::PasswordDoubted { .. } => "sign-in-refused",
            Self::PasswordAgain { .. } => "password-again",
            Self::NeedsSecondFactor(_) => "needs-second-factor",
            Self::PasswordExpired { .. } => "password-expired",
            Self::ClientRefused { .. } => "client-refused",
            Self::SignInTimeout => "sign-in-timeout",
            Self::SignInAgain => "sign-in-again",
            Self::NoProject { .. } => "no-project",
            Self::RestrictedCredential { .. } => "restricted-credential",
            Self::NotPermitted { .. } => "not-permitted",
            Self::KeyLimit { .. } => "key-limit",
            Self::Unclear { .. } => "unclear",
            Self::Orphan { .. } => "orphan",
            Self::Wish { .. } => "wish",
            Self::CannotDo { .. } => "cannot-do",
            Self::Fault { .. } => "portal-fault",
            Self::NotUnderstood { .. } => "not-understood",
        }
    }

    /// What the person can do about it.
    pub fn way_on(&self) -> Cow<'static, str> {
        let words = match self {
            Self::Address { .. } => {
                "Give it as your institution does, such as keystone.example.org:5000."
            }
            Self::OnlyUnencrypted { url } => {
                return format!(
                    "Your password could be read on the way. If this is a network you trust, give the address as {url}."
                )
                .into();
            }
            Self::Connection { kind, .. } => match kind {
                ErrorKind::HostUnknown => {
                    "Check the address for typing mistakes, and that you are online."
                }
                ErrorKind::CertificateUntrusted => {
                    "If your institution has its own certificate authority, choose its file (PEM) in the form."
                }
                ErrorKind::Tls => {
                    "Check whether the address should begin with http:// or https://, and its port."
                }
                ErrorKind::Proxy => {
                    "Check the proxy's address, or leave it empty to use the system's setting."
                }
                ErrorKind::Interrupted => "Try again.",
                _ => {
                    "Check the address and its port, and whether you must be in your institution's network or VPN."
                }
            },
            Self::NotAPortal { wanted, .. } if !wanted.contains("Keystone") => {
                "Check the address, as your institution gives it."
            }
            Self::NotAPortal { .. } => {
                "Check the address. Your OpenStack dashboard shows it under API Access, beside “Identity”; it often \
                 ends in :5000/v3."
            }
            Self::Redirected { .. } => {
                "Wherry does not send your password where another server points. If that address is right, enter it."
            }
            Self::SignInRefused {
                with: SignInMethod::Password,
                ..
            } => {
                "Check the user name and the password, and in OpenStack the domain (often Default). If your \
                 institution signs you in on a web page of its own, there may be no password for you here: sign \
                 in that way, or make a key in its dashboard and enter that."
            }
            Self::SignInRefused {
                with: SignInMethod::Totp,
                ..
            } => "Wait for the next code, as each works once, and check this computer's clock.",
            Self::SignInRefused {
                with: SignInMethod::ApplicationCredential,
                ..
            } => {
                "Check its id and secret. It may also have expired or been deleted in the dashboard."
            }
            Self::SignInRefused {
                with: SignInMethod::AccessKey,
                ..
            } => "Check the access key id and its secret, and that this key may take on the role.",
            Self::SignInRefused {
                with: SignInMethod::Browser | SignInMethod::DeviceCode | SignInMethod::HostedWindow,
                ..
            } => {
                "Sign in again. If it stays, your institution may not have let you use this service yet."
            }
            Self::NeedsSecondFactor(challenge) if challenge.takes_code() => {
                "Enter the six-digit code of your authenticator app."
            }
            Self::NeedsSecondFactor(_) => {
                "It asks for a proof Wherry cannot give. Make a key in your institution's dashboard and enter it here."
            }
            Self::PasswordExpired { .. } => {
                "Change it in your institution's dashboard, then sign in here."
            }
            Self::ClientRefused { .. } => {
                "Try another way to sign in. Your institution knows which client id, and perhaps secret, a desktop \
                 program needs there."
            }
            Self::SignInTimeout => "Begin the sign-in again.",
            Self::PasswordDoubted { .. } => {
                "Check it. It says so as well when the store behind it does not answer: if you are sure of the \
                 password, try again in a few minutes."
            }
            Self::PasswordAgain { .. } => "Enter it.",
            Self::SignInAgain => "Sign in again.",
            Self::NoProject { available, .. } if available.is_empty() => {
                "Ask your institution to add you to one that has object storage."
            }
            Self::NoProject { .. } => "Choose one of your projects.",
            Self::RestrictedCredential { .. } => {
                "Sign in with your user name and password. On OpenStack before 2025 an application credential made \
                 with “unrestricted” ticked works as well."
            }
            Self::NotPermitted { .. } => {
                "Ask your institution to let you. In OpenStack that is the role “member” in the project."
            }
            Self::KeyLimit { .. } => "Delete a key you no longer use, then make a new one.",
            Self::Unclear { .. } => {
                "Look at the list of keys once the portal can be reached. Delete a key there that you do not know, \
                 and make a new one."
            }
            Self::Orphan { .. } => "Delete it and make another one: nobody can use it.",
            Self::CannotDo { .. } => "",
            Self::Wish { .. } => "Change it and try again.",
            Self::Fault { .. } => {
                "Try again in a few minutes; if it stays, tell your institution's support."
            }
            Self::NotUnderstood { .. } => {
                "Check the address. If it is right, please send the excerpt to your institution's support."
            }
        };
        words.into()
    }

    /// Whether the same thing may work when simply tried again.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connection { kind, .. } => kind.is_transient(),
            Self::Fault { .. } => true,
            _ => false,
        }
    }

    /// What the portal answered, where it did.
    pub fn said(&self) -> Option<&Said> {
        match self {
            Self::Redirected { said, .. }
            | Self::SignInRefused { said, .. }
            | Self::PasswordExpired { said }
            | Self::PasswordDoubted { said }
            | Self::ClientRefused { said, .. }
            | Self::RestrictedCredential { said }
            | Self::NotPermitted { said, .. }
            | Self::KeyLimit { said, .. }
            | Self::Fault { said }
            | Self::NotUnderstood { said, .. } => Some(said),
            _ => None,
        }
    }

    /// Label and value, for a support desk.
    pub fn context(&self) -> Vec<(&'static str, String)> {
        let mut context = Vec::new();
        match self {
            Self::NotAPortal { excerpt, .. } => context.push(("Answer", excerpt.clone())),
            Self::Unclear { cause } => context.push(("Cause", cause.clone())),
            _ => {}
        }
        if let Some(said) = self.said() {
            context.push(("HTTP status", said.status.to_string()));
            if !said.message.is_empty() {
                context.push(("Answer", said.message.clone()));
            }
            context.extend(said.request_id.iter().map(|id| ("Request id", id.clone())));
        }
        context
    }
}

impl From<StoreError> for PortalError {
    /// Of making a client: a certificate file or a proxy that cannot be used.
    fn from(error: StoreError) -> Self {
        Self::Connection {
            kind: error.kind,
            message: error.message,
        }
    }
}

fn host_of(url: &Url) -> String {
    crate::wire::host(url)
}

fn refused(with: SignInMethod, host: &str) -> String {
    match with {
        SignInMethod::Password => {
            format!("{host} did not accept this user name and password")
        }
        SignInMethod::Totp => format!("{host} did not accept this password and code"),
        SignInMethod::ApplicationCredential => {
            format!("{host} did not accept this application credential")
        }
        SignInMethod::AccessKey => format!("{host} did not accept this access key"),
        SignInMethod::Browser | SignInMethod::DeviceCode | SignInMethod::HostedWindow => {
            format!("{host} did not accept this sign-in")
        }
    }
}

/// Some portals report their faults as a success.
fn fault_status(status: u16) -> String {
    match status {
        0..400 => String::new(),
        status => format!(" (HTTP {status})"),
    }
}

fn project_words(wanted: Option<&str>, available: &[String]) -> String {
    match (wanted, available) {
        (_, []) => "you are signed in, but you are in no project or tenancy".to_owned(),
        (None, _) => "no project is chosen".to_owned(),
        (Some(wanted), _) => format!(
            "you are in no project “{wanted}”, but in {}",
            available.join(", ")
        ),
    }
}

fn limit_words(limit: Option<u32>) -> String {
    match limit {
        Some(limit) => {
            format!("you already have {limit} keys, which is as many as this portal allows")
        }
        None => "you already have as many keys as this portal allows".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Every error's words, to be read as one text.
    #[test]
    fn the_words() {
        let said = || {
            let message = "The portal's words".to_owned();
            Box::new(Said {
                host: "keystone.example.org:5000".into(),
                status: 403,
                message,
                request_id: Some("req-1".into()),
            })
        };
        let connection = |kind, message: &str| PortalError::Connection {
            kind,
            message: message.into(),
        };
        let challenge = |method: &str| {
            PortalError::NeedsSecondFactor(Box::new(Challenge {
                asks: vec![vec![method.into()]],
                receipt: Receipt::none(),
            }))
        };
        let errors = [
            PortalError::Address {
                typed: "a b".into(),
                why: "it is not a web address",
            },
            PortalError::OnlyUnencrypted {
                url: "http://keystone.example.org:5000/v3"
                    .parse()
                    .expect("a URL"),
            },
            connection(
                ErrorKind::HostUnknown,
                "there is no host keystone.example.org",
            ),
            connection(
                ErrorKind::Unreachable,
                "nobody answers at keystone.example.org",
            ),
            connection(
                ErrorKind::CertificateUntrusted,
                "the certificate of keystone.example.org is not trusted",
            ),
            connection(ErrorKind::Tls, "keystone.example.org does not speak TLS"),
            connection(ErrorKind::Proxy, "the proxy does not answer"),
            connection(ErrorKind::Interrupted, "the connection broke"),
            PortalError::NotAPortal {
                host: "s3.example.org".into(),
                wanted: "an OpenStack identity service (Keystone)",
                excerpt: "Horizon Log in".into(),
            },
            PortalError::Redirected {
                to: "https://login.example.org/".into(),
                said: said(),
            },
            PortalError::SignInRefused {
                with: SignInMethod::Password,
                said: said(),
            },
            PortalError::SignInRefused {
                with: SignInMethod::Totp,
                said: said(),
            },
            PortalError::SignInRefused {
                with: SignInMethod::ApplicationCredential,
                said: said(),
            },
            challenge("totp"),
            challenge("x509"),
            PortalError::PasswordExpired { said: said() },
            PortalError::ClientRefused {
                client: "wherry".into(),
                said: said(),
            },
            PortalError::SignInTimeout,
            PortalError::PasswordDoubted { said: said() },
            PortalError::PasswordAgain {
                scope: "cedadev-o".into(),
            },
            PortalError::SignInAgain,
            PortalError::NoProject {
                wanted: None,
                available: Vec::new(),
            },
            PortalError::NoProject {
                wanted: Some("x".into()),
                available: vec!["demo".into(), "survey".into()],
            },
            PortalError::RestrictedCredential { said: said() },
            PortalError::NotPermitted {
                doing: "make a key",
                said: said(),
            },
            PortalError::KeyLimit {
                limit: Some(10),
                said: said(),
            },
            PortalError::KeyLimit {
                limit: None,
                said: said(),
            },
            PortalError::Unclear {
                cause: "the connection broke".into(),
            },
            PortalError::Orphan {
                access_key_id: "8b89".into(),
            },
            PortalError::CannotDo {
                reason: "OpenStack cannot change a key's secret.".into(),
            },
            PortalError::Fault { said: said() },
            PortalError::Fault {
                said: Box::new(Said {
                    status: 200,
                    ..*said()
                }),
            },
            PortalError::NotUnderstood {
                doing: "list your keys",
                said: said(),
            },
        ];
        let mut text = String::new();
        for error in errors {
            writeln!(text, "{}: {error}\n    {}", error.code(), error.way_on())
                .expect("a string takes it");
            for (label, value) in error.context() {
                writeln!(text, "    {label}: {value}").expect("a string takes it");
            }
        }
        insta::assert_snapshot!(text);
    }
}
