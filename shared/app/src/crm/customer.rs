//! Changing what the company's people have set for a customer: close rates and deals.

use domain::close_rate::model::Rate;
use domain::company::Company;
use domain::company::audit::{AuditAction, AuditActor, AuditEntry};
use domain::crm::command::{CustomerCommand, CustomerError};
use domain::crm::opportunity::{Deal, ManualCloseRate, Opportunity};
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, DealId, MemberId, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::radar::counter::Scope;
use serde::Serialize;
use store::OpportunityChange;

use crate::Flow;
use crate::crm::while_contended;

/// The customer of a card, and the member who changes something of them.
#[derive(Debug, Clone, Copy)]
pub struct CustomerEditor {
    /// The company.
    pub company: Company,
    /// The card.
    pub card: CardId,
    /// The identity that the member names.
    pub person: PersonId,
    /// The member.
    pub by: MemberId,
    /// Whether their radar is on.
    pub radar_on: bool,
}

/// The audit log's text of a rate.
#[derive(Serialize)]
struct AuditedRate {
    card_id: CardId,
    percent: f64,
}

/// The audit log's text of a deal.
#[derive(Serialize)]
struct AuditedDeal {
    card_id: CardId,
    person_id: PersonId,
    closed_on: Day,
}

impl CustomerEditor {
    /// Sets the close rate by hand. Returns what is set for the customer then, and the rate
    /// that was set.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn set_close_rate(
        &self,
        flow: &Flow<'_>,
        rate: Rate,
    ) -> Result<(Opportunity, ManualCloseRate), CustomerError> {
        let set = ManualCloseRate { at: flow.now, rate, by: self.by };
        let (opportunity, _) = self.apply(flow, CustomerCommand::Rate(set), None).await?;
        Ok((opportunity, set))
    }

    /// Removes the close rate that was set by hand. Idempotent.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn clear_close_rate(&self, flow: &Flow<'_>) -> Result<(), CustomerError> {
        self.apply(flow, CustomerCommand::NoRate, None).await.map(drop)
    }

    /// Records a deal once per request. Returns the deal that the first such request recorded.
    ///
    /// # Errors
    /// [`CustomerError::Field`] for a day that no deal can be closed on, and the others.
    pub async fn record_deal(
        &self,
        flow: &Flow<'_>,
        closed_on: Day,
        request: &Idempotency,
    ) -> Result<(DealId, Deal), CustomerError> {
        let new = Deal::new(closed_on, flow.now, self.by).map_err(|error| error.at("/closed_on"))?;
        let id = flow.new_id()?;
        match self.apply(flow, CustomerCommand::Deal(id, new), Some(request)).await? {
            (_, CustomerCommand::Deal(id, deal)) => Ok((id, deal)),
            _ => Ok((id, new)),
        }
    }

    /// Removes a deal. Idempotent for as long as requests are remembered.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn remove_deal(&self, flow: &Flow<'_>, deal: DealId) -> Result<(), CustomerError> {
        // A removal is remembered like a request, so that a retry does not get 404.
        let key = format!("{}.{}.{deal}", self.card, self.person);
        let request = Idempotency { key, fingerprint: String::new() };
        self.apply(flow, CustomerCommand::NoDeal(deal), Some(&request)).await.map(drop)
    }

    /// Applies a command; with a request, once. Returns what is set for the customer then, and
    /// the command that counts: the first request's when this one is a retry.
    async fn apply(
        &self,
        flow: &Flow<'_>,
        command: CustomerCommand,
        request: Option<&Idempotency>,
    ) -> Result<(Opportunity, CustomerCommand), CustomerError> {
        while_contended(flow, || self.try_to_apply(flow, command, request)).await
    }

    async fn try_to_apply(
        &self,
        flow: &Flow<'_>,
        command: CustomerCommand,
        request: Option<&Idempotency>,
    ) -> Result<(Opportunity, CustomerCommand), CustomerError> {
        let (read, before) = flow.store.opportunity_of(self.company, self.card, self.person, request, flow.now).await?;
        // After the look-up: a member whose radar is off learns no more than with it on.
        if !self.radar_on {
            return Err(CustomerError::RadarNotActive);
        }
        let person = read.merged();
        if !person.state.cards.contains_key(&self.card) {
            return Err(Failure::NotFound.into());
        }
        if let Some(before) = before {
            return Ok((person.opportunity, before));
        }
        let update = command.of(&read.identities, self.person, self.card)?;
        if update.customers.is_empty() {
            return Ok((update.opportunity, command));
        }
        let audit = self.audit_entry(flow, &command, &person.opportunity)?;
        let change =
            OpportunityChange { card: self.card, person: self.person, read: &read, update: &update, audit: &audit };
        let command = flow.store.change_opportunity(self.company, change, command, request).await?;
        Ok((update.opportunity, command))
    }

    fn audit_entry(
        &self,
        flow: &Flow<'_>,
        command: &CustomerCommand,
        before: &Opportunity,
    ) -> Result<AuditEntry, Failure> {
        let rate = |set: ManualCloseRate| AuditedRate { card_id: self.card, percent: set.rate.percent() };
        let in_force = before.set_rate_in(Scope::Card(self.card)).map(rate);
        let deal = |closed_on| AuditedDeal { card_id: self.card, person_id: self.person, closed_on };
        let known = |id: DealId| before.deals_on(self.card).find(|(known, _)| *known == id);
        let by = AuditActor::Member(self.by);
        match *command {
            CustomerCommand::Rate(set) => {
                flow.audit_change(by, AuditAction::CloseRateSet, self.person, in_force, Some(rate(set)))
            }
            CustomerCommand::NoRate => {
                flow.audit_change(by, AuditAction::CloseRateCleared, self.person, in_force, None)
            }
            CustomerCommand::Deal(id, new) => {
                flow.audit_change(by, AuditAction::DealRecorded, id, None, Some(deal(new.closed_on)))
            }
            CustomerCommand::NoDeal(id) => {
                let was = known(id).map(|(_, known)| deal(known.closed_on));
                flow.audit_change(by, AuditAction::DealRemoved, id, was, None)
            }
        }
    }
}
