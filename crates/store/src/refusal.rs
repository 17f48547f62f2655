//! Turns every way a request can fail into a [`StoreError`].
//!
//! Stores differ in what they say: Ceph's messages are empty, some answer errors with web pages,
//! HEAD answers have no body at all. So the S3 code is asked first, then the status, and the words
//! are ours; what the store said is quoted where it may add something.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use chrono::TimeDelta;

use crate::clock::StoreClock;
use crate::error::{ErrorKind, StoreError};
use crate::http::explain;
use crate::key::KeyInUse;

/// A clock this far off explains a refusal that has no words.
const SKEW: i64 = 15 * 60;

/// What a request was about, which decides what a bare 404 or 412 means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Store,
    Bucket,
    Object,
    /// A PUT with `If-None-Match`.
    NewObject,
    Upload,
}

/// Explains failures of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusals<'s> {
    pub doing: &'static str,
    pub about: About,
    pub clock: &'s StoreClock,
    /// Host and port of the store, for the words.
    pub host: &'s str,
    /// What the request was signed with.
    pub key: Option<&'s KeyInUse>,
}

/// What of an answer the judgement rests on.
struct Answer<'a> {
    status: u16,
    code: Option<&'a str>,
    message: &'a str,
    body: &'a [u8],
    header: &'a dyn Fn(&str) -> Option<&'a str>,
}

impl<'s> Refusals<'s> {
    pub fn of_key(self, key: Option<&'s KeyInUse>) -> Self {
        Self { key, ..self }
    }

    /// What went wrong. A lender hears of it when that is about its key.
    pub fn explain<E>(&self, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let explained = self.explained(error);
        if let Some(key) = self.key {
            key.judge(&explained);
        }
        explained
    }

    fn explained<E>(&self, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if let SdkError::ServiceError(context) = error {
            return self.answered(
                context.raw(),
                context.err().code(),
                context.err().message().unwrap_or_default(),
            );
        }
        let (kind, message) = explain::chain(error, Some(self.host));
        match error {
            // The answer's body broke off, or it was no S3 answer at all.
            SdkError::ResponseError(context) if kind == ErrorKind::Other => {
                let mut found = self.answered(context.raw(), None, "");
                if context.raw().status().is_success() {
                    found.kind = ErrorKind::NotS3;
                    found.message = self.not_s3(context.raw().body().bytes().unwrap_or_default());
                }
                found
            }
            SdkError::ConstructionFailure(_) => StoreError::new(
                ErrorKind::Other,
                self.doing,
                format!("the request cannot be made: {}", scrub(&message)),
            ),
            _ => StoreError::new(kind, self.doing, scrub(&message)),
        }
    }

    /// A failure of our own on the way.
    pub fn failed(&self, failure: &explain::Failure) -> StoreError {
        StoreError::new(failure.kind, self.doing, scrub(&failure.message))
    }

    /// One key's entry in the answer to a bulk delete.
    pub fn code(&self, code: &str, message: &str) -> StoreError {
        let header = |_: &str| None;
        self.judge(&Answer {
            status: 0,
            code: Some(code),
            message,
            body: b"",
            header: &header,
        })
    }

    /// Not an S3 answer although its status says success.
    pub fn foreign(&self, response_body: &[u8]) -> StoreError {
        StoreError::new(ErrorKind::NotS3, self.doing, self.not_s3(response_body))
    }

    fn answered(&self, raw: &HttpResponse, code: Option<&str>, message: &str) -> StoreError {
        let header = |name: &str| raw.headers().get(name);
        let body = raw.body().bytes().unwrap_or_default();
        // The SDK leaves `NotFound` as the code of a HEAD answer that had none.
        let code = code.filter(|code| !(body.is_empty() && *code == "NotFound"));
        let mut error = self.judge(&Answer {
            status: raw.status().as_u16(),
            code,
            message,
            body,
            header: &header,
        });
        error.request_id = header("x-amz-request-id").map(scrub);
        error
    }

