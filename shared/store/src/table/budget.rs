//! Budgets in the table: exact, however many spend at the same moment.
//!
//! A bucket is full or it is filling, and DynamoDB has no maximum of two numbers: a spend is written
//! for one of the two, under the condition that it is so. A refused condition returns the bucket,
//! and with it the answer: too few tokens, or the other case. A full bucket, which is the usual one,
//! costs one write; one that fills costs two.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, Update};
use domain::company::Company;
use domain::company::budget_spend::BudgetSpend;
use domain::kernel::budget::{Bucket, BudgetRate, RATES_MAX, micros};
use domain::kernel::failure::Failure;
use domain::kernel::timestamp::Timestamp;

use crate::table::error::failure;
use crate::table::item::{EXPIRES_AT, Item, LAYOUT, TYPE, number, text};
use crate::table::kinds::BUDGET;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// Writes of one spend at most: each of the rates may begin to fill while it is tried.
const WRITES_MAX: usize = RATES_MAX + 2;
/// Seconds for which a full bucket is kept.
const KEPT_S: i64 = 3_600;
const MICROS_PER_SECOND: i64 = 1_000_000;
/// The attributes of the rates.
const FULL_AT: [&str; RATES_MAX] = ["full_at_0", "full_at_1", "full_at_2"];

impl Store {
    /// Takes tokens from a budget before an action. The SDK repeats a write whose answer is lost, so
    /// tokens may be taken twice; never are more given than there are.
    ///
    /// # Errors
    /// [`Failure::OverBudget`].
    pub async fn spend(&self, spend: &BudgetSpend, now: Timestamp) -> Result<(), Failure> {
        let key = keys::budget(spend.budget, &spend.subject);
        let mut seen = Bucket::default();
        for _ in 0..WRITES_MAX {
            let update = update(spend, seen, now)?.table_name(&self.table).set_key(Some(key.attributes()));
            let update = update.build().map_err(|error| BUDGET.corrupt(error))?;
            let request = self
                .client
                .update_item()
                .table_name(update.table_name)
                .set_key(Some(update.key))
                .update_expression(update.update_expression)
                .set_condition_expression(update.condition_expression)
                .set_expression_attribute_names(update.expression_attribute_names)
                .set_expression_attribute_values(update.expression_attribute_values)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            let Err(error) = request.send().await else { return Ok(()) };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => seen = stored(refused.item()),
                _ => return Err(failure(error)),
            }
        }
        Err(Failure::Busy)
    }

    /// Gives tokens back that were taken for what then did not happen. As many come back as were
    /// taken, though some may have flowed back meanwhile.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like; the tokens then flow back by themselves.
    pub async fn give_back(&self, spend: &BudgetSpend) -> Result<(), Failure> {
        let rates = spend.budget.budget().rates;
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::budget(spend.budget, &spend.subject).attributes()))
            .condition_expression("attribute_exists(#pk)")
            .expression_attribute_names("#pk", keys::PK);
        let mut sets = Vec::with_capacity(rates.len());
        for (name, (nth, rate)) in FULL_AT.iter().zip(rates.iter().enumerate()) {
            sets.push(format!("{name} = {name} - :cost{nth}"));
            update = update.expression_attribute_values(format!(":cost{nth}"), number(rate.cost_us(spend.tokens)));
        }
        match update.update_expression(format!("SET {}", sets.join(", "))).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // The table has forgotten the bucket: it was full.
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(failure(error)),
            },
        }
    }

    /// Commits a transaction and takes tokens from budgets in it. A refused condition of the
    /// transaction itself says more than a budget, and is what the caller gets.
    pub(crate) async fn commit_within(
        &self,
        company: Company,
        transaction: Transaction,
        spends: &[BudgetSpend],
        now: Timestamp,
    ) -> Result<(), Cancelled> {
        if spends.is_empty() {
            return self.commit(company, transaction).await;
        }
        let own = transaction.len();
        let mut seen = vec![Bucket::default(); spends.len()];
        for _ in 0..WRITES_MAX {
            let mut whole = transaction.clone();
            for (spend, seen) in spends.iter().zip(&seen) {
                let update = update(spend, *seen, now).map_err(Cancelled::Store)?;
                whole.update(&self.table, &keys::budget(spend.budget, &spend.subject), update, Failure::Busy);
            }
            let mut refused = match self.commit(company, whole).await {
                Err(Cancelled::Conditions(refused)) => refused,
                done => return done,
            };
            if refused.iter().any(|refused| refused.position < own) {
                refused.retain(|refused| refused.position < own);
                return Err(Cancelled::Conditions(refused));
            }
            for refused in refused {
                seen[refused.position - own] = stored(refused.item.as_ref());
            }
        }
        Err(Cancelled::Store(Failure::Busy))
    }
}

/// The write that takes the tokens from a bucket that was last seen like this.
fn update(spend: &BudgetSpend, seen: Bucket, now: Timestamp) -> Result<UpdateBuilder, Failure> {
    let budget = spend.budget.budget();
    seen.spend(budget, spend.tokens, now)?;
    let now_us = micros(now);
    let longest_us = budget.rates.iter().map(BudgetRate::full_after_us).max().unwrap_or_default();
    let mut update = Update::builder()
        .expression_attribute_names("#type", TYPE)
        .expression_attribute_names("#layout", LAYOUT)
        .expression_attribute_names("#expires", EXPIRES_AT)
        .expression_attribute_values(":type", text(BUDGET.name))
        .expression_attribute_values(":layout", number(BUDGET.layout))
        .expression_attribute_values(":expires", number((now_us + longest_us) / MICROS_PER_SECOND + KEPT_S))
        .expression_attribute_values(":now", number(now_us));
    let mut sets = vec!["#type = :type, #layout = :layout, #expires = :expires".to_owned()];
    let mut conditions = Vec::new();
    for (nth, rate) in budget.rates.iter().enumerate() {
        let (name, cost_us) = (FULL_AT[nth], rate.cost_us(spend.tokens));
        if seen.0[nth] <= now_us {
            sets.push(format!("{name} = :after{nth}"));
            conditions.push(format!("(attribute_not_exists({name}) OR {name} <= :now)"));
            update = update.expression_attribute_values(format!(":after{nth}"), number(now_us + cost_us));
        } else {
            sets.push(format!("{name} = {name} + :cost{nth}"));
            conditions.push(format!("{name} > :now AND {name} <= :last{nth}"));
            update = update
                .expression_attribute_values(format!(":cost{nth}"), number(cost_us))
                .expression_attribute_values(format!(":last{nth}"), number(now_us + rate.full_after_us() - cost_us));
        }
    }
    Ok(update.update_expression(format!("SET {}", sets.join(", "))).condition_expression(conditions.join(" AND ")))
}

/// The bucket in an item.
fn stored(item: Option<&Item>) -> Bucket {
    let full_at = |name: &str| item?.get(name)?.as_n().ok()?.parse().ok();
    Bucket(FULL_AT.map(|name| full_at(name).unwrap_or_default()))
}
