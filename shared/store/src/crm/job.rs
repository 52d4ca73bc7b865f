//! Jobs: an item each, with what it is told to do beside it, and the note of which are open.
//!
//! An open job waits in a due list until somebody asks for its next steps: a new one at once, one that
//! goes on when nobody has gone on with it for some minutes. So no message is lost between a commit and
//! its sending.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use domain::company::audit::AuditEntry;
use domain::company::budget_spend::BudgetSpend;
use domain::company::{Acting, Company};
use domain::crm::handover::{HandoverState, HandoverStep};
use domain::crm::job::{
    ImportUndo, JOB_IDLE_MS, JOB_KEPT_MS, Job, JobInput, JobKind, JobState, JobStep, OPEN_JOBS_MAX,
};
use domain::crm::viewer::Viewer;
use domain::kernel::failure::{Failure, Resource};
use domain::kernel::id::{JobId, MemberId, PersonId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Role;
use serde::{Deserialize, Serialize};

use crate::company::audit::add_entry;
use crate::company::department::take;
use crate::crm::import::{ImportMark, placed};
use crate::keys::DueList;
use crate::table::batch_get::ReadMode;
use crate::table::due::{Due, WAITS, WAITS_NO_LONGER, no_longer};
use crate::table::idempotency::replayed;
use crate::table::item::{Item, LAYOUT, TYPE, expire, number, text};
use crate::table::kinds::{IMPORT_MARK, JOB, JOB_INPUT, JOB_SLOTS, ROW_ERROR};
use crate::table::read::{Order, Search};
use crate::table::sweep::{Sweep, SweepLimits};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};

/// The attribute with the ids of the open jobs.
const OPEN: &str = "open";

/// A job as it is stored, with the rights that the member had who started it.
#[derive(Debug, Serialize, Deserialize)]
struct StoredJob {
    #[serde(flatten)]
    job: Job,
    member: MemberId,
    person: PersonId,
    role: Role,
    rights: u32,
}

/// What the job is told, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct StoredInput {
    input: JobInput,
}

/// What must be true together with a new job.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobConditions<'a> {
    /// Tokens to take.
    pub spends: &'a [BudgetSpend],
    /// The entry of the audit log.
    pub audit: Option<&'a AuditEntry>,
}

/// A job that can go on.
#[derive(Debug, Clone)]
pub struct JobToRun {
    /// The company, for the member who started the job.
    pub company: Company,
    /// The job.
    pub job: Job,
    /// What it is told to do.
    pub input: JobInput,
}

