//! Counters by scope and period.

use std::collections::HashMap;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::Update;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::timestamp::Timestamp;
use domain::radar::counter::{Audience, Counter, Counts, Period, Scope};
use domain::radar::metrics::ScopeCounts;

use crate::table::aside::PutAside;
use crate::table::item::{Item, LAYOUT, TYPE, number, text};
use crate::table::kinds::COUNTERS;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};
use domain::kernel::failure::Failure;

/// Raised by one with every addition, so that a recount knows what has changed while it
/// read the log; no counter's name.
const REVISION: &str = "rev";
/// When the scope was recounted last, in Unix milliseconds; beside the lifetime counters.
const CHECKED: &str = "checked_ms";

/// The longest gap that this recount knew, in days; beside it.
const CHECKED_GAPS: &str = "checked_gaps";

/// The counters of a scope and period as they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// The counters.
    pub counts: Counts,
    /// How often they were added to; 0 before the first time.
    pub revision: u64,
}

impl Store {
    /// A scope's lifetime counters and those of its days from `from` on.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when an item cannot be read.
    pub async fn counters(&self, company: Company, scope: Scope, from: Day) -> Result<ScopeCounts, Failure> {
        self.counters_in(company, scope, keys::counters_from(from)).await
    }

    /// A scope's counters of the days from `from` to `to`.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when an item cannot be read.
    pub async fn counters_of_days(
        &self,
        company: Company,
        scope: Scope,
        (from, to): (Day, Day),
    ) -> Result<ScopeCounts, Failure> {
        self.counters_in(company, scope, keys::days(from, to)).await
    }

    async fn counters_in(
        &self,
        company: Company,
        scope: Scope,
        between: (String, String),
    ) -> Result<ScopeCounts, Failure> {
        let (mut counts, mut former) = (ScopeCounts::default(), Vec::new());
        for item in self.range(&keys::counters(company, scope), between).await? {
            match keys::Key::of(&item).and_then(|key| keys::period_of(&key)) {
                Some(Period::Lifetime) => {
                    counts.lifetime = counts_of(&item)?;
                    counts.checked_at = whole(&item, CHECKED)?.map(Timestamp::from_millis);
                    let gaps = whole(&item, CHECKED_GAPS)?.unwrap_or_default();
                    counts.has_long_gaps = Audience::Visitors.gap_max() <= gaps;
                }
                Some(Period::Day(day)) => {
                    counts.days.insert(day, counts_of(&item)?);
                    former.extend(former_gaps(&item, day)?);
                }
                None => return Err(COUNTERS.corrupt("key")),
            }
        }
        for (day, gap, by) in former {
            *counts.days.entry(day).or_default().entry(gap).or_default() += by;
        }
        Ok(counts)
    }

    /// All counters of a scope, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when an item cannot be read.
    pub async fn latest_counters(&self, company: Company, scope: Scope) -> Result<BTreeMap<Period, Counted>, Failure> {
        let (mut counters, mut former) = (BTreeMap::<_, Counted>::new(), Vec::new());
        for item in self.all_latest(&keys::counters(company, scope)).await? {
            let period = keys::Key::of(&item).and_then(|key| keys::period_of(&key));
            let period = period.ok_or_else(|| COUNTERS.corrupt("key"))?;
            let revision = whole(&item, REVISION)?.unwrap_or_default();
            if let Period::Day(day) = period {
                former.extend(former_gaps(&item, day)?);
            }
            counters.insert(period, Counted { counts: counts_of(&item)?, revision });
        }
        for (day, gap, by) in former {
            *counters.entry(Period::Day(day)).or_default().counts.entry(gap).or_default() += by;
        }
        Ok(counters)
    }

