//! The practice store as a client sees it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::TryStreamExt;
use secrecy::SecretString;
use wherry_practice::{Practice, PracticeKey};
use wherry_store::*;

async fn start() -> (tempfile::TempDir, Practice, PracticeKey, S3Store) {
    let folder = tempfile::tempdir().unwrap();
    let key = PracticeKey::generate();
    let practice = Practice::start(folder.path(), &key, None).await.unwrap();
    let store = client(&practice, &key.access_key_id, key.secret.clone());
    store.create_bucket("bucket").await.unwrap();
    (folder, practice, key, store)
}

fn client(practice: &Practice, id: &str, secret: SecretString) -> S3Store {
    let key = Credentials {
        access_key_id: id.to_owned(),
        secret,
        session_token: None,
    };
    S3Store::new(S3Config::new(practice.endpoint().clone(), Some(key))).unwrap()
}

fn put(key: &str, bytes: impl Into<Bytes>) -> PutRequest {
    PutRequest {
        bucket: "bucket".into(),
        key: key.into(),
        body: Body::Bytes(bytes.into()),
        check: ContentCheck::default(),
        content_type: Some("text/x-test".into()),
        metadata: [("answer".to_owned(), "42".to_owned())].into(),
        if_absent: false,
    }
}

async fn get(store: &S3Store, key: &str) -> Result<Vec<u8>, StoreError> {
    let request = GetRequest {
        bucket: "bucket".into(),
        key: key.into(),
        ..Default::default()
    };
    let body = store.get(request).await?.body;
    Ok(body.try_collect::<Vec<Bytes>>().await?.concat())
}

#[tokio::test]
async fn objects_are_plain_files_and_plain_files_are_objects() {
    let (folder, _practice, _, store) = start().await;
    store.put(put("notes/a.txt", "hello")).await.unwrap();
    assert_eq!(
        std::fs::read(folder.path().join("bucket/notes/a.txt")).unwrap(),
        b"hello"
    );
    std::fs::write(folder.path().join("bucket/notes/by hand.txt"), "mine").unwrap();
    assert_eq!(get(&store, "notes/by hand.txt").await.unwrap(), b"mine");
    let head = store.head("bucket", "notes/a.txt").await.unwrap();
    assert_eq!(head.content_type.as_deref(), Some("text/x-test"));
    assert_eq!(head.metadata["answer"], "42");
    assert_eq!(
        head.etag.as_deref(),
        Some("5d41402abc4b2a76b9719d911017c592")
    );
    let page = store
        .list(ListRequest {
            bucket: "bucket".into(),
            ..Default::default()
        })
        .await
        .unwrap();
    let keys: Vec<&str> = page.objects.iter().map(|o| o.key.as_str()).collect();
    assert_eq!(keys, ["notes/a.txt", "notes/by hand.txt"]);
}

#[tokio::test]
async fn any_key_can_be_stored_and_none_leaves_its_bucket() {
    let (folder, _practice, _, store) = start().await;
    store.create_bucket("other").await.unwrap();
    let long = "k".repeat(1024);
    let keys = [
        "a",
        "a/",
        "a/b",
        "a//b",
        "/abs",
        "../other/x",
        "../../x",
        ".wherry/records",
        "é日本😀",
        "50%+ &=?#",
        "back\\slash",
        "line\nbreak",
        "\u{202e}rtl",
        "<img src=x onerror=alert(1)>",
        &long,
    ];
    for key in keys {
        store.put(put(key, key.to_owned())).await.unwrap();
    }
    for key in keys {
        assert_eq!(get(&store, key).await.unwrap(), key.as_bytes(), "{key:?}");
    }
    let mut listed = Vec::new();
    let mut request = ListRequest {
        bucket: "bucket".into(),
        max_keys: Some(4),
        ..Default::default()
    };
    loop {
        let page = store.list(request.clone()).await.unwrap();
        listed.extend(page.objects.into_iter().map(|o| o.key));
        match page.next {
            Some(next) => request.continuation = Some(next),
            None => break,
        }
    }
    let mut expected = keys.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(listed, expected);
    assert_eq!(
        std::fs::read_dir(folder.path().join("other"))
            .unwrap()
            .count(),
        0
    );
    for outcome in store.delete("bucket", expected).await {
        outcome.result.unwrap();
    }
    store.delete_bucket("bucket").await.unwrap();
}

