//! The story of a customer: what they did, and what the company's people did about them, in one order.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::crm::follow_up::FollowUp;
use crate::crm::identities::MergedCustomer;
use crate::crm::opportunity::{Deal, ManualCloseRate};
use crate::crm::ownership::{CollaboratorAccess, OwnershipReason};
use crate::crm::profile::ProfileField;
use crate::crm::viewer::Viewer;
use crate::kernel::day::Day;
use crate::kernel::id::{CardId, CustomFieldId, DealId, Id, MemberId, PersonId, TagId, uuid_v7_millis};
use crate::kernel::money::Fen;
use crate::kernel::string_enum::string_enum;
use crate::kernel::timestamp::{DAY_MS, Timestamp};
use crate::radar::best_hour::VisitHours;
use crate::radar::counter::Scope;

/// An entry; it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Its id, which orders the timeline.
    pub id: Uuid,
    /// When it happened.
    #[serde(rename = "at_ms", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member who did it; `None` for a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<MemberId>,
    /// What they did.
    pub change: CustomerChange,
}

/// What a member did about a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerChange {
    /// They filled in these fields.
    Profile(Vec<ProfileField>),
    /// They filled in these fields of the company's own.
    CustomFields(Vec<CustomFieldId>),
    /// They planned a follow-up for this moment.
    NextFollowUp(#[serde(with = "crate::kernel::timestamp::as_millis")] Timestamp),
    /// They removed the plan.
    NoNextFollowUp,
    /// They gave and took these tags.
    Tags {
        /// Those that the customer has since.
        added: Vec<TagId>,
        /// Those that they have no more.
        removed: Vec<TagId>,
    },
    /// They set what is expected: this is in force since.
    Expectation {
        /// The day.
        expected_on: Option<Day>,
        /// The amount.
        amount_fen: Option<Fen>,
    },
    /// They found that this identity is the same person.
    Merged(PersonId),
    /// The customer has another owner since, or nobody.
    Ownership {
        /// The owner.
        owner: Option<MemberId>,
        /// Why.
        reason: OwnershipReason,
    },
    /// A member collaborates since, or no more.
    Collaborator {
        /// The member.
        member: MemberId,
        /// What they may do; `None` for nothing any more.
        access: Option<CollaboratorAccess>,
    },
}

string_enum! {
    /// What a line of the timeline is about.
    TimelineKind, "unknown_kind", "没有这种动态" {
        /// 到访
        Visit = "visit",
        /// 跟进
        FollowUp = "follow_up",
        /// 客户资料
        Profile = "profile",
        /// 跟进计划
        Plan = "plan",
        /// 标签
        Tags = "tags",
        /// 预计成交
        ExpectedClose = "expected_close",
        /// 合并客户
        Merge = "merge",
        /// 预计成交率
        CloseRate = "close_rate",
        /// 成交
        Deal = "deal",
        /// 归属与协作
        Ownership = "ownership",
    }
}

/// A stay of a customer: hours that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerVisit {
    /// When its first hour begins.
    pub from: Timestamp,
    /// When its last hour ends.
    pub to: Timestamp,
}

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimelineItem {
    /// What a member changed.
    Change(TimelineEntry),
    /// What a member did.
    FollowUp(FollowUp),
    /// What the customer did.
    Visit(CustomerVisit),
    /// A rate that is set by hand on a card.
    CloseRate(CardId, ManualCloseRate),
    /// A deal on a card.
    Deal(CardId, DealId, Deal),
}

/// The place of a line: later ones are greater, and no two are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimelinePosition(pub u128);

impl TimelinePosition {
    /// The place of what happened at a moment and has no id of its own; `number` tells it from others.
    fn at(at: Timestamp, number: u8) -> Self {
        Self(u128::from(at.millis().max(0).unsigned_abs()) << 80 | u128::from(number))
    }

    /// The place as an id of this moment.
    pub fn uuid(self) -> Uuid {
        Uuid::from_u128(self.0)
    }
}

