//! What a store said, for people.

use wherry_store::{ErrorKind, StoreError};

use crate::contract::{Problem, Remedy};

/// Whom and what an error is about, as far as it is known where it happened.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Account id, for the remedies.
    pub account: Option<String>,
    pub account_name: Option<String>,
    /// Host and port of the store.
    pub host: String,
    pub https: bool,
    pub bucket: Option<String>,
    pub key: Option<String>,
    /// Wherry can make another key for this account.
    pub can_make_key: bool,
    /// The key was deleted at its portal.
    pub key_deleted: bool,
    /// The key's own end has passed.
    pub key_expired: bool,
}

impl About {
    fn bucket_words(&self) -> String {
        self.bucket
            .as_ref()
            .map_or_else(|| "the bucket".into(), |b| format!("the bucket “{b}”"))
    }

    fn thing(&self) -> String {
        self.key.as_ref().map_or_else(
            || "it".into(),
            |key| format!("“{}”", crate::names::visible(key)),
        )
    }
}

/// A computer's name has no port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Kinds that speak about the key rather than about the thing asked for.
fn is_about_key(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::KeyUnknown | ErrorKind::SecretWrong | ErrorKind::KeyExpired
    )
}

pub fn from_store(error: &StoreError, about: &About) -> Problem {
    let host = &about.host;
    let doing = error.doing;
    // A key that is known to be dead explains every refusal.
    let dead = about.key_deleted || about.key_expired;
    if dead && (is_about_key(error.kind) || error.kind == ErrorKind::Denied) {
        return dead_key(error, about);
    }
    let p = Problem::new;
    let problem = match error.kind {
        ErrorKind::HostUnknown => p(
            "store.host-unknown",
            format!("There is no computer named “{}”.", name_of(host)),
            "Check the endpoint for typing mistakes, and that you are online (some stores need your institution's VPN).",
        )
        .retryable(),
        ErrorKind::Unreachable => p(
            "store.unreachable",
            format!("Nothing answers at {host}."),
            "Check the endpoint's host and port, and that you are online (some stores need your institution's VPN).",
        )
        .retryable(),
        ErrorKind::CertificateUntrusted => p(
            "store.certificate",
            format!("{host} shows a certificate from an authority that this computer does not trust."),
            "If your institution runs its own authority, choose its certificate file (PEM) in the account's advanced settings. Otherwise do not continue: somebody may be listening.",
        ),
        ErrorKind::Tls => p(
            "store.tls",
            format!("No secure connection to {host} could be made: {}.", error.message),
            if about.https {
                "If the store speaks plain http, write the endpoint with http:// in front. Otherwise ask whoever runs it about its certificate."
            } else {
                "Write the endpoint with https:// in front."
            },
        ),
        ErrorKind::Proxy => p(
            "store.proxy",
            format!("The proxy between here and {host} did not let the request through: {}.", error.message),
            "Check the proxy in the account's advanced settings or in your system's network settings.",
        )
        .retryable(),
        ErrorKind::NotS3 => p(
            "store.not-s3",
            format!("Something answers at {host}, but it is not an S3 store."),
            "Check the endpoint: a portal's or a web page's address is not the store's. The port matters too.",
        ),
        ErrorKind::Redirect => p(
            "store.redirect",
            match &error.redirect {
                Some(to) => format!("The store says that what you asked for is somewhere else: {to}."),
                None => "The store says that what you asked for is somewhere else.".into(),
            },
            "If that is right, enter it as the account's region or address. Wherry does not send your key where another server points.",
        ),
        ErrorKind::KeyUnknown => p(
            "store.key-unknown",
            "The store does not know this access key.".to_owned(),
            if about.can_make_key {
                "If it was made a moment ago, wait a minute and try again. If it was deleted, make a new one."
            } else {
                "Check the access key id for typing mistakes. A key made a moment ago can take some minutes to work."
            },
        )
        .retryable(),
        ErrorKind::SecretWrong => p(
            "store.secret-wrong",
            "The store knows the access key, but the secret does not belong to it.".to_owned(),
            "Enter the secret again, without spaces around it.",
        ),
        ErrorKind::KeyExpired => p(
            "store.key-expired",
            "This key has expired.".to_owned(),
            "Make or ask for a new one.",
        ),
        ErrorKind::ClockSkew => p(
            "store.clock",
            match error.clock_offset {
                Some(seconds) => format!("This computer's clock is {} the store's.", apart(seconds)),
                None => "This computer's clock and the store's differ too much.".into(),
            },
            "Set this computer's date and time (automatically, best), and try again.",
        )
        .retryable(),
        ErrorKind::Denied => p(
            "store.denied",
            format!("The store does not allow this key to {doing}."),
            "Ask the owner of the bucket, or whoever runs the store, for permission.",
        ),
        ErrorKind::NoSuchBucket => p(
            "store.no-bucket",
            format!("There is no such bucket: {}.", about.bucket.as_deref().unwrap_or("?")),
            "Check its name; it may have been deleted, or belong to another account or region.",
        ),
        ErrorKind::NoSuchKey => p(
            "store.no-object",
            format!("The object {} is not there any more.", about.thing()),
            "Refresh the folder; somebody may have deleted or renamed it.",
        ),
        ErrorKind::NoSuchUpload => p(
            "store.no-upload",
            "The store has forgotten this unfinished upload.".to_owned(),
            "Start it again.",
        )
        .retryable(),
        ErrorKind::BucketExists => p(
            "store.bucket-taken",
            format!("The name of {} is taken, perhaps by somebody else.", about.bucket_words()),
            "Bucket names are shared by everybody on a store: choose another, for instance with your group's name in it.",
        ),
        ErrorKind::BucketNotEmpty => p(
            "store.bucket-not-empty",
            format!("{} still has something in it.", capital(&about.bucket_words())),
            "Delete its objects first. Old versions and unfinished uploads count too.",
        ),
        ErrorKind::BucketName => p(
            "store.bucket-name",
            format!("The store does not accept the name of {}.", about.bucket_words()),
            "Use 3 to 63 small letters, digits and hyphens, beginning and ending with a letter or digit.",
        ),
        ErrorKind::Changed => p(
            "store.changed",
            format!("The object {} was changed by somebody else meanwhile.", about.thing()),
            "Start again to get it as it is now.",
        )
        .retryable(),
        ErrorKind::Exists => p(
            "store.exists",
            format!("There is already an object named {}.", about.thing()),
            "Nothing was overwritten. Choose another name, or decide to replace it.",
        ),
        ErrorKind::Archived => p(
            "store.archived",
            format!("The object {} is in an archive and cannot be read at once.", about.thing()),
            "Have it restored first; whoever runs the store can say how.",
        ),
        ErrorKind::Damaged => p(
            "store.damaged",
            "What arrived is not what was sent.".to_owned(),
            "Nothing damaged was kept. Try again; if it happens often, something on the way changes data.",
        )
        .retryable(),
        ErrorKind::QuotaExceeded => p(
            "store.quota",
            "There is no room left: the quota of this bucket or project is used up.".to_owned(),
            "Delete what is not needed (unfinished uploads count too), or ask for more room. What was uploaded so far is safe.",
        ),
        ErrorKind::SlowDown => p(
            "store.slow-down",
            "The store is busy and asks to slow down.".to_owned(),
            "Wait a little and try again.",
        )
        .retryable(),
        ErrorKind::Interrupted => p(
            "store.interrupted",
            format!("The connection to {host} broke off, or almost nothing came through."),
            "Check the network and try again.",
        )
        .retryable(),
        ErrorKind::LocalFile => p(
            "local.file",
            format!("A file on this computer could not be read: {}.", error.message),
            "Make sure it is still there and that you may read it, and try again.",
        )
        .retryable(),
        ErrorKind::Unsupported => p(
            "store.unsupported",
            format!("This store cannot {doing}."),
            "Nothing is wrong on your side; the store does not have this feature.",
        ),
        ErrorKind::ServerFault => p(
            "store.fault",
            format!("The store failed to {doing}."),
            "Wait a little and try again. If it goes on, tell whoever runs the store, with the details below.",
        )
        .retryable(),
        ErrorKind::Other => p(
            "store.other",
            format!("The store did not {doing}: {}.", error.message.trim_end_matches('.')),
            "The details below help whoever runs the store to find out why.",
        ),
    };
    with_context(remedies(problem, error, about), error, about)
}

