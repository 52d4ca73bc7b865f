//! Writes that become true together or not at all.

use crate::table::error::failure;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::{ConditionCheckBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

use crate::table::actor::{ActingMember, key_of};
use crate::table::item::{Item, number};
use crate::{Store, keys};
use domain::company::Company;
use domain::kernel::failure::Failure;
use runtime::retry::{Policy, Transient};

/// A transaction being put together: each action with what it means when its condition
/// fails.
#[derive(Debug, Default, Clone)]
pub(crate) struct Transaction(Vec<(TransactWriteItem, Failure)>);

/// An action whose condition failed.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Its place in the transaction.
    pub(crate) position: usize,
    /// What the failed condition means.
    pub(crate) failure: Failure,
    /// The item it met, if there is one.
    pub(crate) item: Option<Item>,
}

/// Why a transaction wrote nothing.
#[derive(Debug)]
pub(crate) enum Cancelled {
    /// Conditions failed; never empty.
    Conditions(Vec<Refused>),
    /// Anything else.
    Store(Failure),
}

impl Transient for Cancelled {
    fn is_transient(&self, policy: Policy, attempts: u32) -> bool {
        matches!(self, Self::Store(failure) if failure.is_transient(policy, attempts))
    }
}

/// The check of the member who acts, in a transaction.
#[derive(Debug)]
struct ActorCheck {
    actor: ActingMember,
    /// The place of the action that has the check in its condition.
    position: usize,
}

impl Cancelled {
    /// What the first failed condition means, or what else went wrong.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Conditions(failed) => failed.into_iter().next().map_or(Failure::Busy, |refused| refused.failure),
            Self::Store(failure) => failure,
        }
    }
}

impl Transaction {
    /// Adds the check of the member who acts, after all actions; an action on their own item takes
    /// it into its condition, since a transaction can hold an item once.
    fn check_actor(&mut self, table: &str, actor: ActingMember) -> Option<ActorCheck> {
        let own = self.0.iter().position(|(action, _)| key_of(action).as_ref() == Some(&actor.key));
        if let Some(position) = own {
            actor.join(&mut self.0[position].0);
            return Some(ActorCheck { actor, position });
        }
        let position = self.0.len();
        self.0.push((actor.check(table)?, Failure::RightsChanged));
        Some(ActorCheck { actor, position })
    }

    /// Adds an item that must not exist yet.
    pub(crate) fn create(&mut self, table: &str, item: Item, refused: Failure) {
        self.put(table, item, "attribute_not_exists(#pk)", Item::new(), refused);
    }

