//! The files of jobs in the bucket.

use std::sync::{Arc, Mutex, PoisonError};

use app::crm::job_files::{JobFiles, TableRead};
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use domain::company::Company;
use domain::crm::export::export_key;
use domain::crm::job::JobFailure;
use domain::crm::table::FileTable;
use domain::kernel::failure::Failure;
use domain::kernel::id::{JobId, UploadId};
use domain::media::upload::{TABLE_BYTES_MAX, table_key};
use runtime::clients::LazyClient;

/// The bucket, and the table that was read last: a slice of a job reads its file once.
#[derive(Debug)]
pub struct BucketFiles {
    s3: LazyClient<aws_sdk_s3::Client>,
    bucket: String,
    last: Mutex<Option<LastTable>>,
}

/// A table that was read, of which sheet of which file.
type LastTable = (UploadId, Option<u32>, Arc<FileTable>);

impl BucketFiles {
    /// The bucket of this name.
    pub fn new(s3: impl Into<LazyClient<aws_sdk_s3::Client>>, bucket: String) -> Self {
        Self { s3: s3.into(), bucket, last: Mutex::new(None) }
    }

    /// Forgets the table that was read last.
    pub(crate) fn forget(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn remembered(&self, upload: UploadId, sheet: Option<u32>) -> Option<Arc<FileTable>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(of, which, _)| (*of, *which) == (upload, sheet)).map(|(_, _, table)| Arc::clone(table))
    }

    /// The bytes of a file; none of one that is gone or that is larger than it may be.
    async fn bytes(&self, key: &str) -> Result<Result<Vec<u8>, JobFailure>, Failure> {
        let answer = match self.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(answer) => answer,
            Err(SdkError::ServiceError(error)) if matches!(error.err(), GetObjectError::NoSuchKey(_)) => {
                return Ok(Err(JobFailure::FileGone));
            }
            Err(error) => return Err(unavailable(error)),
        };
        let len = answer.content_length().and_then(|len| u64::try_from(len).ok());
        if len.is_none_or(|len| len > TABLE_BYTES_MAX) {
            return Ok(Err(JobFailure::FileTooLarge));
        }
        Ok(Ok(answer.body.collect().await.map_err(unavailable)?.to_vec()))
    }
}

impl JobFiles for BucketFiles {
    async fn table(&self, company: Company, upload: UploadId, sheet: Option<u32>) -> Result<TableRead, Failure> {
        if let Some(table) = self.remembered(upload, sheet) {
            return Ok(Ok(table));
        }
        let bytes = match self.bytes(&table_key(company, upload)).await? {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Err(reason)),
        };
        let wanted = sheet.map(|sheet| usize::try_from(sheet).unwrap_or(usize::MAX));
        let table = match tables::read(&bytes, wanted) {
            Ok(table) => Arc::new(table),
            Err(error) => return Ok(Err(error.into())),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((upload, sheet, Arc::clone(&table)));
        Ok(Ok(table))
    }

    async fn put_export(&self, company: Company, job: JobId, file: Vec<u8>) -> Result<(), Failure> {
        let put = self.s3.put_object().bucket(&self.bucket).key(export_key(company, job)).body(ByteStream::from(file));
        let put = put.content_type("text/csv; charset=utf-8").cache_control("no-store");
        let put = put.content_disposition("attachment; filename=\"customers.csv\"");
        put.send().await.map(drop).map_err(unavailable)
    }

    async fn delete_table(&self, company: Company, upload: UploadId) -> Result<(), Failure> {
        let delete = self.s3.delete_object().bucket(&self.bucket).key(table_key(company, upload));
        delete.send().await.map(drop).map_err(unavailable)
    }
}

fn unavailable(error: impl std::error::Error) -> Failure {
    Failure::Unavailable(DisplayErrorContext(error).to_string())
}
