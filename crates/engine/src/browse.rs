//! Buckets, folders and objects.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;
use wherry_account::Account;
use wherry_store::{Body, ContentCheck, ErrorKind, ListRequest, ObjectStore, PutRequest};

use crate::contract::{
    BucketRef, BucketView, BucketsView, Event, Link, LinkRequest, ListingView, Location, NewFolder,
    ObjectDetails, ObjectRef, Problem, TypedPath,
};
use crate::engine::{Engine, Opened, host, lock};
use crate::listing::Listing;

/// Not more often than this does a growing listing tell the window.
const TELL_EVERY: Duration = Duration::from_millis(120);

impl Engine {
    pub(crate) async fn list_buckets(&self, id: &str) -> Result<BucketsView, Problem> {
        let Opened { account, store } = self.open(id).await?;
        let by_name = |name: &String| BucketView {
            name: name.clone(),
            created: None,
            by_name: true,
        };
        match store.list_buckets().await {
            Ok(found) => {
                self.accepted(&account);
                let mut buckets: Vec<BucketView> = found
                    .into_iter()
                    .map(|b| BucketView {
                        name: b.name,
                        created: b.created.map(|t| t.timestamp_millis()),
                        by_name: false,
                    })
                    .collect();
                let extra = account.opened_buckets.iter();
                let extra: Vec<BucketView> = extra
                    .filter(|name| buckets.iter().all(|b| b.name != **name))
                    .map(by_name)
                    .collect();
                buckets.extend(extra);
                Ok(BucketsView {
                    buckets,
                    denied: None,
                })
            }
            Err(error) => {
                let mut problem = self.refused(&account, None, None, &error);
                if error.kind == ErrorKind::Denied && problem.code == "store.denied" {
                    problem.todo = "Buckets whose name you know can still be opened.".into();
                    return Ok(BucketsView {
                        buckets: account.opened_buckets.iter().map(by_name).collect(),
                        denied: Some(problem),
                    });
                }
                Err(problem)
            }
        }
    }

    pub(crate) async fn make_bucket(&self, bucket: &BucketRef) -> Result<(), Problem> {
        let Opened { account, store } = self.open(&bucket.account).await?;
        if let Some(why) = bucket_name_problem(&bucket.bucket) {
            return Err(Problem::new("store.bucket-name", why, BUCKET_RULES));
        }
        let name = bucket.bucket.as_str();
        store
            .create_bucket(name)
            .await
            .map_err(|e| self.refused(&account, Some(name), None, &e))?;
        self.inner.events.tell(Event::Accounts {});
        Ok(())
    }

    pub(crate) async fn remove_bucket(&self, bucket: &BucketRef) -> Result<(), Problem> {
        let Opened { account, store } = self.open(&bucket.account).await?;
        let name = bucket.bucket.as_str();
        store
            .delete_bucket(name)
            .await
            .map_err(|e| self.refused(&account, Some(name), None, &e))?;
        self.remember_bucket(&account, name, false)
    }

    pub(crate) async fn open_by_name(&self, bucket: &BucketRef) -> Result<(), Problem> {
        let Opened { account, store } = self.open(&bucket.account).await?;
        let name = bucket.bucket.trim();
        // Only what would break the address is refused: old buckets have names that new ones may not.
        if name.is_empty()
            || name.contains(['/', '\\', '?', '#', '%'])
            || name.chars().any(char::is_control)
        {
            return Err(Problem::new(
                "store.bucket-name",
                "That cannot be the name of a bucket.",
                "Enter only its name, without slashes or the store's address.",
            ));
        }
        // Listing one key is what browsing will need; HEAD may be allowed or denied on its own.
        let request = ListRequest {
            bucket: name.to_owned(),
            delimiter: Some("/".into()),
            max_keys: Some(1),
            ..ListRequest::default()
        };
        match store.list(request).await {
            Ok(_) => {}
            // A prefix of it may still be readable.
            Err(e) if e.kind == ErrorKind::Denied && store.head_bucket(name).await.is_ok() => {}
            Err(e) => return Err(self.refused(&account, Some(name), None, &e)),
        }
        self.remember_bucket(&account, name, true)
    }

    pub(crate) fn remember_bucket(
        &self,
        account: &Account,
        name: &str,
        remember: bool,
    ) -> Result<(), Problem> {
        self.inner.accounts.update(&account.id, |a| {
            a.opened_buckets.retain(|b| b != name);
            if remember {
                a.opened_buckets.push(name.to_owned());
            }
        })?;
        self.inner.events.tell(Event::Accounts {});
        Ok(())
    }

