//! Who owns a customer: a decision in the customer's records, and a count for each member of what they
//! hold by decisions. The counts change in the same transactions, so that they are exact.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{ConditionCheck, Update};
use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::crm::customer_rules::{CustomerRules, Holding};
use domain::crm::ownership::Ownership;
use domain::crm::record::{KnownCustomer, Records};
use domain::crm::timeline::TimelineEntry;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{MemberId, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Member;

use crate::company::audit::add_entry;
use crate::company::department::take;
use crate::crm::customer::check_customer;
use crate::crm::customer_rules::rules_of;
use crate::crm::record::put_record;
use crate::crm::timeline::add_timeline_entry;
use crate::table::batch_get::RecordRead;
use crate::table::idempotency::replayed;
use crate::table::item::{LAYOUT, TYPE, number, text};
use crate::table::kinds::{HOLDING, MEMBER};
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Store, keys};

/// What is read to claim a customer.
#[derive(Debug)]
pub struct CustomerToClaim {
    /// The customer.
    pub known: KnownCustomer,
    /// The company's rules.
    pub rules: CustomerRules,
    /// What the member holds.
    pub holding: Holding,
    /// The result of the same request, if it came before.
    pub before: Option<Ownership>,
}

/// A decision about the owner of a customer.
#[derive(Debug, Clone, Copy)]
pub struct OwnershipChange<'a> {
    /// The customer as they were read.
    pub read: &'a KnownCustomer,
    /// The records that change.
    pub changed: &'a Records,
    /// The identity in whose timeline it stands, and the entry.
    pub entry: (PersonId, &'a TimelineEntry),
}

impl Store {
    /// A customer as of the last write, with the rules, what a member holds, and the result of the same
    /// request, if it came before. One call, and one more if the person is in a group.
    ///
    /// # Errors
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn customer_to_claim(
        &self,
        company: Company,
        (person, member): (PersonId, MemberId),
        request: &Idempotency,
        now: Timestamp,
    ) -> Result<CustomerToClaim, Failure> {
        let (rules, holding) = (keys::customer_rules(company), keys::holding(company, member));
        let first = keys::idempotency(company, &request.key);
        let beside = [rules.clone(), holding.clone(), first.clone()];
        let (known, mut items) = self.known_customer_beside(company, person, RecordRead::ToChange, &beside).await?;
        let before = take(&mut items, &first).map(|first| replayed(first, request, now)).transpose()?.flatten();
        let rules = rules_of(take(&mut items, &rules))?;
        let holding = take(&mut items, &holding).map(|item| HOLDING.decode(item)).transpose()?.unwrap_or_default();
        Ok(CustomerToClaim { known, rules, holding, before })
    }

    /// A customer as of the last write, and a member, if there is such a one. One call, and one more if
    /// the person is in a group.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when something cannot be read.
    pub async fn customer_and_member(
        &self,
        company: Company,
        person: PersonId,
        member: MemberId,
    ) -> Result<(KnownCustomer, Option<Member>), Failure> {
        let beside = [keys::member(company, member)];
        let (known, items) = self.known_customer_beside(company, person, RecordRead::ToChange, &beside).await?;
        let member = items.into_iter().next().map(|item| MEMBER.decode(item)).transpose()?;
        Ok((known, member))
    }

    /// Makes a member the owner of a customer whom nobody owns, once per request: `holding` is what they
    /// hold afterwards. Returns `claimed`, or the first request's result.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the customer, or what the member holds, has changed since they were read,
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn claim_customer(
        &self,
        company: Company,
        change: OwnershipChange<'_>,
        (member, holding): (MemberId, &Holding),
        claimed: Ownership,
        request: &Idempotency,
    ) -> Result<Ownership, Failure> {
        let key = keys::idempotency(company, &request.key);
        self.create_once(company, &key, request, claimed.at, claimed, |transaction| {
            // Nobody owned them as they were read, so what they did must be as it was read, too.
            let identities = &change.read.identities;
            for person in identities.keys().chain([&change.entry.0]).collect::<BTreeSet<_>>() {
                let version = identities.get(person).map_or(0, |customer| customer.version);
                check_customer(transaction, &self.table, company, *person, version);
            }
            let (condition, values) = at_version(holding.version.saturating_sub(1));
            let item = HOLDING.encode(&keys::holding(company, member), holding)?;
            transaction.put(&self.table, item, condition, values, Failure::Busy);
            self.add_ownership(transaction, company, change, Some(member))
        })
        .await
    }

    /// Stores a decision of an admin, or of an owner who gives a customer back. A new owner must be an
    /// active member.
    ///
    /// # Errors
    /// [`Failure::Busy`] when something has changed since it was read.
    pub async fn change_owner(
        &self,
        company: Company,
        change: OwnershipChange<'_>,
        owner: Option<MemberId>,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        if let Some(owner) = owner {
            check_active(&mut transaction, &self.table, (company, owner), Failure::Busy);
        }
        self.add_ownership(&mut transaction, company, change, None)?;
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Stores records that were changed, with the entry of the change, for a member who must be active.
    ///
    /// # Errors
    /// [`Failure::Busy`] when something has changed since it was read.
    pub async fn add_collaborator(
        &self,
        company: Company,
        OwnershipChange { read, changed, entry: (person, entry) }: OwnershipChange<'_>,
        member: MemberId,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        check_active(&mut transaction, &self.table, (company, member), Failure::Busy);
        for (person, record) in changed {
            put_record(&mut transaction, &self.table, company, *person, record)?;
        }
        self.add_list_row(&mut transaction, company, read, changed, Day::of(entry.at))?;
        add_timeline_entry(&mut transaction, &self.table, company, person, entry)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Adds the records, the entry, and the counts of all members but `counted`.
    pub(crate) fn add_ownership(
        &self,
        transaction: &mut Transaction,
        company: Company,
        OwnershipChange { read, changed, entry: (person, entry) }: OwnershipChange<'_>,
        counted: Option<MemberId>,
    ) -> Result<(), Failure> {
        for (person, record) in changed {
            put_record(transaction, &self.table, company, *person, record)?;
        }
        self.add_holding_changes(transaction, company, (read, changed), counted);
        self.add_list_row(transaction, company, read, changed, Day::of(entry.at))?;
        add_timeline_entry(transaction, &self.table, company, person, entry)
    }

    /// Adds what members hold more or less once these records have changed, all members but `counted`.
    pub(crate) fn add_holding_changes(
        &self,
        transaction: &mut Transaction,
        company: Company,
        (read, changed): (&KnownCustomer, &Records),
        counted: Option<MemberId>,
    ) {
        for (member, by) in read.holding_changes(changed).into_iter().filter(|(member, _)| Some(*member) != counted) {
            let update = Update::builder()
                .update_expression("SET #type = :type, #layout = :layout ADD held :by, version :one")
                .expression_attribute_names("#type", TYPE)
                .expression_attribute_names("#layout", LAYOUT)
                .expression_attribute_values(":type", text(HOLDING.name))
                .expression_attribute_values(":layout", number(HOLDING.layout))
                .expression_attribute_values(":by", number(by))
                .expression_attribute_values(":one", number(1));
            transaction.update(&self.table, &keys::holding(company, member), update, Failure::Busy);
        }
    }
}

/// Adds the condition to a transaction that a member is active.
pub(crate) fn check_active(
    transaction: &mut Transaction,
    table: &str,
    (company, member): (Company, MemberId),
    refused: Failure,
) {
    let check =
        ConditionCheck::builder().condition_expression("attribute_exists(person) AND attribute_not_exists(ended)");
    transaction.check(table, &keys::member(company, member), check, refused);
}
