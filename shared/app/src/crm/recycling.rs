//! Applying a company's rules of recycling to its customers.

use std::collections::BTreeSet;

use domain::close_rate::model::Band;
use domain::company::Company;
use domain::company::audit::{AuditAction, AuditActor};
use domain::crm::addition::CustomerSource;
use domain::crm::command::CustomerError;
use domain::crm::customer_rules::CustomerRules;
use domain::crm::ownership::OwnershipReason;
use domain::crm::profile::ProfileField;
use domain::crm::recycling::{
    RECYCLE_RULES_MAX, RecycleCause, RecycleContext, RecycleDue, RecycleRule, RecycleRuleName,
};
use domain::crm::row::CustomerRow;
use domain::crm::timeline::{CustomerChange, TimelineEntry};
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::kernel::id::{MemberId, PersonId, RecycleRuleId, TagId};
use domain::kernel::timestamp::{DAY_MS, Timestamp};
use runtime::retry::Policy;
use store::{CustomerList, OwnershipChange, RecordRead, RecycleWarning};

use crate::Flow;

/// The hour of Asia/Shanghai in which rules are applied.
const HOUR: i64 = 2;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recycled {
    /// Customers who went back to the pool.
    pub customers: usize,
    /// Customers whom their owner is about to lose.
    pub warnings: usize,
}

/// Applies the rules that are switched on to all customers of a company, as long as it may go on, and makes
/// them due again: for the next night, or at once for the rest. What fails stops nothing else.
///
/// # Errors
/// The first failure, after all other customers were looked at.
pub async fn recycle(flow: &Flow<'_>, company: Company, may_go_on: impl Fn() -> bool) -> Result<Recycled, Failure> {
    let rules = flow.store.customer_rules(company).await?;
    let list = flow.store.customer_list(company, None).await?;
    let (mut done, mut warnings, mut failed, mut due) = (Recycled::default(), Vec::new(), None, next_run(flow.now));
    for row in list.rows.iter().filter(|row| may_be_hit(row, &rules, Day::of(flow.now))) {
        if !may_go_on() {
            due = flow.now;
            break;
        }
        match recycle_one(flow, company, row.person, (&rules, &list)).await {
            Ok(Some(RecycleOutcome::Recycled)) => done.customers += 1,
            Ok(Some(RecycleOutcome::Warned(member, warning))) => warnings.push((member, warning)),
            Ok(None) => {}
            Err(failure) => {
                tracing::warn!(cause = %failure, "a customer was not looked at by the rules of recycling");
                failed.get_or_insert(failure);
            }
        }
    }
    flow.store.warn_of_recycling(company, &warnings).await?;
    done.warnings = warnings.len();
    flow.store.end_recycling(company, &rules, due).await?;
    failed.map_or(Ok(done), Err)
}

/// What became of a customer.
enum RecycleOutcome {
    Recycled,
    Warned(MemberId, RecycleWarning),
}

/// Whether a rule may hit a customer by now, or soon: rows do not know all, and leave out who was followed
/// up lately.
fn may_be_hit(row: &CustomerRow, rules: &CustomerRules, today: Day) -> bool {
    let last = row.last_follow_up.map(Day::of);
    rules.recycle.iter().filter(|rule| rule.enabled_on.is_some()).any(|rule| match rule.cause {
        RecycleCause::NoFollowUp => {
            last.is_none_or(|last| last.plus(i32::from(rule.days) - i32::from(rule.warn_days)) <= today)
        }
        RecycleCause::NoDeal => true,
    })
}

async fn recycle_one(
    flow: &Flow<'_>,
    company: Company,
    person: PersonId,
    read: (&CustomerRules, &CustomerList),
) -> Result<Option<RecycleOutcome>, Failure> {
    let attempt = || try_to_recycle(flow, company, person, read);
    flow.store.retry().run(Policy::CONTENTION, attempt).await
}

