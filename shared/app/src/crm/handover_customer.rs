//! What of customers is handed over: their owner, seats of collaborators, and planned follow-ups.

use domain::company::Company;
use domain::crm::handed_over::{CustomerMove, HandedOver};
use domain::crm::handover::{
    HANDOVER_STEP, Handover, HandoverPage, HandoverPlace, HandoverThing, HandoverTraits, StayReason, StayingThing,
};
use domain::crm::ownership::OwnershipReason;
use domain::crm::record::{KnownCustomer, Records};
use domain::crm::row::CustomerRow;
use domain::crm::tag::TagBook;
use domain::crm::timeline::{CustomerChange, TimelineEntry};
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{MemberId, PersonId};
use domain::kernel::timestamp::Timestamp;
use runtime::retry::Policy;
use store::{FollowUpPlan, MovesOfCustomer, OwnershipChange, RecordRead};

use crate::Flow;

/// What becomes of something of a customer.
enum MoveOutcome {
    /// It has moved, now or in a step that was cut off.
    Moved,
    /// It stays.
    Stays(StayReason),
    /// It is not the leaver's, or not any more.
    NotTheirs,
}

/// One kind of things of a handover, being moved.
struct Mover<'a> {
    flow: &'a Flow<'a>,
    company: Company,
    handover: &'a Handover,
    thing: HandoverThing,
    tags: TagBook,
}

/// The next customers of the list, of whom something may be the leaver's.
pub(crate) async fn page(
    flow: &Flow<'_>,
    company: Company,
    handover: &Handover,
    place: &HandoverPlace,
) -> Result<HandoverPage, Failure> {
    let after = place.after.as_deref().and_then(|after| after.parse().ok());
    let rows = flow.store.customers_in_order(company, after, HANDOVER_STEP).await?;
    let candidates = rows.items.iter().filter(|row| row.may_be_left_by(place.thing, handover.leaver()));
    let persons: Vec<_> = candidates.map(|row| row.person).collect();
    let (turn, staying) = move_all(flow, company, (handover, place), &persons).await?;
    Ok(HandoverPage { next: rows.next.map(|next| next.to_string()), turn, staying })
}

/// The next follow-ups that the leaver has planned.
pub(crate) async fn page_of_plans(
    flow: &Flow<'_>,
    company: Company,
    handover: &Handover,
    place: &HandoverPlace,
) -> Result<HandoverPage, Failure> {
    let after = place.after.as_deref().and_then(|after| plan_at(after, handover.leaver));
    let plans = flow.store.plans_in_order(company, handover.leaver, after, HANDOVER_STEP).await?;
    let persons: Vec<_> = plans.iter().map(|plan| plan.person).collect();
    let (turn, staying) = move_all(flow, company, (handover, place), &persons).await?;
    let is_full = plans.len() == HANDOVER_STEP as usize;
    let next = plans.last().filter(|_| is_full).map(|plan| format!("{} {}", plan.at.millis(), plan.person));
    Ok(HandoverPage { next, turn, staying })
}

/// The plan of a place in the list of the leaver.
fn plan_at(place: &str, by: MemberId) -> Option<FollowUpPlan> {
    let (ms, person) = place.split_once(' ')?;
    let at = Timestamp::from_millis(ms.parse().ok()?);
    Some(FollowUpPlan { person: person.parse().ok()?, by, at })
}

async fn move_all(
    flow: &Flow<'_>,
    company: Company,
    (handover, place): (&Handover, &HandoverPlace),
    persons: &[PersonId],
) -> Result<(u64, Vec<StayingThing>), Failure> {
    let (mut turn, mut stay) = (place.turn, Vec::new());
    if persons.is_empty() {
        return Ok((turn, stay));
    }
    let tags = flow.store.book(company, RecordRead::ToShow).await?;
    let mover = Mover { flow, company, handover, thing: place.thing, tags };
    for person in persons {
        let attempt = || mover.try_to_move(*person, turn);
        // Who cannot be read stays, and holds up nobody.
        let (outcome, next) = match flow.store.retry().run(Policy::CONTENTION, attempt).await {
            Err(Failure::Corrupt(cause)) => {
                tracing::error!(cause, "a handover leaves a customer who cannot be read");
                (MoveOutcome::Stays(StayReason::Unreadable), turn)
            }
            moved => moved?,
        };
        turn = next;
        if let MoveOutcome::Stays(reason) = outcome {
            stay.push(StayingThing::new(place.thing, person.to_string(), reason));
        }
    }
    Ok((turn, stay))
}

