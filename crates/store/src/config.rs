//! Everything a store is made from: where it is, how it likes its requests, and the key.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use secrecy::SecretString;
use url::Url;
use wherry_account::{Account, Addressing, Quirks, Signing};

use crate::error::{ErrorKind, StoreError};
use crate::key::KeySource;

/// An S3 key. The secret halves stay inside [`SecretString`] until they sign something.
#[derive(Clone)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret: SecretString,
    /// Keys that a token service lends for some hours come with one.
    pub session_token: Option<SecretString>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// How to reach a server: whom to trust beside the system's authorities, and by which way.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HttpSettings {
    /// A PEM file with one or more certificate authorities, trusted beside the system's own.
    pub ca_file: Option<PathBuf>,
    /// `http://`, `https://`, `socks4://`, `socks4a://`, `socks5://` or `socks5h://`; none means the system's setting.
    pub proxy: Option<Url>,
}

impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's address may hold a password.
        let proxy = self
            .proxy
            .as_ref()
            .map(|url| format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()));
        f.debug_struct("HttpSettings")
            .field("ca_file", &self.ca_file)
            .field("proxy", &proxy)
            .finish()
    }
}

/// How long a request may take before it counts as broken.
///
/// There is no limit on the whole of a request: a large part over a slow line is fine. What is
/// limited is how little may come through for how long, because a connection that trickles keeps
/// an idle timer happy for hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For name, TCP, proxy and TLS together.
    pub connect: Duration,
    /// Time spent waiting for the network over which `least` bytes must move, either way.
    pub window: Duration,
    /// Bytes per `window`.
    pub least: u64,
    /// From the last byte sent to the first byte of the answer. Completing an upload and copying
    /// are exempt: a store may be silent for many minutes while it puts the parts together.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            // Long enough for a kernel's send buffer to drain over a line of a few kB/s.
            window: Duration::from_secs(90),
            least: 64 << 10,
            answer: Duration::from_mins(2),
        }
    }
}

/// What [`S3Store::new`](crate::S3Store::new) needs.
#[derive(Debug, Clone)]
pub struct S3Config {
    /// Scheme, host, port and perhaps a path; no bucket.
    pub endpoint: Url,
    /// What Signature V4 is made for; stores other than AWS rarely look at it.
    pub region: String,
    pub addressing: Addressing,
    pub signing: Signing,
    pub quirks: Quirks,
    /// None for public buckets, and then nothing is signed whatever `signing` says.
    pub credentials: Option<KeySource>,
    pub http: HttpSettings,
    pub patience: Patience,
    /// Objects larger than this are copied in parts: 5 GiB, as S3 has it, but for tests.
    pub copy_whole_up_to: u64,
    /// Bytes per part of such a copy, where the object would not need too many of them.
    pub copy_part_size: u64,
    pub time: SharedTimeSource,
}

impl S3Config {
    /// A store at `endpoint` with everything else as most stores have it.
    pub fn new(endpoint: Url, credentials: Option<Credentials>) -> Self {
        Self {
            endpoint,
            region: "us-east-1".to_owned(),
            addressing: Addressing::default(),
            signing: if credentials.is_some() {
                Signing::V4
            } else {
                Signing::Anonymous
            },
            quirks: Quirks::default(),
            credentials: credentials.map(KeySource::Fixed),
            http: HttpSettings::default(),
            patience: Patience::default(),
            copy_whole_up_to: 5 << 30,
            copy_part_size: 512 << 20,
            time: SharedTimeSource::new(SystemTimeSource::new()),
        }
    }

    /// The store of an account; quirks come from its provider's preset.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnknown`] when the account signs its requests and no key is given.
    pub fn for_account(
        account: &Account,
        credentials: Option<impl Into<KeySource>>,
    ) -> Result<Self, StoreError> {
        if credentials.is_none() && account.signing != Signing::Anonymous {
            return Err(StoreError::new(
                ErrorKind::KeyUnknown,
                "open the account",
                "this account has no key yet, or its secret is not in the keychain; make a key or type one in",
            ));
        }
        let quirks = wherry_account::provider(&account.provider)
            .map(|preset| preset.quirks.clone())
            .unwrap_or_default();
        Ok(Self {
            region: account.region.clone(),
            addressing: account.addressing,
            signing: account.signing,
            quirks,
            http: HttpSettings {
                ca_file: account.ca_file.clone(),
                proxy: account.proxy.clone(),
            },
            credentials: credentials
                .filter(|_| account.signing != Signing::Anonymous)
                .map(Into::into),
            ..Self::new(account.endpoint.clone(), None)
        })
    }

    /// How requests are really signed: never without a key.
    pub(crate) fn effective_signing(&self) -> Signing {
        if self.credentials.is_some() {
            self.signing
        } else {
            Signing::Anonymous
        }
    }
}

#[cfg(test)]
mod tests {
    use wherry_account::{AccountId, KeyFacts};

    use super::*;

    const NO_KEY: Option<Credentials> = None;

    fn account(signing: Signing) -> Account {
        Account {
            id: AccountId::random(),
            name: "test".to_owned(),
            provider: "practice".to_owned(),
            endpoint: "https://s3.example.org".parse().unwrap(),
            region: "eu".to_owned(),
            addressing: Addressing::VirtualHost,
            signing,
            key: KeyFacts::default(),
            ca_file: Some("/ca.pem".into()),
            proxy: Some("socks5://proxy:1080".parse().unwrap()),
            issuer: None,
            opened_buckets: Vec::new(),
            added: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn takes_everything_from_the_account() {
        let key = Credentials {
            access_key_id: "id".to_owned(),
            secret: "hush".to_owned().into(),
            session_token: None,
        };
        let config = S3Config::for_account(&account(Signing::V2), Some(key.clone())).unwrap();
        assert_eq!(
            (config.region.as_str(), config.addressing),
            ("eu", Addressing::VirtualHost)
        );
        assert_eq!(config.effective_signing(), Signing::V2);
        assert_eq!(
            config.http.ca_file.as_deref(),
            Some(std::path::Path::new("/ca.pem"))
        );
        assert!(config.http.proxy.is_some());
        let preset = wherry_account::provider("practice").unwrap();
        assert_eq!(config.quirks, preset.quirks);
        assert!(!format!("{config:?}").contains("hush"));

        let config = S3Config::for_account(&account(Signing::Anonymous), Some(key)).unwrap();
        assert!(
            config.credentials.is_none(),
            "an anonymous account signs nothing"
        );
        let missing = S3Config::for_account(&account(Signing::V4), NO_KEY).unwrap_err();
        assert_eq!(missing.kind, ErrorKind::KeyUnknown);
        let unknown = Account {
            provider: "gone".to_owned(),
            ..account(Signing::Anonymous)
        };
        assert_eq!(
            S3Config::for_account(&unknown, NO_KEY).unwrap().quirks,
            Quirks::default()
        );
    }
}
