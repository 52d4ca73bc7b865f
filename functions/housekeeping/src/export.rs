//! Files into which lists of customers were written.

use aws_sdk_s3::error::DisplayErrorContext;
use domain::company::Company;
use domain::crm::export::exports_prefix;
use domain::kernel::failure::Failure;

/// Deletes the exports of a company: somebody who stands in them was erased. Members export their lists again.
pub(crate) async fn delete_exports(s3: &aws_sdk_s3::Client, bucket: &str, company: Company) -> Result<(), Failure> {
    loop {
        let list = s3.list_objects_v2().bucket(bucket).prefix(exports_prefix(company));
        let found = list.send().await.map_err(unavailable)?;
        for key in found.contents().iter().filter_map(|file| file.key()) {
            s3.delete_object().bucket(bucket).key(key).send().await.map_err(unavailable)?;
        }
        if !found.is_truncated().unwrap_or_default() {
            return Ok(());
        }
    }
}

fn unavailable(error: impl std::error::Error) -> Failure {
    Failure::Unavailable(DisplayErrorContext(error).to_string())
}
