//! The bucket: files in quarantine and files that are published.

use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use domain::kernel::failure::Failure;
use domain::media::upload::Format;

/// The bucket that is inspected.
#[derive(Debug, Clone)]
pub struct Files {
    s3: aws_sdk_s3::Client,
    bucket: String,
}

impl Files {
    /// The bucket of this name.
    pub fn new(s3: aws_sdk_s3::Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// Reads a file; `None` if it is gone.
    pub(crate) async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        let answer = match self.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(answer) => answer,
            Err(SdkError::ServiceError(error)) if matches!(error.err(), GetObjectError::NoSuchKey(_)) => {
                return Ok(None);
            }
            Err(error) => return Err(unavailable(error)),
        };
        let body = answer.body.collect().await.map_err(unavailable)?;
        Ok(Some(body.to_vec()))
    }

    /// Publishes a file with its content type; browsers must not guess another one.
    pub(crate) async fn publish(&self, key: &str, format: Format, bytes: Vec<u8>) -> Result<(), Failure> {
        let put = self.s3.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(bytes));
        let put = put.content_type(format.name()).content_disposition("inline");
        put.cache_control("private, max-age=3600").send().await.map(drop).map_err(unavailable)
    }

    /// Deletes a file, if it exists.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), Failure> {
        self.s3.delete_object().bucket(&self.bucket).key(key).send().await.map(drop).map_err(unavailable)
    }
}

fn unavailable(error: impl std::error::Error) -> Failure {
    Failure::Unavailable(DisplayErrorContext(error).to_string())
}
