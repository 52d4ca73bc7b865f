//! Deciding who owns a customer, and who collaborates.

use domain::company::Company;
use domain::company::audit::{AuditAction, AuditActor};
use domain::crm::command::CustomerError;
use domain::crm::customer_rules::CustomerRules;
use domain::crm::ownership::{CollaboratorAccess, CollaboratorMark, CustomerRight, Ownership, OwnershipReason};
use domain::crm::record::KnownCustomer;
use domain::crm::timeline::CustomerChange;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::kernel::id::MemberId;
use domain::kernel::idempotency::Idempotency;
use domain::people::member::{Member, MemberStatus};
use serde::Serialize;
use store::{CustomerToClaim, OwnershipChange, RecordRead};

use crate::Flow;
use crate::crm::record::{RecordEditor, check_kept};
use crate::crm::recycling::{RuleDraft, rules_of};
use crate::crm::while_contended;

/// The audit log's text of an owner.
#[derive(Serialize)]
struct AuditedOwner {
    member_id: Option<MemberId>,
    reason: OwnershipReason,
}

impl RecordEditor {
    /// Makes the member the owner of a customer whom nobody owns, once per request. Returns the decision of
    /// the first such request.
    ///
    /// # Errors
    /// [`CustomerError::AlreadyOwned`], [`CustomerError::LimitReached`] of what a member may hold and may
    /// claim in a day, and the others.
    pub async fn claim(&self, flow: &Flow<'_>, request: &Idempotency) -> Result<Ownership, CustomerError> {
        while_contended(flow, || self.try_to_claim(flow, request)).await
    }

    async fn try_to_claim(&self, flow: &Flow<'_>, request: &Idempotency) -> Result<Ownership, CustomerError> {
        let member = self.viewer.member;
        let read = flow.store.customer_to_claim(self.company, (self.person, member), request, flow.now).await?;
        let CustomerToClaim { known, rules, holding, before } = read;
        if let Some(before) = before.filter(|_| known.is_customer()) {
            return Ok(before);
        }
        let may_claim = known.check_claim(self.viewer);
        self.admit_if(!matches!(may_claim, Err(CustomerError::Failed(Failure::NotFound))))?;
        may_claim?;
        let holding = holding.after_claim(&rules, Day::of(flow.now))?;
        let made = (OwnershipReason::Claimed, flow.now);
        let (decision, changed) = known.with_owner(self.person, Some(member), Some(member), made);
        let entry = self.timeline_entry(flow, change(decision))?;
        let change = OwnershipChange { read: &known, changed: &changed, entry: (self.person, &entry) };
        Ok(flow.store.claim_customer(self.company, change, (member, &holding), decision, request).await?)
    }

    /// Makes a member the owner of a customer, whoever owned them before. Returns the decision in force:
    /// the same owner again changes nothing. For admins.
    ///
    /// # Errors
    /// [`Failure::RoleRequired`] for other callers, [`CustomerError::MemberInactive`], a field for
    /// nobody's id, and the others.
    pub async fn assign(&self, flow: &Flow<'_>, to: MemberId) -> Result<Ownership, CustomerError> {
        while_contended(flow, || async {
            let (known, member) = flow.store.customer_and_member(self.company, self.person, to).await?;
            self.admit(&known)?;
            if !self.viewer.admin {
                return Err(Failure::RoleRequired.into());
            }
            check_kept(&known, RecordRead::ToChange)?;
            check_active(member)?;
            match known.ownership().filter(|before| before.owner == Some(to)) {
                Some(in_force) => Ok(in_force),
                None => self.decide(flow, &known, Some(to), OwnershipReason::Assigned).await,
            }
        })
        .await
    }

    /// Gives a customer back: nobody owns them then. For their owner and admins. Idempotent.
    ///
    /// # Errors
    /// [`Failure::RoleRequired`] for others who see the customer, and the others.
    pub async fn give_back(&self, flow: &Flow<'_>) -> Result<(), CustomerError> {
        while_contended(flow, || async {
            let known = self.read(flow, RecordRead::ToChange).await?;
            if known.owner().is_none() && known.ownership().is_some() {
                return Ok(());
            }
            self.require(&known, CustomerRight::Own)?;
            self.decide(flow, &known, None, OwnershipReason::Returned).await.map(drop)
        })
        .await
    }

