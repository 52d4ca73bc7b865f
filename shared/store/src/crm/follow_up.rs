//! Follow-ups: entries of the timeline of the identity they were recorded under.

use domain::company::Company;
use domain::company::department::DepartmentPath;
use domain::crm::follow_up::FollowUp;
use domain::crm::record::{CustomerRecord, KnownCustomer, Records};
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{FollowUpId, Id, MemberId, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Member;
use domain::radar::counter::CounterDeltas;
use serde::{Deserialize, Serialize};

use crate::company::department::{take, tree_of};
use crate::crm::record::put_record;
use crate::keys::Key;
use crate::radar::counter::add_counts;
use crate::table::batch_get::{ReadMode, RecordRead};
use crate::table::idempotency::replayed;
use crate::table::kinds::{FOLLOW_UP, MEMBER};
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Store, keys};

/// The result of a request that records a follow-up.
#[derive(Debug, Serialize, Deserialize)]
struct FollowUpMade {
    id: FollowUpId,
}

impl Store {
    /// A customer as of the last write, the departments of a member, and the result of the same
    /// request, if it came before. One call, and one more if the person is in a group.
    ///
    /// # Errors
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn customer_to_follow_up(
        &self,
        company: Company,
        (person, member): (PersonId, MemberId),
        request: &Idempotency,
        now: Timestamp,
    ) -> Result<(KnownCustomer, DepartmentPath, Option<FollowUpId>), Failure> {
        let member = keys::member(company, member);
        let (tree, first) = (keys::departments(company), keys::idempotency(company, &request.key));
        let beside = [member.clone(), tree.clone(), first.clone()];
        let (known, mut items) = self.known_customer_beside(company, person, RecordRead::ToChange, &beside).await?;
        let member = take(&mut items, &member).map(|item| MEMBER.decode::<Member>(item)).transpose()?;
        let departments = tree_of(take(&mut items, &tree))?.path_of(member.and_then(|member| member.department));
        let before = take(&mut items, &first).map(|first| replayed::<FollowUpMade>(first, request, now)).transpose()?;
        Ok((known, departments, before.flatten().map(|made| made.id)))
    }

    /// Stores a follow-up with the records that change by it and its counters, once per request.
    /// Returns the follow-up that the first such request stored: its id, since what is remembered of a
    /// request must hold no text about a person.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the record has changed since it was read, [`Failure::KeyReused`] when
    /// the request's key stands for another request.
    pub async fn create_follow_up(
        &self,
        (company, read): (Company, &KnownCustomer),
        (person, changed): (PersonId, &Records),
        new: &FollowUp,
        request: &Idempotency,
    ) -> Result<FollowUpId, Failure> {
        let (key, made) = (keys::idempotency(company, &request.key), FollowUpMade { id: new.id });
        let deltas = new.place.counts_once(new.at);
        let made = self.create_once(company, &key, request, new.at, made, |transaction| {
            self.add_plans(transaction, company, read, changed)?;
            self.add_list_row(transaction, company, read, changed, Day::of(new.at))?;
            put_follow_up(transaction, &self.table, company, person, new)?;
            for (scope, period, counts) in deltas.changes() {
                add_counts(transaction, &self.table, company, scope, period, &counts);
            }
            Ok(())
        });
        Ok(made.await?.id)
    }

    /// A customer as of the last write, and the follow-up of one of their identities with that
    /// identity; the identities are known after one call, and the follow-up is in a second one.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when none of them has it.
    pub async fn follow_up(
        &self,
        company: Company,
        persons: &[PersonId],
        id: FollowUpId,
    ) -> Result<(PersonId, FollowUp), Failure> {
        let wanted: Vec<_> = persons.iter().map(|person| keys::timeline_entry(company, *person, id.uuid())).collect();
        let found = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let item = found.into_iter().find(|item| FOLLOW_UP.is_of(item)).ok_or(Failure::NotFound)?;
        let place = wanted.iter().position(|key| Key::of(&item).as_ref() == Some(key));
        let person = place.and_then(|place| persons.get(place)).ok_or_else(|| FOLLOW_UP.corrupt("key"))?;
        Ok((*person, FOLLOW_UP.decode(item)?))
    }

    /// Stores a follow-up that was edited or deleted. What was deleted counts no more: then its record
    /// is given, too, with the customer as they were read.
    ///
    /// # Errors
    /// [`Failure::Busy`] when follow-up or record have changed since they were read.
    pub async fn change_follow_up(
        &self,
        company: Company,
        person: PersonId,
        after: &FollowUp,
        record: Option<(&KnownCustomer, &CustomerRecord)>,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        put_follow_up(&mut transaction, &self.table, company, person, after)?;
        if let Some((read, record)) = record {
            let changed = Records::from([(person, record.clone())]);
            let today = Day::of(after.deleted.map_or(after.at, |deleted| deleted.at));
            self.add_list_row(&mut transaction, company, read, &changed, today)?;
            put_record(&mut transaction, &self.table, company, person, record)?;
            let mut deltas = CounterDeltas::default();
            deltas.subtract_all(&after.place.counts_once(after.at));
            for (scope, period, counts) in deltas.changes() {
                add_counts(&mut transaction, &self.table, company, scope, period, &counts);
            }
        }
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}

/// Adds a follow-up to a transaction, on condition that the stored one is still the one that was read.
fn put_follow_up(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    person: PersonId,
    follow_up: &FollowUp,
) -> Result<(), Failure> {
    let next = FollowUp { version: follow_up.version + 1, ..follow_up.clone() };
    let item = FOLLOW_UP.encode(&keys::timeline_entry(company, person, next.id.uuid()), &next)?;
    let (condition, values) = at_version(follow_up.version);
    transaction.put(table, item, condition, values, Failure::Busy);
    Ok(())
}
