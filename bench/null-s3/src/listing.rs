//! Listings: both versions, prefix, delimiter, and where to go on.

use std::fmt::Write as _;
use std::ops::Bound;

use chrono::SecondsFormat;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::bucket::{Bucket, Object};
use crate::request::Query;

const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

enum Row<'b> {
    Object(&'b str, &'b Object),
    Folder(String),
}

struct Page<'b> {
    rows: Vec<Row<'b>>,
    /// Where the next page begins, after this.
    next: Option<String>,
}

/// After this, nothing with the prefix is left.
fn end_of(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

fn page<'b>(
    bucket: &'b Bucket,
    prefix: &str,
    delimiter: &str,
    after: Option<String>,
    most: usize,
) -> Page<'b> {
    let mut rows = Vec::with_capacity(most.min(1000));
    let mut from = match after {
        Some(after) if after.as_str() >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix.to_owned()),
    };
    let mut last: Option<String> = None;
    'leap: loop {
        let range = bucket
            .objects
            .range::<str, _>((from.as_ref().map(String::as_str), Bound::Unbounded));
        for (key, object) in range {
            let Some(rest) = key.strip_prefix(prefix) else {
                break;
            };
            if rows.len() == most {
                return Page { rows, next: last };
            }
            let deeper = (!delimiter.is_empty())
                .then(|| rest.find(delimiter))
                .flatten();
            if let Some(at) = deeper {
                let folder = key[..prefix.len() + at + delimiter.len()].to_owned();
                let end = end_of(&folder);
                rows.push(Row::Folder(folder));
                last = Some(end.clone());
                from = Bound::Excluded(end);
                continue 'leap;
            }
            rows.push(Row::Object(key, object));
            last = Some(key.clone());
        }
        return Page { rows, next: None };
    }
}

/// The answer to `GET /bucket`.
pub fn xml(bucket: &Bucket, name: &str, query: &Query) -> String {
    let second = query.get("list-type") == Some("2");
    let url = query.get("encoding-type") == Some("url");
    let prefix = query.get("prefix").unwrap_or_default();
    let delimiter = query.get("delimiter").unwrap_or_default();
    let most = query
        .get("max-keys")
        .and_then(|n| n.parse().ok())
        .unwrap_or(1000)
        .min(1000);
    let given = if second {
        query
            .get("continuation-token")
            .or_else(|| query.get("start-after"))
    } else {
        query.get("marker")
    };
    let after = given.filter(|after| !after.is_empty()).map(|after| {
        if !delimiter.is_empty() && after.ends_with(delimiter) && after != prefix {
            end_of(after)
        } else {
            after.to_owned()
        }
    });
    let page = page(bucket, prefix, delimiter, after, most);
    let mut out = String::with_capacity(300 * page.rows.len() + 500);
    let text = |text: &str| written(text, url);
    let _ = write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult \
         xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{}</Name><Prefix>{}</Prefix>\
         <MaxKeys>{most}</MaxKeys><IsTruncated>{}</IsTruncated>",
        text(name),
        text(prefix),
        page.next.is_some()
    );
    if url {
        out.push_str("<EncodingType>url</EncodingType>");
    }
    if !delimiter.is_empty() {
        let _ = write!(out, "<Delimiter>{}</Delimiter>", text(delimiter));
    }
    if second {
        let _ = write!(out, "<KeyCount>{}</KeyCount>", page.rows.len());
    }
    if let Some(next) = &page.next {
        let name = if second {
            "NextContinuationToken"
        } else {
            "NextMarker"
        };
        // Tokens are opaque to clients and are not decoded by them.
        let next = if second { escaped(next) } else { text(next) };
        let _ = write!(out, "<{name}>{next}</{name}>");
    }
    for row in &page.rows {
        if let Row::Object(key, object) = row {
            let _ = write!(
                out,
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag>\
                 <Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                text(key),
                object.modified.to_rfc3339_opts(SecondsFormat::Millis, true),
                object.etag,
                object.size,
            );
        }
    }
    for row in &page.rows {
        if let Row::Folder(folder) = row {
            let folder = text(folder);
            let _ = write!(
                out,
                "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
            );
        }
    }
    out.push_str("</ListBucketResult>");
    out
}

fn written(text: &str, url: bool) -> String {
    if url {
        utf8_percent_encode(text, KEY).to_string()
    } else {
        escaped(text)
    }
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::*;

    fn bucket(keys: &[&str]) -> Bucket {
        let object = Object {
            size: 1,
            etag: "e".into(),
            modified: DateTime::UNIX_EPOCH,
            metadata: Arc::from([]),
        };
        let mut bucket = Bucket::default();
        for key in keys {
            bucket.objects.insert((*key).to_owned(), object.clone());
        }
        bucket
    }

    fn names(page: &Page<'_>) -> Vec<String> {
        let name = |row: &Row<'_>| match row {
            Row::Object(key, _) => (*key).to_owned(),
            Row::Folder(folder) => folder.clone(),
        };
        page.rows.iter().map(name).collect()
    }

    #[test]
    fn pages_join_into_the_whole() {
        let bucket = bucket(&["a", "b/1", "b/2", "b0", "c/1", "c/2", "d"]);
        for (delimiter, all) in [
            ("", vec!["a", "b/1", "b/2", "b0", "c/1", "c/2", "d"]),
            ("/", vec!["a", "b/", "b0", "c/", "d"]),
        ] {
            for most in 1..8 {
                let (mut found, mut after) = (Vec::new(), None);
                loop {
                    let page = page(&bucket, "", delimiter, after, most);
                    found.extend(names(&page));
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(found, all, "{most} at a time");
            }
        }
        let below = page(&bucket, "b/", "/", None, 10);
        assert_eq!(names(&below), ["b/1", "b/2"]);
        let later = page(&bucket, "c", "", Some("b".to_owned()), 10);
        assert_eq!(names(&later), ["c/1", "c/2"]);
    }
}
