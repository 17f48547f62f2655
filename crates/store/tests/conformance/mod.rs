//! What every [`ObjectStore`] must do, whatever is behind it.
//!
//! Run by this crate against a real Ceph gateway, and by others against their own stores with
//! `#[path = "../../store/tests/conformance/mod.rs"] mod conformance;`. A store that cannot do
//! something says so in [`Can`]; what is left is not negotiable.

// Each test binary uses what it needs.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use md5::{Digest, Md5};
use wherry_store::{
    Body, ContentCheck, CopyRequest, ErrorKind, GetRequest, ListRequest, ObjectStore, PutRequest,
    StoreError, UploadPartRequest,
};

/// What a store can do beyond the least.
#[derive(Debug, Clone, Copy)]
pub struct Can {
    /// Knows `If-None-Match` on PUT.
    pub put_if_absent: bool,
    pub list_uploads: bool,
    /// Keeps the ETag of an upload in parts as the MD5 of the parts' MD5s.
    pub multipart_md5: bool,
    /// Checks `Content-MD5`.
    pub check_md5: bool,
    pub metadata: bool,
    /// `a` beside `a/b`, `a//b`, `../x` and the like; stores on a file system may refuse some.
    pub any_key: bool,
    /// A key of 1,024 bytes.
    pub longest_key: bool,
    /// Says `BucketNotEmpty`.
    pub guards_full_buckets: bool,
}

impl Can {
    pub const EVERYTHING: Self = Self {
        put_if_absent: true,
        list_uploads: true,
        multipart_md5: true,
        check_md5: true,
        metadata: true,
        any_key: true,
        longest_key: true,
        guards_full_buckets: true,
    };
}

/// Keys that have broken other clients.
pub fn nasty_keys(can: Can) -> Vec<String> {
    let mut keys: Vec<String> = [
        "plain.txt",
        "with space",
        "plus+and%2Fpercent%20%",
        "what?#&=;:@$,!*'()[]",
        "quote\"<img src=x onerror=alert(1)>&amp;'",
        "back\\slash",
        "日本語/файл/ελλ",
        "🛶/boat",
        "\u{202e}gnp.exe",
        "e\u{301} beside \u{e9}",
        " leading and trailing ",
        "~tilde-_.dots",
    ]
    .map(str::to_owned)
    .to_vec();
    if can.any_key {
        keys.extend(
            [
                "../../x",
                "/abs",
                "//two",
                "a//b",
                "a",
                "a/",
                "a/./b",
                "a/../b",
                ".",
                "..",
                "./",
                "../",
                "x/..",
                "new\nline",
                "carriage\rreturn",
                "tab\tand\u{1}control\u{1f}",
                "del\u{7f}\u{85}",
                "\u{2028}separator",
                "aws:kms?x-id=GetObject&uploads",
            ]
            .map(str::to_owned),
        );
    }
    if can.longest_key {
        keys.push("é/".repeat(341) + "z");
        keys.push("k".repeat(1024));
    }
    keys
}

pub fn put(bucket: &str, key: &str, body: impl Into<Bytes>) -> PutRequest {
    PutRequest {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        body: Body::Bytes(body.into()),
        check: ContentCheck::default(),
        content_type: None,
        metadata: BTreeMap::new(),
        if_absent: false,
    }
}

pub fn get(bucket: &str, key: &str) -> GetRequest {
    GetRequest {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        ..GetRequest::default()
    }
}

pub async fn read(store: &dyn ObjectStore, request: GetRequest) -> Result<Vec<u8>, StoreError> {
    let answer = store.get(request).await?;
    let chunks: Vec<Bytes> = answer.body.try_collect().await?;
    let bytes = chunks.concat();
    assert_eq!(bytes.len() as u64, answer.length);
    Ok(bytes)
}

pub fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8)
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn kind<T: std::fmt::Debug>(result: Result<T, StoreError>) -> ErrorKind {
    result.expect_err("should have been refused").kind
}

/// All keys below a prefix, page by page.
pub async fn all_keys(
    store: &dyn ObjectStore,
    bucket: &str,
    prefix: &str,
    page: u32,
) -> Vec<String> {
    let mut request = ListRequest {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        max_keys: Some(page),
        ..ListRequest::default()
    };
    let mut keys = Vec::new();
    loop {
        let listed = store.list(request.clone()).await.unwrap();
        keys.extend(listed.objects.into_iter().map(|object| object.key));
        match listed.next {
            None => return keys,
            next => request.continuation = next,
        }
    }
}