impl Store {
    /// Stores a new job once per request, for the member of the handle. Returns the job that the first
    /// such request started.
    ///
    /// # Errors
    /// [`Failure::Exhausted`] `jobs` when too many are open, [`Failure::OverBudget`], [`Failure::KeyReused`] when the request's
    /// key stands for another request.
    pub async fn start_job(
        &self,
        company: Company,
        job: Job,
        input: JobInput,
        (request, JobConditions { spends, audit }): (&Idempotency, JobConditions<'_>),
    ) -> Result<Job, Failure> {
        let key = keys::idempotency(company, &request.key);
        self.create_once_within((company, spends), &key, request, job.started_at, job.clone(), |transaction| {
            if let Some(entry) = audit {
                add_entry(transaction, &self.table, company, entry)?;
            }
            self.add_job(transaction, company, &job, input)
        })
        .await
    }

    /// The job that the same request has started, if it came before.
    ///
    /// # Errors
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn job_of_request(
        &self,
        company: Company,
        request: &Idempotency,
        now: Timestamp,
    ) -> Result<Option<Job>, Failure> {
        let key = keys::idempotency(company, &request.key);
        let first = self.batch_get(company, &[key], ReadMode::Consistent).await?;
        Ok(first.into_iter().next().map(|first| replayed(first, request, now)).transpose()?.flatten())
    }

    /// Adds a new job of the member of the handle to a transaction.
    pub(crate) fn add_job(
        &self,
        transaction: &mut Transaction,
        company: Company,
        job: &Job,
        input: JobInput,
    ) -> Result<(), Failure> {
        let acting = company.actor().ok_or(Failure::RoleRequired)?;
        let (id, now) = (AttributeValue::Ss(vec![job.id.to_string()]), job.started_at);
        transaction.create(&self.table, self.job_item(company, job, acting)?, Failure::Busy);
        match &input {
            JobInput::Import(import) => {
                // As long as the job is kept that it names.
                let mark = ImportMark { job: job.id };
                let replaced = import.resumes.as_ref().map(|resumed| resumed.last.to_string()).unwrap_or_default();
                let mut item = IMPORT_MARK.encode(&keys::import_mark(company, &import.digest), &mark)?;
                expire(&mut item, now.plus_millis(JOB_KEPT_MS));
                let values =
                    Item::from([(":now".to_owned(), number(now.seconds())), (":before".to_owned(), text(replaced))]);
                let free = "attribute_not_exists(#pk) OR expires_at <= :now OR job = :before";
                transaction.put(&self.table, item, free, values, Failure::Busy);
            }
            JobInput::ImportUndo(_)
            | JobInput::BulkTags(_)
            | JobInput::ImportPreview(_)
            | JobInput::Export(_)
            | JobInput::AutomationDryRun(_)
            | JobInput::Handover(_)
            | JobInput::HandoverUndo(_) => {}
        }
        let mut told = JOB_INPUT.encode(&keys::job_input(company, job.id), &StoredInput { input })?;
        expire(&mut told, now.plus_millis(JOB_KEPT_MS));
        transaction.create(&self.table, told, Failure::Busy);
        let take = Update::builder()
            .update_expression("SET #type = :type, #layout = :layout ADD #open :job")
            .condition_expression("attribute_not_exists(#open) OR size(#open) < :most")
            .expression_attribute_names("#type", TYPE)
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_values(":type", text(JOB_SLOTS.name))
            .expression_attribute_values(":layout", number(JOB_SLOTS.layout))
            .expression_attribute_values(":most", number(OPEN_JOBS_MAX))
            .expression_attribute_values(":job", id);
        transaction.update(&self.table, &keys::job_slots(company), take, Failure::Exhausted(Resource::Jobs));
        Ok(())
    }

    /// Succeeds while the member of the handle has the rights that it was made with.
    ///
    /// # Errors
    /// [`Failure::RightsChanged`], [`Failure::CompanySuspended`].
    pub async fn check_rights(&self, company: Company) -> Result<(), Failure> {
        self.commit(company, Transaction::default()).await.map_err(Cancelled::into_failure)
    }

    /// A job, as of the last write.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn job(&self, company: Company, id: JobId) -> Result<Job, Failure> {
        let found: Option<StoredJob> = self.get_latest(company, &keys::job(company, id), JOB).await?;
        found.map(|stored| stored.job).ok_or(Failure::NotFound)
    }

