//! Answers as S3 writes them.

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use crate::bucket::Object;
use crate::pattern::Pattern;

pub type Answer = Response<Either<Full<Bytes>, Pattern>>;

pub fn plain(status: StatusCode) -> Answer {
    let mut answer = Response::new(Either::Left(Full::default()));
    *answer.status_mut() = status;
    answer
}

pub fn xml(text: String) -> Answer {
    with_xml(StatusCode::OK, text)
}

fn with_xml(status: StatusCode, text: String) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(Bytes::from(text))));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/xml");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

pub fn refusal(status: StatusCode, code: &str) -> Answer {
    let text = format!("<Error><Code>{code}</Code><Message></Message></Error>");
    with_xml(status, text)
}

pub fn with_etag(etag: &str) -> Answer {
    let mut answer = plain(StatusCode::OK);
    put(&mut answer, "etag", format!("\"{etag}\""));
    answer
}

pub fn put(answer: &mut Answer, name: &'static str, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// An object, or the bytes `from..to` of it when a range was asked for.
pub fn object(object: &Object, range: Option<(u64, u64)>, with_body: bool) -> Answer {
    let (from, to) = range.unwrap_or((0, object.size));
    let body = if with_body {
        Either::Right(Pattern::new(from, to - from))
    } else {
        Either::Left(Full::default())
    };
    let mut answer = Response::new(body);
    if range.is_some() {
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
        let placed = format!("bytes {from}-{}/{}", to.saturating_sub(1), object.size);
        put(&mut answer, "content-range", placed);
    }
    put(&mut answer, "content-length", (to - from).to_string());
    put(&mut answer, "etag", format!("\"{}\"", object.etag));
    let modified = object.modified.format("%a, %d %b %Y %H:%M:%S GMT");
    put(&mut answer, "last-modified", modified.to_string());
    put(&mut answer, "accept-ranges", "bytes".to_owned());
    put(
        &mut answer,
        "content-type",
        "application/octet-stream".to_owned(),
    );
    for (name, value) in object.metadata.iter() {
        if let (Ok(name), Ok(value)) = (
            hyper::header::HeaderName::try_from(name),
            HeaderValue::try_from(value),
        ) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}
