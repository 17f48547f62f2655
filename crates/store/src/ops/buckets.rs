//! Listing, looking at, making and removing buckets.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use super::time;
use crate::api::BucketInfo;
use crate::error::{ErrorKind, StoreError};
use crate::refusal::About;
use crate::store::{S3Store, send};

impl S3Store {
    pub(crate) async fn list_buckets_once(&self) -> Result<Vec<BucketInfo>, StoreError> {
        let mut buckets = Vec::new();
        let mut token = None;
        loop {
            let operation = self.client().list_buckets().set_continuation_token(token);
            let page = send!(self, "list the buckets", About::Store, operation)?;
            buckets.extend(page.buckets().iter().filter_map(|bucket| {
                let name = bucket.name()?.to_owned();
                Some(BucketInfo {
                    name,
                    created: bucket.creation_date().and_then(time),
                })
            }));
            token = page
                .continuation_token()
                .filter(|token| !token.is_empty())
                .map(str::to_owned);
            if token.is_none() {
                return Ok(buckets);
            }
        }
    }

    pub(crate) async fn head_bucket_once(&self, bucket: &str) -> Result<(), StoreError> {
        let operation = self.client().head_bucket().bucket(bucket);
        send!(self, "open the bucket", About::Bucket, operation).map(|_| ())
    }

    pub(crate) async fn create_bucket_once(&self, bucket: &str) -> Result<(), StoreError> {
        const DOING: &str = "create the bucket";
        if let Err(why) = check_bucket_name(bucket) {
            return Err(StoreError::new(ErrorKind::BucketName, DOING, why));
        }
        let plain = self.client().create_bucket().bucket(bucket);
        match send!(self, DOING, About::Bucket, plain) {
            // AWS outside its first region wants to hear the region again; others choke on hearing it.
            Err(error) if error.code.as_deref() == Some("IllegalLocationConstraintException") => {
                let region = BucketLocationConstraint::from(self.0.config.region.as_str());
                let place = CreateBucketConfiguration::builder()
                    .location_constraint(region)
                    .build();
                let placed = self
                    .client()
                    .create_bucket()
                    .bucket(bucket)
                    .create_bucket_configuration(place);
                send!(self, DOING, About::Bucket, placed).map(|_| ())
            }
            done => done.map(|_| ()),
        }
    }

    pub(crate) async fn delete_bucket_once(&self, bucket: &str) -> Result<(), StoreError> {
        let operation = self.client().delete_bucket().bucket(bucket);
        send!(self, "delete the bucket", About::Bucket, operation).map(|_| ())
    }
}

/// Amazon's rules for general purpose buckets; stores that allow more make buckets that other
/// clients cannot open.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
pub fn check_bucket_name(name: &str) -> Result<(), &'static str> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !(3..=63).contains(&name.len()) {
        Err("a bucket name has 3 to 63 characters")
    } else if !name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
    {
        Err("a bucket name has only lower-case letters, digits, hyphens and dots")
    } else if !edge(name.chars().next()) || !edge(name.chars().last()) {
        Err("a bucket name begins and ends with a letter or a digit")
    } else if name.contains("..") {
        Err("a bucket name has no two dots in a row")
    } else if name.parse::<std::net::Ipv4Addr>().is_ok() {
        Err("a bucket name must not look like an IP address")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::check_bucket_name;

    #[test]
    fn bucket_names() {
        for good in ["abc", "my-data.2024", "0ab"] {
            assert!(check_bucket_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "ab",
            &long,
            "Data",
            "a_b_c",
            "-abc",
            "abc.",
            "a..b",
            "192.168.0.1",
            "a/b/c",
            "../x",
            "düne",
        ] {
            assert!(check_bucket_name(bad).is_err(), "{bad}");
        }
    }
}
