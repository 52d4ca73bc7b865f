//! The rules of automation look at what has happened: at the new pages of the company's feed, and once a
//! night at all customers for rules about time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

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
use domain::kernel::id::{AutomationRuleId, PersonId, TagId};
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
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
/// Most customers of a page, or of a night in a row, who are passed though all of them fail.
const PASSED_MAX: usize = 3;
/// How long after a run the next one is due.
const PAUSE_MS: i64 = 60 * SECOND_MS;

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
    /// The rules have changed, or another run counts hits.
    Changed,
}

/// A run for a company.
struct Runner<'a, M> {
    store: &'a Store,
    ids: &'a Ids,
    clock: &'a Clock,
    company: Company,
    /// The age from which a page is evaluated: one with an earlier id may be written a little later.
    lag_ms: i64,
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

/// Lets the rules of a company evaluate what has happened since they last did, in pages older than `lag_ms`, and
/// makes them due again. A customer who fails stops nothing else.
///
/// # Errors
/// The first failure. What was not looked at is looked at by the next run.
pub async fn run(
    (store, ids, clock): (&Store, &Ids, &Clock),
    company: Company,
    lag_ms: i64,
    may_go_on: impl Fn() -> bool,
) -> Result<AutomationRun, Failure> {
    let (automation, tags, _) = store.automation_and_books(company).await?;
    let done = AutomationRun::default();
    let mut runner = Runner { store, ids, clock, company, lag_ms, may_go_on, automation, tags, done, failed: None };
    let ended = runner.evaluate().await;
    let now = clock.now();
    let due = match ended {
        // Other rules are due at once.
        Ok(Some(RunEnd::Changed)) => return Ok(runner.done),
        Ok(None) | Err(_) => now.plus_millis(PAUSE_MS),
        Ok(Some(RunEnd::Time)) => now,
        Ok(Some(RunEnd::Limit)) => Day::of(now).plus(1).start(),
    };
    // Whatever has failed: what was evaluated is not evaluated again.
    store.end_automation(company, &runner.automation, due).await?;
    ended?;
    runner.failed.map_or(Ok(runner.done), Err)
}

