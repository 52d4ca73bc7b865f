//! The rules of automation look at what has happened: at the new pages of the company's feed, and once a
//! night at all customers for rules about time.

use std::collections::BTreeMap;

use domain::company::Company;
use domain::crm::automation::Automation;
use domain::crm::automation_run::{AutomationContext, AutomationHit, AutomationOutcome};
use domain::crm::command::CustomerError;
use domain::crm::customer::SentBy;
use domain::crm::record::KnownCustomer;
use domain::crm::row::CustomerRow;
use domain::crm::tag::TagBook;
use domain::crm::timeline::{CustomerChange, TimelineEntry};
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{PersonId, TagId};
use domain::kernel::timestamp::{DAY_MS, SECOND_MS, Timestamp};
use domain::radar::aggregate::Segment;
use domain::radar::counter::Scope;
use domain::tracking::event::Event;
use runtime::clock::Clock;
use runtime::ids::Ids;
use runtime::retry::Policy;
use store::{AutomationLogEntry, AutomationWrite, PutAside, RecordRead, Store};
use uuid::Uuid;

use crate::Flow;
use crate::crm::customer::CustomerEditor;

/// Pages that are read together.
const PAGES: u32 = 50;
/// The age from which a page is looked at: one with an earlier id may be written a little later.
const LAG_MS: i64 = 10 * SECOND_MS;
/// How long after a run the next one is due.
const PAUSE_MS: i64 = 60 * SECOND_MS;
/// The hour of Asia/Shanghai from which rules about time look at all customers.
const NIGHT_MS: i64 = 3 * DAY_MS / 24;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AutomationRun {
    /// How often a rule hit a customer.
    pub hits: usize,
}

/// Why a run does not go on.
enum RunEnd {
    /// Its time is over: the next run goes on at once.
    Time,
    /// No more customers may be hit today.
    Limit,
}

/// A run for a company.
struct Runner<'a, M> {
    store: &'a Store,
    ids: &'a Ids,
    clock: &'a Clock,
    company: Company,
    may_go_on: M,
    automation: Automation,
    tags: TagBook,
    done: AutomationRun,
    failed: Option<Failure>,
}

/// What the rules are to look at.
#[derive(Clone, Copy)]
enum RuleTrigger<'a> {
    /// Events of a page.
    Events(Uuid, &'a [&'a Event]),
    /// A night.
    Night,
}

/// Lets the rules of a company look at what has happened since they last did, and makes them due again. A
/// customer who cannot be read stops nothing else.
///
/// # Errors
/// The first failure. What was not looked at is looked at by the next run.
pub async fn run(
    (store, ids, clock): (&Store, &Ids, &Clock),
    company: Company,
    may_go_on: impl Fn() -> bool,
) -> Result<AutomationRun, Failure> {
    let (automation, tags, _) = store.automation_and_books(company).await?;
    let done = AutomationRun::default();
    let mut runner = Runner { store, ids, clock, company, may_go_on, automation, tags, done, failed: None };
    let stopped = match runner.look_at_events().await? {
        None => runner.look_at_all().await?,
        stopped => stopped,
    };
    let now = clock.now();
    let due = match stopped {
        None => now.plus_millis(PAUSE_MS),
        Some(RunEnd::Time) => now,
        Some(RunEnd::Limit) => Day::of(now).plus(1).start(),
    };
    store.end_automation(company, &runner.automation, due).await?;
    runner.failed.map_or(Ok(runner.done), Err)
}