    /// The same, or nothing when they are put aside.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn readable_counters(
        &self,
        company: Company,
        scope: Scope,
        aside: &mut PutAside,
    ) -> Result<Option<BTreeMap<Period, Counted>>, Failure> {
        let key = keys::counter(company, scope, Period::Lifetime);
        aside.pass(Some(key), self.latest_counters(company, scope).await)
    }

    /// Notes when the counters of a scope were recounted, beside its lifetime counters.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn note_checked(&self, company: Company, scope: Scope, at: Timestamp) -> Result<(), Failure> {
        let update = Update::builder()
            .update_expression("SET #type = :type, #layout = :layout, #checked = :checked, #gaps = :gaps")
            .expression_attribute_names("#type", TYPE)
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_names("#checked", CHECKED)
            .expression_attribute_values(":type", text(COUNTERS.name))
            .expression_attribute_values(":layout", number(COUNTERS.layout))
            .expression_attribute_names("#gaps", CHECKED_GAPS)
            .expression_attribute_values(":gaps", number(Audience::Visitors.gap_max()))
            .expression_attribute_values(":checked", number(at.millis()));
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &keys::counter(company, scope, Period::Lifetime), update, Failure::Busy);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}

/// A whole number of an item, if it is there.
fn whole<T: std::str::FromStr>(item: &Item, name: &str) -> Result<Option<T>, Failure> {
    let Some(value) = item.get(name) else { return Ok(None) };
    let value = value.as_n().ok().and_then(|text| text.parse().ok());
    value.map(Some).ok_or_else(|| COUNTERS.corrupt(name))
}

/// The counters of an item.
pub(crate) fn counts_of(item: &Item) -> Result<Counts, Failure> {
    COUNTERS.check(item)?;
    let mut counts = Counts::new();
    for name in item.keys() {
        let Some(counter) = Counter::from_code(name) else { continue };
        counts.extend(whole(item, name)?.map(|value| (counter, value)));
    }
    Ok(counts)
}

/// The gaps of a day in layout 1, each with the day at which it stands now.
fn former_gaps(item: &Item, day: Day) -> Result<Vec<(Day, Counter, i64)>, Failure> {
    let mut gaps = Vec::new();
    for name in item.keys() {
        let Some((gap, counter)) = Counter::gap_before(name) else { continue };
        gaps.extend(whole(item, name)?.map(|by| (day.plus(i32::from(gap)), counter, by)));
    }
    Ok(gaps)
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
    transaction.update(table, &keys::counter(company, scope, period), addition(counts), Failure::Busy);
}

/// The update that adds to counters; `#rev` stands for their revision.
pub(crate) fn addition(counts: &Counts) -> UpdateBuilder {
    // Codes are no reserved words, and most changes are by the same few numbers: each number
    // has one name for all counters that change by it.
    let mut expression = String::with_capacity(64 + 8 * counts.len());
    expression.push_str("SET #type = :type, #layout = :layout ADD #rev :0");
    let mut sums = vec![(1, ":0".to_owned())];
    for (counter, by) in counts {
        let place = sums.iter().position(|(known, _)| known == by).unwrap_or_else(|| {
            sums.push((*by, format!(":{}", sums.len())));
            sums.len() - 1
        });
        [", ", counter.code(), " ", &sums[place].1].into_iter().for_each(|part| expression.push_str(part));
    }
    let tags = [("#type", TYPE), ("#layout", LAYOUT), ("#rev", REVISION)];
    let names = HashMap::from(tags.map(|(name, of)| (name.to_owned(), of.to_owned())));
    let mut values = HashMap::with_capacity(sums.len() + 2);
    values.extend(sums.into_iter().map(|(sum, name)| (name, number(sum))));
    values.insert(":type".to_owned(), text(COUNTERS.name));
    values.insert(":layout".to_owned(), number(COUNTERS.layout));
    Update::builder()
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(Some(values))
        .update_expression(expression)
}

#[cfg(test)]
mod tests {
    use domain::radar::counter::Counter;

    use super::*;

    #[test]
    fn no_counter_is_called_like_another_attribute() {
        for name in [REVISION, CHECKED, CHECKED_GAPS, TYPE, LAYOUT, keys::PK, keys::SK] {
            assert_eq!(Counter::from_code(name), None, "{name}");
        }
    }
}
