//! What members record of a customer, and what each command changes: the stored opportunity of
//! the person with all identities, and the counters of closed deals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::crm::identities::{Customer, Identities, MergedCustomer};
use crate::crm::opportunity::{Deal, ManualCloseRate, Opportunity, TooManyDeals};
use crate::kernel::failure::Failure;
use crate::kernel::field::FieldError;
use crate::kernel::id::{CardId, DealId, PersonId};
use crate::radar::counter::{CounterDeltas, Scope};

/// A command of a member about a customer of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CustomerCommand {
    /// Sets how likely they are to buy.
    Rate(ManualCloseRate),
    /// Removes the rate that was set by hand: the model's counts again.
    NoRate,
    /// Records a deal they have closed.
    Deal(DealId, Deal),
    /// Removes a deal.
    NoDeal(DealId),
}

/// Why a command is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandError {
    /// The identity has as many deals as there may be.
    TooManyDeals,
    /// There is no such deal on the card.
    UnknownDeal,
}

/// Why a customer is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomerError {
    /// The member's radar is off.
    #[error("the radar is off")]
    RadarNotActive,
    /// The person had erased what was kept of them.
    #[error("the customer was erased")]
    Erased,
    /// The identity has as many deals as there may be.
    #[error("too many deals")]
    TooManyDeals,
    /// There may be no more of something.
    #[error("limit reached: {0}")]
    LimitReached(&'static str),
    /// The customer is known already.
    #[error("known already")]
    Duplicate(Duplicate),
    /// The job has not ended.
    #[error("the job goes on")]
    JobOpen,
    /// The addition of the customer cannot be taken back: something of them has changed since.
    #[error("something has changed since they were added")]
    NotRevocable,
    /// Somebody owns the customer.
    #[error("somebody owns the customer")]
    AlreadyOwned,
    /// The member who should own the customer is gone.
    #[error("the member is gone")]
    MemberInactive,
    /// A value cannot be.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// As every action can fail.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// A customer who has the phone number of one to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    /// One of their identities, for members who may see them.
    pub person: Option<PersonId>,
}

impl From<Duplicate> for CustomerError {
    fn from(duplicate: Duplicate) -> Self {
        Self::Duplicate(duplicate)
    }
}

impl From<CommandError> for CustomerError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::TooManyDeals => Self::TooManyDeals,
            CommandError::UnknownDeal => Failure::NotFound.into(),
        }
    }
}

/// What a command writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerUpdate {
    /// The identities that change, with the versions they were read at; empty when nothing
    /// changes.
    pub customers: Identities,
    /// The other identities, which must still be at these versions: the counters depend on all.
    pub unchanged: BTreeMap<PersonId, u64>,
    /// The changes of the counters.
    pub deltas: CounterDeltas,
    /// The person's opportunity afterwards.
    pub opportunity: Opportunity,
}

impl CustomerCommand {
    /// Applies the command to a person, under the identity `person`. A command that ends
    /// something ends it for all of their identities.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn of(self, read: &Identities, person: PersonId, card: CardId) -> Result<CustomerUpdate, CommandError> {
        let before = opportunity(read);
        let mut after = read.clone();
        for (identity, customer) in &mut after {
            let (opportunity, named) = (&mut customer.opportunity, *identity == person);
            match self {
                Self::Rate(set) if named => _ = opportunity.set_rate(card, Some(overriding(set, &before, card))),
                Self::Deal(id, deal) if named => _ = opportunity.add_deal(card, id, deal)?,
                Self::NoRate => _ = opportunity.set_rate(card, None),
                Self::NoDeal(id) => _ = opportunity.remove_deal(card, id),
                Self::Rate(_) | Self::Deal(..) => {}
            }
        }
        let now = opportunity(&after);
        if matches!(self, Self::NoDeal(_)) && now == before {
            return Err(CommandError::UnknownDeal);
        }
        let mut deltas = MergedCustomer::of(after.values()).closed();
        deltas.subtract_all(&MergedCustomer::of(read.values()).closed());
        let same = |person: &PersonId, customer: &Customer| read.get(person) == Some(customer);
        let unchanged = after.iter().filter(|(person, customer)| same(person, customer));
        let unchanged = unchanged.map(|(person, customer)| (*person, customer.version)).collect();
        after.retain(|person, customer| !same(person, customer));
        Ok(CustomerUpdate { customers: after, unchanged, deltas, opportunity: now })
    }
}

impl From<TooManyDeals> for CommandError {
    fn from(_: TooManyDeals) -> Self {
        Self::TooManyDeals
    }
}

fn opportunity(identities: &Identities) -> Opportunity {
    Opportunity::union(identities.values().map(|part| &part.opportunity))
}

