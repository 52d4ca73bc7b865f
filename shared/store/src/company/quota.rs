//! Quotas and the holds on them. Every move is an action in its caller's transaction; a hold's
//! amount and the quota's `reserved` move together.

use aws_sdk_dynamodb::types::Update;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::company::quota::{Hold, Move, Quota, QuotaDelta};
use domain::kernel::failure::{Failure, Resource, Thing};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::{DAY_MS, Timestamp};

use crate::company::audit::add_entry;
use crate::keys::DueList;
use crate::table::due::{Due, WAITS_NO_LONGER, no_longer};
use crate::table::item::{Item, expire, number};
use crate::table::kinds::{HOLD, QUOTA};
use crate::table::read::Order;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// How long a hold is kept after its expiry, so that a sweep finds it.
const HOLD_KEPT_MS: i64 = 30 * DAY_MS;
/// Most holds looked at in one sweep.
const SWEPT_MAX: u32 = 1_000;

/// What there is a limited number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaName {
    /// 席位: active members, and invitations that have not expired.
    Seats,
}

impl QuotaName {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Seats => "SEATS",
        }
    }

    fn from_key(key: &str) -> Option<Self> {
        [Self::Seats].into_iter().find(|name| name.key() == key)
    }

    fn exhausted(self) -> Failure {
        match self {
            Self::Seats => Failure::Exhausted(Resource::Seats),
        }
    }
}

/// A quota and its holds, as they add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaAudit {
    /// The quota as stored.
    pub quota: Quota,
    /// What its holds add up to.
    pub held: i64,
}

/// The quota that a transaction moves units of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuotaRef<'a> {
    pub(crate) table: &'a str,
    pub(crate) company: Company,
    pub(crate) name: QuotaName,
}

impl QuotaRef<'_> {
    /// A new quota.
    pub(crate) fn create(self, transaction: &mut Transaction, quota: Quota) -> Result<(), Failure> {
        let item = QUOTA.encode(&keys::quota(self.company, self.name.key()), &quota)?;
        transaction.create(self.table, item, Failure::Exists(Thing::Quota));
        Ok(())
    }

    /// Moves units; fails when there are not enough at their source.
    pub(crate) fn shift(self, transaction: &mut Transaction, step: Move) {
        let QuotaDelta { available, reserved, used } = step.change();
        let mut update = Update::builder()
            .update_expression("SET available = available + :a, reserved = reserved + :r, used = used + :u")
            .expression_attribute_values(":a", number(available))
            .expression_attribute_values(":r", number(reserved))
            .expression_attribute_values(":u", number(used));
        let mut conditions = vec!["attribute_exists(available)".to_owned()];
        for (name, by) in [("available", available), ("reserved", reserved), ("used", used)] {
            if by < 0 {
                conditions.push(format!("{name} >= :need_{name}"));
                update = update.expression_attribute_values(format!(":need_{name}"), number(-by));
            }
        }
        let update = update.condition_expression(conditions.join(" AND "));
        transaction.update(self.table, &keys::quota(self.company, self.name.key()), update, self.name.exhausted());
    }

    /// A new hold. The caller reserves the units: one transaction may act on the quota once, for
    /// all that it holds.
    pub(crate) fn hold(
        self,
        transaction: &mut Transaction,
        held_for: &str,
        amount: i64,
        until: Timestamp,
    ) -> Result<(), Failure> {
        let item = self.hold_item(held_for, amount, until)?;
        transaction.create(self.table, item, Failure::Exists(Thing::Hold));
        Ok(())
    }

    /// Makes a hold that was read as `read` last until another moment with `amount` units, and
    /// reserves the units that it does not hold any more.
    pub(crate) fn renew(
        self,
        transaction: &mut Transaction,
        held_for: &str,
        read: Option<Hold>,
        amount: i64,
        until: Timestamp,
    ) -> Result<(), Failure> {
        let item = self.hold_item(held_for, amount, until)?;
        let still = read.map_or(0, |hold| hold.amount);
        let values = Item::from([(":still".to_owned(), number(still))]);
        let condition = match read {
            Some(_) => "attribute_exists(#pk) AND amount = :still",
            // The table removes an expired hold late.
            None => "attribute_not_exists(#pk) OR amount = :still",
        };
        transaction.put(self.table, item, condition, values, Failure::Busy);
        if amount != still {
            self.shift(transaction, Move::Reserve(amount - still));
        }
        Ok(())
    }

    fn hold_item(self, held_for: &str, amount: i64, until: Timestamp) -> Result<Item, Failure> {
        let key = keys::hold(self.company, self.name.key(), held_for);
        let mut item = HOLD.encode(&key, &Hold { amount, expires_at: until })?;
        DueList::Holds.put(&mut item, self.company, &key, until);
        expire(&mut item, until.plus_millis(HOLD_KEPT_MS));
        Ok(item)
    }

    /// All units of a hold that has not expired become used.
    pub(crate) fn confirm(self, transaction: &mut Transaction, held_for: &str, amount: i64, now: Timestamp) {
        let update = Update::builder()
            .condition_expression("amount = :amount AND expires_ms > :now")
            .expression_attribute_values(":now", number(now.millis()));
        self.end(transaction, held_for, amount, update);
        self.shift(transaction, Move::Confirm(amount));
    }

    /// Some units of a hold that has not expired become used; the others stay held.
    pub(crate) fn confirm_some(self, transaction: &mut Transaction, held_for: &str, amount: i64, now: Timestamp) {
        self.leave(transaction, held_for, amount, now);
        self.shift(transaction, Move::Confirm(amount));
    }

    /// Some units of a hold that has not expired are held for something else from now on.
    pub(crate) fn pass_on(
        self,
        transaction: &mut Transaction,
        (from, to): (&str, &str),
        amount: i64,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), Failure> {
        self.leave(transaction, from, amount, now);
        self.hold(transaction, to, amount, until)
    }

    /// All units of a hold, expired or not, are free again.
    pub(crate) fn release(self, transaction: &mut Transaction, held_for: &str, amount: i64) {
        self.end(transaction, held_for, amount, Update::builder().condition_expression("amount = :amount"));
        if amount > 0 {
            self.shift(transaction, Move::Release(amount));
        }
    }

    /// Takes units out of a hold. An empty hold stays in the expiry index until the sweep finds
    /// it: the result of an update is not known when it is written.
    fn leave(self, transaction: &mut Transaction, held_for: &str, amount: i64, now: Timestamp) {
        let update = Update::builder()
            .update_expression("SET amount = amount - :amount")
            .condition_expression("amount >= :amount AND expires_ms > :now")
            .expression_attribute_values(":amount", number(amount))
            .expression_attribute_values(":now", number(now.millis()));
        transaction.update(self.table, &keys::hold(self.company, self.name.key(), held_for), update, Failure::NotFound);
    }

    /// Ends a hold: nothing is held any more, and nothing waits for its expiry.
    fn end(self, transaction: &mut Transaction, held_for: &str, amount: i64, update: UpdateBuilder) {
        let update = no_longer(update)
            .update_expression(format!("SET amount = :none REMOVE {WAITS_NO_LONGER}"))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":amount", number(amount));
        let key = keys::hold(self.company, self.name.key(), held_for);
        transaction.update(self.table, &key, update, Failure::NotFound);
    }
}

