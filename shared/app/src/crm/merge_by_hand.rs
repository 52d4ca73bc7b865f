//! Merging customers by hand: a member has found that two of them are one person.

use std::collections::BTreeSet;

use domain::company::audit::{AuditAction, AuditActor};
use domain::crm::command::CustomerError;
use domain::crm::identity_group::MergeEdge;
use domain::crm::merge::{Merge, MergeError, MergePlan, MergeReason};
use domain::crm::profile::{Profile, ProfileField};
use domain::crm::record::{KnownCustomer, Records};
use domain::crm::timeline::CustomerChange;
use domain::kernel::field::FieldError;
use domain::kernel::id::{MergeId, PersonId};
use store::{CustomerBooks, MergeByHand, RecordRead};

use crate::Flow;
use crate::crm::merge::count;
use crate::crm::record::RecordEditor;
use crate::crm::while_contended;

impl RecordEditor {
    /// Makes the customer one person with another one. Of the profile the customer's own values count,
    /// but for `kept` fields those of the other one, and those that only one of the two has. Idempotent.
    ///
    /// # Errors
    /// [`CustomerError`]: as for a change of either customer, and [`CustomerError::LimitReached`] when
    /// the two are too much for one person.
    pub async fn merge_with(
        &self,
        flow: &Flow<'_>,
        other: PersonId,
        kept: &BTreeSet<ProfileField>,
    ) -> Result<(KnownCustomer, CustomerBooks), CustomerError> {
        if other == self.person {
            return Err(FieldError::new("same_customer", "不能与自己合并").at("/with").into());
        }
        let id = flow.new_id()?;
        while_contended(flow, || self.try_to_merge(flow, (id, other), kept)).await?;
        self.read_with_books(flow, RecordRead::ToShow).await
    }

    async fn try_to_merge(
        &self,
        flow: &Flow<'_>,
        (id, other): (MergeId, PersonId),
        kept: &BTreeSet<ProfileField>,
    ) -> Result<(), CustomerError> {
        let theirs = Self { person: other, ..*self }.read(flow, RecordRead::ToChange).await?;
        let ours = self.read(flow, RecordRead::ToChange).await?;
        for known in [&theirs, &ours] {
            self.admit_to_edit(known)?;
        }
        let edge = MergeEdge { merge: id, a: self.person, b: other };
        let merge = Merge { edge, reason: MergeReason::ByHand, at: flow.now, undone: None };
        let Some(plan) = plan(&merge, &ours, &theirs)? else { return Ok(()) };
        let changed = self.chosen(flow, &ours, &theirs, kept);
        let entry = self.timeline_entry(flow, CustomerChange::Merged(other))?;
        let by = AuditActor::Member(self.viewer.member);
        let audit =
            flow.audit_entry(by, AuditAction::CustomersMerged, id, self.person.to_string(), other.to_string())?;
        let by_hand = MergeByHand { person: self.person, changed: &changed, entry: &entry, audit: &audit };
        count(flow, flow.store.merge_by_hand(self.company, (&merge, &plan), by_hand).await?).await;
        Ok(())
    }

    /// The record of the customer with the values that were chosen, where another value would count.
    fn chosen(
        &self,
        flow: &Flow<'_>,
        ours: &KnownCustomer,
        theirs: &KnownCustomer,
        kept: &BTreeSet<ProfileField>,
    ) -> Records {
        let (own, other) = (ours.profile(), theirs.profile());
        let together = Profile::union([&own, &other]);
        ours.changed(self.person, |records| {
            let record = records.entry(self.person).or_default();
            for field in ProfileField::ALL {
                let [first, second] = if kept.contains(field) { [&other, &own] } else { [&own, &other] };
                let chosen = Some(first.text(*field)).filter(|text| !text.is_empty()).unwrap_or(second.text(*field));
                if let Some(value) = together.change(*field, chosen, self.viewer.member, flow.now) {
                    record.profile.set(*field, value);
                }
            }
        })
    }
}

/// What the merge writes; `None` when the two are one person.
fn plan(merge: &Merge, ours: &KnownCustomer, theirs: &KnownCustomer) -> Result<Option<MergePlan>, CustomerError> {
    let mut known = ours.identities.clone();
    known.extend(theirs.identities.clone());
    match merge.plan(&known) {
        Ok(plan) => Ok(Some(plan)),
        Err(MergeError::Already) => Ok(None),
        Err(MergeError::TooLarge | MergeError::Taken | MergeError::Apart) => {
            Err(CustomerError::LimitReached("这两位客户的身份或历史记录过多，无法合并：最多 10 个身份"))
        }
    }
}
