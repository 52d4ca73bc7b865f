//! Files of uploads that nothing shows.

use aws_sdk_s3::error::DisplayErrorContext;
use domain::kernel::failure::Failure;
use domain::media::upload::kept_key;
use store::Expired;

/// Deletes the file of an upload; one that is gone is deleted.
pub(crate) async fn delete_file(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    Expired { company, upload, purpose }: Expired,
) -> Result<(), Failure> {
    let delete = s3.delete_object().bucket(bucket).key(kept_key(company, purpose, upload));
    let deleted = delete.send().await;
    deleted.map(drop).map_err(|error| Failure::Unavailable(DisplayErrorContext(error).to_string()))
}