    pub(crate) async fn start_listing(&self, location: Location) -> Result<ListingView, Problem> {
        let opened = self.open(&location.account).await?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let listing = Arc::new(Listing::new(id.clone(), location));
        lock(&self.inner.listings).insert(id, Arc::clone(&listing));
        let engine = self.clone();
        tokio::spawn({
            let listing = Arc::clone(&listing);
            async move {
                let tell = |listing| engine.inner.events.tell(Event::Listing { listing });
                engine.fill(&opened, &listing, tell).await;
            }
        });
        Ok(listing.view())
    }

    /// Lists the folder again. The rows that are there stay until the new ones are complete, so that
    /// a folder is never shown half, and keep their listing's name, so that nobody loses it.
    pub(crate) async fn list_again(&self, id: &str) -> Result<ListingView, Problem> {
        let listing = self.listing(id)?;
        let round = listing.next_round();
        let opened = self.open(&listing.location.account).await?;
        let fresh = Listing::new(listing.id.clone(), listing.location.clone());
        self.fill(&opened, &fresh, |_| ()).await;
        // Closed meanwhile, it stopped halfway.
        self.listing(id)?;
        if let Some(problem) = fresh.view().problem {
            return Err(problem);
        }
        listing.replace(fresh, round);
        let view = listing.view();
        self.inner.events.tell(Event::Listing {
            listing: view.clone(),
        });
        Ok(view)
    }

    /// Lists page after page until the end, a refusal, or nobody wants it any more.
    async fn fill(&self, opened: &Opened, listing: &Listing, tell: impl Fn(ListingView)) {
        let tell = || tell(listing.view());
        let mut request = ListRequest {
            bucket: listing.location.bucket.clone(),
            prefix: listing.location.prefix.clone(),
            delimiter: Some("/".into()),
            ..ListRequest::default()
        };
        let mut told = Instant::now();
        loop {
            if !lock(&self.inner.listings).contains_key(&listing.id) {
                return;
            }
            match opened.store.list(request.clone()).await {
                Ok(page) => {
                    // A newer listing was quicker.
                    if !listing.add(&page) {
                        return;
                    }
                    request.continuation = page.next;
                }
                Err(error) => {
                    let bucket = Some(listing.location.bucket.as_str());
                    listing.finish(Some(self.refused(&opened.account, bucket, None, &error)));
                    return tell();
                }
            }
            if request.continuation.is_none() {
                self.accepted(&opened.account);
                listing.finish(None);
                return tell();
            }
            if told.elapsed() >= TELL_EVERY {
                tell();
                told = Instant::now();
            }
        }
    }

    pub(crate) fn listing(&self, id: &str) -> Result<Arc<Listing>, Problem> {
        lock(&self.inner.listings)
            .get(id)
            .cloned()
            .ok_or_else(|| Problem::stale("listing"))
    }

    pub(crate) fn forget_listing(&self, id: &str) -> Option<Arc<Listing>> {
        lock(&self.inner.listings).remove(id)
    }

    pub(crate) async fn make_folder(&self, folder: NewFolder) -> Result<(), Problem> {
        let name = folder.name.trim_matches('/');
        if name.is_empty() || name == "." || name == ".." || name.chars().any(char::is_control) {
            return Err(Problem::new(
                "browse.folder-name",
                "A folder cannot have that name.",
                "Choose another; “.” and “..” mean something else on every computer.",
            ));
        }
        let Opened { account, store } = self.open(&folder.location.account).await?;
        let bucket = folder.location.bucket.as_str();
        let key = format!("{}{name}/", folder.location.prefix);
        if key.len() > 1024 {
            return Err(Problem::new(
                "browse.key-long",
                "That name makes the key longer than the 1,024 bytes S3 allows.",
                "Choose a shorter one.",
            ));
        }
        let request = ListRequest {
            bucket: bucket.to_owned(),
            prefix: key.clone(),
            max_keys: Some(1),
            ..ListRequest::default()
        };
        let refused = |e| self.refused(&account, Some(bucket), Some(&key), &e);
        let there = store.list(request).await.map_err(refused)?;
        if !there.objects.is_empty() {
            return Err(Problem::new(
                "browse.folder-exists",
                format!(
                    "There is already a folder named “{}”.",
                    crate::names::visible(name)
                ),
                "Choose another name, or open that one.",
            ));
        }
        let request = PutRequest {
            bucket: bucket.to_owned(),
            key: key.clone(),
            body: Body::Bytes(bytes::Bytes::new()),
            check: ContentCheck::default(),
            content_type: Some("application/x-directory".into()),
            metadata: std::collections::BTreeMap::new(),
            if_absent: false,
        };
        store.put(request).await.map_err(refused)?;
        let location = folder.location;
        self.inner.events.tell(Event::Changed { location });
        Ok(())
    }