/// Empties a bucket and removes it.
pub async fn remove(store: &dyn ObjectStore, bucket: &str) {
    let keys = all_keys(store, bucket, "", 1000).await;
    for outcome in store.delete(bucket, keys).await {
        outcome
            .result
            .unwrap_or_else(|error| panic!("{:?}: {error}", outcome.key));
    }
    store.delete_bucket(bucket).await.unwrap();
}

/// Everything below, in buckets that `name` makes up.
pub async fn everything(store: &dyn ObjectStore, can: Can, name: impl Fn(&str) -> String) {
    buckets(store, can, &name("buckets")).await;
    objects(store, can, &name("objects")).await;
    ranges(store, &name("ranges")).await;
    keys(store, can, &name("keys")).await;
    listings(store, &name("listings")).await;
    uploads(store, can, &name("uploads")).await;
    copies(store, can, &name("copies")).await;
    deletes(store, &name("deletes")).await;
}

pub async fn buckets(store: &dyn ObjectStore, can: Can, bucket: &str) {
    assert_eq!(
        kind(store.head_bucket(bucket).await),
        ErrorKind::NoSuchBucket
    );
    store.create_bucket(bucket).await.unwrap();
    store.head_bucket(bucket).await.unwrap();
    assert!(
        store
            .list_buckets()
            .await
            .unwrap()
            .iter()
            .any(|b| b.name == bucket)
    );

    store.put(put(bucket, "k", "v")).await.unwrap();
    if can.guards_full_buckets {
        assert_eq!(
            kind(store.delete_bucket(bucket).await),
            ErrorKind::BucketNotEmpty
        );
    }
    remove(store, bucket).await;
    assert!(
        !store
            .list_buckets()
            .await
            .unwrap()
            .iter()
            .any(|b| b.name == bucket)
    );

    let missing = ListRequest {
        bucket: bucket.to_owned(),
        ..ListRequest::default()
    };
    assert_eq!(kind(store.list(missing).await), ErrorKind::NoSuchBucket);
    assert_eq!(
        kind(store.delete_bucket(bucket).await),
        ErrorKind::NoSuchBucket
    );
    assert_eq!(
        kind(store.put(put(bucket, "k", "v")).await),
        ErrorKind::NoSuchBucket
    );
    for bad in ["", "ab", "Upper", "under_score", "a/b", "..", "x y z"] {
        assert_eq!(
            kind(store.create_bucket(bad).await),
            ErrorKind::BucketName,
            "{bad:?}"
        );
    }
}

// Promise: Every upload carries the MD5 of its bytes, and a store that checks it refuses what was
// damaged on the way.
pub async fn objects(store: &dyn ObjectStore, can: Can, bucket: &str) {
    store.create_bucket(bucket).await.unwrap();
    let body = pattern(300_000);
    let md5 = Md5::digest(&body);
    let hex = hex(&md5);
    let mut request = put(bucket, "data.bin", body.clone());
    request.check.md5 = Some(md5.into());
    request.content_type = Some("application/x-netcdf".to_owned());
    if can.metadata {
        request
            .metadata
            .insert("instrument".to_owned(), "radar 7".to_owned());
    }
    let outcome = store.put(request).await.unwrap();
    assert_eq!(outcome.etag.as_deref(), Some(hex.as_str()));

    let head = store.head(bucket, "data.bin").await.unwrap();
    assert_eq!(head.size, 300_000);
    assert_eq!(head.etag.as_deref(), Some(hex.as_str()));
    assert!(head.modified.is_some());
    if can.metadata {
        assert_eq!(head.content_type.as_deref(), Some("application/x-netcdf"));
        assert_eq!(
            head.metadata.get("instrument").map(String::as_str),
            Some("radar 7")
        );
    }
    let answer = store.get(get(bucket, "data.bin")).await.unwrap();
    assert_eq!((answer.head.size, answer.length), (300_000, 300_000));
    assert_eq!(answer.head.etag, head.etag);
    assert!(
        answer
            .body
            .map(Result::unwrap)
            .collect::<Vec<_>>()
            .await
            .concat()
            == body
    );

    // From a file, a part of it.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, &body).unwrap();
    let mut request = put(bucket, "from-file", "");
    request.body = Body::File {
        path: path.clone(),
        offset: 1000,
        length: 250_000,
    };
    request.check.md5 = Some(Md5::digest(&body[1000..251_000]).into());
    store.put(request.clone()).await.unwrap();
    assert!(read(store, get(bucket, "from-file")).await.unwrap() == body[1000..251_000]);
    request.body = Body::File {
        path: folder.path().join("gone"),
        offset: 0,
        length: 5,
    };
    request.check = ContentCheck::default();
    assert_eq!(kind(store.put(request.clone()).await), ErrorKind::LocalFile);
    request.body = Body::File {
        path,
        offset: 299_999,
        length: 5,
    };
    assert_eq!(kind(store.put(request).await), ErrorKind::LocalFile);

    // Nothing is something too.
    store.put(put(bucket, "empty", "")).await.unwrap();
    assert_eq!(store.head(bucket, "empty").await.unwrap().size, 0);
    assert!(read(store, get(bucket, "empty")).await.unwrap().is_empty());

    if can.check_md5 {
        let mut damaged = put(bucket, "damaged", "abc");
        damaged.check.md5 = Some([7; 16]);
        assert_eq!(kind(store.put(damaged).await), ErrorKind::Damaged);
        assert_eq!(
            kind(store.head(bucket, "damaged").await),
            ErrorKind::NoSuchKey
        );
    }
    if can.put_if_absent {
        let mut second = put(bucket, "empty", "not empty");
        second.if_absent = true;
        assert_eq!(kind(store.put(second.clone()).await), ErrorKind::Exists);
        assert_eq!(store.head(bucket, "empty").await.unwrap().size, 0);
        store
            .put(PutRequest {
                key: "fresh".to_owned(),
                ..second
            })
            .await
            .unwrap();
    }
    assert_eq!(
        kind(store.head(bucket, "missing").await),
        ErrorKind::NoSuchKey
    );
    assert_eq!(
        kind(read(store, get(bucket, "missing")).await),
        ErrorKind::NoSuchKey
    );
    remove(store, bucket).await;
}

