//! Counters by scope and period.

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
    let mut update = Update::builder()
        .expression_attribute_names("#type", TYPE)
        .expression_attribute_names("#layout", LAYOUT)
        .expression_attribute_values(":type", text(COUNTERS.name))
        .expression_attribute_values(":layout", number(COUNTERS.layout));
    let mut additions = Vec::with_capacity(counts.len());
    for (position, (counter, by)) in counts.iter().enumerate() {
        update = update
            .expression_attribute_names(format!("#c{position}"), counter.code())
            .expression_attribute_values(format!(":c{position}"), number(by));
        additions.push(format!("#c{position} :c{position}"));
    }
    let expression = format!("SET #type = :type, #layout = :layout ADD {}", additions.join(", "));
    transaction.update(
        table,
        &keys::counter(company, scope, period),
        update.update_expression(expression),
        Failure::Busy,
    );
}