impl TimelineItem {
    /// Its place.
    pub fn position(&self) -> TimelinePosition {
        match self {
            Self::Change(entry) => TimelinePosition(entry.id.as_u128()),
            Self::FollowUp(follow_up) => TimelinePosition(follow_up.id.uuid().as_u128()),
            Self::Visit(visit) => TimelinePosition::at(visit.from, 0),
            Self::CloseRate(card, set) => {
                // Two cards may have a rate of the same moment.
                let [number, ..] = card.uuid().as_u128().to_le_bytes();
                TimelinePosition::at(set.at, number | 1)
            }
            Self::Deal(_, id, _) => TimelinePosition(id.uuid().as_u128()),
        }
    }

    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Change(entry) => entry.at,
            Self::FollowUp(follow_up) => follow_up.at,
            Self::Visit(visit) => visit.from,
            Self::CloseRate(_, set) => set.at,
            Self::Deal(_, id, deal) => uuid_v7_millis(id.uuid()).map_or(deal.at, Timestamp::from_millis),
        }
    }

    /// What it is about.
    pub fn kind(&self) -> TimelineKind {
        match self {
            Self::Visit(_) => TimelineKind::Visit,
            Self::FollowUp(_) => TimelineKind::FollowUp,
            Self::CloseRate(..) => TimelineKind::CloseRate,
            Self::Deal(..) => TimelineKind::Deal,
            Self::Change(entry) => match entry.change {
                CustomerChange::Profile(_) | CustomerChange::CustomFields(_) => TimelineKind::Profile,
                CustomerChange::NextFollowUp(_) | CustomerChange::NoNextFollowUp => TimelineKind::Plan,
                CustomerChange::Tags { .. } => TimelineKind::Tags,
                CustomerChange::Expectation { .. } => TimelineKind::ExpectedClose,
                CustomerChange::Merged(_) => TimelineKind::Merge,
                CustomerChange::Ownership { .. } | CustomerChange::Collaborator { .. } => TimelineKind::Ownership,
            },
        }
    }
}

impl TimelineKind {
    /// Whether lines of this kind stand in the stored timeline; the others follow from what is known of
    /// the customer.
    pub fn is_stored(self) -> bool {
        !matches!(self, Self::Visit | Self::CloseRate | Self::Deal)
    }
}

/// The lines that follow from what is known of a customer: visits of the last eight weeks, rates in force
/// and deals. Those of other cards are for admins and the boss.
pub fn derived_items(customer: &MergedCustomer, viewer: Viewer) -> Vec<TimelineItem> {
    let (opportunity, is_shown) = (&customer.opportunity, |card: CardId| viewer.admin || viewer.card == Some(card));
    let deals = opportunity.deals_in(Scope::Company).into_iter().filter(|(card, ..)| is_shown(*card));
    let deals = deals.map(|(card, id, deal)| TimelineItem::Deal(card, id, deal));
    let rate = |card: &CardId| Some(TimelineItem::CloseRate(*card, opportunity.set_rate_in(Scope::Card(*card))?));
    let rates = customer.state.cards.keys().filter(|card| is_shown(**card)).filter_map(rate);
    visits(&customer.state.hours).into_iter().map(TimelineItem::Visit).chain(rates).chain(deals).collect()
}

/// The stays of a customer: hours that follow each other are one.
pub fn visits(hours: &VisitHours) -> Vec<CustomerVisit> {
    const HOUR_MS: i64 = DAY_MS / 24;
    let mut begins: Vec<_> = hours
        .days()
        .flat_map(|(day, bits)| (0..24_i64).filter(move |hour| bits >> hour & 1 == 1).map(move |hour| (day, hour)))
        .map(|(day, hour)| day.start().plus_millis(hour * HOUR_MS))
        .collect();
    begins.sort_unstable();
    let mut visits: Vec<CustomerVisit> = Vec::new();
    for from in begins {
        let to = from.plus_millis(HOUR_MS);
        match visits.last_mut().filter(|last| last.to == from) {
            Some(last) => last.to = to,
            None => visits.push(CustomerVisit { from, to }),
        }
    }
    visits
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
