//! Recording what was done about a customer, and reading it.

use std::collections::BTreeSet;

use domain::crm::command::CustomerError;
use domain::crm::follow_up::{FollowUp, FollowUpDeletion, FollowUpPlace, FollowUpText, NextFollowUp};
use domain::crm::ownership::CustomerRight;
use domain::crm::record::KnownCustomer;
use domain::kernel::failure::Failure;
use domain::kernel::id::{FollowUpId, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use store::RecordRead;

use crate::Flow;
use crate::crm::record::{RecordEditor, check_kept};
use crate::crm::while_contended;

impl RecordEditor {
    /// Records a follow-up once per request. Returns the one that the first such request recorded.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn create_follow_up(
        &self,
        flow: &Flow<'_>,
        text: FollowUpText,
        next_at: Option<Timestamp>,
        request: &Idempotency,
    ) -> Result<FollowUp, CustomerError> {
        let (text, id) = (text.check()?, flow.new_id()?);
        let next = next_at.map(|at| NextFollowUp::new(at, self.viewer.member, flow.now)).transpose();
        let next = next.map_err(|error| error.at("/next_at"))?;
        while_contended(flow, || self.try_to_create_follow_up(flow, id, (&text, next), request)).await
    }

    async fn try_to_create_follow_up(
        &self,
        flow: &Flow<'_>,
        id: FollowUpId,
        (text, next): (&FollowUpText, Option<NextFollowUp>),
        request: &Idempotency,
    ) -> Result<FollowUp, CustomerError> {
        let member = self.viewer.member;
        let read = flow.store.customer_to_follow_up(self.company, (self.person, member), request, flow.now).await?;
        let (known, departments, before) = read;
        self.admit_to_edit(&known)?;
        if let Some(before) = before {
            return self.follow_up_made(flow, &known, before).await;
        }
        check_kept(&known, RecordRead::ToChange)?;
        // What was planned is done by it.
        let mut changed = known.with_next_follow_up(self.person, next);
        let record = changed.entry(self.person).or_insert_with(|| known.record_of(self.person));
        let place = FollowUpPlace { card: self.viewer.card, departments };
        record.follow_ups.add(flow.now, &place)?;
        let text = text.clone();
        let new = FollowUp { id, version: 0, at: flow.now, by: member, place, text, edits: Vec::new(), deleted: None };
        let (read, changed) = ((self.company, &known), (self.person, &changed));
        match flow.store.create_follow_up(read, changed, &new, request).await? {
            made if made == id => Ok(new),
            before => self.follow_up_made(flow, &known, before).await,
        }
    }

    /// The follow-up that the first of equal requests recorded.
    async fn follow_up_made(
        &self,
        flow: &Flow<'_>,
        known: &KnownCustomer,
        id: FollowUpId,
    ) -> Result<FollowUp, CustomerError> {
        let persons: BTreeSet<_> = known.records.keys().copied().chain([self.person]).collect();
        Ok(flow.store.follow_up(self.company, &Vec::from_iter(persons), id).await?.1)
    }

    /// Replaces the text of a follow-up; its texts of before are kept. Idempotent.
    ///
    /// # Errors
    /// [`CustomerError::RoleRequired`] for a colleague's, and the others.
    pub async fn edit_follow_up(
        &self,
        flow: &Flow<'_>,
        id: FollowUpId,
        text: FollowUpText,
    ) -> Result<FollowUp, CustomerError> {
        let text = text.check()?;
        while_contended(flow, || async {
            let (_, person, before) = self.follow_up_to_change(flow, id).await?;
            if before.deleted.is_some() {
                return Err(Failure::NotFound.into());
            }
            let mut after = before.clone();
            if after.edit(text.clone(), self.viewer.member, flow.now)? {
                flow.store.change_follow_up(self.company, person, &after, None).await?;
            }
            Ok(after)
        })
        .await
    }

    /// Deletes a follow-up: it is kept, and neither shown nor counted any more. Idempotent.
    ///
    /// # Errors
    /// [`CustomerError::RoleRequired`] for a colleague's, and the others.
    pub async fn delete_follow_up(&self, flow: &Flow<'_>, id: FollowUpId) -> Result<(), CustomerError> {
        while_contended(flow, || async {
            let (known, person, before) = self.follow_up_to_change(flow, id).await?;
            if before.deleted.is_some() {
                return Ok(());
            }
            let mut record = known.record_of(person);
            record.follow_ups.remove(before.at, &before.place);
            let deleted = Some(FollowUpDeletion { at: flow.now, by: self.viewer.member });
            let after = FollowUp { deleted, ..before };
            flow.store.change_follow_up(self.company, person, &after, Some((&known, &record))).await?;
            Ok(())
        })
        .await
    }

    /// A follow-up of the customer that the member may change, and whose identity's it is.
    async fn follow_up_to_change(
        &self,
        flow: &Flow<'_>,
        id: FollowUpId,
    ) -> Result<(KnownCustomer, PersonId, FollowUp), CustomerError> {
        let known = self.read(flow, RecordRead::ToChange).await?;
        self.require(&known, CustomerRight::Edit)?;
        let persons: Vec<_> = known.records.keys().copied().collect();
        let (person, found) = flow.store.follow_up(self.company, &persons, id).await?;
        if found.deleted.is_some() && found.by != self.viewer.member && !self.viewer.admin {
            Err(Failure::NotFound.into())
        } else if found.may_be_changed_by(self.viewer) {
            Ok((known, person, found))
        } else {
            Err(Failure::RoleRequired.into())
        }
    }
}
