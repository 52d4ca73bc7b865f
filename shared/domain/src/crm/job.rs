//! Jobs: work for many customers that a member starts and that goes on without them.
//!
//! A job goes forward step by step. What a step does can be done twice, and its end is stored with
//! the job on condition that nobody else has gone on meanwhile: of two workers one wins, and whoever is
//! cut off in between does one step again.

use serde::{Deserialize, Serialize};

use crate::crm::automation_dry_run::{DRY_RUN_DAYS, DryRun};
use crate::crm::export::ExportedList;
use crate::crm::handover::HandoverStep;
use crate::crm::import::Import;
use crate::crm::import_file::RowNumbers;
use crate::crm::import_row::RowError;
use crate::crm::table::TableError;
use crate::crm::table_preview::{TablePreview, TableToPreview};
use crate::crm::viewer::Viewer;
use crate::kernel::id::{CardId, HandoverId, JobId, MemberId, PersonId, TagId};
use crate::kernel::list::UniqueList;
use crate::kernel::string_enum::string_enum;
use crate::kernel::timestamp::{DAY_MS, SECOND_MS, Timestamp};

/// Most jobs of a company that are open at once: two for each of 25 people at a time. All open jobs take
/// turns of some seconds, so those of one company delay another's by a few minutes at most.
pub const OPEN_JOBS_MAX: usize = 50;
/// Most customers that one job of tags names.
const JOB_PERSONS_MAX: usize = 1_000;
/// How long a job is kept after it was started.
pub const JOB_KEPT_MS: i64 = 90 * DAY_MS;
/// How long a job may take.
pub const JOB_TIME_MS: i64 = DAY_MS;
/// How long nobody goes on with an open job before its next steps are asked for again.
pub const JOB_IDLE_MS: i64 = 300 * SECOND_MS;

/// The customers that a job names.
pub type JobPersons = UniqueList<PersonId, JOB_PERSONS_MAX>;

string_enum! {
    /// What a job does. The names are stored: never change one.
    JobKind, "unknown_kind", "没有这种任务" {
        /// 批量打标签
        BulkTags = "bulk_tags",
        /// 导入预览
        ImportPreview = "import_preview",
        /// 导入客户
        Import = "import",
        /// 撤销导入
        ImportUndo = "import_undo",
        /// 试运行自动化规则
        AutomationDryRun = "automation_dry_run",
        /// 工作交接
        Handover = "handover",
        /// 撤销交接
        HandoverUndo = "handover_undo",
        /// 导出客户
        Export = "export",
    }
}

string_enum! {
    /// How far a job is. The names are stored: never change one.
    JobState, "unknown_state", "没有这种任务状态" {
        /// 等待中
        Queued = "queued",
        /// 进行中
        Running = "running",
        /// 已完成
        Done = "done",
        /// 已失败
        Failed = "failed",
        /// 已取消
        Cancelled = "cancelled",
    }
}

string_enum! {
    /// Why a job has failed. The names are stored: never change one.
    JobFailure, "unknown_reason", "未知原因" {
        /// 发起人的权限已变更
        RightsChanged = "rights_changed",
        /// 企业服务已暂停
        CompanySuspended = "company_suspended",
        /// 超时
        TooLong = "too_long",
        /// 数据无法读取
        Unreadable = "unreadable",
        /// 文件不存在或已过期
        FileGone = "file_gone",
        /// 文件已损坏，或不是表格
        UnreadableFile = "unreadable_file",
        /// 旧格式或加密的文件，请另存为 xlsx 或 csv
        OldFormat = "old_format",
        /// 文件内容过大
        FileTooLarge = "file_too_large",
        /// 超过 10000 行
        TooManyRows = "too_many_rows",
        /// 超过 60 列
        TooManyColumns = "too_many_columns",
        /// 没有数据
        NoData = "no_data",
        /// 没有这个工作表
        UnknownSheet = "unknown_sheet",
    }
}

/// The member for whom a job works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStarter {
    /// The member.
    pub member: MemberId,
    /// The member's card, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardId>,
    /// Whether they are an admin or the boss.
    pub admin: bool,
}