pub async fn ranges(store: &dyn ObjectStore, bucket: &str) {
    store.create_bucket(bucket).await.unwrap();
    let body = pattern(100_000);
    let etag = store
        .put(put(bucket, "k", body.clone()))
        .await
        .unwrap()
        .etag;
    for range in [
        0..1,
        0..100_000,
        5..6,
        99_999..100_000,
        40_000..70_000,
        7..7,
    ] {
        let request = GetRequest {
            range: Some(range.clone()),
            ..get(bucket, "k")
        };
        let answer = store.get(request.clone()).await.unwrap();
        assert_eq!(answer.head.size, 100_000, "{range:?}");
        assert_eq!(answer.length, range.end - range.start, "{range:?}");
        let found = read(store, request).await.unwrap();
        assert!(
            found == body[range.start as usize..range.end as usize],
            "{range:?}"
        );
    }
    // Beyond the end: what there is, or a refusal.
    let request = GetRequest {
        range: Some(99_990..200_000),
        ..get(bucket, "k")
    };
    assert_eq!(read(store, request).await.unwrap(), body[99_990..]);
    let request = GetRequest {
        range: Some(100_000..100_001),
        ..get(bucket, "k")
    };
    assert!(store.get(request).await.is_err());

    let same = GetRequest {
        if_match: etag,
        range: Some(10..20),
        ..get(bucket, "k")
    };
    assert_eq!(read(store, same.clone()).await.unwrap(), body[10..20]);
    store.put(put(bucket, "k", "changed")).await.unwrap();
    assert_eq!(kind(read(store, same.clone()).await), ErrorKind::Changed);
    assert_eq!(
        kind(
            read(
                store,
                GetRequest {
                    range: None,
                    ..same
                }
            )
            .await
        ),
        ErrorKind::Changed
    );
    remove(store, bucket).await;
}

