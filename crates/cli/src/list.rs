//! `ls`: buckets, folders and objects, streamed page by page.

use chrono::SecondsFormat;
use clap::Args;
use serde_json::json;
use wherry_engine::names::visible;
use wherry_store::{ListRequest, ObjectInfo, ObjectStore};

use crate::address::{Address, Remote};
use crate::outcome::Answer;
use crate::print;
use crate::session::Session;

#[derive(Args)]
pub struct Ls {
    /// ACCOUNT:, ACCOUNT:bucket/prefix or s3://bucket/prefix; the accounts when left out.
    address: Option<String>,
    /// Everything below, not only what is directly there.
    #[arg(short, long)]
    recursive: bool,
}

pub async fn run(session: &Session, ls: Ls) -> Answer<()> {
    let Some(text) = ls.address else {
        return crate::account::run(session, crate::account::Command::List).await;
    };
    let Address::Remote(place) = session.address(&text) else {
        return Err(session.not_an_address(&text));
    };
    let store = session.open(&place).await?;
    if place.bucket.is_empty() {
        return buckets(session, &place, store.as_ref()).await;
    }
    let mut request = ListRequest {
        bucket: place.bucket.clone(),
        prefix: place.key.clone(),
        delimiter: (!ls.recursive).then(|| "/".into()),
        ..ListRequest::default()
    };
    let mut found = false;
    loop {
        let page = store
            .list(request.clone())
            .await
            .map_err(|e| session.refused(&place, &e))?;
        found |= !page.prefixes.is_empty() || !page.objects.is_empty();
        for prefix in &page.prefixes {
            if session.options.json {
                print::line(&json!({ "prefix": prefix }));
            } else {
                print::text(&format!(
                    "{:>12}  {:>19}  {}",
                    "folder",
                    "",
                    visible(prefix)
                ));
            }
        }
        for object in &page.objects {
            show(session, object);
        }
        match page.next {
            Some(next) => request.continuation = Some(next),
            None => break,
        }
    }
    // An empty bucket is fine; a prefix nothing lies below was mistyped.
    if found || place.key.is_empty() {
        return Ok(());
    }
    Err(wherry_engine::contract::Problem::new(
        "cli.missing",
        format!("There is nothing at {}.", visible(&text)),
        "Check the address; names are exact, capital and small letters differ.",
    ))
}

fn show(session: &Session, object: &ObjectInfo) {
    if session.options.json {
        print::line(&json!({
            "key": object.key,
            "size": object.size,
            "last_modified": object.modified.map(|t| t.to_rfc3339_opts(SecondsFormat::Millis, true)),
            "etag": object.etag,
            "storage_class": object.storage_class,
        }));
        return;
    }
    let modified = object
        .modified
        .map(|t| t.format("%Y-%m-%d %H:%M:%S").to_string());
    print::text(&format!(
        "{:>12}  {:>19}  {}",
        print::size(object.size),
        modified.unwrap_or_default(),
        visible(&object.key)
    ));
}

async fn buckets(session: &Session, place: &Remote, store: &dyn ObjectStore) -> Answer<()> {
    let buckets = store
        .list_buckets()
        .await
        .map_err(|e| session.refused(place, &e))?;
    for bucket in buckets {
        let created = bucket
            .created
            .map(|t| t.to_rfc3339_opts(SecondsFormat::Millis, true));
        if session.options.json {
            print::line(&json!({ "bucket": bucket.name, "created": created }));
        } else {
            print::text(&bucket.name);
        }
    }
    Ok(())
}
