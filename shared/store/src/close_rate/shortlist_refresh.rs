//! Marks that a person's rank in the shortlists, and their row in the list of customers, must be
//! refreshed: a change of what these depend on leaves a mark in the same transaction, and housekeeping removes it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::counter::Scope;

use crate::close_rate::shortlist::put_shortlist;
use crate::keys::{DueList, Key};
use crate::table::aside::PutAside;
use crate::table::due::{Due, WAITS};
use crate::table::item::{Item, LAYOUT, TYPE, number, text};
use crate::table::kinds::SHORTLIST_REFRESH;
use crate::table::sweep::{Sweep, SweepLimits};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// How often a person was marked on a card since their rank was last refreshed.
const MARKS: &str = "marks";
/// Marks removed together: with a list for each and the company's they fit into one transaction.
const TOGETHER: usize = 45;

/// A mark as it was read.
#[derive(Debug, Clone)]
struct Mark {
    key: Key,
    person: PersonId,
    card: CardId,
    marks: AttributeValue,
}

impl Mark {
    fn read(Due { key, item, .. }: Due) -> Result<Self, Failure> {
        SHORTLIST_REFRESH.check(&item)?;
        let (person, card) = keys::shortlist_refresh_of(&key).ok_or_else(|| SHORTLIST_REFRESH.corrupt("key"))?;
        let marks = item.get(MARKS).cloned().ok_or_else(|| SHORTLIST_REFRESH.corrupt(MARKS))?;
        Ok(Self { key, person, card, marks })
    }
}

impl Store {
    /// Refreshes the ranks of marked persons, of all companies. What others write at the same time
    /// is left to the next run.
    pub async fn sweep_shortlist_refreshes(&self, limits: &SweepLimits) -> Sweep {
        let today = Day::of(limits.clock.now());
        let place = |company, marks: Vec<Mark>| async move { self.place(company, &marks, today).await };
        self.sweep_groups(DueList::ShortlistRefreshes, limits, TOGETHER, Mark::read, place).await
    }

    /// Removes marks in the transaction that writes what they ask for. The marks were read first:
    /// a person who is marked anew after that keeps the new mark.
    async fn place(&self, company: Company, marks: &[Mark], today: Day) -> Result<(), Failure> {
        let mut people = BTreeMap::<Scope, BTreeSet<PersonId>>::new();
        for mark in marks {
            for scope in [Scope::Card(mark.card), Scope::Company] {
                people.entry(scope).or_default().insert(mark.person);
            }
        }
        let mut transaction = Transaction::default();
        let mut aside = PutAside::default();
        for (scope, list) in self.shortlists_after(company, &people, today, &mut aside).await? {
            put_shortlist(&mut transaction, &self.table, company, scope, &list)?;
        }
        let persons = marks.iter().map(|mark| mark.person).collect();
        self.refresh_list(company, &persons, today, &mut aside).await?;
        if let Some(failure) = aside.first() {
            // A mark stays until its person and lists can be read: it is postponed like all that fails.
            return Err(failure.clone());
        }
        for Mark { key, marks, .. } in marks {
            let read = Item::from([(":read".to_owned(), marks.clone())]);
            transaction.delete(&self.table, key, "marks = :read", read, Failure::Busy);
        }
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}

/// Adds to a transaction the mark that a person's rank in the lists of this card and the company
/// must be refreshed, from `now` on. At most once for a person and card in a transaction.
///
/// # Errors
/// [`Failure::Corrupt`] when it cannot be encoded.
pub(crate) fn mark_shortlist_refresh(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    person: PersonId,
    card: CardId,
    now: Timestamp,
) -> Result<(), Failure> {
    let key = keys::shortlist_refresh(company, person, card);
    let update = Update::builder()
        .update_expression(format!("SET #type = :type, #layout = :layout, {WAITS} ADD #marks :one"))
        .expression_attribute_names("#type", TYPE)
        .expression_attribute_names("#layout", LAYOUT)
        .expression_attribute_names("#marks", MARKS)
        .expression_attribute_values(":type", text(SHORTLIST_REFRESH.name))
        .expression_attribute_values(":layout", number(SHORTLIST_REFRESH.layout))
        .expression_attribute_values(":one", number(1));
    let update = DueList::ShortlistRefreshes.set(update, company, &key, now);
    transaction.update(table, &key, update, Failure::Busy);
    Ok(())
}
