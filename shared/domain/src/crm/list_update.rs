//! The row that a customer has in the company's list, and what a change of them writes there.

use std::collections::BTreeMap;

use crate::close_rate::model::Model;
use crate::crm::addition::CustomerSource;
use crate::crm::list_kind::{CustomerListKind, KindCounts};
use crate::crm::listed::{Listed, ListedRow, RowSources};
use crate::crm::profile::ProfileField;
use crate::crm::record::KnownCustomer;
use crate::crm::row::{CustomerRow, RowCard, RowPlan};
use crate::kernel::day::Day;
use crate::kernel::id::PersonId;
use crate::radar::counter::Scope;

impl CustomerRow {
    /// The row of a person; none of somebody who is no customer of the company. Ranks are by this model,
    /// and do not depend on the day, as long as it is not before the last event.
    pub fn of(known: &KnownCustomer, model: &Model, today: Day) -> Option<Self> {
        let merged = known.merged();
        let person = known.first()?;
        if !merged.state.is_customer_in(Scope::Company) {
            return None;
        }
        let (profile, expectation) = (known.profile(), known.expectation());
        let is_customer = |scope| merged.state.is_customer_in(scope);
        let cards = merged.state.cards.keys().filter(|card| is_customer(Scope::Card(**card)));
        let rank = |scope| merged.rank_key(scope, model, today);
        let tags = known.records.values().flat_map(|record| record.tags.keys());
        let mut tags: Vec<_> = tags.copied().collect();
        tags.sort_unstable();
        tags.dedup();
        let collaborators = known.collaborators().into_iter().map(|(member, mark)| (member, mark.access));
        // Whoever has visited too has come both ways: the first identity tells how they came.
        let addition = known.records.get(&person).and_then(|record| record.addition.as_ref());
        Some(Self {
            person,
            cards: cards.map(|card| RowCard { card: *card, rank: rank(Scope::Card(*card)) }).collect(),
            departments: merged
                .state
                .departments
                .keys()
                .filter(|id| is_customer(Scope::Department(**id)))
                .copied()
                .collect(),
            rank: rank(Scope::Company),
            deals: merged.opportunity.deals_in(Scope::Company).len(),
            name: profile.text(ProfileField::Name).to_owned(),
            company: profile.text(ProfileField::Company).to_owned(),
            mobile: profile.text(ProfileField::Mobile).to_owned(),
            source: addition.map_or(CustomerSource::Visit, |addition| addition.source),
            owner: known.owner(),
            former_owner: known.former_owner(),
            collaborators: collaborators.collect(),
            tags,
            expected_on: expectation.day.and_then(|set| set.value),
            amount: expectation.amount.and_then(|set| set.value),
            last_visit: merged.state.last_visit(),
            last_follow_up: known.last_follow_up(),
            next_follow_up: known.next_follow_up().map(|plan| RowPlan { at: plan.at, by: plan.by }),
        })
    }
}

/// What is written to the list. Each row must still be the one that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListUpdate {
    /// Rows to write, with the versions that were read.
    pub puts: Vec<(PersonId, ListedRow)>,
    /// Rows to delete.
    pub removed: Vec<(PersonId, u64)>,
    /// Rows that stay, and must.
    pub kept: Vec<(PersonId, u64)>,
    /// Whether copies of the rows are left, too.
    pub has_blocks: bool,
    /// What changes in the number of customers of each kind.
    pub counts: BTreeMap<CustomerListKind, i64>,
}

/// The versions of what is known of a person.
pub fn sources(known: &KnownCustomer) -> RowSources {
    let mut sources = RowSources::new();
    for (person, customer) in &known.identities {
        sources.entry(*person).or_default().0 = customer.version;
    }
    for (person, record) in &known.records {
        sources.entry(*person).or_default().1 = record.version;
    }
    sources
}

impl Listed {
    /// Whether a row was made of something later than what is known: then it must be read again.
    pub fn is_ahead_of(&self, known: &KnownCustomer) -> bool {
        let read = sources(known);
        let is_later = |(person, (customer, record)): (&PersonId, &(u64, u64))| {
            read.get(person).is_some_and(|(known, kept)| customer > known || record > kept)
        };
        self.rows.values().any(|listed| listed.sources.iter().any(is_later))
    }

    /// What the list needs so that it has the person as they are known by then.
    pub fn update(&self, after: &KnownCustomer, today: Day) -> ListUpdate {
        let (first, row) = (after.first(), CustomerRow::of(after, &self.model, today));
        let mut update = ListUpdate { has_blocks: self.has_blocks, ..ListUpdate::default() };
        let mut is_listed = false;
        for (person, before) in self.rows.iter().filter(|(_, before)| before.version > 0) {
            let is_first = Some(*person) == first;
            if is_first && row.is_some() && before.row == row {
                is_listed = true;
                // What others change at the same moment of another identity may change the row with this.
                update.kept.extend((sources(after).len() > 1).then_some((*person, before.version)));
                continue;
            }
            before.row.iter().for_each(|listed| update.count(listed, -1));
            update.removed.extend((!is_first || row.is_none()).then_some((*person, before.version)));
        }
        if let (Some(row), Some(first), false) = (row, first, is_listed) {
            update.count(&row, 1);
            let version = self.rows.get(&first).map_or(0, |before| before.version);
            update.puts.push((first, ListedRow { version, sources: sources(after), row: Some(row) }));
        }
        update.counts.retain(|_, by| *by != 0);
        update
    }
}

impl ListUpdate {
    fn count(&mut self, row: &CustomerRow, by: i64) {
        for kind in KindCounts::kinds_of(row) {
            *self.counts.entry(kind).or_default() += by;
        }
    }

    /// Whether the list stays as it is.
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.removed.is_empty() && self.kept.is_empty()
    }
}

#[cfg(test)]
#[path = "list_update_tests.rs"]
mod tests;