    /// Adds an item under a condition, in which `#pk` stands for the partition key.
    pub(crate) fn put(&mut self, table: &str, item: Item, condition: &str, values: Item, refused: Failure) {
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(item))
            .condition_expression(condition)
            .expression_attribute_names("#pk", keys::PK)
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        // `build` fails only without table or item.
        let put = put.build().ok().map(|put| TransactWriteItem::builder().put(put).build());
        self.0.extend(put.map(|put| (put, refused)));
    }

    /// Adds an item, whether there is one with its key or not.
    pub(crate) fn replace(&mut self, table: &str, item: Item) {
        let put = Put::builder().table_name(table).set_item(Some(item)).build().ok();
        let put = put.map(|put| TransactWriteItem::builder().put(put).build());
        self.0.extend(put.map(|put| (put, Failure::Busy)));
    }

    /// Adds the deletion of an item under a condition. An attribute may be written `#name`: some names are
    /// words of DynamoDB's own.
    pub(crate) fn delete(&mut self, table: &str, key: &keys::Key, condition: &str, values: Item, refused: Failure) {
        let mut delete = Delete::builder()
            .table_name(table)
            .set_key(Some(key.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values));
        for name in condition.split(|c: char| !(c == '#' || c == '_' || c.is_ascii_alphanumeric())) {
            if let Some(attribute) = name.strip_prefix('#') {
                delete = delete.expression_attribute_names(name, attribute);
            }
        }
        let delete = delete.build().ok().map(|delete| TransactWriteItem::builder().delete(delete).build());
        self.0.extend(delete.map(|delete| (delete, refused)));
    }

    /// Removes an item, if there is one.
    pub(crate) fn remove(&mut self, table: &str, key: &keys::Key) {
        let delete = Delete::builder().table_name(table).set_key(Some(key.attributes()));
        let delete = delete.build().ok().map(|delete| TransactWriteItem::builder().delete(delete).build());
        self.0.extend(delete.map(|delete| (delete, Failure::Busy)));
    }

    /// Adds a condition on an item that is not written: that it has the attribute `name`
    /// of its map `map`.
    pub(crate) fn has(&mut self, table: &str, key: &keys::Key, map: &str, name: &str, refused: Failure) {
        let check = ConditionCheck::builder()
            .condition_expression("attribute_exists(#map.#name)")
            .expression_attribute_names("#map", map)
            .expression_attribute_names("#name", name);
        self.check(table, key, check, refused);
    }

    /// The number of actions.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds an update.
    pub(crate) fn update(&mut self, table: &str, key: &keys::Key, update: UpdateBuilder, refused: Failure) {
        let update = update
            .table_name(table)
            .set_key(Some(key.attributes()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = update.build().ok().map(|update| TransactWriteItem::builder().update(update).build());
        self.0.extend(update.map(|update| (update, refused)));
    }

    /// Adds a condition on an item that is not written.
    pub(crate) fn check(&mut self, table: &str, key: &keys::Key, check: ConditionCheckBuilder, refused: Failure) {
        let check = check.table_name(table).set_key(Some(key.attributes())).build().ok();
        self.0.extend(check.map(|check| (TransactWriteItem::builder().condition_check(check).build(), refused)));
    }
}

/// The condition that the stored item is at the version that was read; 0 is the version of an item
/// that does not exist. `#pk` stands for the partition key.
pub(crate) fn at_version(read: u64) -> (&'static str, Item) {
    match read {
        0 => ("attribute_not_exists(#pk)", Item::new()),
        read => ("attribute_exists(#pk) AND version = :read", Item::from([(":read".to_owned(), number(read))])),
    }
}

impl Store {
    /// Commits, trying again a few times when another transaction is in the way or the
    /// table takes no more. When a member acts, only if they may still do what their token says:
    /// otherwise [`Failure::RightsChanged`], whatever else was wrong.
    pub(crate) async fn commit(&self, company: Company, mut transaction: Transaction) -> Result<(), Cancelled> {
        self.require_not_suspended(company).await.map_err(Cancelled::Store)?;
        let check = ActingMember::of(company).and_then(|actor| transaction.check_actor(&self.table, actor));
        self.retry.run(Policy::TRANSACTION, || self.try_commit(&transaction, check.as_ref())).await
    }

    /// Commits what nobody does as a member, and waits for no other transaction: what is written was made
    /// of what that one changes. Only what the table throttles is tried again.
    pub(crate) async fn commit_once(&self, company: Company, transaction: Transaction) -> Result<(), Cancelled> {
        self.require_not_suspended(company).await.map_err(Cancelled::Store)?;
        let attempt = async || match self.try_commit(&transaction, None).await {
            Err(Cancelled::Store(Failure::Busy)) => Ok(false),
            done => done.map(|()| true),
        };
        let done = self.retry.run(Policy::TRANSACTION, attempt).await?;
        if done { Ok(()) } else { Err(Cancelled::Store(Failure::Busy)) }
    }

    /// Commits what a schedule does to a thing whose company may be unreadable: nobody acts.
    pub(crate) async fn commit_for_schedule(&self, transaction: Transaction) -> Result<(), Cancelled> {
        self.retry.run(Policy::TRANSACTION, || self.try_commit(&transaction, None)).await
    }

    async fn try_commit(&self, transaction: &Transaction, check: Option<&ActorCheck>) -> Result<(), Cancelled> {
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some(transaction.0.iter().map(|(action, _)| action.clone()).collect()));
        let Err(error) = request.send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons();
                if check.is_some_and(|check| check.failed(reasons)) {
                    return Err(Cancelled::Store(Failure::RightsChanged));
                }
                Err(cancellation(transaction, reasons, cancelled.message()))
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => Err(Cancelled::Store(Failure::Busy)),
            _ => Err(Cancelled::Store(failure(error))),
        }
    }
}

impl ActorCheck {
    /// Whether the member may no longer do what their token says. A failed action on their own item
    /// may have failed by its own condition: the item it met tells.
    fn failed(&self, reasons: &[CancellationReason]) -> bool {
        let reason = reasons.get(self.position).filter(|reason| reason.code() == Some("ConditionalCheckFailed"));
        reason.is_some_and(|reason| !self.actor.stands(reason.item()))
    }
}

fn cancellation(transaction: &Transaction, reasons: &[CancellationReason], message: Option<&str>) -> Cancelled {
    let mut failed = Vec::new();
    let mut other = None;
    for (position, (reason, (_, failure))) in reasons.iter().zip(&transaction.0).enumerate() {
        match reason.code() {
            None | Some("None") => {}
            Some("ConditionalCheckFailed") => {
                failed.push(Refused { position, failure: failure.clone(), item: reason.item().cloned() });
            }
            code => other = other.or(code),
        }
    }
    if !failed.is_empty() {
        return Cancelled::Conditions(failed);
    }
    Cancelled::Store(match other {
        Some("TransactionConflict") => Failure::Busy,
        Some("ThrottlingError" | "ProvisionedThroughputExceeded") => Failure::Throttled,
        code => Failure::Unavailable(format!("transaction cancelled: {code:?} {message:?}")),
    })
}
