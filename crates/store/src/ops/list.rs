//! A page of a listing, by the second version of the operation or the first.

use std::sync::atomic::Ordering;

use aws_sdk_s3::types::{CommonPrefix, EncodingType, Object};

use super::{decoded, etag, time};
use crate::api::{ListPage, ListRequest, ObjectInfo};
use crate::error::{ErrorKind, StoreError};
use crate::refusal::About;
use crate::store::{S3Store, send};

const DOING: &str = "list the objects";

/// Where the next page begins. The version is kept with it: a marker is not a token.
enum Cursor<'c> {
    Start,
    Marker(&'c str),
    Token(&'c str),
}

impl<'c> Cursor<'c> {
    fn parse(text: Option<&'c str>) -> Self {
        match text {
            Some(text) if text.starts_with("1:") => Self::Marker(&text[2..]),
            Some(text) if text.starts_with("2:") => Self::Token(&text[2..]),
            _ => Self::Start,
        }
    }
}

impl S3Store {
    pub(crate) async fn list_once(&self, request: &ListRequest) -> Result<ListPage, StoreError> {
        let cursor = Cursor::parse(request.continuation.as_deref());
        match cursor {
            Cursor::Marker(marker) => self.list_v1(request, Some(marker)).await,
            Cursor::Token(token) => self.list_v2(request, Some(token)).await,
            Cursor::Start if Self::flag(&self.0.lists_v1) => self.list_v1(request, None).await,
            Cursor::Start => match self.list_v2(request, None).await {
                Err(error) if error.kind == ErrorKind::Unsupported => {
                    let page = self.list_v1(request, None).await?;
                    self.0.lists_v1.store(true, Ordering::Relaxed);
                    Ok(page)
                }
                done => done,
            },
        }
    }

    fn wants_encoding(&self) -> Option<EncodingType> {
        self.0
            .config
            .quirks
            .list_url_encoding
            .unwrap_or(true)
            .then_some(EncodingType::Url)
    }

    async fn list_v2(
        &self,
        request: &ListRequest,
        token: Option<&str>,
    ) -> Result<ListPage, StoreError> {
        let operation = self
            .client()
            .list_objects_v2()
            .bucket(&request.bucket)
            .set_prefix(some(&request.prefix))
            .set_delimiter(request.delimiter.clone())
            .set_continuation_token(token.map(str::to_owned))
            // Some stores let this win over the token, and then never get past the first page.
            .set_start_after(request.start_after.clone().filter(|_| token.is_none()))
            .set_max_keys(request.max_keys.map(|n| n.min(1000) as i32))
            .set_encoding_type(self.wants_encoding());
        let answer = send!(self, DOING, About::Bucket, operation)?;
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let next = answer
            .next_continuation_token()
            .filter(|token| !token.is_empty());
        if answer.is_truncated() == Some(true) && next.is_none() {
            return Err(endless());
        }
        Ok(ListPage {
            objects: answer
                .contents()
                .iter()
                .filter_map(|object| row(object, encoded))
                .collect(),
            prefixes: prefixes(answer.common_prefixes(), encoded),
            next: next
                .filter(|_| answer.is_truncated() == Some(true))
                .map(|token| format!("2:{token}")),
        })
    }

    async fn list_v1(
        &self,
        request: &ListRequest,
        marker: Option<&str>,
    ) -> Result<ListPage, StoreError> {
        let operation = self
            .client()
            .list_objects()
            .bucket(&request.bucket)
            .set_prefix(some(&request.prefix))
            .set_delimiter(request.delimiter.clone())
            .set_marker(
                marker
                    .map(str::to_owned)
                    .or_else(|| request.start_after.clone()),
            )
            .set_max_keys(request.max_keys.map(|n| n.min(1000) as i32))
            .set_encoding_type(self.wants_encoding());
        let answer = send!(self, DOING, About::Bucket, operation)?;
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let objects: Vec<_> = answer
            .contents()
            .iter()
            .filter_map(|object| row(object, encoded))
            .collect();
        let prefixes = prefixes(answer.common_prefixes(), encoded);
        let next = if answer.is_truncated() == Some(true) {
            // Named only when there is a delimiter; else the page's last key is the marker.
            let named = answer
                .next_marker()
                .filter(|marker| !marker.is_empty())
                .map(|m| decoded(m, encoded));
            let last = || {
                objects
                    .iter()
                    .map(|o| &o.key)
                    .chain(&prefixes)
                    .max()
                    .cloned()
            };
            Some(named.or_else(last).ok_or_else(endless)?)
        } else {
            None
        };
        if next.is_some() && next.as_deref() == marker {
            return Err(endless());
        }
        Ok(ListPage {
            objects,
            prefixes,
            next: next.map(|marker| format!("1:{marker}")),
        })
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn row(object: &Object, encoded: bool) -> Option<ObjectInfo> {
    Some(ObjectInfo {
        key: decoded(object.key()?, encoded),
        size: object
            .size()
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or_default(),
        modified: object.last_modified().and_then(time),
        etag: etag(object.e_tag()),
        storage_class: object
            .storage_class()
            .map(|class| class.as_str().to_owned()),
    })
}

fn prefixes(groups: &[CommonPrefix], encoded: bool) -> Vec<String> {
    groups
        .iter()
        .filter_map(|group| Some(decoded(group.prefix()?, encoded)))
        .collect()
}

fn endless() -> StoreError {
    let message = "the store says that there is more, and does not say where it begins";
    StoreError::new(ErrorKind::Other, DOING, message)
}
