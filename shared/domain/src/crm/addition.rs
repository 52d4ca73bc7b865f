//! Customers whom members have added (添加客户), before they have done anything themselves.
//!
//! An added customer is an identity of their own that no token names. Its state says where it was
//! added: on a card with its departments and in the company, or in the company alone. There it is a
//! customer as if something of theirs had been counted. The record tells the recount about it, since
//! no event does.

use serde::{Deserialize, Serialize};

use crate::company::department::DepartmentPath;
use crate::crm::customer::CustomerState;
use crate::crm::identities::{Customer, MergedCustomer};
use crate::crm::viewer::Viewer;
use crate::kernel::id::{CardId, MemberId};
use crate::kernel::mobile::Mobile;
use crate::kernel::string_enum::string_enum;
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::CounterDeltas;

string_enum! {
    /// How a customer came into the company. The names are stored: never change one.
    CustomerSource, "unknown_source", "没有这种客户来源" {
        /// 到访
        Visit = "visit",
        /// 手动添加
        ByHand = "by_hand",
        /// 导入
        Import = "import",
    }
}

/// How an identity was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addition {
    /// When.
    #[serde(rename = "t", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member who did it.
    #[serde(rename = "b")]
    pub by: MemberId,
    /// By hand or by an import.
    #[serde(rename = "s")]
    pub source: CustomerSource,
    /// The card whose customer they are; none for a customer of the company alone.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardId>,
    /// The departments of the card at that time.
    #[serde(rename = "d", default, skip_serializing_if = "DepartmentPath::is_empty")]
    pub departments: DepartmentPath,
    /// The phone number that leads to this identity until somebody grants it.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<Mobile>,
}

impl Addition {
    /// The identity that is added.
    pub fn customer(&self) -> Customer {
        let mut state = CustomerState::default();
        state.add(self);
        Customer { state, ..Customer::default() }
    }

    /// What it adds to the counters.
    pub fn contributions(&self) -> CounterDeltas {
        MergedCustomer::of([self.customer()].iter()).contributions()
    }
}

impl CustomerState {
    /// Makes an identity a customer where it was added.
    pub fn add(&mut self, Addition { card, departments, .. }: &Addition) {
        self.active_days.met = true;
        if let Some(card) = card {
            self.cards.entry(*card).or_default().active_days.met = true;
            for department in departments.iter() {
                self.departments.entry(department).or_default().met = true;
            }
        }
    }
}

impl Viewer {
    /// Whether they may take an addition back: their own, for admins and the boss anybody's.
    pub fn may_revoke(self, addition: &Addition) -> bool {
        self.admin || addition.by == self.member
    }
}

#[cfg(test)]
#[path = "addition_tests.rs"]
mod tests;
