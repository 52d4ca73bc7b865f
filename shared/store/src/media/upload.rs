//! Uploads: from the ticket to their use, and until their file is deleted.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use domain::company::Company;
use domain::company::budget_spend::BudgetSpend;
use domain::kernel::id::UploadId;
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use domain::media::upload::{LINGER_MS, Purpose, Upload, UploadState};
use serde::Deserialize;

use crate::keys::{DueList, EXPIRY_ATTRIBUTES};
use crate::table::due::{Due, WAITS, WAITS_NO_LONGER, no_longer};
use crate::table::error::failure;
use crate::table::item::text;
use crate::table::kinds::UPLOAD;
use crate::table::sweep::{Sweep, SweepLimits};
use crate::table::transaction::Transaction;
use crate::{Store, keys};
use domain::kernel::failure::{Failure, Thing};

/// An upload whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// The company.
    pub company: Company,
    /// The upload.
    pub upload: UploadId,
    /// What its file is for.
    pub purpose: Purpose,
}

/// What the file of an upload is for.
#[derive(Debug, Deserialize)]
struct Purposed {
    purpose: Purpose,
}

impl Store {
    /// Makes a ticket's upload. Unless it is used, it expires.
    ///
    /// # Errors
    /// [`Failure::OverBudget`]; [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn create_upload(
        &self,
        company: Company,
        upload: Upload,
        request: &Idempotency,
        spends: &[BudgetSpend],
    ) -> Result<Upload, Failure> {
        let key = keys::upload(company, upload.id);
        let mut item = UPLOAD.encode(&key, &upload)?;
        DueList::Uploads.put(&mut item, company, &key, upload.usable_until().plus_millis(LINGER_MS));
        let (key, now) = (keys::idempotency(company, &request.key), upload.created_at);
        self.create_once_within((company, spends), &key, request, now, upload, |transaction| {
            transaction.create(&self.table, item, Failure::Exists(Thing::Upload));
            Ok(())
        })
        .await
    }

    /// An upload, as of now.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn upload(&self, company: Company, upload: UploadId) -> Result<Upload, Failure> {
        self.get_latest(company, &keys::upload(company, upload), UPLOAD).await?.ok_or(Failure::NotFound)
    }

    /// Records the result of an inspection; the first result stands.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn set_upload_state(&self, company: Company, id: UploadId, state: UploadState) -> Result<(), Failure> {
        let value = serde_dynamo::to_attribute_value(state).map_err(|error| UPLOAD.corrupt(error))?;
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::upload(company, id).attributes()))
            .update_expression("SET #state = :state")
            .condition_expression("#state.#is = :waiting")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#is", "is")
            .expression_attribute_values(":state", value)
            .expression_attribute_values(":waiting", text("waiting"));
        match update.send().await {
            Err(error)
                if matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(())
            }
            done => done.map(drop).map_err(failure),
        }
    }

    /// Forgets the uploads of all companies that nothing shows any more and whose time is over, each
    /// after `delete_file` has deleted its file: an interrupted run finds the upload again.
    pub async fn sweep_uploads<F: Future<Output = Result<(), Failure>>>(
        &self,
        limits: &SweepLimits,
        delete_file: impl Fn(Expired) -> F,
    ) -> Sweep {
        let read = |Due { company, key, place, item }: Due| {
            let upload = keys::upload_of(&key).ok_or_else(|| UPLOAD.corrupt("key"))?;
            let Purposed { purpose } = UPLOAD.decode(item)?;
            Ok((Expired { company, upload, purpose }, place))
        };
        let delete_file = &delete_file;
        let forget = |(expired, place): (Expired, String)| async move {
            delete_file(expired).await?;
            self.forget_upload(expired, &place).await
        };
        self.sweep_each(DueList::Uploads, limits, read, forget).await
    }

    /// Forgets an upload, unless it was used or dropped after it was found at this place.
    async fn forget_upload(&self, expired: Expired, place: &str) -> Result<(), Failure> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(keys::upload(expired.company, expired.upload).attributes()))
            .condition_expression("#place = :place")
            .expression_attribute_names("#place", EXPIRY_ATTRIBUTES[1])
            .expression_attribute_values(":place", text(place));
        match delete.send().await {
            Err(error)
                if matches!(error.as_service_error(), Some(DeleteItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(())
            }
            done => done.map(drop).map_err(failure),
        }
    }

    /// Adds to a transaction that a ready upload is shown from now on, and does not expire.
    pub(crate) fn use_upload(&self, transaction: &mut Transaction, company: Company, upload: UploadId) {
        let update = no_longer(Update::builder())
            .update_expression(format!("SET used = :used REMOVE {WAITS_NO_LONGER}"))
            .condition_expression("#state.#is = :ready AND used = :unused")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#is", "is")
            .expression_attribute_values(":ready", text("ready"))
            .expression_attribute_values(":used", AttributeValue::Bool(true))
            .expression_attribute_values(":unused", AttributeValue::Bool(false));
        transaction.update(&self.table, &keys::upload(company, upload), update, Failure::VersionConflict);
    }

    /// Adds to a transaction that an upload is not shown any more: its file is deleted a while
    /// later.
    pub(crate) fn drop_upload(
        &self,
        transaction: &mut Transaction,
        company: Company,
        upload: UploadId,
        now: Timestamp,
    ) {
        let key = keys::upload(company, upload);
        let update = Update::builder()
            .update_expression(format!("SET {WAITS}"))
            .condition_expression("used = :used")
            .expression_attribute_values(":used", AttributeValue::Bool(true));
        let update = DueList::Uploads.set(update, company, &key, now.plus_millis(LINGER_MS));
        transaction.update(&self.table, &key, update, Failure::VersionConflict);
    }
}