impl<M: Fn() -> bool> Runner<'_, M> {
    /// The night first: events may use up all hits of a day.
    async fn evaluate(&mut self) -> Result<Option<RunEnd>, Failure> {
        match self.evaluate_all().await? {
            None => self.evaluate_events().await,
            ended => Ok(ended),
        }
    }

    /// The new pages of the feed. A page is evaluated whole, or again. Customers who fail are passed, unless
    /// all of a page do: then it is not they.
    async fn evaluate_events(&mut self) -> Result<Option<RunEnd>, Failure> {
        let (until, mut aside) = (self.clock.now().plus_millis(-self.lag_ms), PutAside::default());
        loop {
            let after = self.automation.page;
            let pages = self.store.feed_pages(self.company, after, until, PAGES, &mut aside).await?;
            if pages.is_empty() {
                return Ok(None);
            }
            for (page, segments) in pages {
                let wanted = self.wanted(&segments);
                let (people, mut failures) = (wanted.len(), 0);
                for (person, events) in wanted {
                    if let Some(end) = self.end() {
                        return Ok(Some(end));
                    }
                    match self.look(person, RuleTrigger::Events(page, &events)).await {
                        Ok(Some(end)) => return Ok(Some(end)),
                        Ok(None) => {}
                        Err(failure) if failures + 1 == people && people > PASSED_MAX => return Err(failure),
                        Err(failure) => {
                            failures += 1;
                            self.failed.get_or_insert(failure);
                        }
                    }
                }
                self.automation.page = Some(page);
                if !(self.may_go_on)() {
                    return Ok(Some(RunEnd::Time));
                }
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

    /// All customers, for rules without an event, once a night, in the order of their ids: the next run goes on
    /// where this one ends.
    async fn evaluate_all(&mut self) -> Result<Option<RunEnd>, Failure> {
        let night = Automation::night_of(self.clock.now());
        if self.automation.evaluated_on.is_some_and(|day| day >= night) || !self.automation.has_night_rules() {
            return Ok(None);
        }
        let (mut rows, to) = (self.store.customer_list(self.company, None).await?.rows, self.automation.evaluated_to);
        rows.retain(|row| to.is_none_or(|to| row.person > to) && self.may_be_hit(row));
        rows.sort_unstable_by_key(|row| row.person);
        let mut failures = 0;
        for row in rows {
            if let Some(end) = self.end() {
                return Ok(Some(end));
            }
            match self.look(row.person, RuleTrigger::Night).await {
                Ok(Some(end)) => return Ok(Some(end)),
                Ok(None) => failures = 0,
                Err(failure) if failures >= PASSED_MAX => return Err(failure),
                Err(failure) => {
                    failures += 1;
                    self.failed.get_or_insert(failure);
                }
            }
            self.automation.evaluated_to = Some(row.person);
        }
        (self.automation.evaluated_on, self.automation.evaluated_to) = (Some(night), None);
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

    fn end(&self) -> Option<RunEnd> {
        if self.automation.room(self.clock.now()) == 0 {
            return Some(RunEnd::Limit);
        }
        (!(self.may_go_on)()).then_some(RunEnd::Time)
    }

    /// Lets the rules evaluate one customer.
    async fn look(&mut self, person: PersonId, trigger: RuleTrigger<'_>) -> Result<Option<RunEnd>, Failure> {
        let (this, decided) = (&*self, Mutex::new(BTreeSet::new()));
        let attempt = || this.try_to_look(person, trigger, &decided);
        match self.store.retry().run(Policy::CONTENTION, attempt).await {
            Ok(None) => Ok(None),
            Ok(Some((automation, hits))) => {
                self.automation = automation;
                self.done.hits += hits;
                Ok(None)
            }
            Err(Failure::VersionConflict) => Ok(Some(RunEnd::Changed)),
            Err(failure) => {
                tracing::warn!(cause = %failure, "the rules of automation could not evaluate a customer");
                Err(failure)
            }
        }
    }

    /// As of the last write, and all that was read is checked by the write. Rules that were found to hit are
    /// kept in `decided`: a rate that one of them sets takes no hit back.
    async fn try_to_look(
        &self,
        person: PersonId,
        trigger: RuleTrigger<'_>,
        decided: &Mutex<BTreeSet<AutomationRuleId>>,
    ) -> Result<Option<(Automation, usize)>, Failure> {
        let flow = Flow { store: self.store, ids: self.ids, now: self.clock.now() };
        let known = || decided.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut seen = self.outcome(&flow, person, trigger, &known()).await?;
        decided.lock().unwrap_or_else(PoisonError::into_inner).extend(seen.1.hits.iter().map(|hit| hit.rule));
        let rates = self.set_rates(&flow, &seen).await?;
        if rates.changed {
            seen = self.outcome(&flow, person, trigger, &known()).await?;
        }
        let (read, mut outcome) = seen;
        if outcome.changed.is_empty() {
            return Ok(None);
        }
        outcome.hits.iter_mut().filter(|hit| rates.refused.contains(&hit.rule)).for_each(|hit| hit.close_rate = None);
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
        decided: &BTreeSet<AutomationRuleId>,
    ) -> Result<(KnownCustomer, AutomationOutcome), Failure> {
        let read = self.store.known_customer(self.company, person, RecordRead::ToChange).await?;
        let (now, rules) = (flow.now, &self.automation.rules);
        let context = AutomationContext { tags: &self.tags, model: &read.listed.model, now, decided };
        let outcome = match trigger {
            RuleTrigger::Events(page, events) => read.after_events((person, page, events), rules, context),
            RuleTrigger::Night => Some(read.after_night(person, rules, context)),
        };
        Ok((read, outcome.unwrap_or_default()))
    }

    /// Sets the rates that the rules set, in the name of their authors while they are members, before the rest
    /// is written.
    async fn set_rates(
        &self,
        flow: &Flow<'_>,
        (read, outcome): &(KnownCustomer, AutomationOutcome),
    ) -> Result<Rates, Failure> {
        let (opportunity, mut rates) = (read.merged().opportunity, Rates::default());
        for hit in &outcome.hits {
            let author = self.automation.rules.iter().find(|rule| rule.id == hit.rule).map(|rule| rule.by);
            let Some(((card, rate), by)) = hit.close_rate.zip(author) else { continue };
            if opportunity.set_rate_in(Scope::Card(card)).is_some_and(|set| set.rate == rate) {
                continue;
            }
            let editor = CustomerEditor { company: self.company, card, person: hit.person, by, radar_on: true };
            if !read.directory.is_active(by) {
                rates.refused.insert(hit.rule);
                continue;
            }
            match editor.set_close_rate(flow, rate).await {
                Ok(_) => rates.changed = true,
                Err(CustomerError::Failed(failure)) if failure != Failure::NotFound => return Err(failure),
                Err(refused) => {
                    tracing::warn!(cause = %refused, "a rule of automation sets no rate");
                    rates.refused.insert(hit.rule);
                }
            }
        }
        Ok(rates)
    }
}

/// What became of the rates that rules set.
#[derive(Debug, Default)]
struct Rates {
    /// Whether one was not set yet.
    changed: bool,
    /// Rules whose rate is not set.
    refused: BTreeSet<AutomationRuleId>,
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
