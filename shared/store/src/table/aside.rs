//! Items that a job cannot read. It passes them, so that they stop nothing else, and puts them aside:
//! each has a mark with its key and the reason, which says since when and how often it was met.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::crm::identities::Customer;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::kernel::timestamp::{DAY_MS, Timestamp};

use crate::keys::Key;
use crate::table::item::{EXPIRES_AT, Item, LAYOUT, TYPE, number, text};
use crate::table::kinds::ASIDE;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// How long a mark is kept after the item was met last.
const KEPT_MS: i64 = 90 * DAY_MS;
/// Most characters of a reason.
const REASON_CHARS_MAX: usize = 500;
/// Most marks written in a transaction.
const TOGETHER: usize = 90;

/// The items that a job has passed, and why.
#[derive(Debug, Default)]
pub struct PutAside {
    reasons: BTreeMap<Key, Failure>,
    met: usize,
}

impl PutAside {
    /// What was read, or nothing: an item that cannot be read is put aside.
    ///
    /// # Errors
    /// Failures that are not the item's.
    pub(crate) fn pass<T>(&mut self, key: Option<Key>, read: Result<T, Failure>) -> Result<Option<T>, Failure> {
        match (read, key) {
            (Ok(read), _) => Ok(Some(read)),
            (Err(failure @ Failure::Corrupt(_)), Some(key)) => {
                self.met += 1;
                self.reasons.entry(key).or_insert(failure);
                Ok(None)
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// The same for an item.
    pub(crate) fn read<T>(
        &mut self,
        item: Item,
        read: impl FnOnce(Item) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let key = Key::of(&item);
        self.pass(key, read(item))
    }

    /// The same for many.
    pub(crate) fn read_all<T>(
        &mut self,
        items: Vec<Item>,
        read: impl Fn(Item) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            all.extend(self.read(item, &read)?);
        }
        Ok(all)
    }

    /// A customer, or nothing: one that cannot be read is put aside.
    ///
    /// # Errors
    /// Failures that are not the customer's.
    pub fn customer(
        &mut self,
        company: Company,
        person: PersonId,
        read: Result<Customer, Failure>,
    ) -> Result<Option<Customer>, Failure> {
        self.pass(Some(keys::customer(company, person)), read)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.reasons.len()
    }

    /// How often one was met.
    pub fn met(&self) -> usize {
        self.met
    }

    /// Whether all could be read.
    pub fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }

    /// The reason of one of them.
    pub fn first(&self) -> Option<&Failure> {
        self.reasons.values().next()
    }
}

impl Store {
    /// Marks and logs what was put aside.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn mark_aside(&self, company: Company, aside: &PutAside, now: Timestamp) -> Result<(), Failure> {
        let marks: Vec<_> = aside.reasons.iter().collect();
        for some in marks.chunks(TOGETHER) {
            let mut transaction = Transaction::default();
            for (key, failure) in some {
                tracing::warn!(pk = key.pk, sk = key.sk, cause = %failure, "an item was put aside");
                let key = keys::aside(company, key);
                transaction.update(&self.table, &key, mark(failure, now), Failure::Busy);
            }
            self.commit(company, transaction).await.map_err(Cancelled::into_failure)?;
        }
        Ok(())
    }
}

fn mark(failure: &Failure, now: Timestamp) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
    const EXPRESSION: &str = "SET #type = :type, #layout = :layout, #reason = :reason, last_ms = :now, \
        first_ms = if_not_exists(first_ms, :now), #expires = :expires ADD times :one";
    let names = [("#type", TYPE), ("#layout", LAYOUT), ("#reason", "reason"), ("#expires", EXPIRES_AT)];
    let names = names.map(|(name, of)| (name.to_owned(), of.to_owned()));
    Update::builder()
        .update_expression(EXPRESSION)
        .set_expression_attribute_names(Some(names.into()))
        .expression_attribute_values(":type", text(ASIDE.name))
        .expression_attribute_values(":layout", number(ASIDE.layout))
        .expression_attribute_values(
            ":reason",
            text(failure.to_string().chars().take(REASON_CHARS_MAX).collect::<String>()),
        )
        .expression_attribute_values(":now", number(now.millis()))
        .expression_attribute_values(":expires", number(now.plus_millis(KEPT_MS).seconds()))
        .expression_attribute_values(":one", number(1))
}
