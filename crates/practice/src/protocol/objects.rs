//! Single objects: read, written, copied, deleted.

use super::*;

impl Protocol {
    pub(super) async fn head_object(&self, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
        let object = self.object(&input.bucket, &input.key).await?;
        check_read(
            &object,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        let mut output = described!(HeadObjectOutput, object);
        output.content_length = Some(object.size as i64);
        Ok(output)
    }

    pub(super) async fn get_object(&self, input: GetObjectInput) -> S3Result<GetObjectOutput> {
        let object = self.object(&input.bucket, &input.key).await?;
        check_read(
            &object,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        let range = match input.range {
            Some(range) => range.check(object.size)?,
            None => 0..object.size,
        };
        let length = range.end - range.start;
        // An object replaced meanwhile is another file; this handle stays with the one described.
        let gone = |e| s3_error!(e, NoSuchKey, "The object was deleted just now.");
        let mut file = tokio::fs::File::open(&object.path).await.map_err(gone)?;
        file.set_max_buf_size(READ);
        if range.start > 0 {
            file.seek(io::SeekFrom::Start(range.start))
                .await
                .map_err(refusal)?;
        }
        let mut output = described!(GetObjectOutput, object);
        output.content_length = Some(length as i64);
        if input.range.is_some() {
            output.content_range = Some(format!(
                "bytes {}-{}/{}",
                range.start,
                range.end.saturating_sub(1),
                object.size
            ));
        }
        output.body = Some(StreamingBlob::wrap(ReaderStream::with_capacity(
            file.take(length),
            READ,
        )));
        Ok(output)
    }

    pub(super) async fn put_object(&self, mut input: PutObjectInput) -> S3Result<PutObjectOutput> {
        self.need_bucket(&input.bucket).await?;
        let attributes = attributes!(input);
        let if_absent = input
            .if_none_match
            .as_ref()
            .is_some_and(ETagCondition::is_any);
        if let Some(condition) = &input.if_match {
            let current = self.object(&input.bucket, &input.key).await?;
            if !met(condition, &current.etag) {
                return Err(s3_error!(
                    PreconditionFailed,
                    "The object is no longer the one to be replaced."
                ));
            }
        }
        let received = receive(
            input.body.take(),
            self.shelf.incoming(),
            input.content_md5.as_deref(),
        )
        .await?;
        let md5 = received.etag();
        self.place(
            input.bucket,
            input.key,
            received,
            md5.clone(),
            attributes,
            if_absent,
        )
        .await?;
        Ok(PutObjectOutput {
            e_tag: Some(etag(&md5)),
            ..Default::default()
        })
    }

    pub(super) async fn copy_object(&self, input: CopyObjectInput) -> S3Result<CopyObjectOutput> {
        let (from_bucket, from_key) = source(&input.copy_source)?;
        let from = self.object(from_bucket, from_key).await?;
        if input
            .copy_source_if_match
            .as_ref()
            .is_some_and(|c| !met(c, &from.etag))
        {
            return Err(s3_error!(
                PreconditionFailed,
                "The object is no longer the one to be copied."
            ));
        }
        self.need_bucket(&input.bucket).await?;
        let replace = input
            .metadata_directive
            .as_ref()
            .is_some_and(|d| d.as_str() == MetadataDirective::REPLACE);
        if !replace && (from_bucket, from_key) == (&*input.bucket, &*input.key) {
            return Err(s3_error!(
                InvalidRequest,
                "An object cannot be copied onto itself unchanged."
            ));
        }
        let attributes = if replace {
            attributes!(input)
        } else {
            from.attributes.clone()
        };
        let path = from.path.clone();
        let copied = self.on_disk(move |shelf| {
            let received = Received::at(shelf.incoming());
            std::fs::copy(path, received.path())?;
            // A copy is a new object with a time of its own.
            let file = std::fs::File::options().write(true).open(received.path())?;
            file.set_modified(std::time::SystemTime::now())?;
            Ok(received)
        });
        let copied = copied.await?;
        let placed = self
            .place(
                input.bucket,
                input.key,
                copied,
                from.etag,
                attributes,
                false,
            )
            .await?;
        Ok(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(etag(&placed.etag)),
                last_modified: Some(placed.modified.into()),
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    pub(super) async fn delete_object(
        &self,
        input: DeleteObjectInput,
    ) -> S3Result<DeleteObjectOutput> {
        self.need_bucket(&input.bucket).await?;
        self.on_disk(move |shelf| shelf.delete(&input.bucket, &input.key))
            .await?;
        Ok(DeleteObjectOutput::default())
    }

    pub(super) async fn delete_objects(
        &self,
        input: DeleteObjectsInput,
    ) -> S3Result<DeleteObjectsOutput> {
        self.need_bucket(&input.bucket).await?;
        if input.delete.objects.len() > 1000 {
            return Err(s3_error!(
                MalformedXML,
                "At most 1,000 keys can be deleted at once."
            ));
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let outcomes = self.on_disk(move |shelf| {
            let delete = |object: ObjectIdentifier| {
                let outcome = shelf.delete(&input.bucket, &object.key);
                (object.key, outcome)
            };
            Ok(input
                .delete
                .objects
                .into_iter()
                .map(delete)
                .collect::<Vec<_>>())
        });
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for (key, outcome) in outcomes.await? {
            match outcome {
                Ok(()) if quiet => {}
                Ok(()) => deleted.push(DeletedObject {
                    key: Some(key),
                    ..Default::default()
                }),
                Err(e) => errors.push(Error {
                    key: Some(key),
                    code: Some("InternalError".to_owned()),
                    message: Some(e.to_string()),
                    ..Default::default()
                }),
            }
        }
        Ok(DeleteObjectsOutput {
            deleted: Some(deleted),
            errors: Some(errors),
            ..Default::default()
        })
    }
}