// Promise: A key comes back from a listing as it was stored, whatever is in it: spaces, `+`, `%`,
// `//`, `..`, control characters, any Unicode.
pub async fn keys(store: &dyn ObjectStore, can: Can, bucket: &str) {
    store.create_bucket(bucket).await.unwrap();
    let keys = nasty_keys(can);
    for key in &keys {
        let body = format!("I am {key}");
        store
            .put(put(bucket, key, body))
            .await
            .unwrap_or_else(|e| panic!("put {key:?}: {e}"));
    }
    let listed: BTreeSet<String> = all_keys(store, bucket, "", 7).await.into_iter().collect();
    let expected: BTreeSet<String> = keys.iter().cloned().collect();
    assert_eq!(listed, expected, "by pages of seven");
    for key in &keys {
        let body = read(store, get(bucket, key))
            .await
            .unwrap_or_else(|e| panic!("get {key:?}: {e}"));
        assert_eq!(String::from_utf8(body).unwrap(), format!("I am {key}"));
        let head = store
            .head(bucket, key)
            .await
            .unwrap_or_else(|e| panic!("head {key:?}: {e}"));
        assert_eq!(head.size as usize, 5 + key.len(), "{key:?}");
        assert!(
            all_keys(store, bucket, key, 1000).await.contains(key),
            "as a prefix: {key:?}"
        );
    }
    // Grouping loses nothing either.
    let grouped = ListRequest {
        bucket: bucket.to_owned(),
        delimiter: Some("/".to_owned()),
        ..ListRequest::default()
    };
    let page = store.list(grouped).await.unwrap();
    let top: BTreeSet<String> = page.objects.into_iter().map(|object| object.key).collect();
    assert_eq!(
        top,
        keys.iter()
            .filter(|key| !key.contains('/'))
            .cloned()
            .collect()
    );
    let prefixes: BTreeSet<String> = page.prefixes.into_iter().collect();
    let expected = keys
        .iter()
        .filter_map(|key| Some(format!("{}/", key.split_once('/')?.0)));
    assert_eq!(prefixes, expected.collect());
    // Copies, uploads and deletes meet the same keys.
    for key in &keys {
        let to_key = format!("copy-{}", key.len());
        let request = CopyRequest {
            from_bucket: bucket.to_owned(),
            from_key: key.clone(),
            to_bucket: bucket.to_owned(),
            to_key: to_key.clone(),
        };
        store
            .copy(request)
            .await
            .unwrap_or_else(|e| panic!("copy {key:?}: {e}"));
        let body = read(store, get(bucket, &to_key)).await.unwrap();
        assert_eq!(String::from_utf8(body).unwrap(), format!("I am {key}"));
    }
    for (index, key) in keys.iter().enumerate().filter(|(index, _)| index % 3 == 0) {
        let upload = store
            .create_upload(bucket, key, None, &BTreeMap::new())
            .await
            .unwrap();
        let part = UploadPartRequest {
            bucket: bucket.to_owned(),
            key: key.clone(),
            upload: upload.clone(),
            number: 1,
            body: Body::Bytes(Bytes::from(format!("part {index}"))),
            check: ContentCheck::default(),
        };
        let part = store
            .upload_part(part)
            .await
            .unwrap_or_else(|e| panic!("part of {key:?}: {e}"));
        let done = store.complete_upload(bucket, key, &upload, &[part]).await;
        done.unwrap_or_else(|e| panic!("complete {key:?}: {e}"));
        assert_eq!(
            read(store, get(bucket, key)).await.unwrap(),
            format!("part {index}").into_bytes()
        );
        let given_up = store
            .create_upload(bucket, key, None, &BTreeMap::new())
            .await
            .unwrap();
        if can.list_uploads {
            let open = store.list_uploads(bucket, "").await.unwrap();
            assert_eq!(
                (&open[0].key, &open[0].upload),
                (key, &given_up),
                "unfinished"
            );
        }
        store
            .abort_upload(bucket, key, &given_up)
            .await
            .unwrap_or_else(|e| panic!("abort {key:?}: {e}"));
    }
    let outcomes = store.delete(bucket, keys.clone()).await;
    let deleted: BTreeSet<String> = outcomes
        .into_iter()
        .map(|outcome| {
            outcome
                .result
                .unwrap_or_else(|e| panic!("delete {:?}: {e}", outcome.key));
            outcome.key
        })
        .collect();
    assert_eq!(deleted, keys.into_iter().collect());
    assert!(
        all_keys(store, bucket, "", 1000)
            .await
            .iter()
            .all(|key| key.starts_with("copy-"))
    );
    remove(store, bucket).await;
}

