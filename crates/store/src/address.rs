//! Where a bucket and its objects are: path style or virtual-host style.
//!
//! The SDK's own endpoint rules know much about AWS (ARNs, accelerate, directory buckets) that
//! would only get in the way here: a bucket is always below the account's endpoint, and nothing
//! is ever sent anywhere else.

use aws_sdk_s3::config::endpoint::{EndpointFuture, Params, ResolveEndpoint};
use aws_smithy_types::endpoint::Endpoint;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};
use url::{Host, Url};
use wherry_account::Addressing;

/// What stays as it is in a path: RFC 3986's unreserved characters and the slash between them.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');
/// What stays as it is in a query value.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Percent-encodes a key for a path. Dot segments and doubled slashes stay.
pub(crate) fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

pub(crate) fn encode_query(bytes: &[u8]) -> String {
    percent_encode(bytes, QUERY).to_string()
}

/// A store's address and how buckets hang on it.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    scheme: String,
    /// Host and port.
    authority: String,
    /// Without a slash at its end; mostly empty.
    path: String,
    virtual_hosts: bool,
}

impl Address {
    /// Addresses by number have no place for a bucket in front, so those use paths always.
    pub fn new(endpoint: &Url, addressing: Addressing) -> Self {
        let host = endpoint.host_str().unwrap_or_default();
        let authority = endpoint
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Self {
            scheme: endpoint.scheme().to_owned(),
            authority,
            path: endpoint.path().trim_end_matches('/').to_owned(),
            virtual_hosts: addressing == Addressing::VirtualHost
                && matches!(endpoint.host(), Some(Host::Domain(_))),
        }
    }

    pub fn is_secure(&self) -> bool {
        self.scheme == "https"
    }

    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The bucket's address without a slash at its end, or the store's own.
    pub fn of(&self, bucket: Option<&str>) -> String {
        let Self {
            scheme,
            authority,
            path,
            ..
        } = self;
        match bucket {
            None => format!("{scheme}://{authority}{path}"),
            Some(bucket) if self.in_host(bucket) => {
                format!("{scheme}://{bucket}.{authority}{path}")
            }
            // A slash in a bucket's name must not turn it into a bucket and a key.
            Some(bucket) => format!(
                "{scheme}://{authority}{path}/{}",
                encode_query(bucket.as_bytes())
            ),
        }
    }

    /// An object's address, unsigned. Not a [`Url`], which would fold the dot segments a key may have.
    pub fn of_object(&self, bucket: &str, key: &str) -> String {
        format!("{}/{}", self.of(Some(bucket)), encode_path(key))
    }

    /// Whether the bucket's name can be part of the host: a DNS label, and no dots where a
    /// wildcard certificate would not cover them.
    fn in_host(&self, bucket: &str) -> bool {
        let plain = |b: u8| {
            b.is_ascii_lowercase()
                || b.is_ascii_digit()
                || b == b'-'
                || (b == b'.' && !self.is_secure())
        };
        self.virtual_hosts
            && (3..=63).contains(&bucket.len())
            && bucket.bytes().all(plain)
            && bucket
                .split('.')
                .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
    }

    /// The bucket that a request's host names, if it names one.
    pub fn bucket_in_host<'h>(&self, authority: &'h str) -> Option<&'h str> {
        if !self.virtual_hosts {
            return None;
        }
        authority
            .strip_suffix(self.authority.as_str())?
            .strip_suffix('.')
    }
}

impl ResolveEndpoint for Address {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder()
            .url(self.of(params.bucket()))
            .build()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(endpoint: &str, addressing: Addressing) -> Address {
        Address::new(&endpoint.parse().unwrap(), addressing)
    }

    #[test]
    fn keys_survive_in_paths() {
        let store = address("http://127.0.0.1:9000", Addressing::Path);
        assert_eq!(
            store.of_object("b", "../../x"),
            "http://127.0.0.1:9000/b/../../x"
        );
        assert_eq!(
            store.of_object("b", "/a//b/"),
            "http://127.0.0.1:9000/b//a//b/"
        );
        assert_eq!(
            store.of_object("b", "a b+c%2F?#&"),
            "http://127.0.0.1:9000/b/a%20b%2Bc%252F%3F%23%26"
        );
    }

    #[test]
    fn virtual_hosts_only_where_they_can_be() {
        let store = address("https://s3.example.org", Addressing::VirtualHost);
        assert_eq!(store.of(Some("data")), "https://data.s3.example.org");
        assert_eq!(
            store.of(Some("dotted.name")),
            "https://s3.example.org/dotted.name"
        );
        assert_eq!(
            store.of(Some("Upper_case")),
            "https://s3.example.org/Upper_case"
        );
        assert_eq!(store.of(None), "https://s3.example.org");
        assert_eq!(store.bucket_in_host("data.s3.example.org"), Some("data"));
        assert_eq!(store.bucket_in_host("s3.example.org"), None);
        let numbered = address("http://127.0.0.1:9000", Addressing::VirtualHost);
        assert_eq!(numbered.of(Some("data")), "http://127.0.0.1:9000/data");
    }

    #[test]
    fn an_endpoint_may_have_a_path() {
        let store = address("https://gateway.example.org/s3/", Addressing::Path);
        assert_eq!(
            store.of_object("b", "k"),
            "https://gateway.example.org/s3/b/k"
        );
    }

    #[test]
    fn a_hostile_bucket_name_stays_in_the_path() {
        let store = address("https://s3.example.org", Addressing::VirtualHost);
        assert_eq!(
            store.of(Some("evil.example/?x=")),
            "https://s3.example.org/evil.example%2F%3Fx%3D"
        );
    }
}