    /// The jobs that a member may see, the latest first.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn list_jobs(
        &self,
        company: Company,
        viewer: Viewer,
        after: Option<JobId>,
        limit: u32,
    ) -> Result<Page<Job, JobId>, Failure> {
        let (partition, start) = (keys::jobs(company), after.map(|job| keys::job(company, job)));
        let search = Search { kind: JOB, partition: &partition, start, order: Order::NewestFirst, limit };
        let filter = (!viewer.admin).then_some(|stored: &StoredJob| stored.job.is_visible_to(viewer));
        let page = self.search(search, filter, |stored: &StoredJob| stored.job.id).await?;
        Ok(Page { items: page.items.into_iter().map(|stored| stored.job).collect(), next: page.next })
    }

    /// A job with what it is told, for whoever goes on with it; `None` without such a job.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn job_to_run(&self, company: Company, id: JobId) -> Result<Option<JobToRun>, Failure> {
        let wanted = [keys::job(company, id), keys::job_input(company, id)];
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let [Some(job), Some(input)] = wanted.map(|key| take(&mut items, &key)) else { return Ok(None) };
        let StoredJob { job, member, person, role, rights } = JOB.decode(job)?;
        let StoredInput { input } = JOB_INPUT.decode(input)?;
        let acting = Acting { member, person, role, rights };
        Ok(Some(JobToRun { company: Company::acting(company.id(), acting), job, input }))
    }

    /// Stores a job that has gone on or ended, what its step has found, and how far its handover is. This asks
    /// for nobody's rights: a job must end when they are gone.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else has gone on with it or ended it.
    pub async fn put_job(&self, company: Company, job: &Job, input: &JobInput, step: &JobStep) -> Result<Job, Failure> {
        let (next, mut transaction) = self.next_of_job(company, job, step)?;
        self.add_handover_of(&mut transaction, company, input, step.handover.as_ref())?;
        // The table can be imported again when nothing of it is left.
        if let (JobInput::ImportUndo(ImportUndo { digest: Some(digest), .. }), JobState::Done) = (input, next.state) {
            transaction.remove(&self.table, &keys::import_mark(company, digest));
        }
        if let Some(preview) = &step.preview {
            self.add_preview(&mut transaction, company, job, preview)?;
        }
        self.commit_for_schedule(transaction).await.map_err(Cancelled::into_failure)?;
        Ok(next)
    }

    /// Stores a job that a member has cancelled; of a handover with what it was told.
    ///
    /// # Errors
    /// [`Failure::Busy`] when it has gone on since it was read.
    pub async fn cancel_job(&self, company: Company, job: &Job, handover: Option<&JobInput>) -> Result<Job, Failure> {
        let (next, mut transaction) = self.next_of_job(company, job, &JobStep::default())?;
        handover.map_or(Ok(()), |input| self.add_handover_of(&mut transaction, company, input, None))?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)?;
        Ok(next)
    }

    /// Adds what becomes of the handover of a job: without a step it is cut short.
    fn add_handover_of(
        &self,
        transaction: &mut Transaction,
        company: Company,
        input: &JobInput,
        step: Option<&HandoverStep>,
    ) -> Result<(), Failure> {
        match (input, step) {
            (JobInput::Handover(_) | JobInput::HandoverUndo(_), Some(step)) => {
                self.add_handover_step(transaction, company, step)?;
            }
            (JobInput::Handover(task), None) => {
                self.add_failed_handover(transaction, company, task, HandoverState::Failed);
            }
            (JobInput::HandoverUndo(task), None) => {
                self.add_failed_handover(transaction, company, task, HandoverState::UndoFailed);
            }
            (JobInput::BulkTags(_) | JobInput::AutomationDryRun(_) | JobInput::Export(_), _) => {}
            (JobInput::ImportPreview(_) | JobInput::Import(_) | JobInput::ImportUndo(_), _) => {}
        }
        Ok(())
    }

    fn next_of_job(&self, company: Company, job: &Job, step: &JobStep) -> Result<(Job, Transaction), Failure> {
        let next = Job { version: job.version + 1, ..job.clone() };
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &keys::job(company, job.id), moved(company, &next)?, Failure::Busy);
        for stored in placed(&step.errors) {
            let mut item = ROW_ERROR.encode(&keys::row_error(company, job.id, stored.place), &stored)?;
            expire(&mut item, job.started_at.plus_millis(JOB_KEPT_MS));
            transaction.create(&self.table, item, Failure::Busy);
        }
        if !next.is_open() {
            let id = AttributeValue::Ss(vec![next.id.to_string()]);
            let free = Update::builder()
                .update_expression("DELETE #open :job")
                .expression_attribute_names("#open", OPEN)
                .expression_attribute_values(":job", id);
            transaction.update(&self.table, &keys::job_slots(company), free, Failure::Busy);
        }
        if !next.is_open() && next.kind == JobKind::Import {
            // Taking it back needs the digest alone; of the people in the table no second copy is kept.
            let forget = Update::builder()
                .update_expression("SET #input.#import.#rows = :none")
                .expression_attribute_names("#input", "input")
                .expression_attribute_names("#import", "import")
                .expression_attribute_names("#rows", "rows")
                .expression_attribute_values(":none", AttributeValue::L(Vec::new()));
            transaction.update(&self.table, &keys::job_input(company, next.id), forget, Failure::Busy);
        }
        Ok((next, transaction))
    }

    /// Forgets what a job has found in a file. Idempotent.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn forget_preview(&self, company: Company, job: JobId) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        transaction.remove(&self.table, &keys::table_preview(company, job));
        self.commit_for_schedule(transaction).await.map_err(Cancelled::into_failure)
    }

    /// What a job was told.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without such a job.
    pub async fn input_of_job(&self, company: Company, id: JobId) -> Result<JobInput, Failure> {
        let found: Option<StoredInput> = self.get_latest(company, &keys::job_input(company, id), JOB_INPUT).await?;
        found.map(|stored| stored.input).ok_or(Failure::NotFound)
    }

    /// Passes the open jobs of all companies to `send` that are new, or with which nobody goes on.
    pub async fn sweep_jobs<F: Future<Output = Result<(), Failure>>>(
        &self,
        limits: &SweepLimits,
        send: impl Fn(Company, JobId) -> F,
    ) -> Sweep {
        let read = |Due { company, item, place, .. }: Due| {
            let StoredJob { job, .. } = JOB.decode(item)?;
            Ok((company, job.id, place))
        };
        let send = &send;
        let work = |(company, job, place): (Company, JobId, String)| async move {
            send(company, job).await?;
            self.wait_for_job(company, job, &place, limits.clock.now()).await
        };
        self.sweep_each(DueList::Jobs, limits, read, work).await
    }

    /// Moves a job that was sent behind the time in which somebody goes on with it.
    async fn wait_for_job(&self, company: Company, job: JobId, place: &str, now: Timestamp) -> Result<(), Failure> {
        let (key, due) = (keys::job(company, job), now.plus_millis(JOB_IDLE_MS));
        let update =
            Update::builder().update_expression(format!("SET {WAITS}")).condition_expression("#due_place = :found");
        let update = DueList::Jobs.set(update, company, &key, due).expression_attribute_values(":found", text(place));
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &key, update, Failure::Busy);
        self.commit_for_schedule(transaction).await.map_err(Cancelled::into_failure)
    }

    /// The item of a new job.
    fn job_item(&self, company: Company, job: &Job, acting: Acting) -> Result<Item, Failure> {
        let Acting { member, person, role, rights } = acting;
        let (key, job) = (keys::job(company, job.id), Job { version: 1, ..job.clone() });
        let due = job.moved_at;
        let kept = job.started_at.plus_millis(JOB_KEPT_MS);
        let mut item = JOB.encode(&key, &StoredJob { job, member, person, role, rights })?;
        DueList::Jobs.put(&mut item, company, &key, due);
        expire(&mut item, kept);
        Ok(item)
    }
}

