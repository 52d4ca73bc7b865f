//! Planning follow-ups, and the lists of what is due.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use domain::company::Company;
use domain::crm::command::CustomerError;
use domain::crm::due::FollowUpDue;
use domain::crm::follow_up::NextFollowUp;
use domain::crm::ownership::CustomerRight;
use domain::crm::timeline::CustomerChange;
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::kernel::id::{MemberId, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::counter::Scope;
use domain::radar::quiet_hours::QuietHours;
use store::{FollowUpPlan, RecordRead};

use crate::Flow;
use crate::crm::record::{RecordEditor, check_kept};
use crate::crm::while_contended;

impl RecordEditor {
    /// Plans the next follow-up. Returns the plan that stands then: the same one planned again stays as it
    /// is.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn plan_follow_up(&self, flow: &Flow<'_>, at: Timestamp) -> Result<NextFollowUp, CustomerError> {
        let next = NextFollowUp::new(at, self.viewer.member, flow.now).map_err(|error| error.at("/at"))?;
        let planned = self.replace_plan(flow, Some(next)).await?;
        Ok(planned.unwrap_or(next))
    }

    /// Plans the next follow-up for the best hour: when the customer will likely be there.
    ///
    /// # Errors
    /// [`CustomerError::Field`] `no_advice` before anybody has come, and those of [`Self::plan_follow_up`].
    pub async fn plan_at_best_hour(&self, flow: &Flow<'_>) -> Result<NextFollowUp, CustomerError> {
        self.find(flow).await?;
        let (_, customer, list) = flow.store.customer_and_list(self.company, Scope::Company, self.person).await?;
        let advice = customer.state.hours.advise(flow.now, QuietHours::default(), &list.rhythm.rhythm);
        let none = || FieldError::new("no_advice", "暂无最佳时间建议，请选择具体时间").at("/at_best_hour");
        self.plan_follow_up(flow, advice.ok_or_else(none)?.next).await
    }

    /// Removes the plan. Idempotent.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn unplan_follow_up(&self, flow: &Flow<'_>) -> Result<(), CustomerError> {
        self.replace_plan(flow, None).await.map(drop)
    }

    async fn replace_plan(
        &self,
        flow: &Flow<'_>,
        next: Option<NextFollowUp>,
    ) -> Result<Option<NextFollowUp>, CustomerError> {
        while_contended(flow, || async {
            let known = flow.store.known_customer(self.company, self.person, RecordRead::ToChange).await?;
            // Who is no customer any more, since they joined the company, leaves no plan that nobody can
            // remove.
            let is_own = |plan: NextFollowUp| self.viewer.admin || plan.by == self.viewer.member;
            let may_remove = next.is_none() && known.next_follow_up().is_some_and(is_own);
            self.admit_if(may_remove || known.is_visible_to(self.viewer))?;
            check_kept(&known, RecordRead::ToChange)?;
            if !may_remove {
                self.require(&known, CustomerRight::Edit)?;
            }
            let what = |plan: NextFollowUp| (plan.at, plan.by);
            if known.next_follow_up().map(what) == next.map(what) {
                return Ok(known.next_follow_up());
            }
            let changed = known.with_next_follow_up(self.person, next);
            let change = next.map_or(CustomerChange::NoNextFollowUp, |next| CustomerChange::NextFollowUp(next.at));
            let entry = self.timeline_entry(flow, change)?;
            flow.store.plan_follow_up(self.company, &known, &changed, (self.person, &entry)).await?;
            Ok(next)
        })
        .await
    }
}

/// What a member has planned, or all members.
#[derive(Debug, Clone, Copy)]
pub struct PlanList {
    /// The company.
    pub company: Company,
    /// The member; all without one.
    pub member: Option<MemberId>,
    /// Only what is due then.
    pub due: Option<FollowUpDue>,
}

/// A page of it.
#[derive(Debug)]
pub struct PlanPage {
    /// How many are due when, whatever the filter.
    pub counts: BTreeMap<FollowUpDue, u32>,
    /// Whether all were counted.
    pub complete: bool,
    /// The plans.
    pub items: Vec<PlannedCustomer>,
    /// Where the next page begins.
    pub next: Option<PlanPosition>,
}

/// A plan with the name of its customer, if members have given one.
#[derive(Debug)]
pub struct PlannedCustomer {
    /// The plan.
    pub plan: FollowUpPlan,
    /// When it is due.
    pub due: FollowUpDue,
    /// The name.
    pub name: Option<String>,
}

/// The place of a plan in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanPosition(i64, PersonId);

impl PlanPosition {
    fn of(plan: &FollowUpPlan) -> Self {
        Self(plan.at.millis(), plan.person)
    }
}

impl fmt::Display for PlanPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

impl FromStr for PlanPosition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (ms, person) = text.split_once(' ').ok_or(())?;
        Ok(Self(ms.parse().map_err(drop)?, person.parse().map_err(drop)?))
    }
}

impl PlanList {
    /// A page of the list after a position. Two calls.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when a plan or a record cannot be read.
    pub async fn page(&self, flow: &Flow<'_>, after: Option<PlanPosition>, limit: u32) -> Result<PlanPage, Failure> {
        let (plans, more) = flow.store.follow_up_plans(self.company, self.member).await?;
        let mut counts: BTreeMap<_, _> = FollowUpDue::ALL.iter().map(|due| (*due, 0)).collect();
        let mut wanted = Vec::new();
        for plan in plans {
            let due = FollowUpDue::of(plan.at, flow.now);
            *counts.entry(due).or_default() += 1;
            if self.due.is_none_or(|only| only == due) && after.is_none_or(|after| PlanPosition::of(&plan) > after) {
                wanted.push((plan, due));
            }
        }
        let next = (wanted.len() > limit as usize).then(|| PlanPosition::of(&wanted[limit as usize - 1].0));
        wanted.truncate(limit as usize);
        let persons: Vec<_> = wanted.iter().map(|(plan, _)| plan.person).collect();
        let mut names = flow.store.customer_names(self.company, &persons).await?;
        let item = |(plan, due): (FollowUpPlan, _)| PlannedCustomer { plan, due, name: names.remove(&plan.person) };
        Ok(PlanPage { counts, complete: !more, items: wanted.into_iter().map(item).collect(), next })
    }
}
