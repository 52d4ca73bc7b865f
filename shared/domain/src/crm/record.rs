//! What the company's people keep of a customer, apart from what the radar counts.
//!
//! Each identity holds what was kept under it; a person has all of it together. Nothing here is
//! written with events, so people and aggregators are not in each other's way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::crm::follow_up::FollowUpLog;
use crate::crm::identities::{Identities, MergedCustomer};
use crate::crm::profile::Profile;
use crate::kernel::id::{CardId, MemberId, PersonId};
use crate::radar::counter::Scope;

/// What is kept of one identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRecord {
    /// The version that was read; 0 of one that is not stored yet.
    pub version: u64,
    /// Name, phone, company and the like.
    #[serde(default, skip_serializing_if = "Profile::is_empty")]
    pub profile: Profile,
    /// The follow-ups, which are entries of the timeline.
    #[serde(default, skip_serializing_if = "FollowUpLog::is_empty")]
    pub follow_ups: FollowUpLog,
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
}

/// A member who looks at customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// The member.
    pub member: MemberId,
    /// Their card, if they have one.
    pub card: Option<CardId>,
    /// Whether they are an admin or the boss.
    pub admin: bool,
}

impl KnownCustomer {
    /// All identities together.
    pub fn merged(&self) -> MergedCustomer {
        MergedCustomer::of(self.identities.values())
    }

    /// The profile of all identities together.
    pub fn profile(&self) -> Profile {
        Profile::union(self.records.values().map(|record| &record.profile))
    }

    /// The identities with follow-ups.
    pub fn followed_up(&self) -> impl Iterator<Item = PersonId> {
        self.records.iter().filter(|(_, record)| !record.follow_ups.is_empty()).map(|(person, _)| *person)
    }

    /// Whether they are a customer whom this member may see: one of their card, for admins and the
    /// boss one of the company.
    pub fn is_visible_to(&self, viewer: Viewer) -> bool {
        let state = self.merged().state;
        let of_card = || viewer.card.is_some_and(|card| state.is_customer_in(Scope::Card(card)));
        if viewer.admin { state.is_customer_in(Scope::Company) } else { of_card() }
    }
}