    fn judge(&self, answer: &Answer<'_>) -> StoreError {
        let offset = (answer.header)("date").and_then(|date| self.clock.difference(date));
        let mut kind = self.kind(answer, offset.map(|offset| offset - self.clock.offset()));
        // Ceph says nothing but "access denied" to a key whose time is over.
        if kind == ErrorKind::Denied && self.key_is_over(offset) {
            kind = ErrorKind::KeyExpired;
        }
        let redirect = (kind == ErrorKind::Redirect)
            .then(|| redirect(answer))
            .flatten();
        let mut message = self.words(kind, answer, offset, redirect.as_deref());
        let theirs = scrub(answer.message);
        if !theirs.is_empty() && quotable(kind) {
            message = format!("{message}; the store says: {theirs}");
        }
        StoreError {
            status: (answer.status != 0).then_some(answer.status),
            code: answer.code.map(scrub),
            redirect,
            clock_offset: offset.filter(|_| kind == ErrorKind::ClockSkew),
            ..StoreError::new(kind, self.doing, message)
        }
    }

    /// Whether the time of the request's key is over by the store's clock, as its answer shows it.
    fn key_is_over(&self, offset: Option<i64>) -> bool {
        let Some(end) = self.key.and_then(|key| key.expires) else {
            return false;
        };
        let now = self.clock.local() + TimeDelta::seconds(offset.unwrap_or(self.clock.offset()));
        end <= now
    }

    fn kind(&self, answer: &Answer<'_>, skew: Option<i64>) -> ErrorKind {
        if let Some(kind) = answer
            .code
            .and_then(|code| self.kind_of_code(code, answer.status))
        {
            return kind;
        }
        let foreign = answer.code.is_none()
            && !answer.body.is_empty()
            && !is_s3_error(answer.body)
            && (answer.header)("x-amz-request-id").is_none();
        match answer.status {
            // A success that the SDK could make nothing of.
            200..=299 if answer.code.is_none() => ErrorKind::NotS3,
            301 | 302 | 303 | 307 | 308 => ErrorKind::Redirect,
            407 => ErrorKind::Proxy,
            507 => ErrorKind::QuotaExceeded,
            429 | 503 => ErrorKind::SlowDown,
            408 => ErrorKind::Interrupted,
            501 => ErrorKind::Unsupported,
            500..=599 => ErrorKind::ServerFault,
            _ if foreign => ErrorKind::NotS3,
            // A HEAD has no code to tell; a region in a refusal is one that we did not sign for.
            400 | 403
                if (answer.header)("x-amz-bucket-region").is_some()
                    && answer.body.is_empty()
                    && answer.status == 400 =>
            {
                ErrorKind::Redirect
            }
            401 | 403 if skew.is_some_and(|s| s.abs() >= SKEW) => ErrorKind::ClockSkew,
            401 | 403 => ErrorKind::Denied,
            404 => match self.about {
                About::Store => ErrorKind::NotS3,
                About::Bucket => ErrorKind::NoSuchBucket,
                About::Object | About::NewObject => ErrorKind::NoSuchKey,
                About::Upload => ErrorKind::NoSuchUpload,
            },
            405 => ErrorKind::Unsupported,
            412 if self.about == About::NewObject => ErrorKind::Exists,
            409 if self.about == About::Bucket => ErrorKind::BucketExists,
            412 => ErrorKind::Changed,
            _ => ErrorKind::Other,
        }
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>, and what Ceph, Swarm
    /// and others add to it.
    fn kind_of_code(&self, code: &str, status: u16) -> Option<ErrorKind> {
        Some(match code {
            "InvalidAccessKeyId" | "InvalidToken" | "InvalidClientTokenId" | "InvalidSecurity" => {
                ErrorKind::KeyUnknown
            }
            "SignatureDoesNotMatch" => ErrorKind::SecretWrong,
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
                ErrorKind::KeyExpired
            }
            "RequestTimeTooSkewed" | "RequestExpired" => ErrorKind::ClockSkew,
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "UserSuspended"
            | "NotSignedUp" => ErrorKind::Denied,
            "NoSuchBucket" => ErrorKind::NoSuchBucket,
            // What Ceph says of an upload that is gone.
            "NoSuchKey" if self.about == About::Upload => ErrorKind::NoSuchUpload,
            "NoSuchKey" | "NoSuchVersion" => ErrorKind::NoSuchKey,
            "NoSuchUpload" => ErrorKind::NoSuchUpload,
            "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => ErrorKind::BucketExists,
            "BucketNotEmpty" => ErrorKind::BucketNotEmpty,
            "InvalidBucketName" | "BucketNameInvalid" => ErrorKind::BucketName,
            "PreconditionFailed" if self.about == About::NewObject => ErrorKind::Exists,
            "PreconditionFailed" => ErrorKind::Changed,
            "InvalidObjectState" => ErrorKind::Archived,
            "BadDigest"
            | "InvalidDigest"
            | "XAmzContentSHA256Mismatch"
            | "XAmzContentChecksumMismatch" => ErrorKind::Damaged,
            "QuotaExceeded"
            | "TooManyBuckets"
            | "ServiceQuotaExceededException"
            | "InsufficientStorage"
            | "EntityTooLargeForQuota" => ErrorKind::QuotaExceeded,
            "SlowDown"
            | "Busy"
            | "ServiceUnavailable"
            | "TooManyRequests"
            | "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException"
            | "OperationAborted"
            | "ConditionalRequestConflict" => ErrorKind::SlowDown,
            "RequestTimeout" | "IncompleteBody" => ErrorKind::Interrupted,
            "NotImplemented" | "MethodNotAllowed" | "UnsupportedOperation" => {
                ErrorKind::Unsupported
            }
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "Redirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException" => ErrorKind::Redirect,
            "InternalError" | "InternalFailure" => ErrorKind::ServerFault,
            // Some other code with an error of the store's own making behind it.
            _ if status >= 500 && status != 501 && status != 507 => ErrorKind::ServerFault,
            _ => return None,
        })
    }