    pub(crate) async fn details(&self, object: &ObjectRef) -> Result<ObjectDetails, Problem> {
        let Opened { account, store } = self.open(&object.account).await?;
        let head = store
            .head(&object.bucket, &object.key)
            .await
            .map_err(|e| self.refused(&account, Some(&object.bucket), Some(&object.key), &e))?;
        Ok(ObjectDetails {
            key: object.key.clone(),
            size: head.size,
            modified: head.modified.map(|t| t.timestamp_millis()),
            etag: head.etag,
            content_type: head.content_type,
            storage_class: head.storage_class,
            version_id: head.version_id,
            metadata: head.metadata.into_iter().collect(),
            path: format!("s3://{}/{}", object.bucket, object.key),
            url: store.object_url(&object.bucket, &object.key),
        })
    }

    pub(crate) async fn link(&self, request: &LinkRequest) -> Result<Link, Problem> {
        let object = &request.object;
        let Opened { account, store } = self.open(&object.account).await?;
        let week = 7 * 24 * 3600;
        if request.seconds == 0 || request.seconds > week {
            return Err(Problem::new(
                "browse.link-time",
                "A link can work for at most seven days.",
                "Choose a shorter time.",
            ));
        }
        let life = Duration::from_secs(request.seconds.into());
        let url = store
            .presign_get(&object.bucket, &object.key, life)
            .await
            .map_err(|e| self.refused(&account, Some(&object.bucket), Some(&object.key), &e))?;
        Ok(Link {
            url: secrecy::ExposeSecret::expose_secret(&url).to_owned(),
            expires: self.now().timestamp_millis() + i64::from(request.seconds) * 1000,
        })
    }

    pub(crate) fn understand_path(&self, path: &TypedPath) -> Result<Location, Problem> {
        let account = self.account(&path.account)?;
        let rest = bucket_and_prefix(&path.text, &account.endpoint)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((&rest, ""));
        if bucket.is_empty() {
            return Err(Problem::new(
                "browse.path",
                "That path names no bucket.",
                "Write it as bucket/folder/ or s3://bucket/folder/.",
            ));
        }
        let mut prefix = prefix.to_owned();
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        Ok(Location {
            account: path.account.clone(),
            bucket: bucket.to_owned(),
            prefix,
        })
    }
}

fn bucket_and_prefix(text: &str, endpoint: &Url) -> Result<String, Problem> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("s3://") {
        return Ok(rest.to_owned());
    }
    if !text.contains("://") {
        return Ok(text.trim_start_matches('/').to_owned());
    }
    let elsewhere = || {
        Problem::new(
            "browse.path-elsewhere",
            format!(
                "That address is not at this account's store, {}.",
                host(endpoint)
            ),
            "Open the account it belongs to first.",
        )
    };
    let url = Url::parse(text).map_err(|_| elsewhere())?;
    let decode = |path: &str| {
        percent_encoding::percent_decode_str(path)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| elsewhere())
    };
    let path = decode(url.path().trim_start_matches('/'))?;
    if host(&url) == host(endpoint) {
        return Ok(path);
    }
    // Virtual-host style: the bucket stands before the store's host.
    match host(&url)
        .strip_suffix(&host(endpoint))
        .and_then(|b| b.strip_suffix('.'))
    {
        Some(bucket) => Ok(format!("{bucket}/{path}")),
        None => Err(elsewhere()),
    }
}

const BUCKET_RULES: &str =
    "Use 3 to 63 small letters, digits and hyphens, beginning and ending with a letter or digit.";

/// Why a new bucket cannot have this name, as a sentence.
pub(crate) fn bucket_name_problem(name: &str) -> Option<String> {
    wherry_store::check_bucket_name(name)
        .err()
        .map(|why| crate::problem::sentence(&why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_paths_are_understood() {
        let endpoint: Url = "https://s3.example.org:8080".parse().expect("a URL");
        let rest = |text: &str| bucket_and_prefix(text, &endpoint).map_err(|p| p.code);
        assert_eq!(rest("s3://b/x/y"), Ok("b/x/y".into()));
        assert_eq!(rest("  /b/x y/ "), Ok("b/x y/".into()));
        assert_eq!(
            rest("https://s3.example.org:8080/b/a%20b/"),
            Ok("b/a b/".into())
        );
        assert_eq!(rest("https://b.s3.example.org:8080/k"), Ok("b/k".into()));
        assert_eq!(
            rest("https://evil.example/b"),
            Err("browse.path-elsewhere".into())
        );
    }
}
