//! Planned follow-ups: each stands in the list of its member and in that of the company, by time.

use std::collections::{BTreeMap, BTreeSet};

use domain::company::Company;
use domain::crm::follow_up::NextFollowUp;
use domain::crm::profile::ProfileField;
use domain::crm::record::{KnownCustomer, Records};
use domain::crm::timeline::TimelineEntry;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{MemberId, PersonId};
use domain::kernel::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::crm::record::{put_record, record_of};
use crate::crm::timeline::add_timeline_entry;
use crate::table::batch_get::{KEYS_MAX, ReadMode};
use crate::table::kinds::FOLLOW_UP_PLAN;
use crate::table::read::{FILTER_READ_MAX, Order};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// A follow-up that a member has planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpPlan {
    /// The identity of the customer.
    pub person: PersonId,
    /// The member who will follow up.
    pub by: MemberId,
    /// When.
    #[serde(rename = "at_ms", with = "domain::kernel::timestamp::as_millis")]
    pub at: Timestamp,
}

impl Store {
    /// Replaces the plans of a customer: `changed` are the records in which that shows.
    ///
    /// # Errors
    /// [`Failure::Busy`] when one of the records has changed since it was read.
    pub async fn plan_follow_up(
        &self,
        company: Company,
        read: &KnownCustomer,
        changed: &Records,
        (person, entry): (PersonId, &TimelineEntry),
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.add_plans(&mut transaction, company, read, changed)?;
        self.add_list_row(&mut transaction, company, read, changed, Day::of(entry.at))?;
        add_timeline_entry(&mut transaction, &self.table, company, person, entry)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Adds changed records to a transaction, and to the lists what they plan.
    pub(crate) fn add_plans(
        &self,
        transaction: &mut Transaction,
        company: Company,
        read: &KnownCustomer,
        changed: &Records,
    ) -> Result<(), Failure> {
        for (person, record) in changed {
            put_record(transaction, &self.table, company, *person, record)?;
            let before = read.records.get(person).and_then(|record| record.next_follow_up);
            let after = record.next_follow_up;
            // A transaction names a key once: a plan of the same moment has the same place in the company's list.
            let kept = after.map(|plan| places(company, *person, plan));
            for key in before.into_iter().flat_map(|plan| places(company, *person, plan)) {
                if !kept.as_ref().is_some_and(|kept| kept.contains(&key)) {
                    transaction.remove(&self.table, &key);
                }
            }
            if let Some(NextFollowUp { at, by, .. }) = after.filter(|after| before.map(what) != Some(what(*after))) {
                let plan = FollowUpPlan { person: *person, by, at };
                for key in kept.iter().flatten() {
                    transaction.replace(&self.table, FOLLOW_UP_PLAN.encode(key, &plan)?);
                }
            }
        }
        Ok(())
    }

    /// The planned follow-ups of a member, or of all, the first due first: as many as one call looks
    /// through, and whether there are more.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn follow_up_plans(
        &self,
        company: Company,
        member: Option<MemberId>,
    ) -> Result<(Vec<FollowUpPlan>, bool), Failure> {
        let partition = keys::follow_up_plans(company, member);
        let page = self.query(&partition, None, FILTER_READ_MAX, Order::OldestFirst).await?;
        let plans = page.items.into_iter().map(|item| FOLLOW_UP_PLAN.decode(item)).collect::<Result<_, _>>()?;
        Ok((plans, page.next.is_some()))
    }

    /// What is kept of these identities, but for records that cannot be read.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn customer_records(&self, company: Company, persons: &[PersonId]) -> Result<Records, Failure> {
        let persons: BTreeSet<_> = persons.iter().collect();
        let wanted: Vec<_> = persons.iter().map(|person| keys::customer_record(company, **person)).collect();
        let mut records = Records::new();
        for some in wanted.chunks(KEYS_MAX) {
            let items = self.batch_get(company, some, ReadMode::Eventual).await?;
            records.extend(items.into_iter().filter_map(|item| record_of(item).ok()));
        }
        Ok(records)
    }

    /// The names that members have given to these customers. A record that cannot be read has none.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn customer_names(
        &self,
        company: Company,
        persons: &[PersonId],
    ) -> Result<BTreeMap<PersonId, String>, Failure> {
        let mut names = BTreeMap::new();
        for (person, record) in self.customer_records(company, persons).await? {
            let name = record.profile.text(ProfileField::Name).to_owned();
            names.extend((!name.is_empty()).then_some((person, name)));
        }
        Ok(names)
    }
}

/// What the lists know of a plan: one that is made again stays where it is.
fn what(plan: NextFollowUp) -> (Timestamp, MemberId) {
    (plan.at, plan.by)
}

/// Where a plan stands: in the list of its member, and in the company's.
fn places(company: Company, person: PersonId, NextFollowUp { at, by, .. }: NextFollowUp) -> [keys::Key; 2] {
    [Some(by), None].map(|list| keys::follow_up_plan(company, list, at.millis(), person))
}