impl<M: Fn() -> bool> Runner<'_, M> {
    /// The new pages of the feed. A page is looked at whole, or again.
    async fn look_at_events(&mut self) -> Result<Option<RunEnd>, Failure> {
        let (until, mut aside) = (self.clock.now().plus_millis(-LAG_MS), PutAside::default());
        loop {
            let after = self.automation.page;
            let pages = self.store.feed_pages(self.company, after, until, PAGES, &mut aside).await?;
            if pages.is_empty() {
                return Ok(None);
            }
            for (page, segments) in pages {
                for (person, events) in self.wanted(&segments) {
                    if let Some(stop) = self.stop() {
                        return Ok(Some(stop));
                    }
                    self.look(person, RuleTrigger::Events(page, &events)).await?;
                }
                self.automation.page = Some(page);
            }
        }
    }

    /// The events that a rule counts, by who caused them. Who has not logged in is no customer.
    fn wanted<'e>(&self, segments: &'e [Segment]) -> BTreeMap<PersonId, Vec<&'e Event>> {
        let conditions: Vec<_> = self.automation.enabled().filter_map(|rule| rule.condition.event).collect();
        let mut wanted: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for segment in segments.iter().filter(|segment| segment.by() == SentBy::LoggedIn) {
            let events = segment.events.iter();
            for event in events.filter(|event| conditions.iter().any(|condition| condition.is_met_by(event))) {
                wanted.entry(segment.key.person).or_default().push(event);
            }
        }
        wanted
    }

    /// All customers, for rules without an event, once a night.
    async fn look_at_all(&mut self) -> Result<Option<RunEnd>, Failure> {
        let tonight = Day::of(self.clock.now().plus_millis(-NIGHT_MS));
        let has_rules = self.automation.enabled().any(|rule| rule.condition.event.is_none());
        if self.automation.looked_on.is_some_and(|day| day >= tonight) || !has_rules {
            return Ok(None);
        }
        let mut rows = self.store.customer_list(self.company, None).await?.rows;
        rows.retain(|row| self.may_be_hit(row));
        for row in rows {
            if let Some(stop) = self.stop() {
                return Ok(Some(stop));
            }
            self.look(row.person, RuleTrigger::Night).await?;
        }
        self.automation.looked_on = Some(tonight);
        Ok(None)
    }

    /// Whether a rule about time may hit a customer: rows leave out who was there lately, or followed up.
    fn may_be_hit(&self, row: &CustomerRow) -> bool {
        let today = Day::of(self.clock.now());
        let is_idle = |since: Option<Timestamp>, days: Option<u16>| {
            days.zip(since).is_none_or(|(days, since)| Day::of(since).plus(i32::from(days)) <= today)
        };
        let mut rules = self.automation.enabled().filter(|rule| rule.condition.event.is_none());
        rules.any(|rule| {
            is_idle(row.last_visit, rule.condition.no_visit_days)
                && is_idle(row.last_follow_up, rule.condition.no_follow_up_days)
        })
    }

    fn stop(&self) -> Option<RunEnd> {
        if self.automation.room(self.clock.now()) == 0 {
            return Some(RunEnd::Limit);
        }
        (!(self.may_go_on)()).then_some(RunEnd::Time)
    }

    /// Lets the rules look at one customer. Who cannot be read is passed.
    async fn look(&mut self, person: PersonId, trigger: RuleTrigger<'_>) -> Result<(), Failure> {
        let this = &*self;
        let looked = self.store.retry().run(Policy::CONTENTION, || this.try_to_look(person, trigger)).await;
        match looked {
            Ok(None) => Ok(()),
            Ok(Some((automation, hits))) => {
                self.automation = automation;
                self.done.hits += hits;
                Ok(())
            }
            Err(failure @ Failure::Corrupt(_)) => {
                tracing::warn!(cause = %failure, "the rules of automation pass a customer who cannot be read");
                self.failed.get_or_insert(failure);
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// As of the last write, and all that was read is checked by the write.
    async fn try_to_look(
        &self,
        person: PersonId,
        trigger: RuleTrigger<'_>,
    ) -> Result<Option<(Automation, usize)>, Failure> {
        let flow = Flow { store: self.store, ids: self.ids, now: self.clock.now() };
        let mut seen = self.outcome(&flow, person, trigger).await?;
        if self.set_rates(&flow, &seen).await? {
            // The customer has changed by it.
            seen = self.outcome(&flow, person, trigger).await?;
        }
        let (read, outcome) = seen;
        if outcome.changed.is_empty() {
            return Ok(None);
        }
        let (entries, log) = (entries(&flow, &outcome)?, log(&flow, &outcome)?);
        let write =
            AutomationWrite { person, read: &read, outcome: &outcome, entries: &entries, log: &log, now: flow.now };
        let after = self.store.apply_automation(self.company, &self.automation, write).await?;
        Ok(Some((after, log.len())))
    }

    async fn outcome(
        &self,
        flow: &Flow<'_>,
        person: PersonId,
        trigger: RuleTrigger<'_>,
    ) -> Result<(KnownCustomer, AutomationOutcome), Failure> {
        let read = self.store.known_customer(self.company, person, RecordRead::ToChange).await?;
        let context = AutomationContext { tags: &self.tags, model: &read.listed.model, now: flow.now };
        let rules: Vec<_> = self.automation.enabled().cloned().collect();
        let outcome = match trigger {
            RuleTrigger::Events(page, events) => read.after_events((person, page, events), &rules, context),
            RuleTrigger::Night => Some(read.after_night(person, &rules, context)),
        };
        Ok((read, outcome.unwrap_or_default()))
    }

    /// Sets the rates that the rules set, in the name of their authors, before the rest is written. Returns
    /// whether one was not set yet.
    async fn set_rates(
        &self,
        flow: &Flow<'_>,
        (read, outcome): &(KnownCustomer, AutomationOutcome),
    ) -> Result<bool, Failure> {
        let (opportunity, mut changed) = (read.merged().opportunity, false);
        for hit in &outcome.hits {
            let author = self.automation.rules.iter().find(|rule| rule.id == hit.rule).map(|rule| rule.by);
            let Some(((card, rate), by)) = hit.close_rate.zip(author) else { continue };
            if opportunity.set_rate_in(Scope::Card(card)).is_some_and(|set| set.rate == rate) {
                continue;
            }
            let editor = CustomerEditor { company: self.company, card, person: hit.person, by, radar_on: true };
            match editor.set_close_rate(flow, rate).await {
                Ok(_) => changed = true,
                Err(CustomerError::Failed(failure)) => return Err(failure),
                Err(refused) => tracing::warn!(cause = %refused, "a rule of automation sets no rate"),
            }
        }
        Ok(changed)
    }
}

/// What the timeline says of it: one entry for all tags, and one for the plan that stands.
fn entries(flow: &Flow<'_>, outcome: &AutomationOutcome) -> Result<Vec<TimelineEntry>, Failure> {
    let all = |tags: fn(&AutomationHit) -> &Vec<TagId>| outcome.hits.iter().flat_map(tags).copied().collect::<Vec<_>>();
    let (added, removed) = (all(|hit| &hit.added), all(|hit| &hit.removed));
    let tags = !(added.is_empty() && removed.is_empty());
    let tags = tags.then_some(CustomerChange::Tags { added, removed });
    let plan = outcome.hits.iter().rev().find_map(|hit| hit.planned);
    let plan = plan.map(|plan| CustomerChange::NextFollowUp(plan.at));
    let entry = |change| Ok(TimelineEntry { id: flow.uuid()?, at: flow.now, by: None, change });
    tags.into_iter().chain(plan).map(entry).collect()
}

fn log(flow: &Flow<'_>, outcome: &AutomationOutcome) -> Result<Vec<AutomationLogEntry>, Failure> {
    outcome.hits.iter().map(|hit| Ok(AutomationLogEntry { id: flow.uuid()?, hit: hit.clone() })).collect()
}