async fn try_to_recycle(
    flow: &Flow<'_>,
    company: Company,
    person: PersonId,
    (rules, list): (&CustomerRules, &CustomerList),
) -> Result<Option<RecycleOutcome>, Failure> {
    // As of the last write, and all that was read is checked by the write: whoever was just followed up
    // stays.
    let known = flow.store.known_customer(company, person, RecordRead::ToChange).await?;
    let context = RecycleContext { tags: &list.tags, model: &list.model, today: Day::of(flow.now) };
    let Some((due, changed)) = known.recycled(person, &rules.recycle, (context, flow.now)) else {
        return Ok(known
            .recycle_due(&rules.recycle, context)
            .and_then(|due| warning(person, due, rules, context.today)));
    };
    let reason = OwnershipReason::Recycled;
    let id = flow.uuid()?;
    let change = CustomerChange::Ownership { owner: None, reason };
    let entry = TimelineEntry { id, at: flow.now, by: None, change };
    let from = due.owner.map(|owner| owner.to_string()).unwrap_or_default();
    let (actor, action) = (AuditActor::Rule, AuditAction::CustomerRecycled);
    let audit = flow.audit_entry(actor, action, person, from, due.rule.to_string())?;
    let change = OwnershipChange { read: &known, changed: &changed, entry: (person, &entry) };
    flow.store.recycle_customer(company, change, &audit).await?;
    Ok(Some(RecycleOutcome::Recycled))
}

fn warning(person: PersonId, due: RecycleDue, rules: &CustomerRules, today: Day) -> Option<RecycleOutcome> {
    let RecycleDue { on, rule, owner } = due;
    let is_soon = |it: &&RecycleRule| it.id == rule && on.plus(-i32::from(it.warn_days)) <= today;
    rules.recycle.iter().find(is_soon)?;
    Some(RecycleOutcome::Warned(owner?, RecycleWarning { person, on, rule, made_on: today }))
}

/// The next night.
fn next_run(now: Timestamp) -> Timestamp {
    let tonight = Day::of(now).start().plus_millis(HOUR * DAY_MS / 24);
    if tonight > now { tonight } else { tonight.plus_millis(DAY_MS) }
}

/// A rule as an admin wants it.
#[derive(Debug, Clone)]
pub struct RuleDraft {
    /// The rule that it replaces; none for a new one.
    pub id: Option<RecycleRuleId>,
    /// The name.
    pub name: RecycleRuleName,
    /// Whether it is switched on.
    pub enabled: bool,
    /// What the owner has not done.
    pub cause: RecycleCause,
    /// For how many days.
    pub days: u16,
    /// How many days before the owner is warned.
    pub warn_days: u16,
    /// Only customers with one of these tags.
    pub tags: BTreeSet<TagId>,
    /// Only customers in this band.
    pub band: Option<Band>,
    /// Only customers who came like this.
    pub source: Option<CustomerSource>,
}

/// The rules of these drafts. A rule that is changed while it is switched on warns anew.
///
/// # Errors
/// The field that is wrong, of too many rules, and of a rule that does not stand.
pub(crate) fn rules_of(
    flow: &Flow<'_>,
    before: &[RecycleRule],
    drafts: Vec<RuleDraft>,
) -> Result<Vec<RecycleRule>, CustomerError> {
    if drafts.len() > RECYCLE_RULES_MAX {
        return Err(FieldError::new("too_many", "最多 20 条回收规则").at("/recycle_rules").into());
    }
    let mut rules: Vec<RecycleRule> = Vec::with_capacity(drafts.len());
    let named: BTreeSet<_> = drafts.iter().filter_map(|draft| draft.id).collect();
    for RuleDraft { id, name, enabled, cause, days, warn_days, tags, band, source } in drafts {
        let stands = id.map(|id| before.iter().find(|rule| rule.id == id)).unwrap_or_default();
        if id.is_some_and(|id| stands.is_none() || rules.iter().any(|rule| rule.id == id)) {
            return Err(FieldError::new("unknown_rule", "规则不存在或重复").at("/recycle_rules").into());
        }
        let is_new = id.is_none();
        let id = id.map_or_else(|| flow.new_id(), Ok)?;
        let enabled_on = enabled.then(|| Day::of(flow.now));
        let mut rule = RecycleRule { id, name, enabled_on, cause, days, warn_days, tags, band, source };
        rule.check()?;
        // A new rule that stands already is that one: a request that comes again adds none.
        let is_free = |it: &&RecycleRule| !named.contains(&it.id) && !rules.iter().any(|rule| rule.id == it.id);
        let same = before.iter().filter(is_free).find(|it| is_new && it.is_same_but_for_its_id(&rule));
        if let Some(same) = same {
            rule = same.clone();
        } else if let Some(stands) = stands.filter(|stands| stands.hits_as(&rule)) {
            rule.enabled_on = stands.enabled_on.filter(|_| enabled).or(rule.enabled_on);
        }
        rules.push(rule);
    }
    Ok(rules)
}

