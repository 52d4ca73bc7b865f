//! The steps of a handover: each thing moves in one transaction with the note of what stood before and the
//! count of what went to whom, so that it moves once, whoever is cut off.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Update};
use domain::card::Successor;
use domain::company::Company;
use domain::crm::handed_over::HandedOver;
use domain::crm::handover::{Handover, HandoverCounts, HandoverThing};
use domain::crm::record::KnownCustomer;
use domain::crm::row::CustomerRow;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, MemberId, PersonId};
use domain::people::member::Member;

use crate::crm::customer::check_customer;
use crate::crm::follow_up_plan::FollowUpPlan;
use crate::crm::list::row_of;
use crate::crm::ownership::{OwnershipChange, check_active};
use crate::crm::timeline::add_timeline_entry;
use crate::table::batch_get::{ReadMode, RecordRead};
use crate::table::item::{EXPIRES_AT, Item, LAYOUT, TYPE, expire, number, text};
use crate::table::kinds::{CUSTOMER_ROW, FOLLOW_UP_PLAN, HANDED_OVER, HANDOVER_COUNTS};
use crate::table::read::Order;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};

/// What becomes of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CountedAs {
    Moved,
    Restored,
}

impl CountedAs {
    fn name(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Restored => "restored",
        }
    }
}

/// The notes of what a handover has moved of one customer.
pub type MovesOfCustomer = BTreeMap<HandoverThing, HandedOver>;

impl Store {
    /// Rows of the list after a customer, in the order of ids, as of the last write, and the last one that
    /// was looked at; `None` at the end.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when a key cannot be read.
    pub async fn customers_in_order(
        &self,
        company: Company,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Page<CustomerRow, PersonId>, Failure> {
        let start = after.map(|after| keys::customer_row(company, after));
        let page = self.some_latest(&keys::customer_list(company), start, (Order::OldestFirst, limit)).await?;
        // Behind the rows stand the numbers of the list.
        let next = page.next.and_then(|next| keys::customer_row_of(&next));
        let rows = page.items.iter().filter(|item| CUSTOMER_ROW.is_of(item));
        // Housekeeping puts a row aside that cannot be read, and writes it anew.
        let read = |item| row_of(item).inspect_err(|cause| tracing::warn!(%cause, "a handover passes a row")).ok();
        Ok(Page { items: rows.filter_map(read).collect(), next })
    }

    /// Follow-ups that a member has planned, after one of them, in the order of time, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn plans_in_order(
        &self,
        company: Company,
        member: MemberId,
        after: Option<FollowUpPlan>,
        limit: u32,
    ) -> Result<Vec<FollowUpPlan>, Failure> {
        let partition = keys::follow_up_plans(company, Some(member));
        let start = after.map(|plan| keys::follow_up_plan(company, Some(member), plan.at.millis(), plan.person));
        let page = self.some_latest(&partition, start, (Order::OldestFirst, limit)).await?;
        page.items.into_iter().map(|item| FOLLOW_UP_PLAN.decode(item)).collect()
    }

    /// A customer as of the last write, and what the handover has moved of them.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the customer is to be read again.
    pub async fn customer_to_hand_over(
        &self,
        company: Company,
        handover: &Handover,
        person: PersonId,
    ) -> Result<(KnownCustomer, MovesOfCustomer), Failure> {
        let what = person.to_string();
        let notes = HandoverThing::ALL.iter().map(|thing| keys::handed_over(company, handover.id, *thing, &what));
        let notes: Vec<_> = notes.collect();
        let (known, items) = self.known_customer_beside(company, person, RecordRead::ToChange, &notes).await?;
        let notes = items.into_iter().map(|item| HANDED_OVER.decode::<HandedOver>(item));
        let notes = notes.map(|note| note.map(|note| (note.thing, note))).collect::<Result<_, _>>()?;
        Ok((known, notes))
    }

