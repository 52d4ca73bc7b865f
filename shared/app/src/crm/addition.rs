//! Adding customers by hand, and taking it back.

use std::collections::BTreeMap;

use domain::company::Company;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::crm::addition::{Addition, CustomerSource};
use domain::crm::command::{CustomerError, Duplicate};
use domain::crm::expectation::ExpectationUpdate;
use domain::crm::profile::ProfileField;
use domain::crm::record::{CustomerRecord, KnownCustomer, Records};
use domain::crm::tag::{TagBook, TagMark, check_count};
use domain::crm::viewer::Viewer;
use domain::kernel::budget::BudgetName;
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::kernel::id::{CardId, CustomFieldId, PersonId, TagId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::mobile::Mobile;
use store::{AdditionContext, CustomerAdded, MovedNumber, NewCustomer, RecordRead};

use crate::Flow;
use crate::crm::record::RecordEditor;
use crate::crm::while_contended;

/// What a member knows of a customer whom they add.
#[derive(Debug, Clone, Default)]
pub struct CustomerToAdd {
    /// The texts of the profile, as their fields allow them.
    pub texts: BTreeMap<ProfileField, String>,
    /// The values of custom fields, as these allow them.
    pub custom: BTreeMap<CustomFieldId, String>,
    /// The tags.
    pub tags: Vec<TagId>,
    /// What is expected of them, as it may be.
    pub expectation: ExpectationUpdate,
    /// The card; `None` for the member's own.
    pub card: Option<CardId>,
}

/// A member who adds customers.
#[derive(Debug, Clone, Copy)]
pub struct CustomerAdder {
    /// The company.
    pub company: Company,
    /// The member.
    pub viewer: Viewer,
}

impl CustomerAdder {
    /// Adds a customer once per request. Returns the one that the first such request added.
    ///
    /// # Errors
    /// [`CustomerError::Duplicate`] when the phone number leads to a customer already, and the others.
    pub async fn add(
        &self,
        flow: &Flow<'_>,
        new: &CustomerToAdd,
        request: &Idempotency,
    ) -> Result<PersonId, CustomerError> {
        let card = self.card_for(new.card)?;
        let person = flow.new_id()?;
        let added = while_contended(flow, || self.try_to_add(flow, (person, card), new, request)).await?;
        Ok(added.person)
    }

    async fn try_to_add(
        &self,
        flow: &Flow<'_>,
        (person, card): (PersonId, Option<CardId>),
        new: &CustomerToAdd,
        request: &Idempotency,
    ) -> Result<CustomerAdded, CustomerError> {
        let mobile = new.texts.get(&ProfileField::Mobile).and_then(|text| Mobile::parse(text).ok());
        let context =
            flow.store.addition_context(self.company, person, (card, mobile.as_ref()), (request, flow.now)).await?;
        let AdditionContext { departments, tags, holder, before, nobody } = context;
        if let Some(before) = before {
            return Ok(before);
        }
        if let Some(holder) = holder {
            return Err(self.duplicate(flow, holder).await?.into());
        }
        let departments = match card {
            Some(_) => departments.ok_or(Failure::NotFound)?,
            None => Default::default(),
        };
        let (at, by, source) = (flow.now, self.viewer.member, CustomerSource::ByHand);
        let addition = Addition { at, by, source, card, departments, mobile };
        let record = record(new, &addition, &tags)?;
        let spend = BudgetSpend::one(BudgetName::AddedCustomers, BudgetSubject::Member(self.company, by));
        Ok(flow
            .store
            .add_customer((self.company, &nobody), &NewCustomer { person, record }, &addition, (request, spend))
            .await?)
    }

    /// The card whose customer somebody becomes: of admins without a card none, who then is a customer of
    /// the company alone.
    pub(crate) fn card_for(&self, named: Option<CardId>) -> Result<Option<CardId>, CustomerError> {
        let Viewer { card: own, admin, .. } = self.viewer;
        match named.or(own) {
            Some(card) if own == Some(card) || admin => Ok(Some(card)),
            Some(_) => Err(Failure::RoleRequired.into()),
            None if admin => Ok(None),
            None => Err(FieldError::new("required", "您还没有名片，无法添加客户").at("/card_id").into()),
        }
    }

    /// The customer whom a number leads to, by name only for members who may see them.
    async fn duplicate(&self, flow: &Flow<'_>, holder: PersonId) -> Result<Duplicate, Failure> {
        let known = flow.store.known_customer(self.company, holder, RecordRead::ToShow).await?;
        Ok(Duplicate { person: known.is_visible_to(self.viewer).then_some(holder) })
    }
}

/// What is kept of somebody who is added.
pub(crate) fn record(
    new: &CustomerToAdd,
    addition: &Addition,
    book: &TagBook,
) -> Result<CustomerRecord, CustomerError> {
    let (at, by) = (addition.at, addition.by);
    let mut record = CustomerRecord { addition: Some(addition.clone()), ..CustomerRecord::default() };
    for (field, text) in &new.texts {
        if let Some(value) = record.profile.change(*field, text, by, at) {
            record.profile.set(*field, value);
        }
    }
    for (field, text) in &new.custom {
        if let Some(value) = record.custom.change(*field, text, by, at) {
            record.custom.set(*field, value);
        }
    }
    let tags = book.resolve_all(&new.tags).map_err(|error| error.at("/tags"))?;
    record.tags = tags.into_iter().map(|tag| (tag, TagMark { at, by })).collect();
    check_count(record.tags.len())?;
    record.expectation = record.expectation.after(new.expectation, by, at);
    Ok(record)
}

impl RecordEditor {
    /// The numbers that lead to an added identity no more, or from now on, since its number was changed.
    /// A number that somebody has granted stays theirs.
    ///
    /// # Errors
    /// [`CustomerError::Duplicate`] when the new number leads to another customer.
    pub(crate) async fn moved_numbers(
        &self,
        flow: &Flow<'_>,
        known: &KnownCustomer,
        changed: &mut Records,
    ) -> Result<Vec<MovedNumber>, CustomerError> {
        let mut moved = Vec::new();
        for (person, record) in changed {
            let before = known.records.get(person).and_then(|record| record.addition.as_ref()?.mobile.clone());
            let Some(addition) = record.addition.as_mut().filter(|addition| addition.mobile != before) else {
                continue;
            };
            let (mut from, mut to) = (before, addition.mobile.clone());
            let [held_before, holder] = flow.store.phone_holders(self.company, [from.as_ref(), to.as_ref()]).await?;
            from = from.filter(|_| held_before == Some(*person));
            if let Some(holder) = holder {
                if !known.identities.contains_key(&holder) {
                    let adder = CustomerAdder { company: self.company, viewer: self.viewer };
                    return Err(adder.duplicate(flow, holder).await?.into());
                }
                // It leads to the same person.
                (addition.mobile, to) = (None, None);
            }
            moved.push(MovedNumber { person: *person, from, to });
        }
        Ok(moved)
    }

    /// Takes back that the customer was added.
    ///
    /// # Errors
    /// [`CustomerError::NotRevocable`] when something of them has changed since,
    /// [`CustomerError::Failed`] with [`Failure::RoleRequired`] for a colleague's addition.
    pub async fn revoke_addition(&self, flow: &Flow<'_>) -> Result<(), CustomerError> {
        let known = self.read(flow, RecordRead::ToChange).await?;
        let addition = self.addition_to_revoke(&known)?;
        Ok(flow.store.revoke_addition(self.company, (self.person, addition), &known, flow.now).await?)
    }

    fn addition_to_revoke<'a>(&self, known: &'a KnownCustomer) -> Result<&'a Addition, CustomerError> {
        match known.revocable_addition(self.person) {
            Some(addition) if self.viewer.may_revoke(addition) => Ok(addition),
            Some(_) => Err(Failure::RoleRequired.into()),
            None => Err(CustomerError::NotRevocable),
        }
    }
}