    fn words(
        &self,
        kind: ErrorKind,
        answer: &Answer<'_>,
        offset: Option<i64>,
        redirect: Option<&str>,
    ) -> String {
        let host = self.host;
        match kind {
            ErrorKind::KeyUnknown => "the store does not know this key. A key made a moment ago can take some minutes to work; \
                 otherwise its id or secret was mistyped, it was deleted, or it belongs to another store"
                .to_owned(),
            ErrorKind::SecretWrong => {
                "the secret does not belong to this access key id, or the store wants another signature version".to_owned()
            }
            ErrorKind::KeyExpired => "the key has expired; make or fetch a new one".to_owned(),
            ErrorKind::ClockSkew => clock_words(offset),
            ErrorKind::Denied if answer.code == Some("UserSuspended") => "the store has suspended this user".to_owned(),
            ErrorKind::Denied => "the store does not allow this with this key".to_owned(),
            ErrorKind::NoSuchBucket => "there is no such bucket at this store".to_owned(),
            ErrorKind::NoSuchKey => "there is no such object; it may have been deleted or renamed".to_owned(),
            ErrorKind::NoSuchUpload => "the store no longer knows this unfinished upload".to_owned(),
            ErrorKind::BucketExists if answer.code == Some("BucketAlreadyOwnedByYou") => {
                "you have a bucket of this name already".to_owned()
            }
            ErrorKind::BucketExists => "the name is taken; bucket names are shared by everyone who uses the store".to_owned(),
            ErrorKind::BucketNotEmpty => "the bucket is not empty; delete what is in it first, also old versions and \
                 unfinished uploads"
                .to_owned(),
            ErrorKind::BucketName => "the store does not take this bucket name; use 3 to 63 lower-case letters, digits \
                 and hyphens, beginning and ending with a letter or digit"
                .to_owned(),
            ErrorKind::Changed => "the object is not the one that was seen before; it was changed meanwhile".to_owned(),
            ErrorKind::Exists => "there is an object of this name already".to_owned(),
            ErrorKind::Archived => "the object is in an archive and must be restored first".to_owned(),
            ErrorKind::Damaged => "the bytes that arrived are not the ones that were sent; the store has refused them".to_owned(),
            ErrorKind::QuotaExceeded if answer.code == Some("TooManyBuckets") => {
                "you have as many buckets as the store allows you".to_owned()
            }
            ErrorKind::QuotaExceeded => {
                "the quota is used up; delete objects or unfinished uploads, or ask for more space".to_owned()
            }
            ErrorKind::SlowDown => "the store is busy and asks us to slow down".to_owned(),
            ErrorKind::Unsupported => "this store does not offer that".to_owned(),
            ErrorKind::ServerFault => "the store has a problem of its own; it may pass".to_owned(),
            ErrorKind::Redirect => redirect.map_or_else(
                || "the store sends us to another address, and does not say where".to_owned(),
                |to| format!("the store sends us to {to}; if that is right, put it into the account's settings"),
            ),
            ErrorKind::NotS3 => self.not_s3(answer.body),
            ErrorKind::Interrupted => format!("{host} did not get the whole request in time"),
            ErrorKind::Proxy => "the proxy wants a user name and password".to_owned(),
            _ if answer.status == 416 => "the object is shorter than expected".to_owned(),
            _ if answer.code == Some("EntityTooLarge") => "the store does not take objects or parts this large".to_owned(),
            _ if answer.code == Some("EntityTooSmall") => "the store does not take parts this small".to_owned(),
            _ if answer.code == Some("KeyTooLongError") => "the name is longer than the 1,024 bytes that S3 allows".to_owned(),
            _ => format!("the store refused the request with status {}", answer.status),
        }
    }