/// The update of a job that has gone on or ended, on condition that nobody else has done that.
fn moved(company: Company, next: &Job) -> Result<UpdateBuilder, Failure> {
    let key = keys::job(company, next.id);
    let failure = if next.failure.is_some() { ", failure = :failure" } else { "" };
    let sets =
        format!("SET #state = :state, counts = :counts, #total = :total, moved_ms = :moved, version = :next{failure}");
    let update = if next.is_open() {
        let due = next.moved_at.plus_millis(JOB_IDLE_MS);
        DueList::Jobs.set(Update::builder().update_expression(format!("{sets}, {WAITS}")), company, &key, due)
    } else {
        no_longer(Update::builder().update_expression(format!("{sets} REMOVE {WAITS_NO_LONGER}")))
    };
    let counts = serde_dynamo::to_attribute_value(next.counts).map_err(|error| JOB.corrupt(error))?;
    let update = update
        .condition_expression("version = :read")
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#total", "total")
        .expression_attribute_values(":state", text(next.state.name()))
        .expression_attribute_values(":total", number(next.total))
        .expression_attribute_values(":counts", counts)
        .expression_attribute_values(":moved", number(next.moved_at.millis()))
        .expression_attribute_values(":next", number(next.version))
        .expression_attribute_values(":read", number(next.version - 1));
    Ok(match next.failure {
        Some(failure) => update.expression_attribute_values(":failure", text(failure.name())),
        None => update,
    })
}
