//! AWS Signature Version 2, for stores that ask for it still.
//!
//! The protocol: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html>.
//! The signature covers the method, three headers, the `x-amz-` headers and the resource, and
//! neither the body nor the rest of the query: over plain HTTP only `Content-MD5` guards the bytes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;

use crate::address::encode_query;
use crate::config::Credentials;

/// Query parameters that name a part of the resource and so are signed: AWS's, then Ceph's.
const SUB_RESOURCES: &[&str] = &[
    "acl",
    "accelerate",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "restore",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "append",
    "object-lock",
    "policyStatus",
    "publicAccessBlock",
    "retention",
    "legal-hold",
    "mdsearch",
];

/// What of a request is signed.
pub(crate) struct Signable<'r> {
    pub method: &'r str,
    /// `(lower-case name, value)`.
    pub headers: Vec<(&'r str, &'r str)>,
    /// The bucket in front of the host, when it is there rather than in the path.
    pub host_bucket: Option<&'r str>,
    /// As sent: percent-encoded.
    pub path: &'r str,
    pub query: &'r str,
}

impl Signable<'_> {
    /// The text whose HMAC is the signature; `date` is the `Date` header or a link's expiry.
    fn string_to_sign(&self, date: &str) -> String {
        let header = |name: &str| {
            self.headers
                .iter()
                .find(|(n, _)| *n == name)
                .map_or("", |(_, value)| value.trim())
        };
        let mut amz: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, value) in self
            .headers
            .iter()
            .filter(|(name, _)| name.starts_with("x-amz-"))
        {
            // A value folded over lines becomes one line.
            amz.entry(name)
                .or_default()
                .push(value.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        let date = if amz.contains_key("x-amz-date") {
            ""
        } else {
            date
        };
        let mut text = format!(
            "{}\n{}\n{}\n{date}\n",
            self.method,
            header("content-md5"),
            header("content-type")
        );
        for (name, values) in amz {
            text.extend([name, ":", &values.join(","), "\n"]);
        }
        text.push_str(&self.resource());
        text
    }

    fn resource(&self) -> String {
        let mut text = self
            .host_bucket
            .map(|bucket| format!("/{bucket}"))
            .unwrap_or_default();
        text.push_str(if self.path.is_empty() { "/" } else { self.path });
        let mut parts: Vec<(&str, Option<String>)> = self
            .query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| match pair.split_once('=') {
                // Values are signed as they are meant, not as they are written.
                Some((name, value)) => (
                    name,
                    Some(percent_decode_str(value).decode_utf8_lossy().into_owned()),
                ),
                None => (pair, None),
            })
            .filter(|(name, _)| SUB_RESOURCES.contains(name))
            .collect();
        parts.sort();
        for (index, (name, value)) in parts.into_iter().enumerate() {
            text.push(if index == 0 { '?' } else { '&' });
            text.push_str(name);
            // The SDK writes `?uploads=` for what S3 calls `?uploads`.
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                text.push('=');
                text.push_str(&value);
            }
        }
        text
    }
}

