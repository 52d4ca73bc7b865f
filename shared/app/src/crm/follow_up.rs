//! Recording what was done about a customer, and reading it.

use domain::crm::command::CustomerError;
use domain::crm::follow_up::{FollowUp, FollowUpPlace, FollowUpText};
use domain::kernel::failure::Failure;
use domain::kernel::id::FollowUpId;
use domain::kernel::idempotency::Idempotency;
use runtime::retry::Policy;
use store::Page;

use crate::Flow;
use crate::crm::record::RecordEditor;

impl RecordEditor {
    /// Records a follow-up once per request. Returns the one that the first such request recorded.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn create_follow_up(
        &self,
        flow: &Flow<'_>,
        text: FollowUpText,
        request: &Idempotency,
    ) -> Result<FollowUp, CustomerError> {
        let text = text.check()?;
        let id = flow.new_id()?;
        let attempt = || async {
            match self.try_to_create_follow_up(flow, id, &text, request).await {
                Err(CustomerError::Failed(failure)) => Err(failure),
                done => Ok(done),
            }
        };
        flow.store.retry().run(Policy::CONTENTION, attempt).await?
    }

    async fn try_to_create_follow_up(
        &self,
        flow: &Flow<'_>,
        id: FollowUpId,
        text: &FollowUpText,
        request: &Idempotency,
    ) -> Result<FollowUp, CustomerError> {
        let member = self.viewer.member;
        let read = flow.store.customer_to_follow_up(self.company, (self.person, member), request, flow.now).await?;
        let (known, departments, before) = read;
        self.admit(&known)?;
        if let Some(before) = before {
            return Ok(before);
        }
        let mut record = known.records.get(&self.person).cloned().unwrap_or_default();
        let place = FollowUpPlace { card: self.viewer.card, departments };
        record.follow_ups.add(flow.now, &place)?;
        let new = FollowUp { id, at: flow.now, by: member, place, text: text.clone() };
        Ok(flow.store.create_follow_up(self.company, (self.person, &record), new, request).await?)
    }

    /// The follow-ups of the customer, the latest first.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn list_follow_ups(
        &self,
        flow: &Flow<'_>,
        after: Option<FollowUpId>,
        limit: u32,
    ) -> Result<Page<FollowUp, FollowUpId>, CustomerError> {
        let followed_up = Vec::from_iter(self.find(flow).await?.followed_up());
        let page: Result<_, Failure> = flow.store.list_follow_ups(self.company, &followed_up, after, limit).await;
        Ok(page?)
    }
}
