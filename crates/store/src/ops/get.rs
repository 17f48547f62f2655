//! An object's bytes, or a range of them, as a stream that notices when it is cut short.

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::primitives::SdkBody;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http_body::Body;

use super::head::object_head;
use super::quoted;
use crate::api::{GetRequest, GetResponse};
use crate::error::{ErrorKind, StoreError};
use crate::http::explain;
use crate::refusal::About;
use crate::store::{S3Store, send};

const DOING: &str = "download the object";

impl S3Store {
    pub(crate) async fn get_once(&self, request: &GetRequest) -> Result<GetResponse, StoreError> {
        // HTTP cannot ask for nothing.
        if let Some(range) = request.range.clone().filter(Range::is_empty) {
            let head = self.head_once(&request.bucket, &request.key).await?;
            if request
                .if_match
                .as_ref()
                .is_some_and(|wanted| head.etag.as_ref() != Some(wanted))
            {
                return Err(self
                    .refusals(DOING, About::Object)
                    .code("PreconditionFailed", ""));
            }
            tracing::debug!(start = range.start, "an empty range");
            return Ok(GetResponse {
                head,
                length: 0,
                body: futures::stream::empty().boxed(),
            });
        }
        let operation = self
            .client()
            .get_object()
            .bucket(&request.bucket)
            .key(&request.key)
            .set_range(
                request
                    .range
                    .as_ref()
                    .map(|range| format!("bytes={}-{}", range.start, range.end - 1)),
            )
            .set_if_match(request.if_match.as_deref().map(quoted));
        let answer = send!(self, DOING, About::Object, operation)?;
        let sent = answer
            .content_length()
            .and_then(|size| u64::try_from(size).ok());
        if answer.e_tag().is_none() && answer.last_modified().is_none() {
            return Err(self.refusals(DOING, About::Object).foreign(b""));
        }
        let placed = answer.content_range().map(parse_content_range);
        let (size, skip, length) = match (&request.range, placed) {
            (Some(range), Some(Some(part))) if part.from == range.start => {
                (part.whole, 0, part.to - part.from + 1)
            }
            (Some(_), Some(_)) => return Err(self.wrong_range()),
            // A store that ignores ranges sends everything: take what was asked for out of it.
            (Some(range), None) => {
                let size = sent.ok_or_else(|| self.wrong_range())?;
                if range.start >= size {
                    return Err(self.wrong_range());
                }
                (size, range.start, range.end.min(size) - range.start)
            }
            (None, _) => {
                let size = sent.ok_or_else(|| self.wrong_range())?;
                (size, 0, size)
            }
        };
        let head = object_head!(answer, size);
        let host = self.0.signer.address.authority().to_owned();
        let body = Exact {
            inner: answer.body.into_inner(),
            skip,
            left: length,
            host,
        }
        .boxed();
        Ok(GetResponse { head, length, body })
    }

    fn wrong_range(&self) -> StoreError {
        let message = format!(
            "{} did not send the part of the object that was asked for",
            self.0.signer.address.authority()
        );
        StoreError::new(ErrorKind::Interrupted, DOING, message)
    }
}

/// `bytes 0-499/1234`: the first byte, the last byte, the whole size.
#[derive(Debug, PartialEq, Eq)]
struct Placed {
    from: u64,
    to: u64,
    whole: u64,
}

fn parse_content_range(text: &str) -> Option<Placed> {
    let (range, whole) = text
        .trim()
        .strip_prefix("bytes")?
        .trim_start()
        .split_once('/')?;
    let (from, to) = range.split_once('-')?;
    let placed = Placed {
        from: from.parse().ok()?,
        to: to.parse().ok()?,
        whole: whole.parse().ok()?,
    };
    (placed.from <= placed.to && placed.to < placed.whole).then_some(placed)
}

/// Yields exactly so many bytes, or an error.
struct Exact {
    inner: SdkBody,
    skip: u64,
    left: u64,
    host: String,
}

impl Stream for Exact {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(mut data) = frame.into_data() else {
                        continue;
                    };
                    let skipped = self.skip.min(data.len() as u64);
                    self.skip -= skipped;
                    let mut data = data.split_off(skipped as usize);
                    if data.is_empty() {
                        continue;
                    }
                    data.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
                    self.left -= data.len() as u64;
                    return Poll::Ready(Some(Ok(data)));
                }
                Some(Err(error)) => {
                    self.left = 0;
                    let (kind, message) = explain::chain(error.as_ref(), Some(&self.host));
                    // Whatever breaks a body, asking again is the remedy.
                    let kind = if kind == ErrorKind::Other {
                        ErrorKind::Interrupted
                    } else {
                        kind
                    };
                    return Poll::Ready(Some(Err(StoreError::new(kind, DOING, message))));
                }
                None => {
                    let message = format!(
                        "{} ended the transfer {} bytes too early",
                        self.host, self.left
                    );
                    self.left = 0;
                    return Poll::Ready(Some(Err(StoreError::new(
                        ErrorKind::Interrupted,
                        DOING,
                        message,
                    ))));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(
            parse_content_range("bytes 0-499/1234"),
            Some(Placed {
                from: 0,
                to: 499,
                whole: 1234
            })
        );
        for bad in [
            "bytes */1234",
            "bytes 5-4/10",
            "bytes 0-10/10",
            "items 0-1/2",
            "",
        ] {
            assert_eq!(parse_content_range(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_short_body_is_an_error_and_a_long_one_is_cut() {
        let exact = |skip, left| Exact {
            inner: SdkBody::from("0123456789"),
            skip,
            left,
            host: "store".to_owned(),
        };
        let all: Vec<_> = exact(2, 5).collect().await;
        assert_eq!(
            all.into_iter()
                .map(Result::unwrap)
                .collect::<Vec<_>>()
                .concat(),
            b"23456"
        );
        let all: Vec<_> = exact(0, 11).collect().await;
        assert_eq!(
            all.last().unwrap().as_ref().unwrap_err().kind,
            ErrorKind::Interrupted
        );
    }
}