/// The rate as it is stored: the one in force if it is equal, else with a later time than the one
/// in force, whatever the clocks show.
fn overriding(set: ManualCloseRate, before: &Opportunity, card: CardId) -> ManualCloseRate {
    match before.set_rate_in(Scope::Card(card)) {
        Some(in_force) if in_force.rate == set.rate => in_force,
        Some(in_force) => ManualCloseRate { at: set.at.max(in_force.at.plus_millis(1)), ..set },
        None => set,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::close_rate::model::Rate;
    use crate::kernel::day::Day;
    use crate::kernel::id::{Id, MemberId};
    use crate::kernel::timestamp::Timestamp;
    use crate::radar::counter::{Counter, Period};

    const CARD: u128 = 1;

    fn card(n: u128) -> CardId {
        CardId::from_uuid(Uuid::from_u128(n))
    }

    fn person(n: u128) -> PersonId {
        PersonId::from_uuid(Uuid::from_u128(n))
    }

    fn by() -> MemberId {
        MemberId::from_uuid(Uuid::from_u128(9))
    }

    fn rate(percent: u64, at_ms: i64) -> CustomerCommand {
        CustomerCommand::Rate(ManualCloseRate {
            at: Timestamp::from_millis(at_ms),
            rate: Rate::from_percent(percent).unwrap(),
            by: by(),
        })
    }

    fn deal(id: u128) -> CustomerCommand {
        let deal = Deal { closed_on: Day::from_number(3), at: Timestamp::from_millis(7), by: by() };
        CustomerCommand::Deal(DealId::from_uuid(Uuid::from_u128(id)), deal)
    }

    fn no_deal(id: u128) -> CustomerCommand {
        CustomerCommand::NoDeal(DealId::from_uuid(Uuid::from_u128(id)))
    }

    /// Two identities of one person, who has visited the card.
    fn two() -> Identities {
        let mut known: Identities =
            [1_u64, 2].map(|n| (person(n.into()), Customer { version: n, ..Customer::default() })).into();
        let state = &mut known.get_mut(&person(1)).unwrap().state;
        state.active_days.met = true;
        state.cards.entry(card(CARD)).or_default().active_days.met = true;
        known
    }

    fn apply(known: &mut Identities, who: u128, command: CustomerCommand) -> CustomerUpdate {
        let update = command.of(known, person(who), card(CARD)).unwrap();
        assert_eq!(update.customers.len() + update.unchanged.len(), known.len());
        assert!(update.unchanged.iter().all(|(person, version)| known[person].version == *version));
        known.extend(update.customers.clone());
        update
    }

    fn in_force(update: &CustomerUpdate) -> Option<f64> {
        update.opportunity.set_rate_in(Scope::Card(card(CARD))).map(|set| set.rate.percent())
    }

    fn closed(deltas: &CounterDeltas) -> Vec<(Scope, i64)> {
        deltas
            .changes()
            .map(|(scope, period, counts)| {
                assert_eq!(period, Period::Lifetime);
                assert_eq!(counts.keys().collect::<Vec<_>>(), [&Counter::ClosedCustomers]);
                (scope, counts[&Counter::ClosedCustomers])
            })
            .collect()
    }

    #[test]
    fn the_rate_set_last_counts_whatever_the_clocks_show_until_the_model_is_back() {
        let mut known = two();
        assert_eq!(in_force(&apply(&mut known, 1, rate(80, 50))), Some(80.0));
        assert_eq!(in_force(&apply(&mut known, 2, rate(20, 10))), Some(20.0));
        assert!(apply(&mut known, 2, rate(20, 99)).customers.is_empty(), "nothing changes");
        let cleared = apply(&mut known, 1, CustomerCommand::NoRate);
        assert_eq!((in_force(&cleared), cleared.customers.len()), (None, 2));
        assert!(apply(&mut known, 1, CustomerCommand::NoRate).customers.is_empty());
    }

    #[test]
    fn deals_of_two_identities_are_of_one_closed_customer() {
        let mut known = two();
        let both = |by| vec![(Scope::Card(card(CARD)), by), (Scope::Company, by)];
        let mut counted = |who, what| closed(&apply(&mut known, who, what).deltas);
        let sorted = |mut changes: Vec<_>| {
            changes.sort();
            changes
        };
        assert_eq!(sorted(counted(1, deal(1))), sorted(both(1)));
        assert_eq!(counted(2, deal(2)), []);
        assert_eq!(counted(2, deal(2)), [], "recorded before");
        assert_eq!(counted(2, no_deal(1)), [], "of the other identity");
        assert_eq!(sorted(counted(1, no_deal(2))), sorted(both(-1)));
        assert_eq!(no_deal(2).of(&known, person(1), card(CARD)), Err(CommandError::UnknownDeal));
    }

    #[test]
    fn a_deal_of_another_card_is_unknown_here() {
        let mut known = two();
        apply(&mut known, 1, deal(1));
        assert_eq!(no_deal(1).of(&known, person(1), card(7)), Err(CommandError::UnknownDeal));
    }
}
