//! Handovers: an item each, what stays where it was beside it, and the lock by which a member has one open
//! handover.

use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::crm::handover::{Handover, HandoverCounts, HandoverState, HandoverStep, StayingThing};
use domain::crm::job::HandoverTask;
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::id::{HandoverId, MemberId};
use serde::{Deserialize, Serialize};

use crate::company::department::take;
use crate::crm::handover_move::counts_of_handover;
use crate::table::batch_get::ReadMode;
use crate::table::item::{Item, expire, number, text};
use crate::table::kinds::{HANDOVER, HANDOVER_LOCK, STAYING_THING};
use crate::table::read::{Order, Search};
use crate::table::transaction::{Transaction, at_version};
use crate::{Page, Store, keys};

/// Most things that stay which are read with a handover.
const STAYING_SHOWN: u32 = 100;

/// A handover, and what became of its things.
#[derive(Debug)]
pub struct HandoverProgress {
    /// The handover.
    pub handover: Handover,
    /// How many things were moved to whom.
    pub moved: HandoverCounts,
    /// How many of them were restored.
    pub restored: HandoverCounts,
    /// Things that stay where they were: the first hundred.
    pub staying: Vec<StayingThing>,
}

/// The handover that goes on.
#[derive(Debug, Serialize, Deserialize)]
struct HandoverLock {
    handover: HandoverId,
}

impl Store {
    /// The handovers of a company, the latest first.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn list_handovers(
        &self,
        company: Company,
        after: Option<HandoverId>,
        limit: u32,
    ) -> Result<Page<Handover, HandoverId>, Failure> {
        let (partition, start) = (keys::handovers(company), after.map(|after| keys::handover(company, after)));
        let search = Search { kind: HANDOVER, partition: &partition, start, order: Order::NewestFirst, limit };
        self.search(search, None::<fn(&Handover) -> bool>, |handover: &Handover| handover.id).await
    }

    /// A handover as of the last write, for whoever goes on with it.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn handover(&self, company: Company, id: HandoverId) -> Result<Handover, Failure> {
        self.get_latest(company, &keys::handover(company, id), HANDOVER).await?.ok_or(Failure::NotFound)
    }

    /// A handover with what became of its things. Two calls.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn handover_progress(&self, company: Company, id: HandoverId) -> Result<HandoverProgress, Failure> {
        let (head, counts) = (keys::handover(company, id), keys::handover_counts(company, id));
        let mut items = self.batch_get(company, &[head.clone(), counts.clone()], ReadMode::Consistent).await?;
        let handover = take(&mut items, &head).map(|item| HANDOVER.decode(item)).transpose()?;
        let (moved, restored) = counts_of_handover(take(&mut items, &counts).as_ref())?;
        let handover: Handover = handover.ok_or(Failure::NotFound)?;
        let page = self.query(&keys::staying_things(company, id), None, STAYING_SHOWN, Order::NewestFirst).await?;
        let staying = page.items.into_iter().map(|item| STAYING_THING.decode(item)).collect::<Result<_, _>>()?;
        Ok(HandoverProgress { handover, moved, restored, staying })
    }

    /// Adds a handover to a transaction, on condition that the stored one is still the one that was read.
    pub(crate) fn put_handover(
        &self,
        transaction: &mut Transaction,
        company: Company,
        handover: &Handover,
    ) -> Result<(), Failure> {
        let next = Handover { version: handover.version + 1, ..handover.clone() };
        let mut item = HANDOVER.encode(&keys::handover(company, handover.id), &next)?;
        expire(&mut item, handover.kept_until());
        let (condition, values) = at_version(handover.version);
        transaction.put(&self.table, item, condition, values, Failure::Busy);
        Ok(())
    }

    /// Adds the lock of an open handover to a transaction.
    pub(crate) fn lock_handover(
        &self,
        transaction: &mut Transaction,
        company: Company,
        handover: &Handover,
    ) -> Result<(), Failure> {
        let lock = HandoverLock { handover: handover.id };
        let item = HANDOVER_LOCK.encode(&keys::handover_lock(company, handover.leaver), &lock)?;
        transaction.create(&self.table, item, Failure::Exists(Thing::Handover));
        Ok(())
    }

    /// Adds a handover after a step to a transaction, and what stays.
    pub(crate) fn add_handover_step(
        &self,
        transaction: &mut Transaction,
        company: Company,
        step: &HandoverStep,
    ) -> Result<(), Failure> {
        self.put_handover(transaction, company, &step.after)?;
        for staying in &step.staying {
            let thing = (staying.thing, staying.what.as_str());
            let key = keys::staying_thing(company, step.after.id, thing, staying.undoing);
            let mut item = STAYING_THING.encode(&key, staying)?;
            expire(&mut item, step.after.kept_until());
            transaction.replace(&self.table, item);
        }
        if !step.after.is_open() {
            self.unlock_handover(transaction, company, step.after.leaver);
        }
        Ok(())
    }

    /// Adds the end of a handover whose job has failed to a transaction.
    pub(crate) fn add_failed_handover(
        &self,
        transaction: &mut Transaction,
        company: Company,
        HandoverTask { handover, leaver }: &HandoverTask,
        state: HandoverState,
    ) {
        let failed = Update::builder()
            .update_expression("SET #state = :state, version = version + :one")
            .condition_expression("attribute_exists(version)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text(state.name()))
            .expression_attribute_values(":one", number(1));
        transaction.update(&self.table, &keys::handover(company, *handover), failed, Failure::Busy);
        self.unlock_handover(transaction, company, *leaver);
    }

    fn unlock_handover(&self, transaction: &mut Transaction, company: Company, leaver: MemberId) {
        transaction.remove(&self.table, &keys::handover_lock(company, leaver));
    }
}

/// Whether the item is the lock of an open handover.
pub(crate) fn is_lock(item: &Item) -> bool {
    HANDOVER_LOCK.is_of(item)
}