fn remedies(problem: Problem, error: &StoreError, about: &About) -> Problem {
    let Some(account) = about.account.clone() else {
        return problem;
    };
    match error.kind {
        ErrorKind::KeyUnknown | ErrorKind::KeyExpired if about.can_make_key => {
            problem.remedy(Remedy::NewKey { account })
        }
        ErrorKind::KeyUnknown
        | ErrorKind::SecretWrong
        | ErrorKind::KeyExpired
        | ErrorKind::HostUnknown
        | ErrorKind::Unreachable
        | ErrorKind::CertificateUntrusted
        | ErrorKind::Tls
        | ErrorKind::NotS3
        | ErrorKind::Redirect
        | ErrorKind::Proxy => problem.remedy(Remedy::EditAccount { account }),
        ErrorKind::Denied if about.bucket.is_none() => {
            problem.remedy(Remedy::OpenByName { account })
        }
        _ => problem,
    }
}

/// The key was deleted at its portal or has run out, and the store has noticed.
fn dead_key(error: &StoreError, about: &About) -> Problem {
    let problem = if about.key_deleted {
        Problem::new(
            "store.key-deleted",
            "This account's key was deleted, and the store no longer accepts it.",
            "Make a new key to go on; your objects are all still there.",
        )
    } else {
        Problem::new(
            "store.key-expired",
            "This account's key has expired, and the store no longer accepts it.",
            "Make or enter a new key to go on; your objects are all still there.",
        )
    };
    let problem = match about.account.clone() {
        Some(account) if about.can_make_key => problem.remedy(Remedy::NewKey { account }),
        Some(account) => problem.remedy(Remedy::EditAccount { account }),
        None => problem,
    };
    with_context(problem, error, about)
}

fn with_context(problem: Problem, error: &StoreError, about: &About) -> Problem {
    problem
        .maybe("account", about.account_name.clone())
        .context("store", &about.host)
        .maybe("bucket", about.bucket.clone())
        .maybe("key", about.key.as_deref().map(crate::names::visible))
        .maybe("HTTP status", error.status)
        .maybe("S3 code", error.code.clone())
        .maybe("request id", error.request_id.clone())
        .context("message", &error.message)
}

/// "20 minutes behind", from the store's clock minus ours.
fn apart(seconds: i64) -> String {
    let (amount, unit) = match seconds.unsigned_abs() {
        s if s < 120 => (s, "seconds"),
        s if s < 7_200 => (s / 60, "minutes"),
        s if s < 172_800 => (s / 3_600, "hours"),
        s => (s / 86_400, "days"),
    };
    let direction = if seconds > 0 { "behind" } else { "ahead of" };
    format!("{amount} {unit} {direction}")
}

fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |c| {
        c.to_uppercase().collect::<String>() + chars.as_str()
    })
}
