//! Turns what the network stack reports into words for people.
//!
//! The reason hides at the end of a chain of sources, some of them inside `io::Error`. Types are
//! asked where there are types; words only where a crate has nothing else to offer.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::CertificateError;

use crate::error::ErrorKind;

/// A failure on the way, already explained. It travels inside the errors of the crates between.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub kind: ErrorKind,
    pub message: String,
}

impl Failure {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

/// What kind of failure a `reqwest` error is, and what happened in words. Never holds an address's
/// path or query, which may be signed.
pub fn explain(error: &reqwest::Error) -> (ErrorKind, String) {
    let host = error.url().and_then(|url| {
        url.host_str().map(|h| match url.port() {
            Some(port) => format!("{h}:{port}"),
            None => h.to_owned(),
        })
    });
    let found = chain(error, host.as_deref());
    if found.0 != ErrorKind::Other {
        return found;
    }
    let place = place(host.as_deref());
    if error.is_timeout() && error.is_connect() {
        (ErrorKind::Unreachable, format!("nobody answers at {place}"))
    } else if error.is_timeout() {
        (ErrorKind::Interrupted, format!("{place} stopped answering"))
    } else if error.is_connect() {
        (
            ErrorKind::Unreachable,
            format!("no connection to {place} could be made"),
        )
    } else if error.is_body() || error.is_request() {
        (
            ErrorKind::Interrupted,
            format!("the connection to {place} broke"),
        )
    } else if error.is_decode() {
        (
            ErrorKind::Interrupted,
            format!("the answer of {place} could not be read"),
        )
    } else {
        (ErrorKind::Other, format!("the request to {place} failed"))
    }
}

/// As [`explain`], for any chain of errors.
pub(crate) fn chain(error: &(dyn Error + 'static), host: Option<&str>) -> (ErrorKind, String) {
    let links = links(error);
    let place = place(host);
    if let Some(found) = links.iter().find_map(|e| e.downcast_ref::<Failure>()) {
        return (found.kind, found.message.clone());
    }
    if let Some(tls) = links.iter().find_map(|e| e.downcast_ref::<rustls::Error>()) {
        return explain_tls(tls, &place);
    }
    let words: Vec<String> = links.iter().map(ToString::to_string).collect();
    let says = |what: &str| words.iter().any(|w| w.starts_with(what));
    if says("tunnel error") || says("SOCKS error") || says("socks") || says("proxy") {
        let why = words.last().cloned().unwrap_or_default();
        return (
            ErrorKind::Proxy,
            format!("the proxy did not let the connection through: {why}"),
        );
    }
    if says("dns error") || says("failed to lookup address information") {
        return (
            ErrorKind::HostUnknown,
            format!("there is no host called {}", host_only(host)),
        );
    }
    for link in &links {
        if let Some(http) = link.downcast_ref::<hyper::Error>() {
            if http.is_parse() {
                return (
                    ErrorKind::Tls,
                    format!(
                        "{place} does not speak plain HTTP there; try https:// instead of http://"
                    ),
                );
            }
            if http.is_incomplete_message() || http.is_closed() || http.is_canceled() {
                return (
                    ErrorKind::Interrupted,
                    format!("{place} closed the connection before its answer was complete"),
                );
            }
        }
        if let Some(io) = link.downcast_ref::<io::Error>()
            && let Some(found) = explain_io(io.kind(), &place)
        {
            return found;
        }
    }
    (
        ErrorKind::Other,
        words
            .last()
            .cloned()
            .unwrap_or_else(|| "something failed".to_owned()),
    )
}

fn explain_io(kind: io::ErrorKind, place: &str) -> Option<(ErrorKind, String)> {
    use io::ErrorKind as Io;
    Some(match kind {
        Io::ConnectionRefused => (
            ErrorKind::Unreachable,
            format!("nobody answers at {place}: the connection was refused"),
        ),
        Io::HostUnreachable | Io::NetworkUnreachable | Io::NetworkDown | Io::AddrNotAvailable => (
            ErrorKind::Unreachable,
            format!("{place} cannot be reached from here; check the network or the VPN"),
        ),
        Io::TimedOut => (ErrorKind::Unreachable, format!("nobody answers at {place}")),
        Io::ConnectionReset
        | Io::ConnectionAborted
        | Io::BrokenPipe
        | Io::UnexpectedEof
        | Io::NotConnected => (
            ErrorKind::Interrupted,
            format!("the connection to {place} broke"),
        ),
        _ => return None,
    })
}

fn explain_tls(error: &rustls::Error, place: &str) -> (ErrorKind, String) {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(CertificateError::UnknownIssuer) => (
            ErrorKind::CertificateUntrusted,
            format!(
                "the certificate of {place} was issued by an authority that this computer does not trust; \
                 if the place has an authority of its own, give its certificate file in the account's settings"
            ),
        ),
        Tls::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => (
            ErrorKind::Tls,
            format!("the certificate of {place} has expired, or this computer's clock is wrong"),
        ),
        Tls::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => (
            ErrorKind::Tls,
            format!(
                "the certificate of {place} is not valid yet, or this computer's clock is wrong"
            ),
        ),
        Tls::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => (
            ErrorKind::Tls,
            format!("the certificate of {place} belongs to another name; check the address"),
        ),
        Tls::InvalidCertificate(CertificateError::Revoked) => (
            ErrorKind::CertificateUntrusted,
            format!("the certificate of {place} has been revoked"),
        ),
        // webpki has one word for many reasons; a self-signed certificate used as its own authority is the usual one.
        Tls::InvalidCertificate(other) => (
            ErrorKind::CertificateUntrusted,
            format!("the certificate of {place} cannot be trusted: {other:?}"),
        ),
        Tls::InvalidMessage(_) => (
            ErrorKind::Tls,
            format!("{place} does not speak HTTPS there; try http:// instead of https://"),
        ),
        other => (
            ErrorKind::Tls,
            format!("no secure connection to {place} could be agreed: {other}"),
        ),
    }
}

fn links<'e>(error: &'e (dyn Error + 'static)) -> Vec<&'e (dyn Error + 'static)> {
    let mut links = Vec::new();
    let mut next = Some(error);
    while let Some(link) = next {
        links.push(link);
        next = match link
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => link.source(),
        };
    }
    links
}

fn place(host: Option<&str>) -> String {
    host.unwrap_or("the server").to_owned()
}

fn host_only(host: Option<&str>) -> String {
    let text = place(host);
    match text.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_reason_inside_an_io_error() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let outer = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        let (kind, words) = chain(&outer, Some("store.example:443"));
        assert_eq!(kind, ErrorKind::CertificateUntrusted);
        assert!(words.contains("store.example:443"));
    }

    #[test]
    fn tells_broken_from_unreachable() {
        let kind = |io: io::ErrorKind| chain(&io::Error::from(io), None).0;
        assert_eq!(
            kind(io::ErrorKind::ConnectionRefused),
            ErrorKind::Unreachable
        );
        assert_eq!(kind(io::ErrorKind::ConnectionReset), ErrorKind::Interrupted);
    }
}
