//! `ls`: buckets, folders and objects, printed as they come.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use wherry_engine::names::visible;
use wherry_store::flat::{self, Below};
use wherry_store::{ErrorKind, ListRequest, ObjectInfo, ObjectStore};

use crate::args::Ls;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::place::Remote;
use crate::session::{Opened, Session};

#[derive(Serialize)]
struct BucketRow<'a> {
    bucket: &'a str,
    created: Option<String>,
}

#[derive(Serialize)]
struct FolderRow<'a> {
    prefix: &'a str,
}

#[derive(Serialize)]
struct ObjectRow<'a> {
    key: &'a str,
    size: u64,
    last_modified: Option<String>,
    etag: Option<&'a str>,
    storage_class: Option<&'a str>,
}

pub async fn run(args: Ls, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let place = Remote::parse(&args.place)?;
    let opened = session.open(&place.store).await?;
    if place.bucket.is_empty() {
        return buckets(&opened, output).await;
    }
    let mut request = ListRequest {
        bucket: place.bucket.clone(),
        prefix: place.key.clone(),
        delimiter: Some("/".to_owned()),
        ..ListRequest::default()
    };
    let mut found = false;
    let explain = |e| opened.problem(&place.bucket, None, &e);
    if args.recursive {
        let below = Below {
            bucket: place.bucket.clone(),
            prefix: place.key.clone(),
            at_once: flat::AT_ONCE,
        };
        let listed = flat::list(
            below,
            |request| opened.store.list(request),
            |objects| {
                found |= !objects.is_empty();
                rows(objects, Vec::new(), output);
            },
        );
        listed.await.map_err(explain)?;
    } else {
        loop {
            let page = opened.store.list(request.clone()).await.map_err(explain)?;
            found |= !page.objects.is_empty() || !page.prefixes.is_empty();
            rows(page.objects, page.prefixes, output);
            match page.next {
                Some(next) => request.continuation = Some(next),
                None => break,
            }
        }
    }
    if !found && !place.key.is_empty() {
        let error = wherry_store::StoreError::new(
            ErrorKind::NoSuchKey,
            "list the folder",
            "nothing begins with that",
        );
        return Err(opened
            .problem(&place.bucket, Some(&place.key), &error)
            .into());
    }
    Ok(Exit::Done)
}

async fn buckets(opened: &Opened, output: &Output) -> Result<Exit, Failure> {
    let buckets = opened
        .store
        .list_buckets()
        .await
        .map_err(|e| opened.problem("", None, &e))?;
    for bucket in buckets {
        let row = BucketRow {
            bucket: &bucket.name,
            created: bucket.created.map(time),
        };
        output.result(&row, || {
            format!("{}  {}", spaced_time(bucket.created), visible(&bucket.name))
        });
    }
    Ok(Exit::Done)
}

/// One page in the order of its keys, folders among the objects.
fn rows(objects: Vec<ObjectInfo>, prefixes: Vec<String>, output: &Output) {
    let mut prefixes = prefixes.into_iter().peekable();
    let folder = |prefix: &str| {
        let line = || format!("{:20}  {:>14}  {}", "", "folder", visible(prefix));
        output.result(&FolderRow { prefix }, line);
    };
    for object in objects {
        while let Some(prefix) = prefixes.next_if(|p| *p < object.key) {
            folder(&prefix);
        }
        let row = ObjectRow {
            key: &object.key,
            size: object.size,
            last_modified: object.modified.map(time),
            etag: object.etag.as_deref(),
            storage_class: object.storage_class.as_deref(),
        };
        let line = || {
            format!(
                "{}  {:>14}  {}",
                spaced_time(object.modified),
                object.size,
                visible(&object.key)
            )
        };
        output.result(&row, line);
    }
    prefixes.for_each(|prefix| folder(&prefix));
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn spaced_time(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(
        || " ".repeat(20),
        |t| t.format("%Y-%m-%d %H:%M:%SZ").to_string(),
    )
}

impl Remote {
    /// The last part of the key without its slash; empty for the bucket itself.
    pub fn last_name(&self) -> &str {
        let key = self.key.trim_end_matches('/');
        key.rsplit('/').next().unwrap_or(key)
    }
}
