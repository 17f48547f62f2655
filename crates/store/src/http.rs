//! The one place where HTTP clients are made.
//!
//! Whom to trust (the system's authorities and the account's own), which proxy to use, how long to
//! wait for a connection and that redirects are never followed is decided here, for the S3 side
//! and for the portals. The S3 side does not go through `reqwest`: its `Url` folds `..` in paths,
//! and an object may be called `../../x`.

pub(crate) mod connect;
pub(crate) mod explain;
pub(crate) mod pace;
pub(crate) mod wire;

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use crate::config::{HttpSettings, Patience};
use crate::error::{ErrorKind, StoreError};

pub use explain::explain;

const DOING: &str = "prepare the connection";

/// Connections kept open for the next request. Servers close theirs after some 20 to 60 seconds.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// As many as a transfer may have requests under way.
pub(crate) const IDLE_CONNECTIONS: usize = 128;
pub(crate) const USER_AGENT: &str = concat!("Wherry/", env!("CARGO_PKG_VERSION"));

/// A client for everything that is not S3, such as the portals that make keys.
///
/// It follows no redirect: credentials must not travel where nobody sent them.
pub fn client(settings: &HttpSettings) -> Result<reqwest::Client, StoreError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(settings)?)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(USER_AGENT)
        .connect_timeout(Patience::default().connect)
        .read_timeout(Duration::from_mins(1))
        .pool_idle_timeout(KEEP_ALIVE);
    if let Some(url) = &settings.proxy {
        connect::check_proxy(url)?;
        let proxy = reqwest::Proxy::all(url.clone()).map_err(|_| {
            StoreError::new(
                ErrorKind::Proxy,
                DOING,
                "the account's proxy address cannot be used",
            )
        })?;
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| {
        let (kind, message) = explain(&error);
        StoreError::new(kind, DOING, message)
    })
}

/// TLS that trusts the system's authorities and those in the account's file.
pub(crate) fn tls(settings: &HttpSettings) -> Result<ClientConfig, StoreError> {
    let provider = provider();
    let extra = authorities(settings)?;
    let broken = |error: rustls::Error| {
        StoreError::new(
            ErrorKind::Tls,
            DOING,
            format!("TLS cannot be set up: {error}"),
        )
    };
    let verifier = Verifier::new_with_extra_roots(extra, provider.clone()).map_err(broken)?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken)?
        .dangerous() // says rustls of any verifier but its own; this one is the operating system's
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn authorities(settings: &HttpSettings) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let Some(path) = &settings.ca_file else {
        return Ok(Vec::new());
    };
    let refuse = |why: String| {
        let message = format!("the account's certificate file {} {why}", path.display());
        StoreError::new(ErrorKind::CertificateUntrusted, DOING, message)
    };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| refuse(format!("cannot be read: {error}")))?;
    if certificates.is_empty() {
        return Err(refuse(
            "holds no certificate in PEM form (“-----BEGIN CERTIFICATE-----”)".to_owned(),
        ));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_certificate_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = HttpSettings {
            ca_file: Some(folder.path().join("nowhere.pem")),
            proxy: None,
        };
        let error = client(&missing).unwrap_err();
        assert_eq!(error.kind, ErrorKind::CertificateUntrusted);
        assert!(error.message.contains("nowhere.pem"), "{error}");

        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "not a certificate").unwrap();
        let error = client(&HttpSettings {
            ca_file: Some(empty),
            proxy: None,
        })
        .unwrap_err();
        assert!(error.message.contains("holds no certificate"), "{error}");
    }

    #[test]
    fn a_proxy_of_an_unknown_kind_is_refused() {
        let settings = HttpSettings {
            ca_file: None,
            proxy: Some("ftp://proxy.example:21".parse().unwrap()),
        };
        assert_eq!(client(&settings).unwrap_err().kind, ErrorKind::Proxy);
    }
}
