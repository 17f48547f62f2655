//! What is in a bucket, in both versions of the listing.

use super::*;

impl Protocol {
    pub(super) async fn list_objects(
        &self,
        input: ListObjectsInput,
    ) -> S3Result<ListObjectsOutput> {
        let after = input.marker.clone().unwrap_or_default();
        let page = self.page(
            &input.bucket,
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            &after,
            input.max_keys,
        );
        let page = page.await?;
        let spelling = Spelling::of(input.encoding_type.as_ref());
        let truncated = page.truncated;
        let next = page
            .rows
            .last()
            .filter(|_| truncated)
            .map(|row| spelling.spell(row.name()));
        let (contents, common_prefixes) = spelling.rows(page);
        Ok(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(spelling.spell(&input.prefix.unwrap_or_default())),
            marker: Some(spelling.spell(&after)),
            max_keys: Some(input.max_keys.unwrap_or(PAGE)),
            is_truncated: Some(truncated),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            delimiter: input.delimiter.map(|d| spelling.spell(&d)),
            next_marker: next,
            encoding_type: input.encoding_type,
            ..Default::default()
        })
    }

    pub(super) async fn list_objects_v2(
        &self,
        input: ListObjectsV2Input,
    ) -> S3Result<ListObjectsV2Output> {
        // Tokens are opaque: hex keeps any key out of the XML and of the query string.
        let after = match &input.continuation_token {
            Some(token) => uploads::from_hex(token)
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| {
                    s3_error!(
                        InvalidArgument,
                        "The continuation token is not one of this store's."
                    )
                })?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let page = self.page(
            &input.bucket,
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            &after,
            input.max_keys,
        );
        let page = page.await?;
        let spelling = Spelling::of(input.encoding_type.as_ref());
        let truncated = page.truncated;
        let next = page
            .rows
            .last()
            .filter(|_| truncated)
            .map(|row| hex(row.name().as_bytes()));
        let count = page.rows.len();
        let (contents, common_prefixes) = spelling.rows(page);
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(spelling.spell(&input.prefix.unwrap_or_default())),
            max_keys: Some(input.max_keys.unwrap_or(PAGE)),
            key_count: i32::try_from(count).ok(),
            is_truncated: Some(truncated),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            delimiter: input.delimiter.map(|d| spelling.spell(&d)),
            continuation_token: input.continuation_token,
            next_continuation_token: next,
            start_after: input.start_after.map(|s| spelling.spell(&s)),
            encoding_type: input.encoding_type,
            ..Default::default()
        })
    }
}