    async fn decide(
        &self,
        flow: &Flow<'_>,
        known: &KnownCustomer,
        owner: Option<MemberId>,
        reason: OwnershipReason,
    ) -> Result<Ownership, CustomerError> {
        let by = self.viewer.member;
        let (decision, changed) = known.with_owner(self.person, owner, Some(by), (reason, flow.now));
        let audited = |owner: Option<MemberId>, reason| AuditedOwner { member_id: owner, reason };
        let before = known.ownership().map(|before| audited(before.owner, before.reason));
        let (actor, action) = (AuditActor::Member(by), AuditAction::CustomerOwner);
        let audit = flow.audit_change(actor, action, self.person, before, Some(audited(owner, reason)))?;
        let entry = self.timeline_entry(flow, change(decision))?;
        let change = OwnershipChange { read: known, changed: &changed, entry: (self.person, &entry) };
        flow.store.change_owner(self.company, change, owner, &audit).await?;
        Ok(decision)
    }

    /// Makes a member a collaborator, or changes what they may do. Idempotent. For the owner and admins.
    /// Returns the customer as they stand then.
    ///
    /// # Errors
    /// [`Failure::RoleRequired`] for others who see the customer, [`CustomerError::MemberInactive`],
    /// [`CustomerError::LimitReached`], [`Failure::NotFound`] for nobody's id, and the others.
    pub async fn set_collaborator(
        &self,
        flow: &Flow<'_>,
        collaborator: MemberId,
        access: CollaboratorAccess,
    ) -> Result<KnownCustomer, CustomerError> {
        while_contended(flow, || async {
            let (mut known, member) = flow.store.customer_and_member(self.company, self.person, collaborator).await?;
            self.admit(&known)?;
            self.require(&known, CustomerRight::Own)?;
            check_kept(&known, RecordRead::ToChange)?;
            check_active(Some(member.ok_or(Failure::NotFound)?))?;
            let mark = CollaboratorMark { at: flow.now, by: self.viewer.member, access };
            let changed = known.with_collaborator(self.person, collaborator, Some(mark))?;
            if !changed.is_empty() {
                let change = CustomerChange::Collaborator { member: collaborator, access: Some(access) };
                let entry = self.timeline_entry(flow, change)?;
                let change = OwnershipChange { read: &known, changed: &changed, entry: (self.person, &entry) };
                flow.store.add_collaborator(self.company, change, collaborator).await?;
                known.records.extend(changed);
            }
            Ok(known)
        })
        .await
    }

    /// Ends a collaboration. Idempotent. For the owner, admins and the collaborator.
    ///
    /// # Errors
    /// [`Failure::RoleRequired`] for others who see the customer, and the others.
    pub async fn remove_collaborator(&self, flow: &Flow<'_>, collaborator: MemberId) -> Result<(), CustomerError> {
        while_contended(flow, || async {
            let known = self.read(flow, RecordRead::ToChange).await?;
            if collaborator != self.viewer.member {
                self.require(&known, CustomerRight::Own)?;
            }
            let changed = known.with_collaborator(self.person, collaborator, None)?;
            if changed.is_empty() {
                return Ok(());
            }
            let change = CustomerChange::Collaborator { member: collaborator, access: None };
            let entry = self.timeline_entry(flow, change)?;
            Ok(flow.store.change_records(self.company, &known, (&changed, &[]), (self.person, &entry)).await?)
        })
        .await
    }

    /// Succeeds for a member with this right, of those who see the customer.
    pub(crate) fn require(&self, known: &KnownCustomer, right: CustomerRight) -> Result<(), CustomerError> {
        if known.right_of(self.viewer) >= right { Ok(()) } else { Err(Failure::RoleRequired.into()) }
    }
}

/// Replaces a company's rules by those of the next version, with the recycle rules of these drafts; returns
/// them. The same again changes nothing.
///
/// # Errors
/// [`CustomerError::Field`] for what cannot be, [`Failure::VersionConflict`] when somebody else has changed
/// them.
pub async fn set_rules(
    flow: &Flow<'_>,
    company: Company,
    by: MemberId,
    (next, drafts): (CustomerRules, Vec<RuleDraft>),
) -> Result<CustomerRules, CustomerError> {
    let before = flow.store.customer_rules(company).await?;
    let after = CustomerRules { recycle: rules_of(flow, &before.recycle, drafts)?, ..next.check()? };
    if (CustomerRules { version: before.version, ..after.clone() }) == before {
        return Ok(before);
    }
    let (actor, action) = (AuditActor::Member(by), AuditAction::CustomerRules);
    let audit = flow.audit_change(actor, action, company.id(), Some(&before), Some(&after))?;
    flow.store.set_customer_rules(company, &after, &audit).await?;
    Ok(after)
}

fn change(Ownership { owner, reason, .. }: Ownership) -> CustomerChange {
    CustomerChange::Ownership { owner, reason }
}

fn check_active(member: Option<Member>) -> Result<(), CustomerError> {
    let unknown = || FieldError::new("unknown_member", "成员不存在").at("/member_id");
    let member = member.ok_or_else(unknown)?;
    if member.status() == MemberStatus::Active { Ok(()) } else { Err(CustomerError::MemberInactive) }
}
