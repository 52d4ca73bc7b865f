//! Follow-ups: entries of the timeline of the identity they were recorded under.

use std::cmp::Reverse;

use domain::company::Company;
use domain::company::department::DepartmentPath;
use domain::crm::follow_up::FollowUp;
use domain::crm::record::{CustomerRecord, KnownCustomer, Records};
use domain::kernel::failure::Failure;
use domain::kernel::id::{FollowUpId, Id, MemberId, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Member;
use domain::radar::counter::CounterDeltas;

use crate::company::department::{take, tree_of};
use crate::crm::record::{RecordRead, put_record};
use crate::keys::Key;
use crate::radar::counter::add_counts;
use crate::table::batch_get::ReadMode;
use crate::table::idempotency::replayed;
use crate::table::item::{Item, number};
use crate::table::kinds::{FOLLOW_UP, MEMBER};
use crate::table::read::{FILTER_READ_MAX, Order};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};

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
    ) -> Result<(KnownCustomer, DepartmentPath, Option<FollowUp>), Failure> {
        let member = keys::member(company, member);
        let (tree, first) = (keys::departments(company), keys::idempotency(company, &request.key));
        let beside = [member.clone(), tree.clone(), first.clone()];
        let (known, mut items) = self.known_customer_beside(company, person, RecordRead::ToChange, &beside).await?;
        let member = take(&mut items, &member).map(|item| MEMBER.decode::<Member>(item)).transpose()?;
        let departments = tree_of(take(&mut items, &tree))?.path_of(member.and_then(|member| member.department));
        let before = take(&mut items, &first).map(|first| replayed(first, request, now)).transpose()?;
        Ok((known, departments, before.flatten()))
    }

    /// Stores a follow-up with the records that change by it and its counters, once per request.
    /// Returns the follow-up that the first such request stored.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the record has changed since it was read, [`Failure::KeyReused`] when
    /// the request's key stands for another request.
    pub async fn create_follow_up(
        &self,
        (company, read): (Company, &KnownCustomer),
        (person, changed): (PersonId, &Records),
        new: FollowUp,
        request: &Idempotency,
    ) -> Result<FollowUp, Failure> {
        let key = keys::idempotency(company, &request.key);
        let item = FOLLOW_UP.encode(&keys::timeline_entry(company, person, new.id.uuid()), &new)?;
        let deltas = new.place.counts_once(new.at);
        self.create_once(company, &key, request, new.at, new, |transaction| {
            self.add_plans(transaction, company, read, changed)?;
            transaction.create(&self.table, item, Failure::Busy);
            for (scope, period, counts) in deltas.changes() {
                add_counts(transaction, &self.table, company, scope, period, &counts);
            }
            Ok(())
        })
        .await
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
    /// is given, too.
    ///
    /// # Errors
    /// [`Failure::Busy`] when follow-up or record have changed since they were read.
    pub async fn change_follow_up(
        &self,
        company: Company,
        person: PersonId,
        (before, after): (&FollowUp, &FollowUp),
        record: Option<&CustomerRecord>,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        let item = FOLLOW_UP.encode(&keys::timeline_entry(company, person, after.id.uuid()), after)?;
        let unchanged = "attribute_not_exists(deleted) AND size(edits) = :edits";
        let first = "attribute_not_exists(deleted) AND attribute_not_exists(edits)";
        let values = Item::from([(":edits".to_owned(), number(before.edits.len()))]);
        let (condition, values) = if before.edits.is_empty() { (first, Item::new()) } else { (unchanged, values) };
        transaction.put(&self.table, item, &format!("attribute_exists(#pk) AND {condition}"), values, Failure::Busy);
        if let Some(record) = record {
            put_record(&mut transaction, &self.table, company, person, record)?;
            let mut deltas = CounterDeltas::default();
            deltas.subtract_all(&after.place.counts_once(after.at));
            for (scope, period, counts) in deltas.changes() {
                add_counts(&mut transaction, &self.table, company, scope, period, &counts);
            }
        }
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The follow-ups of a person that are not deleted, the latest first; `persons` are their identities with follow-ups.
    /// One call for each, which looks through a bounded part of the timeline: a page may be short and
    /// not the last.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn list_follow_ups(
        &self,
        company: Company,
        persons: &[PersonId],
        after: Option<FollowUpId>,
        limit: u32,
    ) -> Result<Page<FollowUp, FollowUpId>, Failure> {
        let (mut items, mut read_to) = (Vec::new(), None);
        for person in persons {
            let start = after.map(|after| keys::timeline_entry(company, *person, after.uuid()));
            let page =
                self.query(&keys::timeline(company, *person), start, FILTER_READ_MAX, Order::NewestFirst).await?;
            let last = page.next.as_ref().and_then(keys::timeline_entry_of).map(FollowUpId::from_uuid);
            read_to = read_to.max(last);
            let found = page.items.into_iter().filter(|item| FOLLOW_UP.is_of(item));
            items.extend(found.map(|item| FOLLOW_UP.decode(item)).collect::<Result<Vec<FollowUp>, _>>()?);
        }
        items.retain(|follow_up| follow_up.deleted.is_none());
        // What one identity was not read as far as stands on the next page.
        items.retain(|follow_up| read_to.is_none_or(|end| follow_up.id >= end));
        items.sort_by_key(|follow_up| Reverse(follow_up.id));
        let next = if items.len() > limit as usize { Some(items[limit as usize - 1].id) } else { read_to };
        items.truncate(limit as usize);
        Ok(Page { items, next })
    }
}