#[tokio::test]
async fn refusals_are_those_of_s3() {
    let (_folder, practice, key, store) = start().await;
    let kind = |error: StoreError| error.kind;
    store.put(put("x", "1")).await.unwrap();
    assert_eq!(
        kind(get(&store, "y").await.unwrap_err()),
        ErrorKind::NoSuchKey
    );
    assert_eq!(
        kind(store.head_bucket("nowhere").await.unwrap_err()),
        ErrorKind::NoSuchBucket
    );
    assert_eq!(
        kind(store.delete_bucket("bucket").await.unwrap_err()),
        ErrorKind::BucketNotEmpty
    );
    assert_eq!(
        kind(store.create_bucket("bucket").await.unwrap_err()),
        ErrorKind::BucketExists
    );
    let exists = PutRequest {
        if_absent: true,
        ..put("x", "2")
    };
    assert_eq!(
        kind(store.put(exists).await.unwrap_err()),
        ErrorKind::Exists
    );
    let damaged = ContentCheck {
        md5: Some([7; 16]),
        sha256: None,
    };
    let damaged = PutRequest {
        check: damaged,
        ..put("x", "3")
    };
    assert_eq!(
        kind(store.put(damaged).await.unwrap_err()),
        ErrorKind::Damaged
    );
    let untouched = get(&store, "x").await.unwrap();
    assert_eq!(
        untouched, b"1",
        "what it would have replaced is still there"
    );
    let changed = GetRequest {
        bucket: "bucket".into(),
        key: "x".into(),
        if_match: Some("0".repeat(32)),
        ..Default::default()
    };
    assert_eq!(
        store.get(changed).await.err().map(kind),
        Some(ErrorKind::Changed)
    );
    let wrong = client(&practice, &key.access_key_id, "wrong".to_owned().into());
    assert_eq!(
        kind(wrong.list_buckets().await.unwrap_err()),
        ErrorKind::SecretWrong
    );
    let nobody = client(&practice, "NOBODY", key.secret.clone());
    assert_eq!(
        kind(nobody.list_buckets().await.unwrap_err()),
        ErrorKind::KeyUnknown
    );
    let anonymous = S3Store::new(S3Config::new(practice.endpoint().clone(), None)).unwrap();
    assert_eq!(
        kind(anonymous.list_buckets().await.unwrap_err()),
        ErrorKind::Denied
    );
}

#[tokio::test]
async fn unfinished_uploads_are_listed_and_can_be_aborted() {
    let (folder, _practice, _, store) = start().await;
    let upload = store
        .create_upload("bucket", "big", None, &BTreeMap::new())
        .await
        .unwrap();
    let part = UploadPartRequest {
        bucket: "bucket".into(),
        key: "big".into(),
        upload: upload.clone(),
        number: 1,
        body: Body::Bytes(vec![1; 5 << 20].into()),
        check: ContentCheck::default(),
    };
    let first = store.upload_part(part.clone()).await.unwrap();
    assert_eq!(
        store.list_parts("bucket", "big", &upload).await.unwrap(),
        [first]
    );
    let uploads = store.list_uploads("bucket", "").await.unwrap();
    assert_eq!((uploads.len(), uploads[0].key.as_str()), (1, "big"));
    assert!(
        store
            .list_uploads("bucket", "other")
            .await
            .unwrap()
            .is_empty()
    );
    store.abort_upload("bucket", "big", &upload).await.unwrap();
    assert!(store.list_uploads("bucket", "").await.unwrap().is_empty());
    let late = store.upload_part(part).await.unwrap_err();
    assert_eq!(late.kind, ErrorKind::NoSuchUpload);
    assert_eq!(
        std::fs::read_dir(folder.path().join(".wherry/uploads"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn the_port_stays_when_it_is_free() {
    let (folder, practice, key, store) = start().await;
    store.put(put("x", "kept")).await.unwrap();
    let port = practice.port();
    practice.stop().await;
    assert_eq!(
        store.head("bucket", "x").await.unwrap_err().kind,
        ErrorKind::Unreachable
    );
    let again = Practice::start(folder.path(), &key, Some(port))
        .await
        .unwrap();
    assert_eq!(again.port(), port);
    assert_eq!(get(&store, "x").await.unwrap(), b"kept");
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Practice::start(elsewhere.path(), &key, Some(port))
        .await
        .unwrap();
    assert_ne!(
        other.port(),
        port,
        "a port that is taken is not insisted on"
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "").unwrap();
    let error = Practice::start(&file, &PracticeKey::generate(), None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("a file"), "{error}");
}

/// A server of this kind was seen to serve ranges at 2 MiB/s, which would spoil the first impression.
#[tokio::test(flavor = "multi_thread")]
async fn ranged_reads_are_quick() {
    let (_folder, _practice, _, store) = start().await;
    store.put(put("large", vec![7; 64 << 20])).await.unwrap();
    let start = std::time::Instant::now();
    for at in 0..64u64 {
        let request = GetRequest {
            bucket: "bucket".into(),
            key: "large".into(),
            range: Some(at << 20..(at + 1) << 20),
            if_match: None,
        };
        let body = store.get(request).await.unwrap().body;
        let got: usize = body
            .try_fold(0, |sum, c| async move { Ok(sum + c.len()) })
            .await
            .unwrap();
        assert_eq!(got, 1 << 20);
    }
    // Unoptimised, on a busy machine: still five times what was seen.
    assert!(start.elapsed().as_secs_f64() < 6.4, "{:?}", start.elapsed());
}