pub async fn listings(store: &dyn ObjectStore, bucket: &str) {
    store.create_bucket(bucket).await.unwrap();
    let empty = ListRequest {
        bucket: bucket.to_owned(),
        ..ListRequest::default()
    };
    let page = store.list(empty.clone()).await.unwrap();
    assert!(page.objects.is_empty() && page.prefixes.is_empty() && page.next.is_none());

    let mut keys: Vec<String> = (0..25).map(|n| format!("year/2024/{n:03}.nc")).collect();
    keys.extend((0..5).map(|n| format!("year/202{n}/notes.txt")));
    keys.push("readme".to_owned());
    futures::stream::iter(&keys)
        .for_each_concurrent(8, |key| async move {
            store.put(put(bucket, key, key.clone())).await.unwrap();
        })
        .await;
    keys.sort();
    for size in [1, 2, 10, 1000] {
        assert_eq!(
            all_keys(store, bucket, "", size).await,
            keys,
            "pages of {size}"
        );
    }
    assert_eq!(all_keys(store, bucket, "year/2024/00", 3).await.len(), 10);

    // Prefixes are paged like keys.
    let mut request = ListRequest {
        prefix: "year/".to_owned(),
        delimiter: Some("/".to_owned()),
        max_keys: Some(2),
        ..empty.clone()
    };
    let mut prefixes = Vec::new();
    loop {
        let page = store.list(request.clone()).await.unwrap();
        assert!(page.objects.is_empty());
        assert!(page.prefixes.len() <= 2);
        prefixes.extend(page.prefixes);
        match page.next {
            None => break,
            next => request.continuation = next,
        }
    }
    let expected: Vec<String> = (0..5).map(|n| format!("year/202{n}/")).collect();
    assert_eq!(prefixes, expected);

    let later = ListRequest {
        start_after: Some("year/2024/023.nc".to_owned()),
        ..empty.clone()
    };
    let page = store.list(later).await.unwrap();
    let rest: Vec<&str> = page
        .objects
        .iter()
        .map(|object| object.key.as_str())
        .collect();
    assert_eq!(rest, ["year/2024/024.nc", "year/2024/notes.txt"]);

    let row = &store
        .list(ListRequest {
            prefix: "readme".to_owned(),
            ..empty
        })
        .await
        .unwrap()
        .objects[0];
    assert_eq!((row.key.as_str(), row.size), ("readme", 6));
    assert!(row.modified.is_some());
    assert!(row.etag.as_ref().is_none_or(|etag| !etag.contains('"')));
    remove(store, bucket).await;
}

pub async fn uploads(store: &dyn ObjectStore, can: Can, bucket: &str) {
    store.create_bucket(bucket).await.unwrap();
    let body = pattern((12 << 20) + 17);
    let mut metadata = BTreeMap::new();
    if can.metadata {
        metadata.insert("campaign".to_owned(), "2024".to_owned());
    }
    let key = "big file.nc";
    let upload = store
        .create_upload(bucket, key, Some("application/x-netcdf"), &metadata)
        .await
        .unwrap();
    assert!(
        store
            .list_parts(bucket, key, &upload)
            .await
            .unwrap()
            .is_empty()
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, &body).unwrap();
    let mut parts = Vec::new();
    let mut digests = Vec::new();
    for (index, chunk) in body.chunks(5 << 20).enumerate() {
        let md5 = Md5::digest(chunk);
        digests.extend_from_slice(&md5);
        let body = if index == 1 {
            Body::File {
                path: path.clone(),
                offset: 5 << 20,
                length: chunk.len() as u64,
            }
        } else {
            Body::Bytes(Bytes::copy_from_slice(chunk))
        };
        let request = UploadPartRequest {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            upload: upload.clone(),
            number: index as u32 + 1,
            body,
            check: ContentCheck {
                md5: Some(md5.into()),
                sha256: None,
            },
        };
        parts.push(store.upload_part(request).await.unwrap());
    }
    let mut listed = store.list_parts(bucket, key, &upload).await.unwrap();
    listed.sort_by_key(|part| part.number);
    assert_eq!(listed, parts);
    if can.list_uploads {
        let open = store.list_uploads(bucket, "big").await.unwrap();
        assert!(
            open.iter().any(|u| u.upload == upload && u.key == key),
            "{open:?}"
        );
        assert!(
            store
                .list_uploads(bucket, "other")
                .await
                .unwrap()
                .is_empty()
        );
    }
    parts.reverse();
    store
        .complete_upload(bucket, key, &upload, &parts)
        .await
        .unwrap();
    let head = store.head(bucket, key).await.unwrap();
    assert_eq!(head.size, body.len() as u64);
    if can.metadata {
        assert_eq!(
            head.metadata.get("campaign").map(String::as_str),
            Some("2024")
        );
        assert_eq!(head.content_type.as_deref(), Some("application/x-netcdf"));
    }
    if can.multipart_md5 {
        let whole = hex(&Md5::digest(&digests));
        assert_eq!(head.etag.as_deref(), Some(format!("{whole}-3").as_str()));
    }
    assert!(read(store, get(bucket, key)).await.unwrap() == body);
    assert_eq!(
        kind(store.list_parts(bucket, key, &upload).await),
        ErrorKind::NoSuchUpload
    );

    // One that is given up leaves nothing behind.
    let upload = store
        .create_upload(bucket, "given up", None, &BTreeMap::new())
        .await
        .unwrap();
    let request = UploadPartRequest {
        bucket: bucket.to_owned(),
        key: "given up".to_owned(),
        upload: upload.clone(),
        number: 1,
        body: Body::Bytes(Bytes::from_static(b"part")),
        check: ContentCheck::default(),
    };
    if can.check_md5 {
        let check = ContentCheck {
            md5: Some([1; 16]),
            sha256: None,
        };
        let damaged = store
            .upload_part(UploadPartRequest {
                check,
                ..request.clone()
            })
            .await;
        assert_eq!(kind(damaged), ErrorKind::Damaged);
    }
    store.upload_part(request.clone()).await.unwrap();
    store
        .abort_upload(bucket, "given up", &upload)
        .await
        .unwrap();
    store
        .abort_upload(bucket, "given up", &upload)
        .await
        .unwrap();
    assert_eq!(
        kind(store.upload_part(request).await),
        ErrorKind::NoSuchUpload
    );
    if can.list_uploads {
        assert!(store.list_uploads(bucket, "").await.unwrap().is_empty());
    }
    assert_eq!(
        kind(store.head(bucket, "given up").await),
        ErrorKind::NoSuchKey
    );
    remove(store, bucket).await;
}

