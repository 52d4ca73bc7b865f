//! SDK errors, as the failures a caller can tell apart.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use domain::kernel::failure::Failure;

/// What a failed call means.
pub(crate) fn failure<E, R>(error: SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let Some(service) = error.as_service_error() else {
        return Failure::Unavailable(DisplayErrorContext(error).to_string());
    };
    match service.code() {
        Some("TransactionConflictException") => Failure::Busy,
        Some("ThrottlingException" | "ProvisionedThroughputExceededException" | "RequestLimitExceeded") => {
            Failure::Throttled
        }
        code => Failure::Unavailable(format!("{}: {}", code.unwrap_or("?"), service.message().unwrap_or("?"))),
    }
}