impl Store {
    pub(crate) fn quota_ref(&self, company: Company, name: QuotaName) -> QuotaRef<'_> {
        QuotaRef { table: &self.table, company, name }
    }

    /// A quota.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn quota(&self, company: Company, name: QuotaName) -> Result<Quota, Failure> {
        self.get(company, &keys::quota(company, name.key()), QUOTA).await?.ok_or(Failure::NotFound)
    }

    /// A quota and what its holds add up to.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn audit_quota(&self, company: Company, name: QuotaName) -> Result<QuotaAudit, Failure> {
        let quota = self.quota(company, name).await?;
        let held = self.holds(company, name).await?.iter().map(|(_, hold)| hold.amount).sum();
        Ok(QuotaAudit { quota, held })
    }

    /// Frees the units of a company's holds that have expired, and returns how many. A hold that
    /// another writer confirms or sweeps at the same moment is left to them.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn sweep_quota(&self, company: Company, name: QuotaName, now: Timestamp) -> Result<i64, Failure> {
        let mut freed = 0;
        for (held_for, hold) in self.holds(company, name).await? {
            if hold.amount > 0 && hold.has_expired(now) {
                freed += self.release_hold(company, name, &held_for, hold).await?;
            }
        }
        Ok(freed)
    }

    /// Frees the units of at most `limit` expired holds of all companies, the longest expired
    /// first, and returns how many holds it found.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] and the like, of one hold at least; the others are done.
    pub async fn sweep_expired_holds(&self, now: Timestamp, limit: u32) -> Result<usize, Failure> {
        self.sweep(DueList::Holds, now, limit, |due| self.release_expired(due)).await
    }

    async fn release_expired(&self, Due { company, key, item, .. }: Due) -> Result<(), Failure> {
        let quota = keys::quota_of(&key).ok_or_else(|| HOLD.corrupt("key"))?;
        let name = QuotaName::from_key(quota).ok_or_else(|| HOLD.corrupt("quota"))?;
        let held_for = keys::held_for(&key).ok_or_else(|| HOLD.corrupt("key"))?;
        self.release_hold(company, name, held_for, HOLD.decode(item)?).await.map(drop)
    }

    async fn release_hold(
        &self,
        company: Company,
        name: QuotaName,
        held_for: &str,
        hold: Hold,
    ) -> Result<i64, Failure> {
        let mut transaction = Transaction::default();
        self.quota_ref(company, name).release(&mut transaction, held_for, hold.amount);
        match self.commit(company, transaction).await {
            Ok(()) => Ok(hold.amount),
            Err(Cancelled::Conditions(_)) => Ok(0),
            Err(Cancelled::Store(failure)) => Err(failure),
        }
    }

    async fn holds(&self, company: Company, name: QuotaName) -> Result<Vec<(String, Hold)>, Failure> {
        let partition = keys::quota_partition(company, name.key());
        let page = self.query(&partition, None, SWEPT_MAX, Order::OldestFirst).await?;
        let mut holds = Vec::with_capacity(page.items.len());
        for item in page.items {
            let key = keys::Key::of(&item);
            if let Some(held_for) = key.as_ref().and_then(keys::held_for) {
                holds.push((held_for.to_owned(), HOLD.decode(item)?));
            }
        }
        Ok(holds)
    }

    /// Adds units to a quota, or removes available ones, and returns by how many it changed.
    ///
    /// # Errors
    /// [`Failure::Exhausted`] when fewer are available than are to be removed.
    pub async fn resize_quota(
        &self,
        company: Company,
        name: QuotaName,
        by: i64,
        audit: &AuditEntry,
        request: &Idempotency,
    ) -> Result<i64, Failure> {
        let key = keys::operator_idempotency(&request.key);
        self.create_once(company, &key, request, audit.at, by, |transaction| {
            self.quota_ref(company, name).shift(transaction, Move::Resize(by));
            add_entry(transaction, &self.table, company, audit)
        })
        .await
    }
}