pub async fn copies(store: &dyn ObjectStore, can: Can, bucket: &str) {
    store.create_bucket(bucket).await.unwrap();
    let other = format!("{bucket}-2");
    store.create_bucket(&other).await.unwrap();
    let body = pattern(70_000);
    let mut request = put(bucket, "from", body.clone());
    request.content_type = Some("text/csv".to_owned());
    if can.metadata {
        request
            .metadata
            .insert("unit".to_owned(), "mm/h".to_owned());
    }
    store.put(request).await.unwrap();
    let copy = CopyRequest {
        from_bucket: bucket.to_owned(),
        from_key: "from".to_owned(),
        to_bucket: other.clone(),
        to_key: "to/here".to_owned(),
    };
    store.copy(copy.clone()).await.unwrap();
    assert!(read(store, get(&other, "to/here")).await.unwrap() == body);
    if can.metadata {
        let head = store.head(&other, "to/here").await.unwrap();
        assert_eq!(head.content_type.as_deref(), Some("text/csv"));
        assert_eq!(head.metadata.get("unit").map(String::as_str), Some("mm/h"));
    }
    let missing = CopyRequest {
        from_key: "missing".to_owned(),
        ..copy
    };
    assert_eq!(kind(store.copy(missing).await), ErrorKind::NoSuchKey);
    remove(store, bucket).await;
    remove(store, &other).await;
}

// Promise: An object that is gone already counts as deleted.
pub async fn deletes(store: &dyn ObjectStore, bucket: &str) {
    store.create_bucket(bucket).await.unwrap();
    assert!(store.delete(bucket, Vec::new()).await.is_empty());
    let keys: Vec<String> = (0..40).map(|n| format!("k{n:04}")).collect();
    futures::stream::iter(&keys)
        .for_each_concurrent(8, |key| async move {
            store.put(put(bucket, key, "x")).await.unwrap();
        })
        .await;
    // More than one batch, most of which never existed: gone is gone.
    let mut asked = keys.clone();
    asked.extend((0..1500).map(|n| format!("never-{n}")));
    let outcomes = store.delete(bucket, asked.clone()).await;
    let named: BTreeSet<&String> = outcomes.iter().map(|outcome| &outcome.key).collect();
    assert_eq!(named, asked.iter().collect());
    assert_eq!(outcomes.len(), asked.len());
    for outcome in &outcomes {
        assert!(outcome.result.is_ok(), "{outcome:?}");
    }
    assert!(all_keys(store, bucket, "", 1000).await.is_empty());
    store.delete_bucket(bucket).await.unwrap();
    let outcomes = store.delete(bucket, keys).await;
    assert!(outcomes.iter().all(|o| {
        o.result
            .as_ref()
            .is_err_and(|e| e.kind == ErrorKind::NoSuchBucket)
    }));
}
