//! Counters by scope and period.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::counter::{Counter, Counts, Period, Scope};
use domain::day::Day;
use domain::metrics::ScopeCounts;

use crate::item::{Item, Kind, LAYOUT, TYPE, number, text};
use crate::transaction::Transaction;
use crate::{Store, keys};
use domain::failure::Failure;

pub(crate) const COUNTERS: Kind = Kind::new("counters", 1);

impl Store {
    /// A scope's lifetime counters and those of its days from `from` on.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when an item cannot be read.
    pub async fn counters(&self, company: Company, scope: Scope, from: Day) -> Result<ScopeCounts, Failure> {
        let mut counts = ScopeCounts::default();
        for item in self.range(&keys::counters(company, scope), keys::counters_from(from)).await? {
            match keys::Key::of(&item).and_then(|key| keys::period_of(&key)) {
                Some(Period::Lifetime) => counts.lifetime = counts_of(&item)?,
                Some(Period::Day(day)) => drop(counts.days.insert(day, counts_of(&item)?)),
                None => return Err(COUNTERS.corrupt("key")),
            }
        }
        Ok(counts)
    }
}

/// The counters of an item.
pub(crate) fn counts_of(item: &Item) -> Result<Counts, Failure> {
    COUNTERS.check(item)?;
    let mut counts = Counts::new();
    for (name, value) in item {
        let Some(counter) = Counter::from_code(name) else { continue };
        let value = value.as_n().ok().and_then(|text| text.parse().ok()).ok_or_else(|| COUNTERS.corrupt(name))?;
        counts.insert(counter, value);
    }
    Ok(counts)
}

/// Adds changes of one scope and period to a transaction.
pub(crate) fn add_counts(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    scope: Scope,
    period: Period,
    counts: &Counts,
) {
    let mut names = HashMap::with_capacity(counts.len() + 2);
    let mut values = HashMap::with_capacity(counts.len() + 2);
    let mut expression = "SET #type = :type, #layout = :layout ADD".to_owned();
    // A counter's code stands for itself behind `#` and `:`; putting the texts together by
    // hand is half of what this takes otherwise.
    for (nth, (counter, by)) in counts.iter().enumerate() {
        let code = counter.code();
        let separator = if nth == 0 { " #" } else { ", #" };
        [separator, &code, " :", &code].into_iter().for_each(|part| expression.push_str(part));
        values.insert([":", &code].concat(), number(by));
        names.insert(["#", &code].concat(), code);
    }
    names.extend([("#type", TYPE), ("#layout", LAYOUT)].map(|(name, of)| (name.to_owned(), of.to_owned())));
    values.insert(":type".to_owned(), text(COUNTERS.name));
    values.insert(":layout".to_owned(), number(COUNTERS.layout));
    let update = Update::builder()
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(Some(values))
        .update_expression(expression);
    transaction.update(table, &keys::counter(company, scope, period), update, Failure::Busy);
}
