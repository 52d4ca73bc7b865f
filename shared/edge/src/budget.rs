//! Budgets in the memory of a process.
//!
//! A process knows its own requests only: with `n` processes at work, `n` times the capacity can
//! pass. A process forgets a bucket after [`GENERATION_MAX`] others were used, or when it ends; the
//! bucket is full then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::{Bucket, BudgetName, OverBudget};
use domain::kernel::timestamp::Timestamp;

/// Buckets in one of the two generations, each of about 150 bytes.
const GENERATION_MAX: usize = 10_000;

type Buckets = HashMap<(BudgetName, BudgetSubject), Bucket>;

/// The buckets of a process.
#[derive(Debug, Default)]
pub struct MemoryBudgets(Mutex<Generations>);

/// Buckets that were used lately, and those before. When the young are too many, they become the
/// old, and the old are forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: Buckets,
    old: Buckets,
}

impl MemoryBudgets {
    /// Takes tokens from all of the buckets, or from none.
    ///
    /// # Errors
    /// [`OverBudget`] of the first that has too few.
    pub fn spend(&self, spends: &[BudgetSpend], now: Timestamp) -> Result<(), OverBudget> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut after = Vec::with_capacity(spends.len());
        for BudgetSpend { budget, subject, tokens } in spends {
            let key = (*budget, subject.clone());
            let bucket = generations.find(&key).spend(budget.budget(), *tokens, now)?;
            after.push((key, bucket));
        }
        for (key, bucket) in after {
            generations.keep(key, bucket);
        }
        Ok(())
    }

    /// Looks whether the bucket has the tokens, and takes none. Of a budget that is kept in the table,
    /// this process knows what it has [remembered](Self::remember).
    ///
    /// # Errors
    /// [`OverBudget`] if it has too few.
    pub fn look(
        &self,
        BudgetSpend { budget, subject, tokens }: &BudgetSpend,
        now: Timestamp,
    ) -> Result<(), OverBudget> {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.find(&(*budget, subject.clone())).spend(budget.budget(), *tokens, now).map(drop)
    }

    /// Remembers the refusal of a bucket that is kept in the table, until its time is over.
    pub fn remember(&self, refused: &BudgetSpend, over: OverBudget, now: Timestamp) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = Bucket::lacking(over, refused.tokens, now);
        generations.keep((refused.budget, refused.subject.clone()), bucket);
    }
}

impl Generations {
    fn find(&self, key: &(BudgetName, BudgetSubject)) -> Bucket {
        self.young.get(key).or_else(|| self.old.get(key)).copied().unwrap_or_default()
    }

    fn keep(&mut self, key: (BudgetName, BudgetSubject), bucket: Bucket) {
        if self.young.len() >= GENERATION_MAX && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, bucket);
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
