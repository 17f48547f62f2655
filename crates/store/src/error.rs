//! What can go wrong between Wherry and a store.

use std::fmt;

/// What a refusal means, as far as somebody acts on the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    // The way to the store
    /// The host name does not resolve.
    HostUnknown,
    /// Nobody answers there: refused, unreachable, timed out while connecting.
    Unreachable,
    /// TLS failed because the certificate's issuer is not trusted.
    CertificateUntrusted,
    /// TLS failed otherwise: expired, wrong name, not TLS at all (http and https mixed up).
    Tls,
    Proxy,
    /// Something answered, and it is not an S3 store (HTML, JSON, another service).
    NotS3,
    /// The store sends us to another endpoint or region; see [`StoreError::redirect`].
    Redirect,
    // The key
    KeyUnknown,
    SecretWrong,
    /// The key or its session token has expired.
    KeyExpired,
    /// This computer's clock and the store's differ too much.
    ClockSkew,
    Denied,
    // The thing
    NoSuchBucket,
    NoSuchKey,
    NoSuchUpload,
    BucketExists,
    BucketNotEmpty,
    BucketName,
    /// `if_match` said no: the object was changed meanwhile.
    Changed,
    /// `if_absent` said no.
    Exists,
    Archived,
    // The sending
    /// The bytes that arrived are not the ones that were sent.
    Damaged,
    QuotaExceeded,
    SlowDown,
    /// The connection broke, or too little came through for too long.
    Interrupted,
    /// A local file could not be read while sending it.
    LocalFile,
    /// The store does not know this operation.
    Unsupported,
    /// The store's own fault (5xx).
    ServerFault,
    Other,
}

/// A refusal or failure, with what a person or a support desk needs to know.
#[derive(Debug, Clone)]
pub struct StoreError {
    pub kind: ErrorKind,
    /// What was being done, as words: "list the buckets".
    pub doing: &'static str,
    /// The store's or the system's own message; never holds a secret or a signed URL.
    pub message: String,
    pub status: Option<u16>,
    /// The S3 error code, as the store spelt it.
    pub code: Option<String>,
    pub request_id: Option<String>,
    /// Where the store sends us, for [`ErrorKind::Redirect`]: a region name or a host.
    pub redirect: Option<String>,
    /// Store's clock minus this computer's, in seconds, for [`ErrorKind::ClockSkew`].
    pub clock_offset: Option<i64>,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}", self.doing, self.message)?;
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        Ok(())
    }
}

impl std::error::Error for StoreError {}

impl ErrorKind {
    /// Every one: what is written down by name is read again by looking here.
    pub const ALL: [Self; 29] = [
        Self::HostUnknown,
        Self::Unreachable,
        Self::CertificateUntrusted,
        Self::Tls,
        Self::Proxy,
        Self::NotS3,
        Self::Redirect,
        Self::KeyUnknown,
        Self::SecretWrong,
        Self::KeyExpired,
        Self::ClockSkew,
        Self::Denied,
        Self::NoSuchBucket,
        Self::NoSuchKey,
        Self::NoSuchUpload,
        Self::BucketExists,
        Self::BucketNotEmpty,
        Self::BucketName,
        Self::Changed,
        Self::Exists,
        Self::Archived,
        Self::Damaged,
        Self::QuotaExceeded,
        Self::SlowDown,
        Self::Interrupted,
        Self::LocalFile,
        Self::Unsupported,
        Self::ServerFault,
        Self::Other,
    ];

    /// Whether the same request may succeed when simply sent again.
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::Interrupted
                | Self::SlowDown
                | Self::ServerFault
                | Self::Damaged
        )
    }
}

impl StoreError {
    /// One that no store has sent: only a kind and words.
    pub fn new(kind: ErrorKind, doing: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            doing,
            message: message.into(),
            status: None,
            code: None,
            request_id: None,
            redirect: None,
            clock_offset: None,
        }
    }
}