    /// Moves something of a customer.
    ///
    /// # Errors
    /// [`Failure::Busy`] when something of the customer has changed since it was read;
    /// [`Failure::VersionConflict`] when the successor is not active.
    pub async fn hand_over(
        &self,
        company: Company,
        handover: &Handover,
        change: OwnershipChange<'_>,
        moved: &HandedOver,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.check_state(&mut transaction, company, handover);
        check_active(&mut transaction, &self.table, (company, moved.to), Failure::VersionConflict);
        self.add_change(&mut transaction, company, change)?;
        self.add_moved(&mut transaction, company, handover, moved)?;
        self.commit_once(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Restores something of a customer.
    ///
    /// # Errors
    /// [`Failure::Busy`] when something of the customer has changed since it was read.
    pub async fn restore_handed_over(
        &self,
        company: Company,
        handover: &Handover,
        change: OwnershipChange<'_>,
        moved: &HandedOver,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.check_state(&mut transaction, company, handover);
        self.add_change(&mut transaction, company, change)?;
        self.add_restored(&mut transaction, company, handover, moved);
        self.commit_once(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Lets the card of the member who has left lead to a successor.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when the member is back, or the successor is not active or has another
    /// card; [`Failure::Busy`] when it was done a moment ago.
    pub async fn hand_over_card(
        &self,
        company: Company,
        (handover, moved): (&Handover, &HandedOver),
        read: &Member,
        (card, successor): (CardId, (MemberId, Successor)),
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.check_state(&mut transaction, company, handover);
        self.add_successor(&mut transaction, company, read, (card, Some(successor)))?;
        self.add_moved(&mut transaction, company, handover, moved)?;
        self.commit_once(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Lets the card lead to where it led before.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when the member is back, or whoever was named before is gone;
    /// [`Failure::Busy`] when it was done a moment ago.
    pub async fn restore_card(
        &self,
        company: Company,
        (handover, moved): (&Handover, &HandedOver),
        read: &Member,
        (card, successor): (CardId, Option<(MemberId, Successor)>),
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.check_state(&mut transaction, company, handover);
        self.add_restored(&mut transaction, company, handover, moved);
        self.add_successor(&mut transaction, company, read, (card, successor))?;
        self.commit_once(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// A note of a card that was moved by this handover, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn card_handed_over(
        &self,
        company: Company,
        handover: &Handover,
        card: CardId,
    ) -> Result<Option<HandedOver>, Failure> {
        let key = keys::handed_over(company, handover.id, HandoverThing::Card, &card.to_string());
        self.get_latest(company, &key, HANDED_OVER).await
    }

    /// What a handover has moved, after one of them, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn handed_over(
        &self,
        company: Company,
        handover: &Handover,
        after: Option<(HandoverThing, &str)>,
        limit: u32,
    ) -> Result<Vec<HandedOver>, Failure> {
        let start = after.map(|(thing, what)| keys::handed_over(company, handover.id, thing, what));
        let page = self
            .some_latest(&keys::handed_over_things(company, handover.id), start, (Order::OldestFirst, limit))
            .await?;
        page.items.into_iter().map(|item| HANDED_OVER.decode(item)).collect()
    }

    /// How many things a handover has moved, and restored, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when they cannot be read.
    pub async fn handover_counts(
        &self,
        company: Company,
        handover: &Handover,
    ) -> Result<(HandoverCounts, HandoverCounts), Failure> {
        let key = keys::handover_counts(company, handover.id);
        let items = self.batch_get(company, &[key], ReadMode::Consistent).await?;
        counts_of_handover(items.first())
    }

    fn note_key(&self, company: Company, handover: &Handover, moved: &HandedOver) -> keys::Key {
        keys::handed_over(company, handover.id, moved.thing, &moved.what)
    }

    /// Adds the condition that the handover still moves things, or is undone: a worker that was cut off long
    /// ago moves nothing any more.
    fn check_state(&self, transaction: &mut Transaction, company: Company, handover: &Handover) {
        let check = ConditionCheck::builder()
            .condition_expression("#state = :state")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text(handover.state.name()));
        transaction.check(&self.table, &keys::handover(company, handover.id), check, Failure::Busy);
    }

    /// Adds the changes of a customer: what was read must still stand.
    fn add_change(
        &self,
        transaction: &mut Transaction,
        company: Company,
        OwnershipChange { read, changed, entry: (person, entry) }: OwnershipChange<'_>,
    ) -> Result<(), Failure> {
        for (identity, customer) in &read.identities {
            check_customer(transaction, &self.table, company, *identity, customer.version);
        }
        self.add_plans(transaction, company, read, changed)?;
        self.add_holding_changes(transaction, company, (read, changed), None);
        self.add_list_row(transaction, company, read, changed, Day::of(entry.at))?;
        add_timeline_entry(transaction, &self.table, company, person, entry)
    }

    /// Adds the note of what is moved, and counts it.
    fn add_moved(
        &self,
        transaction: &mut Transaction,
        company: Company,
        handover: &Handover,
        moved: &HandedOver,
    ) -> Result<(), Failure> {
        let mut note = HANDED_OVER.encode(&self.note_key(company, handover, moved), moved)?;
        expire(&mut note, handover.kept_until());
        transaction.create(&self.table, note, Failure::Busy);
        self.count(transaction, company, handover, (moved, CountedAs::Moved));
        Ok(())
    }

    /// Adds that a thing was restored, once.
    fn add_restored(&self, transaction: &mut Transaction, company: Company, handover: &Handover, moved: &HandedOver) {
        let restored = Update::builder()
            .update_expression("SET restored = :yes")
            .condition_expression("restored = :no")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":no", AttributeValue::Bool(false));
        transaction.update(&self.table, &self.note_key(company, handover, moved), restored, Failure::Busy);
        self.count(transaction, company, handover, (moved, CountedAs::Restored));
    }

    fn count(
        &self,
        transaction: &mut Transaction,
        company: Company,
        handover: &Handover,
        (moved, counted): (&HandedOver, CountedAs),
    ) {
        let name = format!("{}#{}#{}", counted.name(), moved.thing.name(), moved.to);
        let update = Update::builder()
            .update_expression("SET #type = :type, #layout = :layout, #expires = :expires ADD #name :one")
            .expression_attribute_names("#type", TYPE)
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_names("#expires", EXPIRES_AT)
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":type", text(HANDOVER_COUNTS.name))
            .expression_attribute_values(":layout", number(HANDOVER_COUNTS.layout))
            .expression_attribute_values(":expires", number(handover.kept_until().seconds()))
            .expression_attribute_values(":one", number(1));
        transaction.update(&self.table, &keys::handover_counts(company, handover.id), update, Failure::Busy);
    }
}

/// How many things were moved and restored, of the item.
pub(crate) fn counts_of_handover(item: Option<&Item>) -> Result<(HandoverCounts, HandoverCounts), Failure> {
    let (mut moved, mut restored) = (HandoverCounts::new(), HandoverCounts::new());
    let Some(item) = item else { return Ok((moved, restored)) };
    HANDOVER_COUNTS.check(item)?;
    for (name, value) in item {
        let parts: Vec<_> = name.split('#').collect();
        let [counted, thing, member] = parts.as_slice() else { continue };
        let count = value.as_n().ok().and_then(|count| count.parse().ok());
        let (thing, member) = (HandoverThing::from_name(thing), member.parse::<MemberId>().ok());
        let (Some(count), Some(thing), Some(member)) = (count, thing, member) else {
            return Err(HANDOVER_COUNTS.corrupt(name));
        };
        let counts = if *counted == CountedAs::Moved.name() { &mut moved } else { &mut restored };
        counts.entry(thing).or_insert_with(BTreeMap::<MemberId, u32>::new).insert(member, count);
    }
    Ok((moved, restored))
}
