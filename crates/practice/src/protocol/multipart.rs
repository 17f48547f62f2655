//! Objects in parts.

use super::*;

impl Protocol {
    pub(super) async fn create_multipart_upload(
        &self,
        input: CreateMultipartUploadInput,
    ) -> S3Result<CreateMultipartUploadOutput> {
        self.need_bucket(&input.bucket).await?;
        let attributes = attributes!(input);
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let id = self
            .on_disk(move |shelf| shelf.begin_upload(&bucket, &key, attributes))
            .await?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..Default::default()
        })
    }

    pub(super) async fn upload_part(
        &self,
        mut input: UploadPartInput,
    ) -> S3Result<UploadPartOutput> {
        let (folder, _) = self
            .upload(&input.bucket, &input.key, &input.upload_id)
            .await?;
        let number = part_number(input.part_number)?;
        let received = receive(
            input.body.take(),
            self.shelf.incoming(),
            input.content_md5.as_deref(),
        )
        .await?;
        let md5 = received.etag();
        self.keep_part(&folder, number, received).await?;
        Ok(UploadPartOutput {
            e_tag: Some(etag(&md5)),
            ..Default::default()
        })
    }

    pub(super) async fn upload_part_copy(
        &self,
        input: UploadPartCopyInput,
    ) -> S3Result<UploadPartCopyOutput> {
        let (folder, _) = self
            .upload(&input.bucket, &input.key, &input.upload_id)
            .await?;
        let number = part_number(input.part_number)?;
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
        let range = match &input.copy_source_range {
            Some(range) => copy_bytes_of(range, from.size)
                .ok_or_else(|| s3_error!(InvalidRange, "The range is not inside the object."))?,
            None => 0..from.size,
        };
        let received = self
            .on_disk(move |shelf| copy_range(&from.path, range, shelf.incoming()))
            .await?;
        let md5 = received.etag();
        self.keep_part(&folder, number, received).await?;
        Ok(UploadPartCopyOutput {
            copy_part_result: Some(CopyPartResult {
                e_tag: Some(etag(&md5)),
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    pub(super) async fn list_parts(&self, input: ListPartsInput) -> S3Result<ListPartsOutput> {
        let (folder, _) = self
            .upload(&input.bucket, &input.key, &input.upload_id)
            .await?;
        let marker = input.part_number_marker.unwrap_or(0);
        let mut parts = self.on_disk(move |_| uploads::parts(&folder)).await?;
        parts.retain(|p| p.number > marker);
        let limit = usize::try_from(input.max_parts.unwrap_or(PAGE).clamp(1, PAGE)).unwrap_or(1);
        let truncated = parts.len() > limit;
        parts.truncate(limit);
        let next = parts.last().filter(|_| truncated).map(|p| p.number);
        let parts = parts.into_iter().map(|part| Part {
            part_number: Some(part.number),
            size: Some(part.size as i64),
            e_tag: Some(etag(&part.etag)),
            last_modified: Some(part.modified.into()),
            ..Default::default()
        });
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            parts: Some(parts.collect()),
            is_truncated: Some(truncated),
            part_number_marker: Some(marker),
            next_part_number_marker: next,
            max_parts: i32::try_from(limit).ok(),
            ..Default::default()
        })
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        input: ListMultipartUploadsInput,
    ) -> S3Result<ListMultipartUploadsOutput> {
        self.need_bucket(&input.bucket).await?;
        let (bucket, prefix) = (
            input.bucket.clone(),
            input.prefix.clone().unwrap_or_default(),
        );
        let mut uploads = self
            .on_disk(move |shelf| shelf.uploads(&bucket, &prefix))
            .await?;
        if let Some(key) = &input.key_marker {
            let id = input.upload_id_marker.as_deref();
            uploads.retain(|u| {
                u.key > *key || (u.key == *key && id.is_some_and(|id| u.id.as_str() > id))
            });
        }
        let limit = usize::try_from(input.max_uploads.unwrap_or(PAGE).clamp(1, PAGE)).unwrap_or(1);
        let truncated = uploads.len() > limit;
        uploads.truncate(limit);
        let spelling = Spelling::of(input.encoding_type.as_ref());
        let last = uploads.last().filter(|_| truncated);
        let (next_key_marker, next_upload_id_marker) = (
            last.map(|u| spelling.spell(&u.key)),
            last.map(|u| u.id.clone()),
        );
        let uploads = uploads.into_iter().map(|upload| MultipartUpload {
            key: Some(spelling.spell(&upload.key)),
            upload_id: Some(upload.id),
            initiated: Some(upload.started.into()),
            ..Default::default()
        });
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: input.prefix.map(|p| spelling.spell(&p)),
            uploads: Some(uploads.collect()),
            is_truncated: Some(truncated),
            next_key_marker,
            next_upload_id_marker,
            encoding_type: input.encoding_type,
            ..Default::default()
        })
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let (folder, upload) = self
            .upload(&input.bucket, &input.key, &input.upload_id)
            .await?;
        let if_absent = input
            .if_none_match
            .as_ref()
            .is_some_and(ETagCondition::is_any);
        let named = input
            .multipart_upload
            .and_then(|u| u.parts)
            .unwrap_or_default();
        let wanted: Option<Vec<(i32, String)>> = named
            .into_iter()
            .map(|p| Some((p.part_number?, p.e_tag?.into_value())))
            .collect();
        let no_part = || {
            s3_error!(
                InvalidPart,
                "A part named there was not uploaded, or is another one."
            )
        };
        let wanted = wanted.ok_or_else(no_part)?;
        let parts = folder.clone();
        let assembly = self
            .on_disk(move |shelf| uploads::assemble(shelf, &parts, &wanted))
            .await?;
        let (whole, md5) = match assembly {
            Assembly::Done { path, etag } => (Received::at(path), etag),
            Assembly::NoSuchPart => return Err(no_part()),
            Assembly::OutOfOrder => {
                return Err(s3_error!(InvalidPartOrder, "The parts are not in order."));
            }
            Assembly::TooSmall => {
                return Err(s3_error!(
                    EntityTooSmall,
                    "A part other than the last is smaller than 5 MiB."
                ));
            }
        };
        self.place(
            upload.bucket,
            upload.key,
            whole,
            md5.clone(),
            upload.attributes,
            if_absent,
        )
        .await?;
        self.on_disk(move |_| std::fs::remove_dir_all(folder))
            .await?;
        Ok(CompleteMultipartUploadOutput {
            location: Some(format!(
                "/{}/{}",
                input.bucket,
                utf8_percent_encode(&input.key, URL)
            )),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(etag(&md5)),
            ..Default::default()
        })
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        input: AbortMultipartUploadInput,
    ) -> S3Result<AbortMultipartUploadOutput> {
        let (folder, _) = self
            .upload(&input.bucket, &input.key, &input.upload_id)
            .await?;
        self.on_disk(move |_| std::fs::remove_dir_all(folder))
            .await?;
        Ok(AbortMultipartUploadOutput::default())
    }
}

impl Protocol {
    async fn keep_part(&self, folder: &Path, number: i32, received: Received) -> S3Result<()> {
        let (folder, md5) = (folder.to_owned(), received.etag());
        // The folder is gone when the upload was aborted meanwhile.
        let kept = self.on_disk(move |_| {
            match uploads::keep_part(&folder, number, received.path(), &md5) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
                other => other.map(|()| true),
            }
        });
        if kept.await? {
            Ok(())
        } else {
            Err(s3_error!(NoSuchUpload, "The upload was aborted meanwhile."))
        }
    }
}

fn part_number(number: i32) -> S3Result<i32> {
    if (1..=10_000).contains(&number) {
        Ok(number)
    } else {
        Err(s3_error!(
            InvalidArgument,
            "Part numbers go from 1 to 10,000."
        ))
    }
}