    fn not_s3(&self, body: &[u8]) -> String {
        let start = String::from_utf8_lossy(&body[..body.len().min(512)])
            .trim_start()
            .to_ascii_lowercase();
        let what = if start.starts_with("<!doctype html") || start.starts_with("<html") {
            "a web page"
        } else if start.starts_with('{') || start.starts_with('[') {
            "JSON"
        } else if body.is_empty() {
            "something that is not an S3 answer"
        } else {
            "something else"
        };
        format!(
            "{} is there but is not an S3 store: it answered with {what}; check the address",
            self.host
        )
    }
}

/// Whether the store's own words may add to ours.
fn quotable(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Denied
            | ErrorKind::Other
            | ErrorKind::ServerFault
            | ErrorKind::Unsupported
            | ErrorKind::QuotaExceeded
            | ErrorKind::BucketName
    )
}

fn is_s3_error(body: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&body[..body.len().min(1024)]);
    let start = start.trim_start_matches('\u{feff}').trim_start();
    start.starts_with("<?xml") && !start.contains("<html") || start.starts_with("<Error")
}

fn clock_words(offset: Option<i64>) -> String {
    let Some(offset) = offset else {
        return "this computer's clock and the store's differ too much".to_owned();
    };
    let minutes = (offset.abs() + 30) / 60;
    let way = if offset > 0 { "behind" } else { "ahead of" };
    format!("this computer's clock is about {minutes} minutes {way} the store's")
}

/// Where a redirect leads: a region, or a host.
fn redirect(answer: &Answer<'_>) -> Option<String> {
    let body = String::from_utf8_lossy(answer.body);
    (answer.header)("x-amz-bucket-region")
        .map(str::to_owned)
        .or_else(|| element(&body, "Region"))
        .or_else(|| element(&body, "Endpoint"))
        .or_else(|| {
            let url = url::Url::parse((answer.header)("location")?).ok()?;
            let port = url
                .port()
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            Some(format!("{}://{}{port}", url.scheme(), url.host_str()?))
        })
        .map(|text| scrub(&text))
        .filter(|text| !text.is_empty())
}

fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    Some(rest.split_once('<')?.0.to_owned())
}

