//! Buckets.

use super::*;

impl Protocol {
    pub(super) async fn list_buckets(&self, _: ListBucketsInput) -> S3Result<ListBucketsOutput> {
        let buckets = self.on_disk(Shelf::buckets).await?;
        let buckets = buckets.into_iter().map(|(name, created)| Bucket {
            name: Some(name),
            creation_date: Some(created.into()),
            bucket_region: None,
        });
        Ok(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            ..Default::default()
        })
    }

    pub(super) async fn head_bucket(&self, input: HeadBucketInput) -> S3Result<HeadBucketOutput> {
        self.need_bucket(&input.bucket).await?;
        Ok(HeadBucketOutput::default())
    }

    pub(super) async fn get_bucket_location(
        &self,
        input: GetBucketLocationInput,
    ) -> S3Result<GetBucketLocationOutput> {
        self.need_bucket(&input.bucket).await?;
        Ok(GetBucketLocationOutput::default())
    }

    pub(super) async fn create_bucket(
        &self,
        input: CreateBucketInput,
    ) -> S3Result<CreateBucketOutput> {
        let bucket = input.bucket;
        let location = format!("/{bucket}");
        if self
            .on_disk(move |shelf| shelf.create_bucket(&bucket))
            .await?
        {
            Ok(CreateBucketOutput {
                location: Some(location),
            })
        } else {
            Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "The bucket exists already."
            ))
        }
    }

    pub(super) async fn delete_bucket(
        &self,
        input: DeleteBucketInput,
    ) -> S3Result<DeleteBucketOutput> {
        self.need_bucket(&input.bucket).await?;
        let bucket = input.bucket;
        if self
            .on_disk(move |shelf| shelf.delete_bucket(&bucket))
            .await?
        {
            Ok(DeleteBucketOutput {})
        } else {
            Err(s3_error!(
                BucketNotEmpty,
                "The bucket still has objects in it."
            ))
        }
    }
}
