//! From a request to its answer.

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use chrono::Utc;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;

use crate::answers::{self, Answer, plain, refusal, with_etag, xml};
use crate::bucket::{Bucket, Buckets, Object, lock};
use crate::listing::{self, escaped};
use crate::pattern::hex;
use crate::uploads::{Part, Upload};

/// Bodies up to here are hashed when nobody said what their MD5 is.
const WORTH_HASHING: usize = 1 << 20;

/// A request's query, decoded.
pub struct Query(HashMap<String, String>);

impl Query {
    fn parse(text: &str) -> Self {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

pub async fn answer(request: Request<Incoming>, buckets: &Buckets) -> Answer {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let (name, key) = path.split_once('/').unwrap_or((&path, ""));
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (name, key) = (decode(name), decode(key));
    if name.is_empty() {
        return xml(all_buckets(buckets));
    }
    let bucket = buckets.named(&name);
    if key.is_empty() {
        return of_bucket(request, &name, &bucket, &query).await;
    }
    match *request.method() {
        Method::GET if query.get("uploadId").is_some() => list_parts(&bucket, &key, &query),
        Method::GET | Method::HEAD => get(&request, &bucket, &key),
        Method::PUT => put(request, &bucket, key, &query).await,
        Method::POST if query.get("uploads").is_some() => begin(&request, &bucket, &name, key),
        Method::POST => complete(request, &bucket, &name, &key, &query).await,
        Method::DELETE => {
            let mut bucket = lock(&bucket);
            match query.get("uploadId") {
                Some(id) => drop(bucket.uploads.remove(id)),
                None => drop(bucket.objects.remove(&key)),
            }
            plain(StatusCode::NO_CONTENT)
        }
        _ => plain(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn all_buckets(buckets: &Buckets) -> String {
    let names = buckets.names();
    let rows: Vec<String> = names
        .iter()
        .map(|name| {
            let name = escaped(name);
            format!(
                "<Bucket><Name>{name}</Name><CreationDate>2024-01-01T00:00:00Z</CreationDate></Bucket>"
            )
        })
        .collect();
    format!(
        "<ListAllMyBucketsResult><Buckets>{}</Buckets></ListAllMyBucketsResult>",
        rows.concat()
    )
}

async fn of_bucket(
    request: Request<Incoming>,
    name: &str,
    bucket: &Mutex<Bucket>,
    query: &Query,
) -> Answer {
    match *request.method() {
        Method::GET if query.get("location").is_some() => {
            xml("<LocationConstraint></LocationConstraint>".to_owned())
        }
        Method::GET if query.get("versioning").is_some() => {
            xml("<VersioningConfiguration></VersioningConfiguration>".to_owned())
        }
        Method::GET if query.get("uploads").is_some() => xml(list_uploads(&lock(bucket), name)),
        Method::GET => xml(listing::xml(&lock(bucket), name, query)),
        Method::POST if query.get("delete").is_some() => {
            let body = request.into_body().collect().await;
            let body = body
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            xml(delete_many(&mut lock(bucket), &body))
        }
        Method::DELETE => {
            *lock(bucket) = Bucket::default();
            plain(StatusCode::NO_CONTENT)
        }
        _ => plain(StatusCode::OK),
    }
}

fn list_uploads(bucket: &Bucket, name: &str) -> String {
    let rows: Vec<String> = bucket
        .uploads
        .iter()
        .map(|(id, upload)| {
            let key = escaped(&upload.key);
            format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>")
        })
        .collect();
    let name = escaped(name);
    format!(
        "<ListMultipartUploadsResult><Bucket>{name}</Bucket><IsTruncated>false</IsTruncated>{}\
         </ListMultipartUploadsResult>",
        rows.concat()
    )
}

/// Keys of the form clients write them: `<Key>…</Key>`, escaped.
fn delete_many(bucket: &mut Bucket, body: &Bytes) -> String {
    let text = String::from_utf8_lossy(body);
    for piece in text.split("<Key>").skip(1) {
        let key = piece.split("</Key>").next().unwrap_or_default();
        let key = key
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&amp;", "&");
        bucket.objects.remove(&key);
    }
    "<DeleteResult></DeleteResult>".to_owned()
}

fn header<'r>(request: &'r Request<Incoming>, name: &str) -> Option<&'r str> {
    request.headers().get(name)?.to_str().ok()
}

fn get(request: &Request<Incoming>, bucket: &Mutex<Bucket>, key: &str) -> Answer {
    let Some(object) = lock(bucket).objects.get(key).cloned() else {
        return refusal(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    if header(request, "if-match").is_some_and(|wanted| wanted.trim_matches('"') != &*object.etag) {
        return refusal(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let range = match header(request, "range").map(|text| range(text, object.size)) {
        Some(None) => return refusal(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange"),
        Some(range) => range,
        None => None,
    };
    answers::object(&object, range, request.method() == Method::GET)
}

/// `bytes=5-9`, `bytes=5-`, `bytes=-5`, as a half open range.
fn range(text: &str, size: u64) -> Option<(u64, u64)> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from.parse::<u64>().ok(), to.parse::<u64>().ok()) {
        (Some(from), Some(to)) => (from, to.saturating_add(1).min(size)),
        (Some(from), None) => (from, size),
        (None, Some(last)) => (size.saturating_sub(last), size),
        (None, None) => return None,
    };
    (from < to).then_some((from, to))
}

/// Takes a body and throws it away; its size and MD5.
async fn swallow(request: Request<Incoming>) -> Option<(u64, [u8; 16])> {
    let named = header(&request, "content-md5")
        .and_then(|text| BASE64_STANDARD.decode(text).ok())
        .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    let announced = header(&request, "content-length").and_then(|n| n.parse::<usize>().ok());
    // A body in signed chunks is longer than what it carries.
    let carried: Option<u64> =
        header(&request, "x-amz-decoded-content-length").and_then(|n| n.parse().ok());
    let mut hash =
        (named.is_none() && announced.is_some_and(|n| n <= WORTH_HASHING)).then(Md5::new);
    let (mut body, mut size) = (request.into_body(), 0);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            size += data.len() as u64;
            if let Some(hash) = &mut hash {
                hash.update(&data);
            }
        }
    }
    let md5 = named
        .or_else(|| hash.map(|hash| hash.finalize().into()))
        .unwrap_or_default();
    Some((carried.unwrap_or(size), md5))
}

fn metadata(request: &Request<Incoming>) -> Vec<(String, String)> {
    let headers = request.headers().iter();
    headers
        .filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"))
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

async fn put(
    request: Request<Incoming>,
    bucket: &Mutex<Bucket>,
    key: String,
    query: &Query,
) -> Answer {
    let (copied, metadata) = (
        header(&request, "x-amz-copy-source").map(str::to_owned),
        metadata(&request),
    );
    if copied.is_some() {
        return refusal(StatusCode::NOT_IMPLEMENTED, "NotImplemented");
    }
    let Some((size, md5)) = swallow(request).await else {
        return refusal(StatusCode::BAD_REQUEST, "IncompleteBody");
    };
    let mut bucket = lock(bucket);
    if let (Some(number), Some(id)) = (query.get("partNumber"), query.get("uploadId")) {
        let (Ok(number), Some(upload)) = (number.parse(), bucket.uploads.get_mut(id)) else {
            return refusal(StatusCode::NOT_FOUND, "NoSuchUpload");
        };
        upload.parts.insert(number, Part { size, md5 });
        return with_etag(&hex(&md5));
    }
    let object = Object {
        size,
        etag: hex(&md5).into(),
        modified: Utc::now(),
        metadata: metadata.into(),
    };
    let answer = with_etag(&object.etag);
    bucket.objects.insert(key, object);
    answer
}

fn begin(request: &Request<Incoming>, bucket: &Mutex<Bucket>, name: &str, key: String) -> Answer {
    let mut bucket = lock(bucket);
    let id = format!(
        "upload-{}-{}",
        Utc::now().timestamp_micros(),
        bucket.uploads.len()
    );
    let (name, shown) = (escaped(name), escaped(&key));
    let upload = Upload {
        key,
        metadata: metadata(request),
        ..Upload::default()
    };
    bucket.uploads.insert(id.clone(), upload);
    xml(format!(
        "<InitiateMultipartUploadResult><Bucket>{name}</Bucket><Key>{shown}</Key>\
         <UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
    ))
}

async fn complete(
    request: Request<Incoming>,
    bucket: &Mutex<Bucket>,
    name: &str,
    key: &str,
    query: &Query,
) -> Answer {
    // Its parts are those that came: a list that named others would be the client's mistake.
    if request.into_body().collect().await.is_err() {
        return refusal(StatusCode::BAD_REQUEST, "IncompleteBody");
    }
    let mut bucket = lock(bucket);
    let id = query.get("uploadId").unwrap_or_default();
    let Some(upload) = bucket.uploads.remove(id) else {
        return refusal(StatusCode::NOT_FOUND, "NoSuchUpload");
    };
    let object = Object {
        size: upload.size(),
        etag: upload.etag().into(),
        modified: Utc::now(),
        metadata: upload.metadata.into(),
    };
    let (name, shown, etag) = (escaped(name), escaped(key), object.etag.clone());
    bucket.objects.insert(key.to_owned(), object);
    xml(format!(
        "<CompleteMultipartUploadResult><Bucket>{name}</Bucket><Key>{shown}</Key>\
         <ETag>&quot;{etag}&quot;</ETag></CompleteMultipartUploadResult>"
    ))
}

fn list_parts(bucket: &Mutex<Bucket>, key: &str, query: &Query) -> Answer {
    let bucket = lock(bucket);
    let id = query.get("uploadId").unwrap_or_default();
    let Some(upload) = bucket.uploads.get(id) else {
        return refusal(StatusCode::NOT_FOUND, "NoSuchUpload");
    };
    let rows: Vec<String> = upload
        .parts
        .iter()
        .map(|(number, part)| {
            format!(
                "<Part><PartNumber>{number}</PartNumber><ETag>&quot;{}&quot;</ETag>\
                 <Size>{}</Size></Part>",
                hex(&part.md5),
                part.size
            )
        })
        .collect();
    let key = escaped(key);
    xml(format!(
        "<ListPartsResult><Key>{key}</Key><UploadId>{id}</UploadId>\
         <IsTruncated>false</IsTruncated>{}</ListPartsResult>",
        rows.concat()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_half_open_and_within_the_object() {
        assert_eq!(range("bytes=0-4", 10), Some((0, 5)));
        assert_eq!(range("bytes=5-99", 10), Some((5, 10)));
        assert_eq!(range("bytes=8-", 10), Some((8, 10)));
        assert_eq!(range("bytes=-3", 10), Some((7, 10)));
        assert_eq!(range("bytes=10-", 10), None);
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse("list-type=2&prefix=a%2Fb+c&delimiter");
        assert_eq!(query.get("prefix"), Some("a/b c"));
        assert_eq!(query.get("delimiter"), Some(""));
    }
}
