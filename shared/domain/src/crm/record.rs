//! What the company's people keep of a customer, apart from what the radar counts.
//!
//! Each identity holds what was kept under it; a person has all of it together. Nothing here is
//! written with events, so people and aggregators are not in each other's way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::company::book::CompanyBook;
use crate::crm::addition::{Addition, CustomerSource};
use crate::crm::automation_mark::AutomationMarks;
use crate::crm::custom_field::{CustomFieldBook, CustomFieldKind, CustomValues};
use crate::crm::expectation::Expectation;
use crate::crm::follow_up::{FollowUpLog, NextFollowUp};
use crate::crm::identities::{Identities, MergedCustomer};
use crate::crm::listed::Listed;
use crate::crm::member_directory::MemberDirectory;
use crate::crm::ownership::{Collaborators, Ownership};
use crate::crm::profile::Profile;
use crate::crm::tag::{TagBook, TagMarks};
use crate::kernel::id::PersonId;
use crate::kernel::timestamp::Timestamp;

/// What is kept of one identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRecord {
    /// The version that was read; 0 of one that is not stored yet.
    pub version: u64,
    /// Name, phone, company and the like.
    #[serde(default, skip_serializing_if = "Profile::is_empty")]
    pub profile: Profile,
    /// The company's own fields.
    #[serde(default, skip_serializing_if = "CustomValues::is_empty")]
    pub custom: CustomValues,
    /// The follow-ups, which are entries of the timeline.
    #[serde(default, skip_serializing_if = "FollowUpLog::is_empty")]
    pub follow_ups: FollowUpLog,
    /// When to follow up next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_follow_up: Option<NextFollowUp>,
    /// The tags they were given.
    #[serde(default, skip_serializing_if = "TagMarks::is_empty")]
    pub tags: TagMarks,
    /// When a deal is expected, and of which amount.
    #[serde(default, skip_serializing_if = "Expectation::is_empty")]
    pub expectation: Expectation,
    /// When the person had it erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Timestamp>,
    /// How the identity was added; none for one that came by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addition: Option<Addition>,
    /// Who owns them, when somebody has decided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership: Option<Ownership>,
    /// Who helps the owner.
    #[serde(default, skip_serializing_if = "Collaborators::is_empty")]
    pub collaborators: Collaborators,
    /// What the rules of automation have counted, and when they hit.
    #[serde(default, skip_serializing_if = "AutomationMarks::is_empty")]
    pub automation: AutomationMarks,
}

/// The records of identities that are one person.
pub type Records = BTreeMap<PersonId, CustomerRecord>;

/// A customer as the company's people know them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownCustomer {
    /// What each identity did, and the opportunity recorded of it.
    pub identities: Identities,
    /// What is kept of each; an identity may have no record, and a record no identity that did something.
    pub records: Records,
    /// How they stand in the company's list, if they were read to be changed.
    pub listed: Listed,
    /// Who is a member, and whose the cards are.
    pub directory: MemberDirectory,
}

impl CustomerRecord {
    /// Forgets everything by which the customer can be reached.
    pub fn hide_contacts(&mut self, fields: &CustomFieldBook) {
        self.profile.retain(|field| !field.is_contact());
        let is_phone = |field| fields.entry(field).is_some_and(|field| field.kind == CustomFieldKind::Phone);
        self.custom.retain(|field| !is_phone(field));
    }
}

impl KnownCustomer {
    /// All identities together.
    pub fn merged(&self) -> MergedCustomer {
        MergedCustomer::of(self.identities.values())
    }

    /// The first of the identities, by which lists name the person.
    pub fn first(&self) -> Option<PersonId> {
        self.identities.keys().chain(self.records.keys()).min().copied()
    }

    /// What is kept of one identity.
    pub fn record_of(&self, person: PersonId) -> CustomerRecord {
        self.records.get(&person).cloned().unwrap_or_default()
    }

    /// The profile of all identities together.
    pub fn profile(&self) -> Profile {
        Profile::union(self.records.values().map(|record| &record.profile))
    }

    /// The company's own fields, of all identities together.
    pub fn custom(&self) -> CustomValues {
        CustomValues::union(self.records.values().map(|record| &record.custom))
    }

    /// When to follow up next: of several plans the one made last counts.
    pub fn next_follow_up(&self) -> Option<NextFollowUp> {
        self.records.values().filter_map(|record| record.next_follow_up).max()
    }

    /// When the last follow-up was recorded.
    pub fn last_follow_up(&self) -> Option<Timestamp> {
        self.records.values().filter_map(|record| record.follow_ups.last()).max()
    }

    /// The number of follow-ups.
    pub fn follow_ups(&self) -> usize {
        self.records.values().map(|record| record.follow_ups.len()).sum()
    }

    /// When a deal is expected, and of which amount.
    pub fn expectation(&self) -> Expectation {
        Expectation::union(self.records.values().map(|record| &record.expectation))
    }

    /// When the person had erased what was kept of them; nothing is kept of them any more.
    pub fn erased_at(&self) -> Option<Timestamp> {
        self.records.values().filter_map(|record| record.erased_at).max()
    }

    /// The tags, read through the company's book.
    pub fn tags(&self, book: &TagBook) -> TagMarks {
        book.of_customer(self.records.values().map(|record| &record.tags))
    }

    /// The records that `change` changes, of all identities; there is one of `person` in any case.
    pub fn changed(&self, person: PersonId, change: impl FnOnce(&mut Records)) -> Records {
        let mut records = self.records.clone();
        records.entry(person).or_default();
        change(&mut records);
        records.retain(|identity, record| self.records.get(identity).unwrap_or(&CustomerRecord::default()) != record);
        records
    }

    /// The records after the plans of all identities were replaced by this one, under `person`: those
    /// that change.
    pub fn with_next_follow_up(&self, person: PersonId, next: Option<NextFollowUp>) -> Records {
        self.changed(person, |records| {
            for (identity, record) in records {
                record.next_follow_up = next.filter(|_| *identity == person);
            }
        })
    }

    /// How the person came into the company: by a visit, unless all of them was added.
    pub fn source(&self) -> CustomerSource {
        let added = |person: &PersonId| self.records.get(person).and_then(|record| record.addition.as_ref());
        let mut sources = self.identities.keys().map(|person| added(person).map(|addition| addition.source));
        match sources.next() {
            Some(Some(source)) if sources.all(|other| other.is_some()) => source,
            _ => CustomerSource::Visit,
        }
    }

    /// The first addition of the person, if a member has added them.
    pub fn addition(&self) -> Option<&Addition> {
        self.records.values().filter_map(|record| record.addition.as_ref()).min_by_key(|addition| addition.at)
    }

    /// How an identity was added, if that can be taken back: nothing was changed of it since, and it is
    /// a person by itself.
    pub fn revocable_addition(&self, person: PersonId) -> Option<&Addition> {
        let (customer, record) = (self.identities.get(&person)?, self.records.get(&person)?);
        let untouched = customer.version == 1 && record.version == 1 && self.identities.len() == 1;
        record.addition.as_ref().filter(|_| untouched)
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