impl Mover<'_> {
    /// Moves what is the leaver's of a customer. Returns how many turns were taken by then: the same in a step
    /// that is taken again.
    async fn try_to_move(&self, person: PersonId, turn: u64) -> Result<(MoveOutcome, u64), Failure> {
        let Self { flow, company, handover, thing, .. } = *self;
        let (known, notes) = flow.store.customer_to_hand_over(company, handover, person).await?;
        if let Some(note) = notes.get(&thing) {
            return Ok((MoveOutcome::Moved, turn + u64::from(note.by_turn)));
        }
        if !known.is_of_leaver(thing, handover.leaver()) {
            return Ok((MoveOutcome::NotTheirs, turn));
        }
        if known.erased_at().is_some() {
            return Ok((MoveOutcome::Stays(StayReason::Erased), turn));
        }
        let mut next = turn;
        let to = match self.decided(person, &known, notes).await? {
            Some(to) => to,
            None => self.by_rule(&known, &mut next),
        };
        let (from, by) = (handover.leaver, handover.by);
        let wanted = CustomerMove { thing, from, to, by, now: flow.now };
        let changed = known.with_move(person, wanted);
        let note = HandedOver::of(&known, &changed, (person, next > turn), wanted);
        let reason = OwnershipReason::HandedOver;
        let entry = entry(flow, by, self.change(&known, &changed, (to, reason)))?;
        let change = OwnershipChange { read: &known, changed: &changed, entry: (person, &entry) };
        match flow.store.hand_over(company, handover, change, &note).await {
            Ok(()) => Ok((MoveOutcome::Moved, next)),
            Err(Failure::VersionConflict) => Ok((MoveOutcome::Stays(StayReason::SuccessorInactive), next)),
            Err(failure) => Err(failure),
        }
    }

    /// Whoever takes it over with the customer: the successor who has taken over something of them, and for a
    /// follow-up the colleague who owns them.
    async fn decided(
        &self,
        person: PersonId,
        known: &KnownCustomer,
        mut notes: MovesOfCustomer,
    ) -> Result<Option<MemberId>, Failure> {
        let Self { flow, company, handover, .. } = *self;
        if let Some(first) = known.first().filter(|first| *first != person) {
            notes.extend(flow.store.customer_to_hand_over(company, handover, first).await?.1);
        }
        let taken = notes.values().next().map(|note| note.to);
        let owner = known.owner().and_then(|owner| owner.member).filter(|owner| *owner != handover.leaver);
        Ok(taken.or(owner.filter(|_| self.thing == HandoverThing::FollowUps)))
    }

    fn by_rule(&self, known: &KnownCustomer, turn: &mut u64) -> MemberId {
        let row = CustomerRow::of(known, &known.listed.model, Day::of(self.flow.now));
        let traits = row.map(|row| HandoverTraits::of(&row, &self.tags)).unwrap_or_default();
        self.handover.rule.read_by(&self.tags).successor(&traits, turn)
    }

    fn change(
        &self,
        known: &KnownCustomer,
        changed: &Records,
        (member, reason): (MemberId, OwnershipReason),
    ) -> CustomerChange {
        change_of(self.thing, (known, changed), (member, self.handover.leaver), reason)
    }
}

/// Restores something of a customer. Returns why it stays, if it does.
pub(crate) async fn restore(
    flow: &Flow<'_>,
    company: Company,
    handover: &Handover,
    note: &HandedOver,
) -> Result<Option<StayReason>, Failure> {
    let person: PersonId = note.what.parse().map_err(|_| Failure::Corrupt("a note of no customer".to_owned()))?;
    let by = handover.undo.as_ref().map_or(handover.by, |undo| undo.by);
    let attempt = || async {
        let (known, notes) = flow.store.customer_to_hand_over(company, handover, person).await?;
        if notes.get(&note.thing).is_none_or(|note| note.restored) {
            return Ok(None);
        }
        let Some(changed) = note.undone(&known, handover.leaver) else { return Ok(Some(StayReason::Changed)) };
        let reason = OwnershipReason::HandoverUndone;
        let change = change_of(note.thing, (&known, &changed), (handover.leaver, note.to), reason);
        let entry = entry(flow, by, change)?;
        let change = OwnershipChange { read: &known, changed: &changed, entry: (person, &entry) };
        flow.store.restore_handed_over(company, handover, change, note).await.map(|()| None)
    };
    match flow.store.retry().run(Policy::CONTENTION, attempt).await {
        Err(Failure::Corrupt(cause)) => {
            tracing::error!(cause, "the undoing of a handover leaves a customer who cannot be read");
            Ok(Some(StayReason::Unreadable))
        }
        restored => restored,
    }
}

/// What the timeline says of records that change: `member` has it since, `other` no more.
fn change_of(
    thing: HandoverThing,
    (known, changed): (&KnownCustomer, &Records),
    (member, other): (MemberId, MemberId),
    reason: OwnershipReason,
) -> CustomerChange {
    let mut after = known.clone();
    after.records.extend(changed.clone());
    match thing {
        HandoverThing::Collaborations => match after.collaborators().get(&member) {
            Some(seat) => CustomerChange::Collaborator { member, access: Some(seat.access) },
            None => CustomerChange::Collaborator { member: other, access: None },
        },
        HandoverThing::FollowUps => {
            after.next_follow_up().map_or(CustomerChange::NoNextFollowUp, |plan| CustomerChange::NextFollowUp(plan.at))
        }
        HandoverThing::Customers | HandoverThing::Card => {
            CustomerChange::Ownership { owner: after.ownership().and_then(|decision| decision.owner), reason }
        }
    }
}

fn entry(flow: &Flow<'_>, by: MemberId, change: CustomerChange) -> Result<TimelineEntry, Failure> {
    let id = flow.ids.uuid(flow.now).map_err(|error| Failure::Unavailable(error.to_string()))?;
    Ok(TimelineEntry { id, at: flow.now, by: Some(by), change })
}
