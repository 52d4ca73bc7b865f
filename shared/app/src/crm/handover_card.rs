//! The card of whoever has left: its printed codes and share codes lead to a successor's card.

use domain::card::Successor;
use domain::company::Company;
use domain::crm::handed_over::{CardMove, HandedOver, RecordParts};
use domain::crm::handover::{Handover, HandoverPage, HandoverPlace, HandoverThing, StayReason, StayingThing};
use domain::kernel::failure::Failure;
use domain::kernel::id::MemberId;
use domain::people::member::{Member, MemberStatus};
use runtime::retry::Policy;

use crate::Flow;

/// Moves the card, if there is one.
pub(crate) async fn page(
    flow: &Flow<'_>,
    company: Company,
    handover: &Handover,
    place: &HandoverPlace,
) -> Result<HandoverPage, Failure> {
    let attempt = || try_to_move(flow, company, handover, place);
    flow.store.retry().run(Policy::CONTENTION, attempt).await
}

async fn try_to_move(
    flow: &Flow<'_>,
    company: Company,
    handover: &Handover,
    place: &HandoverPlace,
) -> Result<HandoverPage, Failure> {
    let mut page = HandoverPage { turn: place.turn, ..HandoverPage::default() };
    let Some(card) = handover.card else { return Ok(page) };
    if flow.store.card_handed_over(company, handover, card).await?.is_some() {
        return Ok(page);
    }
    let to = handover.rule.successor(&handover.card_traits(), &mut page.turn);
    let (leaver, other) = flow.store.member_and_other(company, handover.leaver, Some(to)).await?;
    let done = match successor(to, other) {
        Ok(_) if leaver.ended.is_none() || leaver.card != Some(card) => Err(StayReason::Changed),
        Ok(successor) => {
            let (thing, what, card_move) =
                (HandoverThing::Card, card.to_string(), CardMove { before: leaver.successor });
            let (before, after) = (RecordParts::new(), RecordParts::new());
            let card_move = Some(card_move);
            let note = HandedOver { thing, what, to, by_turn: false, before, after, card: card_move, restored: false };
            match flow.store.hand_over_card(company, (handover, &note), &leaver, (card, successor)).await {
                Ok(()) => Ok(()),
                Err(Failure::VersionConflict) => Err(StayReason::Changed),
                Err(failure) => return Err(failure),
            }
        }
        Err(reason) => Err(reason),
    };
    page.staying.extend(done.err().map(|reason| StayingThing::new(HandoverThing::Card, card.to_string(), reason)));
    Ok(page)
}

/// Lets the card lead to where it led before. Returns why it stays, if it does.
pub(crate) async fn restore(
    flow: &Flow<'_>,
    company: Company,
    handover: &Handover,
    note: &HandedOver,
) -> Result<Option<StayReason>, Failure> {
    let attempt = || try_to_restore(flow, company, handover, note);
    flow.store.retry().run(Policy::CONTENTION, attempt).await
}

async fn try_to_restore(
    flow: &Flow<'_>,
    company: Company,
    handover: &Handover,
    note: &HandedOver,
) -> Result<Option<StayReason>, Failure> {
    let Some(card) = handover.card else { return Ok(None) };
    if flow.store.card_handed_over(company, handover, card).await?.is_none_or(|note| note.restored) {
        return Ok(None);
    }
    let before = note.card.as_ref().and_then(|card| card.before);
    let (leaver, other) = flow.store.member_and_other(company, handover.leaver, before).await?;
    if leaver.ended.is_none() || leaver.successor != Some(note.to) {
        return Ok(Some(StayReason::Changed));
    }
    let successor = match before.map(|before| successor(before, other)).transpose() {
        Ok(successor) => successor,
        Err(reason) => return Ok(Some(reason)),
    };
    match flow.store.restore_card(company, (handover, note), &leaver, (card, successor)).await {
        Ok(()) => Ok(None),
        Err(Failure::VersionConflict) => Ok(Some(StayReason::Changed)),
        Err(failure) => Err(failure),
    }
}

/// The card that takes over, if its owner can.
fn successor(id: MemberId, found: Option<Member>) -> Result<(MemberId, Successor), StayReason> {
    let member = found.filter(|member| member.status() == MemberStatus::Active).ok_or(StayReason::SuccessorInactive)?;
    let card = member.card.ok_or(StayReason::NoCard)?;
    Ok((id, Successor { card, name: member.name }))
}