/// What became of the customers of a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Those that are as the job wants them.
    pub done: u32,
    /// Those that the member may not see or change.
    pub skipped: u32,
    /// Those that a limit has kept from it.
    pub failed: u32,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The id.
    pub id: JobId,
    /// The version that was read; 0 of one that is not stored yet.
    pub version: u64,
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub state: JobState,
    /// The member for whom it works.
    pub by: JobStarter,
    /// When it was started.
    #[serde(rename = "started_ms", with = "crate::kernel::timestamp::as_millis")]
    pub started_at: Timestamp,
    /// When it last went on.
    #[serde(rename = "moved_ms", with = "crate::kernel::timestamp::as_millis")]
    pub moved_at: Timestamp,
    /// The number of customers; of a dry run the days of the log.
    pub total: u32,
    /// What became of those that were looked at.
    pub counts: JobCounts,
    /// Why it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<JobFailure>,
}

/// What a job is told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobInput {
    /// Gives tags to customers and takes others.
    BulkTags(BulkTags),
    /// Looks at a file.
    ImportPreview(TableToPreview),
    /// Adds customers of a table.
    Import(Import),
    /// Takes an import back.
    ImportUndo(ImportUndo),
    /// Looks whom a rule of automation would have hit.
    AutomationDryRun(Box<DryRun>),
    /// Writes a list into a file.
    Export(ExportedList),
    /// Hands over what a member leaves behind.
    Handover(HandoverTask),
    /// Undoes a handover.
    HandoverUndo(HandoverTask),
}

/// A handover to go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverTask {
    /// The handover.
    pub handover: HandoverId,
    /// The member whose work it is.
    pub leaver: MemberId,
}

/// An import to take back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportUndo {
    /// The import by which the customers have their ids.
    pub import: JobId,
    /// How many of its rows were looked at.
    pub rows: u32,
    /// Their numbers in the file; none of rows without a file, which are numbered from 1.
    #[serde(default, skip_serializing_if = "RowNumbers::is_empty")]
    pub numbers: RowNumbers,
    /// The digest of its table, while that stands for this import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// What a step has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobStep {
    /// What became of the customers.
    pub counts: JobCounts,
    /// What was wrong, row by row.
    pub errors: Vec<RowError>,
    /// The handover after the step, if it was one of a handover: it knows by itself how far it is.
    pub handover: Option<HandoverStep>,
    /// What a file has.
    pub preview: Option<TablePreview>,
    /// Why the job cannot go on.
    pub failure: Option<JobFailure>,
}

/// Tags to give to customers, and to take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkTags {
    /// The customers.
    pub persons: Vec<PersonId>,
    /// Tags to give.
    pub add: Vec<TagId>,
    /// Tags to take.
    pub remove: Vec<TagId>,
}

impl JobStarter {
    /// The member, as they look at customers.
    pub fn viewer(self) -> Viewer {
        Viewer { member: self.member, card: self.card, admin: self.admin }
    }
}

impl From<TableError> for JobFailure {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Unreadable => Self::UnreadableFile,
            TableError::OldFormat => Self::OldFormat,
            TableError::TooLarge => Self::FileTooLarge,
            TableError::TooManyRows => Self::TooManyRows,
            TableError::TooManyColumns => Self::TooManyColumns,
            TableError::Empty => Self::NoData,
            TableError::UnknownSheet => Self::UnknownSheet,
        }
    }
}

impl ImportUndo {
    /// The numbers of the rows.
    pub fn numbers(&self) -> RowNumbers {
        if self.numbers.is_empty() { RowNumbers::of(1..=self.rows) } else { self.numbers.clone() }
    }
}

impl JobStep {
    /// A step that ends the job without success.
    pub fn failed(reason: JobFailure) -> Self {
        Self { failure: Some(reason), ..Self::default() }
    }
}

impl JobCounts {
    /// The number of customers that were looked at.
    pub fn looked_at(self) -> u32 {
        self.done + self.skipped + self.failed
    }

    /// With those of another step.
    #[must_use]
    pub fn plus(self, step: Self) -> Self {
        Self { done: self.done + step.done, skipped: self.skipped + step.skipped, failed: self.failed + step.failed }
    }
}

