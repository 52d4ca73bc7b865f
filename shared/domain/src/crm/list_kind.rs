//! The five lists of customers, and how many customers each has.

use std::collections::BTreeMap;

use crate::crm::kind::CustomerKind;
use crate::crm::row::CustomerRow;
use crate::kernel::string_enum::string_enum;

string_enum! {
    /// A list of customers.
    CustomerListKind, "unknown_kind", "客户列表只有 exclusive、closed、shared、all 和 unowned" {
        /// 独占
        Exclusive = "exclusive",
        /// 成单
        Closed = "closed",
        /// 共享
        Shared = "shared",
        /// 总客户池
        All = "all",
        /// 公海
        Unowned = "unowned",
    }
}

/// How many customers there are of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindCounts(pub BTreeMap<CustomerListKind, u64>);

impl KindCounts {
    /// The lists that a customer stands in.
    pub fn kinds_of(row: &CustomerRow) -> impl Iterator<Item = CustomerListKind> {
        let kinds = row.kinds().into_iter().map(CustomerListKind::from);
        kinds.chain([CustomerListKind::All]).chain(row.is_unowned().then_some(CustomerListKind::Unowned))
    }

    /// Adds a customer.
    pub(super) fn add(&mut self, row: &CustomerRow) {
        for kind in Self::kinds_of(row) {
            *self.0.entry(kind).or_default() += 1;
        }
    }
}

impl From<CustomerKind> for CustomerListKind {
    fn from(kind: CustomerKind) -> Self {
        match kind {
            CustomerKind::Exclusive => Self::Exclusive,
            CustomerKind::Shared => Self::Shared,
            CustomerKind::Closed => Self::Closed,
        }
    }
}