/// Customers whom a rule hits.
#[derive(Debug)]
pub struct PreviewPage {
    /// How many were looked at.
    pub looked_at: usize,
    /// Each with their name.
    pub hits: Vec<(PersonId, String, RecycleDue)>,
    /// Where the next page begins.
    pub next: Option<PersonId>,
}

/// Whom a rule would hit as customers are now, the newest customers first, and when. A call for each
/// customer, after two for the page.
///
/// # Errors
/// [`Failure::NotFound`] without such a rule.
pub async fn preview(
    flow: &Flow<'_>,
    company: Company,
    rule: RecycleRuleId,
    after: Option<PersonId>,
    limit: u32,
) -> Result<PreviewPage, Failure> {
    let rules = flow.store.customer_rules(company).await?;
    let rule = rules.recycle.iter().find(|it| it.id == rule).ok_or(Failure::NotFound)?;
    let (list, more) = flow.store.newest_customers(company, after, limit).await?;
    let context = RecycleContext { tags: &list.tags, model: &list.model, today: Day::of(flow.now) };
    let mut hits = Vec::new();
    for row in &list.rows {
        let known = flow.store.known_customer(company, row.person, RecordRead::ToShow).await?;
        if let Some(due) = rule.due(&known, context) {
            hits.push((row.person, known.profile().text(ProfileField::Name).to_owned(), due));
        }
    }
    let next = list.rows.last().filter(|_| more).map(|row| row.person);
    Ok(PreviewPage { looked_at: list.rows.len(), hits, next })
}

/// The customers whom a member is about to lose, with their names, but for those of whom something has
/// changed since that was found. Two calls.
///
/// # Errors
/// [`Failure::Corrupt`] when something cannot be read.
pub async fn warnings(
    flow: &Flow<'_>,
    company: Company,
    member: MemberId,
) -> Result<Vec<(RecycleWarning, String)>, Failure> {
    let (mut warnings, today) = (flow.store.recycle_warnings(company, member).await?, Day::of(flow.now));
    warnings.retain(|warning| warning.on >= today);
    let persons: Vec<_> = warnings.iter().map(|warning| warning.person).collect();
    let records = flow.store.customer_records(company, &persons).await?;
    let (mut shown, mut seen) = (Vec::new(), BTreeSet::new());
    // Of two warnings about one customer the later one was found later.
    for warning in warnings.into_iter().rev() {
        let record = records.get(&warning.person);
        let followed_up = record.and_then(|record| record.follow_ups.last()).map(Day::of);
        let decided = record.and_then(|record| record.ownership).map(|decision| Day::of(decision.at));
        if followed_up.max(decided).is_none_or(|last| last < warning.made_on) && seen.insert(warning.person) {
            let name = record.map(|record| record.profile.text(ProfileField::Name).to_owned());
            shown.push((warning, name.unwrap_or_default()));
        }
    }
    shown.reverse();
    Ok(shown)
}
