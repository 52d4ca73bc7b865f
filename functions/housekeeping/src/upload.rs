//! Uploads that nothing shows: the file is deleted first, then the item.

use aws_sdk_s3::error::DisplayErrorContext;
use domain::kernel::failure::Failure;
use domain::kernel::timestamp::Timestamp;
use domain::media::upload::media_key;
use store::Store;

/// Most uploads deleted in one run, at two calls each; the next run continues.
const RUN: u32 = 500;

/// Deletes the expired uploads; returns their number. The file is deleted before the item, so that
/// an interrupted run finds the upload again.
pub(crate) async fn delete(
    store: &Store,
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    now: Timestamp,
) -> Result<usize, Failure> {
    let expired = store.expired_uploads(now, RUN).await;
    for upload in &expired.items {
        let delete = s3.delete_object().bucket(bucket).key(media_key(upload.company, upload.upload));
        let deleted = delete.send().await;
        deleted.map_err(|error| Failure::Unavailable(DisplayErrorContext(error).to_string()))?;
        store.forget_upload(upload).await?;
    }
    expired.failed.map(|()| expired.items.len())
}