fn sign(secret: &SecretString, text: &str) -> String {
    // HMAC takes keys of any length, so this arm is never taken; an empty signature is refused anyway.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

/// The `Authorization` header of a request that is sent with this `Date` header.
pub(crate) fn authorization(
    request: &Signable<'_>,
    credentials: &Credentials,
    date: &str,
) -> String {
    let signature = sign(&credentials.secret, &request.string_to_sign(date));
    format!("AWS {}:{signature}", credentials.access_key_id)
}

/// The query of a link that works until `expires` (seconds since 1970), `request.query` included.
pub(crate) fn presigned_query(
    request: &Signable<'_>,
    credentials: &Credentials,
    expires: u64,
) -> String {
    let mut token = String::new();
    let mut signable = Signable {
        headers: request.headers.clone(),
        ..*request
    };
    if let Some(session) = &credentials.session_token {
        signable
            .headers
            .push(("x-amz-security-token", session.expose_secret()));
        token = format!(
            "&x-amz-security-token={}",
            encode_query(session.expose_secret().as_bytes())
        );
    }
    let signature = sign(
        &credentials.secret,
        &signable.string_to_sign(&expires.to_string()),
    );
    let before = if request.query.is_empty() {
        String::new()
    } else {
        format!("{}&", request.query)
    };
    format!(
        "{before}AWSAccessKeyId={}&Expires={expires}&Signature={}{token}",
        encode_query(credentials.access_key_id.as_bytes()),
        encode_query(signature.as_bytes()),
    )
}

#[cfg(test)]
mod tests {
    //! The published examples, in the order of the page named at the top.
    use super::*;

    fn example() -> Credentials {
        Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned().into(),
            session_token: None,
        }
    }

    fn check(request: &Signable<'_>, date: &str, signature: &str) {
        let expected = format!("AWS AKIAIOSFODNN7EXAMPLE:{signature}");
        assert_eq!(
            authorization(request, &example(), date),
            expected,
            "{:?}",
            request.string_to_sign(date)
        );
    }

    #[test]
    fn object_get() {
        let request = Signable {
            method: "GET",
            headers: vec![],
            host_bucket: Some("awsexamplebucket1"),
            path: "/photos/puppy.jpg",
            query: "",
        };
        check(
            &request,
            "Tue, 27 Mar 2007 19:36:42 +0000",
            "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
        );
    }

    #[test]
    fn object_put() {
        let request = Signable {
            method: "PUT",
            headers: vec![("content-type", "image/jpeg"), ("content-length", "94328")],
            host_bucket: Some("awsexamplebucket1"),
            path: "/photos/puppy.jpg",
            query: "",
        };
        check(
            &request,
            "Tue, 27 Mar 2007 21:15:45 +0000",
            "iqRzw+ileNPu1fhspnRs8nOjjIA=",
        );
    }

    #[test]
    fn list() {
        let request = Signable {
            method: "GET",
            headers: vec![("user-agent", "Mozilla/5.0")],
            host_bucket: Some("awsexamplebucket1"),
            path: "/",
            query: "prefix=photos&max-keys=50&marker=puppy",
        };
        check(
            &request,
            "Tue, 27 Mar 2007 19:42:41 +0000",
            "m0WP8eCtspQl5Ahe6L1SozdX9YA=",
        );
    }

    #[test]
    fn fetch_a_sub_resource() {
        let request = Signable {
            method: "GET",
            headers: vec![],
            host_bucket: Some("awsexamplebucket1"),
            path: "/",
            query: "acl",
        };
        check(
            &request,
            "Tue, 27 Mar 2007 19:44:46 +0000",
            "82ZHiFIjc+WbcwFKGUVEQspPn+0=",
        );
    }

    #[test]
    fn delete_with_a_date_of_amazons_own() {
        let request = Signable {
            method: "DELETE",
            headers: vec![
                ("user-agent", "dotnet"),
                ("x-amz-date", "Tue, 27 Mar 2007 21:20:26 +0000"),
            ],
            host_bucket: None,
            path: "/awsexamplebucket1/photos/puppy.jpg",
            query: "",
        };
        let text = request.string_to_sign("Tue, 27 Mar 2007 21:20:27 +0000");
        assert_eq!(
            text,
            "DELETE\n\n\n\nx-amz-date:Tue, 27 Mar 2007 21:20:26 +0000\n/awsexamplebucket1/photos/puppy.jpg"
        );
    }

    #[test]
    fn upload_with_headers_of_the_same_name() {
        let request = Signable {
            method: "PUT",
            headers: vec![
                ("x-amz-acl", "public-read"),
                ("content-type", "application/x-download"),
                ("content-md5", "4gJE4saaMU4BqNR0kLY+lw=="),
                ("x-amz-meta-reviewedby", "joe@example.com"),
                ("x-amz-meta-reviewedby", "jane@example.com"),
                ("x-amz-meta-filechecksum", "0x02661779"),
                ("x-amz-meta-checksumalgorithm", "crc32"),
                ("content-disposition", "attachment; filename=database.dat"),
            ],
            host_bucket: Some("static.example.com"),
            path: "/db-backup.dat.gz",
            query: "",
        };
        check(
            &request,
            "Tue, 27 Mar 2007 21:06:08 +0000",
            "jtBQa0Aq+DkULFI8qrpwIjGEx0E=",
        );
    }

    #[test]
    fn list_all_my_buckets() {
        let request = Signable {
            method: "GET",
            headers: vec![],
            host_bucket: None,
            path: "/",
            query: "",
        };
        check(
            &request,
            "Wed, 28 Mar 2007 01:29:59 +0000",
            "qGdzdERIC03wnaRNKh6OqZehG9s=",
        );
    }

    #[test]
    fn unicode_keys() {
        let request = Signable {
            method: "GET",
            headers: vec![],
            host_bucket: None,
            path: "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re",
            query: "",
        };
        check(
            &request,
            "Wed, 28 Mar 2007 01:49:49 +0000",
            "DNEZGsoieTZ92F3bUfSPQcbGmlM=",
        );
    }

    #[test]
    fn query_string_request() {
        let request = Signable {
            method: "GET",
            headers: vec![],
            // As in the page's first edition: when it renamed the bucket, it kept this signature.
            host_bucket: Some("johnsmith"),
            path: "/photos/puppy.jpg",
            query: "",
        };
        assert_eq!(
            presigned_query(&request, &example(), 1_175_139_620),
            "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D"
        );
    }

    #[test]
    fn sub_resources_are_sorted_and_decoded() {
        let request = Signable {
            method: "GET",
            headers: vec![],
            host_bucket: None,
            path: "/b/k",
            query: "x-id=GetObject&uploadId=2~a%2Fb&partNumber=7&uploads=",
        };
        assert_eq!(
            request.resource(),
            "/b/k?partNumber=7&uploadId=2~a/b&uploads"
        );
    }
}