/// Text from outside, fit for a message: short, on one line, and without anything that signs.
fn scrub(text: &str) -> String {
    const SECRETIVE: [&str; 6] = [
        "signature=",
        "awsaccesskeyid=",
        "x-amz-credential",
        "x-amz-security-token",
        "authorization:",
        "signature provided",
    ];
    let lower = text.to_ascii_lowercase();
    if SECRETIVE.iter().any(|word| lower.contains(word)) {
        return "(left out, as it quotes a signed request)".to_owned();
    }
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if let Some((end, _)) = line.char_indices().nth(300) {
        line.truncate(end);
        line.push('…');
    }
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use aws_smithy_async::time::SharedTimeSource;

    use super::*;

    fn judge(about: About, status: u16, code: Option<&str>, body: &str) -> StoreError {
        let clock = StoreClock::new(SharedTimeSource::default());
        let refusals = Refusals {
            doing: "list the buckets",
            about,
            clock: &clock,
            host: "store.example",
            key: None,
        };
        let header = |_: &str| None;
        refusals.judge(&Answer {
            status,
            code,
            message: "",
            body: body.as_bytes(),
            header: &header,
        })
    }

    #[test]
    fn bare_statuses_mean_what_the_request_was_about() {
        assert_eq!(
            judge(About::Object, 404, None, "").kind,
            ErrorKind::NoSuchKey
        );
        assert_eq!(
            judge(About::Bucket, 404, None, "").kind,
            ErrorKind::NoSuchBucket
        );
        assert_eq!(judge(About::Store, 404, None, "").kind, ErrorKind::NotS3);
        assert_eq!(
            judge(About::NewObject, 412, None, "").kind,
            ErrorKind::Exists
        );
        assert_eq!(judge(About::Object, 412, None, "").kind, ErrorKind::Changed);
        assert_eq!(
            judge(About::Object, 507, None, "").kind,
            ErrorKind::QuotaExceeded
        );
    }

    #[test]
    fn a_web_page_is_no_store() {
        let error = judge(
            About::Store,
            404,
            None,
            "<!DOCTYPE html><html><h1>Not found</h1></html>",
        );
        assert_eq!(error.kind, ErrorKind::NotS3);
        assert!(error.message.contains("a web page"), "{error}");
        let error = judge(About::Store, 403, None, r#"{"error":"forbidden"}"#);
        assert_eq!(error.kind, ErrorKind::NotS3);
        // A gateway in front of the store that cannot reach it has the same look, and passes.
        assert_eq!(
            judge(About::Store, 502, None, "<html>Bad Gateway</html>").kind,
            ErrorKind::ServerFault
        );
    }

    #[test]
    fn redirects_say_where_to() {
        let body = "<?xml version=\"1.0\"?><Error><Code>PermanentRedirect</Code><Endpoint>s3.other.example</Endpoint></Error>";
        let error = judge(About::Bucket, 301, Some("PermanentRedirect"), body);
        assert_eq!(
            (error.kind, error.redirect.as_deref()),
            (ErrorKind::Redirect, Some("s3.other.example"))
        );
    }

    #[test]
    fn the_words() {
        let about = |about, status, code: &str| judge(about, status, Some(code), "").to_string();
        let all = [
            about(About::Store, 403, "InvalidAccessKeyId"),
            about(About::Store, 403, "SignatureDoesNotMatch"),
            about(About::Store, 400, "ExpiredToken"),
            about(About::Store, 403, "RequestTimeTooSkewed"),
            about(About::Store, 403, "AccessDenied"),
            about(About::Store, 403, "UserSuspended"),
            about(About::Bucket, 404, "NoSuchBucket"),
            about(About::Object, 404, "NoSuchKey"),
            about(About::Upload, 404, "NoSuchUpload"),
            about(About::Bucket, 409, "BucketAlreadyExists"),
            about(About::Bucket, 409, "BucketAlreadyOwnedByYou"),
            about(About::Bucket, 409, "BucketNotEmpty"),
            about(About::Bucket, 400, "InvalidBucketName"),
            about(About::Object, 412, "PreconditionFailed"),
            about(About::NewObject, 412, "PreconditionFailed"),
            about(About::Object, 403, "InvalidObjectState"),
            about(About::Object, 400, "BadDigest"),
            about(About::Object, 403, "QuotaExceeded"),
            about(About::Bucket, 400, "TooManyBuckets"),
            about(About::Object, 503, "SlowDown"),
            about(About::Object, 400, "RequestTimeout"),
            about(About::Bucket, 501, "NotImplemented"),
            about(About::Bucket, 500, "InternalError"),
            about(About::Bucket, 301, "PermanentRedirect"),
            about(About::Object, 400, "EntityTooLarge"),
            about(About::Object, 400, "KeyTooLongError"),
            about(About::Object, 416, "InvalidRange"),
            about(About::Object, 400, "Whatever"),
            judge(About::Store, 200, None, "<html>").to_string(),
            judge(About::Store, 401, None, "{}").to_string(),
            judge(About::Store, 407, None, "").to_string(),
        ];
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn nothing_signed_gets_through() {
        assert!(!scrub("GET /b?X-Amz-Signature=abc failed").contains("abc"));
        assert_eq!(scrub("two\nlines\u{7}"), "two lines");
        assert!(scrub(&"x".repeat(1000)).chars().count() <= 301);
    }

    #[test]
    fn says_which_way_the_clock_is_off() {
        assert!(clock_words(Some(1195)).contains("20 minutes behind"));
        assert!(clock_words(Some(-1195)).contains("20 minutes ahead"));
    }
}
