//! SDK errors, as the failures a caller can tell apart.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use domain::failure::Failure;

/// What a failed call means.
pub(crate) fn failure<E, R>(error: SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some("TransactionConflictException" | "ThrottlingException" | "ProvisionedThroughputExceededException") => {
            Failure::Busy
        }
        _ => Failure::Unavailable(DisplayErrorContext(error).to_string()),
    }
}
