//! One file per operation, each a few lines around the SDK's own: what to send, what to make of
//! the answer. Signing, errors and repetition are the same for all and live elsewhere.

mod abort_upload;
mod buckets;
mod complete_upload;
mod copy;
mod create_upload;
mod delete;
mod get;
mod head;
mod list;
mod list_parts;
mod list_uploads;
mod put;
mod upload_part;
mod usage;

pub use buckets::check_bucket_name;
pub use usage::Usage;

use aws_sdk_s3::primitives;
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

fn time(time: &primitives::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}

/// An ETag as people compare it: without quotation marks; `None` for the empty one that Ceph
/// gives when an upload completes.
fn etag(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    let text = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    (!text.is_empty()).then(|| text.to_owned())
}

/// An ETag as it stands in `If-Match`.
fn quoted(etag: &str) -> String {
    if etag == "*" || etag.starts_with('"') {
        etag.to_owned()
    } else {
        format!("\"{etag}\"")
    }
}

fn md5_header(md5: Option<[u8; 16]>) -> Option<String> {
    md5.map(|bytes| BASE64_STANDARD.encode(bytes))
}

/// Undoes `encoding-type=url`: AWS writes a space as `+`, Ceph as `%20`, and both a plus as `%2B`.
fn decoded(text: &str, encoded: bool) -> String {
    if !encoded {
        return text.to_owned();
    }
    let spaced = text.replace('+', " ");
    percent_decode(spaced.as_bytes())
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::address::encode_query;

    #[test]
    fn etags_lose_their_quotation_marks() {
        assert_eq!(etag(Some("\"abc-2\"")).as_deref(), Some("abc-2"));
        assert_eq!(etag(Some("W/\"abc\"")).as_deref(), Some("abc"));
        assert_eq!(etag(Some("\"\"")), None);
        assert_eq!(etag(Some("")), None);
        assert_eq!(quoted("abc"), "\"abc\"");
    }

    proptest! {
        #[test]
        fn any_key_comes_back_from_either_encoding(key in any::<String>()) {
            let percent = encode_query(key.as_bytes());
            prop_assert_eq!(decoded(&percent, true), key.clone());
            prop_assert_eq!(decoded(&percent.replace("%20", "+"), true), key.clone());
            prop_assert_eq!(decoded(&key, false), key);
        }
    }
}
