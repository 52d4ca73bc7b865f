//! What a recount cannot know, since something that it needs cannot be read. It is not checked, and all
//! else is.

use domain::crm::customer::CustomerState;
use domain::kernel::id::PersonId;
use domain::radar::aggregate::SegmentKey;
use domain::radar::counter::{Counter, Scope};

/// What is not known of a company in a round.
#[derive(Debug, Default)]
pub(crate) struct Obscure {
    /// Segments: which card and person, but not what they did.
    pub(crate) segments: Vec<SegmentKey>,
    /// A member cannot be read, who may have a card.
    pub(crate) cards: bool,
    /// Changes that wait cannot be read.
    pub(crate) waiting: bool,
    /// A customer cannot be read: whether they are a member, and have a deal, is not known.
    pub(crate) customers: bool,
    /// A customer record cannot be read: how often they were followed up, and whether they were added,
    /// is not known.
    pub(crate) records: bool,
    /// A merge cannot be read: who is one person is not known.
    pub(crate) merges: bool,
}

impl Obscure {
    /// Whether the right counters of a scope are not known.
    pub(crate) fn has_scope(&self, scope: Scope) -> bool {
        let by_log = match scope {
            Scope::Card(card) => self.segments.iter().any(|key| key.card == card),
            Scope::Company | Scope::Department(_) => self.cards || !self.segments.is_empty(),
        };
        by_log || self.waiting || self.merges
    }

    /// Whether the right value of a counter is not known, whatever its scope.
    pub(crate) fn has_counter(&self, counter: Counter) -> bool {
        let of_customers = matches!(counter, Counter::Customers | Counter::ClosedCustomers);
        let of_records = of_customers || counter == Counter::FollowUps;
        self.customers && of_customers || self.records && of_records
    }

    /// Whether the right state of a person, of whom the log and the records show this one, is not known.
    pub(crate) fn has_person(&self, person: PersonId, shown: &CustomerState) -> bool {
        let may_be_added = self.records && shown.cards.is_empty();
        may_be_added || self.merges || self.cards || self.segments.iter().any(|key| key.person == person)
    }
}
