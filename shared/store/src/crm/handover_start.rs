//! Starting a handover, and its undoing: each with its job, once per request.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::ConditionCheck;
use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::crm::customer_rules::{CustomerRules, Holding};
use domain::crm::handover::Handover;
use domain::crm::job::{HandoverTask, Job, JobInput};
use domain::kernel::failure::Failure;
use domain::kernel::id::MemberId;
use domain::kernel::idempotency::Idempotency;
use domain::people::member::Member;

use crate::company::audit::add_entry;
use crate::company::department::take;
use crate::crm::customer_rules::rules_of;
use crate::crm::handover::is_lock;
use crate::crm::ownership::check_active;
use crate::table::batch_get::ReadMode;
use crate::table::kinds::{HOLDING, MEMBER};
use crate::{Store, keys};

/// What is read before a member's work is handed over.
#[derive(Debug)]
pub struct HandoverContext {
    /// The member.
    pub leaver: Member,
    /// Those of the successors who exist.
    pub successors: BTreeMap<MemberId, Member>,
    /// How many customers they hold by decisions.
    pub held: BTreeMap<MemberId, u32>,
    /// The company's rules for customers.
    pub rules: CustomerRules,
    /// Whether a handover of the member goes on.
    pub is_open: bool,
}

impl Store {
    /// A member whose work is to be handed over, and their successors. One call.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without such a member.
    pub async fn handover_context(
        &self,
        company: Company,
        leaver: MemberId,
        successors: impl IntoIterator<Item = MemberId>,
    ) -> Result<HandoverContext, Failure> {
        let successors: Vec<_> = successors.into_iter().filter(|member| *member != leaver).collect();
        let (rules, lock) = (keys::customer_rules(company), keys::handover_lock(company, leaver));
        let members = successors.iter().map(|member| keys::member(company, *member));
        let holdings = successors.iter().map(|member| keys::holding(company, *member));
        let first = [keys::member(company, leaver), rules.clone(), lock];
        let wanted: Vec<_> = first.into_iter().chain(members).chain(holdings).collect();
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let is_open = items.iter().any(is_lock);
        let rules = rules_of(take(&mut items, &rules))?;
        let mut held = BTreeMap::new();
        for member in &successors {
            let holding = take(&mut items, &keys::holding(company, *member));
            let holding: Option<Holding> = holding.map(|item| HOLDING.decode(item)).transpose()?;
            held.insert(*member, holding.unwrap_or_default().held);
        }
        let members = items.into_iter().filter(|item| MEMBER.is_of(item)).map(|item| MEMBER.decode(item));
        let members = members.collect::<Result<Vec<Member>, _>>()?;
        let mut members: BTreeMap<_, _> = members.into_iter().map(|member| (member.id, member)).collect();
        let leaver = members.remove(&leaver).ok_or(Failure::NotFound)?;
        Ok(HandoverContext { leaver, successors: members, held, rules, is_open })
    }

    /// Stores a new handover of somebody who is gone, with its job, once per request. Returns the job that
    /// the first such request started.
    ///
    /// # Errors
    /// [`Failure::Exists`] `handover` when one of the member goes on; [`Failure::VersionConflict`] when they
    /// are back, or a successor is gone, since they were read; [`Failure::Exhausted`] `jobs`;
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn start_handover(
        &self,
        company: Company,
        handover: &Handover,
        job: Job,
        audit: &AuditEntry,
        request: &Idempotency,
    ) -> Result<Job, Failure> {
        let key = keys::idempotency(company, &request.key);
        let input = JobInput::Handover(HandoverTask { handover: handover.id, leaver: handover.leaver });
        self.create_once(company, &key, request, audit.at, job.clone(), |transaction| {
            self.lock_handover(transaction, company, handover)?;
            self.put_handover(transaction, company, handover)?;
            let gone = ConditionCheck::builder().condition_expression("attribute_exists(ended)");
            transaction.check(&self.table, &keys::member(company, handover.leaver), gone, Failure::VersionConflict);
            let by = company.actor().map(|actor| actor.member);
            for successor in handover.rule.successors().into_iter().filter(|member| Some(*member) != by) {
                check_active(transaction, &self.table, (company, successor), Failure::VersionConflict);
            }
            self.add_job(transaction, company, &job, input)?;
            add_entry(transaction, &self.table, company, audit)
        })
        .await
    }

    /// Stores a handover that is undone from now on, with its job, once per request. Returns the job that
    /// the first such request started.
    ///
    /// # Errors
    /// [`Failure::Busy`] when it has changed since it was read, and those of [`Store::start_handover`].
    pub async fn undo_handover(
        &self,
        company: Company,
        undoing: &Handover,
        job: Job,
        audit: &AuditEntry,
        request: &Idempotency,
    ) -> Result<Job, Failure> {
        let key = keys::idempotency(company, &request.key);
        let input = JobInput::HandoverUndo(HandoverTask { handover: undoing.id, leaver: undoing.leaver });
        self.create_once(company, &key, request, audit.at, job.clone(), |transaction| {
            self.lock_handover(transaction, company, undoing)?;
            self.put_handover(transaction, company, undoing)?;
            self.add_job(transaction, company, &job, input)?;
            add_entry(transaction, &self.table, company, audit)
        })
        .await
    }
}
