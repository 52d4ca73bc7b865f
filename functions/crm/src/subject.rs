//! Of which customer somebody speaks, and saying it: the owner of a card of his customers,
//! admins of every card's. To anybody else there is none.

use std::time::Duration;

use domain::audit::{AuditAction, AuditActor, AuditChange};
use domain::counter::Scope;
use domain::day::Day;
use domain::dealings::Dealings;
use domain::failure::Failure;
use domain::id::{CardId, DealId, MemberId, PersonId};
use domain::idempotency::Idempotency;
use domain::said::{Said, United, Unsayable};
use domain::timestamp::Timestamp;
use edge::auth::Caller;
use edge::problem::{Code, Problem};
use serde::Serialize;
use store::DealingsChange;

use crate::App;

/// How often something is said that meets other writers, such as the aggregator.
const ATTEMPTS: u32 = 6;
/// First pause between tries; doubles each time.
const PAUSE: Duration = Duration::from_millis(20);

/// A customer of a card, and who speaks of him.
pub(crate) struct Subject<'a> {
    app: &'a App,
    caller: &'a Caller,
    card: CardId,
    person: PersonId,
    /// The member who speaks.
    pub(crate) by: MemberId,
    /// When he does.
    pub(crate) now: Timestamp,
}

/// What the audit log tells of a rate.
#[derive(Serialize)]
struct ToldRate {
    card_id: CardId,
    percent: f64,
}

/// What the audit log tells of a deal.
#[derive(Serialize)]
struct ToldDeal {
    card_id: CardId,
    person_id: PersonId,
    closed_on: Day,
}

impl<'a> Subject<'a> {
    /// For who may speak of the card's customers.
    pub(crate) fn of(app: &'a App, caller: &'a Caller, card: CardId, person: PersonId) -> Result<Self, Problem> {
        let may = caller.is_admin() || caller.owns(card);
        let member = caller.membership().filter(|_| may).ok_or(Problem::of(Code::NotFound))?;
        Ok(Self { app, caller, card, person, by: member.member, now: app.clock.now() })
    }

    /// Says it; with a request, once. Gives what is said of the customer now, and what
    /// was said, which is the first request's when this is a retry.
    pub(crate) async fn say(&self, said: Said, request: Option<&Idempotency>) -> Result<(Dealings, Said), Problem> {
        for attempt in 0..ATTEMPTS {
            match self.try_to_say(said, request).await {
                Err(problem) if problem.code() == Code::Busy => {
                    tokio::time::sleep(PAUSE * 2_u32.pow(attempt)).await;
                }
                done => return done,
            }
        }
        Err(Failure::Busy.into())
    }

    async fn try_to_say(&self, said: Said, request: Option<&Idempotency>) -> Result<(Dealings, Said), Problem> {
        let (store, company) = (&self.app.store, self.caller.company());
        let (read, before) = store.dealings_of(company, self.card, self.person, request, self.now).await?;
        // After the look-up: whose radar is off learns no more than with it on.
        self.caller.require_radar()?;
        let person = United::of(read.values());
        if !person.state.cards.contains_key(&self.card) {
            return Err(Problem::of(Code::NotFound));
        }
        if let Some(before) = before {
            return Ok((person.dealings, before));
        }
        let retold = said.of(&read, self.person, self.card).map_err(|unsayable| match unsayable {
            Unsayable::TooManyDeals => Problem::of(Code::DealLimit),
            Unsayable::UnknownDeal => Problem::of(Code::NotFound),
        })?;
        if retold.customers.is_empty() {
            return Ok((retold.dealings, said));
        }
        let change = self.told(&said, &person.dealings)?;
        let audit = self.app.ids.audit_entry(self.now, AuditActor::Member(self.by), change)?;
        let change = DealingsChange { card: self.card, person: self.person, retold: &retold, audit: &audit };
        let said = store.change_dealings(company, change, said, request).await?;
        Ok((retold.dealings, said))
    }

    fn told(&self, said: &Said, before: &Dealings) -> Result<AuditChange, Problem> {
        let rate = |set: domain::dealings::SetRate| ToldRate { card_id: self.card, percent: set.rate.percent() };
        let in_force = before.set_rate_in(Scope::Card(self.card)).map(rate);
        let deal = |closed_on| ToldDeal { card_id: self.card, person_id: self.person, closed_on };
        let known = |id: DealId| before.deals_on(self.card).find(|(known, _)| *known == id);
        let person = self.person.to_string();
        let (action, target, from, to) = match *said {
            Said::Rate(set) => (AuditAction::CloseRateSet, person, json(in_force)?, json(Some(rate(set)))?),
            Said::NoRate => (AuditAction::CloseRateCleared, person, json(in_force)?, String::new()),
            Said::Deal(id, new) => {
                (AuditAction::DealRecorded, id.to_string(), String::new(), json(Some(deal(new.closed_on)))?)
            }
            Said::NoDeal(id) => {
                let was = json(known(id).map(|(_, known)| deal(known.closed_on)))?;
                (AuditAction::DealRemoved, id.to_string(), was, String::new())
            }
        };
        Ok(AuditChange { action, target, from, to })
    }
}

/// As the audit log tells it; empty for nothing.
fn json<T: Serialize>(value: Option<T>) -> Result<String, Failure> {
    let text = value.map(|value| serde_json::to_string(&value)).transpose();
    text.map(Option::unwrap_or_default).map_err(|error| Failure::Corrupt(error.to_string()))
}
