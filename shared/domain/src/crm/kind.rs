//! The four lists of customers (独占、共享、成单、总客户池): derived from behaviour and deals, never set.

use crate::crm::identities::MergedCustomer;
use crate::kernel::string_enum::string_enum;
use crate::radar::counter::Scope;

string_enum! {
    /// A kind of customer. One with a closed deal is exclusive or shared too.
    CustomerKind, "unknown_kind", "没有这种客户类型" {
        /// 独占
        Exclusive = "exclusive",
        /// 共享
        Shared = "shared",
        /// 成单
        Closed = "closed",
    }
}

impl CustomerKind {
    /// The kinds of a customer: of one with a card's customer alone exclusive, of several shared.
    pub fn of(customer: &MergedCustomer) -> Vec<Self> {
        let cards = customer.state.cards.keys().filter(|card| customer.state.is_customer_in(Scope::Card(**card)));
        let by_cards = match cards.count() {
            0 => None,
            1 => Some(Self::Exclusive),
            _ => Some(Self::Shared),
        };
        let closed = customer.opportunity.closed_on(Scope::Company).map(|_| Self::Closed);
        by_cards.into_iter().chain(closed).collect()
    }
}
