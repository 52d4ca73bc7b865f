//! The files of jobs. Flows know what they are for; the function that runs the jobs knows where they are.

use std::sync::Arc;

use domain::company::Company;
use domain::crm::job::JobFailure;
use domain::crm::table::FileTable;
use domain::kernel::failure::Failure;
use domain::kernel::id::{JobId, UploadId};

/// What a file could be read as.
pub type TableRead = Result<Arc<FileTable>, JobFailure>;

/// The files that jobs read and write.
pub trait JobFiles: Sync {
    /// The table of a file: of a sheet, counted from 0, or of the first one that has data.
    ///
    /// # Errors
    /// Failures that another attempt may not meet; why the file cannot be read is part of the result.
    fn table(
        &self,
        company: Company,
        upload: UploadId,
        sheet: Option<u32>,
    ) -> impl Future<Output = Result<TableRead, Failure>> + Send;

    /// Writes the file of an export, whole or not at all. Idempotent.
    ///
    /// # Errors
    /// Failures that another attempt may not meet.
    fn put_export(
        &self,
        company: Company,
        job: JobId,
        file: Vec<u8>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Deletes the file of a table. Idempotent.
    ///
    /// # Errors
    /// Failures that another attempt may not meet.
    fn delete_table(&self, company: Company, upload: UploadId) -> impl Future<Output = Result<(), Failure>> + Send;
}