impl JobInput {
    /// Whether its steps open a file that somebody has sent.
    pub fn opens_file(&self) -> bool {
        match self {
            Self::ImportPreview(_) => true,
            Self::Import(import) => import.file.is_some(),
            Self::BulkTags(_) | Self::ImportUndo(_) | Self::Export(_) | Self::AutomationDryRun(_) => false,
            Self::Handover(_) | Self::HandoverUndo(_) => false,
        }
    }

    /// What the job does.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::BulkTags(_) => JobKind::BulkTags,
            Self::ImportPreview(_) => JobKind::ImportPreview,
            Self::Import(_) => JobKind::Import,
            Self::ImportUndo(_) => JobKind::ImportUndo,
            Self::AutomationDryRun(_) => JobKind::AutomationDryRun,
            Self::Handover(_) => JobKind::Handover,
            Self::HandoverUndo(_) => JobKind::HandoverUndo,
            Self::Export(_) => JobKind::Export,
        }
    }

    /// The number of customers; of a dry run the days of the log; 0 of a handover, which counts its things in
    /// its first step.
    pub fn total(&self) -> u32 {
        match self {
            Self::BulkTags(tags) => u32::try_from(tags.persons.len()).unwrap_or(u32::MAX),
            // The file.
            Self::ImportPreview(_) => 1,
            Self::Import(import) => import.numbers().len(),
            Self::ImportUndo(undo) => undo.rows,
            Self::AutomationDryRun(_) => DRY_RUN_DAYS,
            // Known when they are read.
            Self::Handover(_) | Self::HandoverUndo(_) | Self::Export(_) => 0,
        }
    }
}

impl Job {
    /// A job that waits for its first step.
    pub fn new(id: JobId, by: JobStarter, input: &JobInput, now: Timestamp) -> Self {
        let (kind, state, counts) = (input.kind(), JobState::Queued, JobCounts::default());
        Self {
            id,
            version: 0,
            kind,
            state,
            by,
            started_at: now,
            moved_at: now,
            total: input.total(),
            counts,
            failure: None,
        }
    }

    /// Whether it has not ended.
    pub fn is_open(&self) -> bool {
        matches!(self.state, JobState::Queued | JobState::Running)
    }

    /// Whether it has taken longer than it may.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        now > self.started_at.plus_millis(JOB_TIME_MS)
    }

    /// After a step that looked at these customers.
    #[must_use]
    pub fn after(&self, step: JobCounts, now: Timestamp) -> Self {
        let counts = self.counts.plus(step);
        let total = self.total.max(counts.looked_at());
        let state = if counts.looked_at() == total { JobState::Done } else { JobState::Running };
        Self { counts, total, state, moved_at: now, ..self.clone() }
    }

    /// After a step of a handover.
    #[must_use]
    pub fn after_handover(&self, step: &HandoverStep, now: Timestamp) -> Self {
        let planned = step.after.planned.values().flat_map(|of| of.values()).sum();
        let (total, skipped) = match &step.after.undo {
            Some(undo) => (step.moved + undo.stayed, undo.stayed),
            None => (planned, step.after.stayed),
        };
        let counts = JobCounts { done: step.moved, skipped, failed: 0 };
        let state = if step.after.is_open() { JobState::Running } else { JobState::Done };
        Self { counts, total: total.max(counts.looked_at()), state, moved_at: now, ..self.clone() }
    }

    /// Ended for a reason.
    #[must_use]
    pub fn failed(&self, reason: JobFailure, now: Timestamp) -> Self {
        Self { state: JobState::Failed, failure: Some(reason), moved_at: now, ..self.clone() }
    }

    /// Ended by a member; the same when it has ended before.
    #[must_use]
    pub fn cancelled(&self, now: Timestamp) -> Self {
        let cancelled = || Self { state: JobState::Cancelled, moved_at: now, ..self.clone() };
        if self.is_open() { cancelled() } else { self.clone() }
    }

    /// Whether a member of those who see it may cancel it: a handover only the boss who has started it.
    pub fn may_be_cancelled_by(&self, viewer: Viewer) -> bool {
        let is_handover = matches!(self.kind, JobKind::Handover | JobKind::HandoverUndo);
        !is_handover || self.by.member == viewer.member
    }

    /// Whether a member may see and cancel it: their own, admins and the boss all.
    pub fn is_visible_to(&self, viewer: Viewer) -> bool {
        viewer.admin || self.by.member == viewer.member
    }
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
