//! Handing over what a member leaves behind (工作交接): who takes over what, and how far it is.
//!
//! A handover goes forward in steps of a job, thing by thing. Each thing that moves leaves a note of what
//! stood before, by which the whole handover can be undone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::crm::ownership::Leaver;
use crate::kernel::field::FieldError;
use crate::kernel::id::{CardId, DepartmentId, HandoverId, JobId, MemberId, TagId};
use crate::kernel::list::UniqueList;
use crate::kernel::string_enum::string_enum;
use crate::kernel::timestamp::{DAY_MS, Timestamp};

/// Most successors of a handover.
pub const SUCCESSORS_MAX: usize = 20;
/// Most tags, and most departments, with a successor of their own.
pub const SHARES_MAX: usize = 20;
/// Things that one step looks at: what stays of them fits into the transaction that ends it.
pub const HANDOVER_STEP: u32 = 50;

/// The successors who take turns.
pub type SuccessorIds = UniqueList<MemberId, SUCCESSORS_MAX>;
/// How long a handover can be undone after it was started.
pub const HANDOVER_UNDO_MS: i64 = 30 * DAY_MS;
/// How long a handover is kept after it was started.
const HANDOVER_KEPT_MS: i64 = 90 * DAY_MS;

string_enum! {
    /// What is handed over, in this order. The names are stored: never change one.
    HandoverThing, "unknown_thing", "没有这种交接内容" {
        /// 客户
        Customers = "customers",
        /// 协作
        Collaborations = "collaborations",
        /// 跟进计划
        FollowUps = "follow_ups",
        /// 名片
        Card = "card",
    }
}

string_enum! {
    /// How far a handover is. The names are stored: never change one.
    HandoverState, "unknown_state", "没有这种交接状态" {
        /// 交接中
        Running = "running",
        /// 已完成
        Done = "done",
        /// 已中断
        Failed = "failed",
        /// 撤销中
        Undoing = "undoing",
        /// 已撤销
        Undone = "undone",
        /// 撤销中断
        UndoFailed = "undo_failed",
    }
}

string_enum! {
    /// Why something stays where it is. The names are stored: never change one.
    StayReason, "unknown_reason", "未知原因" {
        /// 之后已有变动
        Changed = "changed",
        /// 接任者已停用或离职
        SuccessorInactive = "successor_inactive",
        /// 接任者没有名片
        NoCard = "no_card",
        /// 客户已注销个人数据
        Erased = "erased",
        /// 数据无法读取
        Unreadable = "unreadable",
    }
}

/// Who takes over. The first tag that a customer has decides, then the first department whose customer they
/// are; all others go to `first` and `others` in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverRule {
    /// Tags with a successor of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(TagId, MemberId)>,
    /// Departments with a successor of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departments: Vec<(DepartmentId, MemberId)>,
    /// Who has the first turn.
    pub first: MemberId,
    /// Who have the turns after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<MemberId>,
}

/// What a rule looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandoverTraits {
    /// The tags.
    pub tags: BTreeSet<TagId>,
    /// The departments.
    pub departments: BTreeSet<DepartmentId>,
}

/// How many things of each kind go to whom.
pub type HandoverCounts = BTreeMap<HandoverThing, BTreeMap<MemberId, u32>>;

/// How far the things were looked through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverPlace {
    /// The kind of things.
    pub thing: HandoverThing,
    /// The last one that was looked at; `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many turns were taken.
    pub turn: u64,
}

/// How far the undoing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverUndo {
    /// The member who undoes it.
    pub by: MemberId,
    /// The job.
    pub job: JobId,
    /// When it was started.
    #[serde(rename = "started_ms", with = "crate::kernel::timestamp::as_millis")]
    pub started_at: Timestamp,
    /// The last note that was looked at; `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many things stay, since somebody has changed them.
    pub stayed: u32,
}

/// A handover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// The id.
    pub id: HandoverId,
    /// The version that was read; 0 of one that is not stored yet.
    pub version: u64,
    /// The member whose work it is.
    pub leaver: MemberId,
    /// Their card, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardId>,
    /// Their department, if they are in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentId>,
    /// Who takes over.
    pub rule: HandoverRule,
    /// The boss who decided it.
    pub by: MemberId,
    /// The job.
    pub job: JobId,
    /// When it was started.
    #[serde(rename = "started_ms", with = "crate::kernel::timestamp::as_millis")]
    pub started_at: Timestamp,
    /// When it last went on, or ended.
    #[serde(rename = "moved_ms", with = "crate::kernel::timestamp::as_millis")]
    pub moved_at: Timestamp,
    /// How far it is.
    pub state: HandoverState,
    /// What will move to whom, as it was counted first.
    #[serde(default, skip_serializing_if = "HandoverCounts::is_empty")]
    pub planned: HandoverCounts,
    /// Where its next step begins; `None` before it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<HandoverPlace>,
    /// How many things could not be moved.
    pub stayed: u32,
    /// How far the undoing is; `None` unless somebody undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<HandoverUndo>,
}

/// A thing that stays where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StayingThing {
    /// The kind of thing.
    pub thing: HandoverThing,
    /// Its id.
    pub what: String,
    /// Why.
    pub reason: StayReason,
    /// Whether the undoing has left it, not the handover itself.
    #[serde(default)]
    pub undoing: bool,
}

impl StayingThing {
    /// Something that a handover leaves where it is.
    pub fn new(thing: HandoverThing, what: String, reason: StayReason) -> Self {
        Self { thing, what, reason, undoing: false }
    }
}

/// What a step looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandoverPage {
    /// The last thing that was looked at; `None` when there are no others.
    pub next: Option<String>,
    /// How many turns were taken by then.
    pub turn: u64,
    /// What stays.
    pub staying: Vec<StayingThing>,
}

/// A handover after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoverStep {
    /// How it stands then.
    pub after: Handover,
    /// What stays.
    pub staying: Vec<StayingThing>,
    /// How many things were moved by then, or restored.
    pub moved: u32,
}

/// Why a handover is not started or undone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// Another handover of the member goes on.
    #[error("another handover goes on")]
    Open,
    /// It goes on, is undone already, or was started too long ago.
    #[error("it cannot be undone")]
    NotUndoable,
    /// The company has as many open jobs as it may.
    #[error("too many jobs")]
    TooManyJobs,
    /// A value cannot be.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// As every action can fail.
    #[error(transparent)]
    Failed(#[from] crate::kernel::failure::Failure),
}

impl HandoverRule {
    /// The rule, if it can be.
    ///
    /// # Errors
    /// `too_many`, `duplicate` and `not_allowed` with their places.
    pub fn check(&self, leaver: MemberId) -> Result<(), FieldError> {
        let too_many = |at| Err(FieldError::new("too_many", "最多 20 项").at(at));
        let twice = |at| Err(FieldError::new("duplicate", "不能重复").at(at));
        if self.others.len() >= SUCCESSORS_MAX {
            return too_many("/successor_ids");
        }
        if self.turns().collect::<BTreeSet<_>>().len() <= self.others.len() {
            return twice("/successor_ids");
        }
        let tags: BTreeSet<_> = self.tags.iter().map(|(tag, _)| tag).collect();
        let departments: BTreeSet<_> = self.departments.iter().map(|(department, _)| department).collect();
        for (named, distinct, at) in
            [(self.tags.len(), tags.len(), "/tags"), (self.departments.len(), departments.len(), "/departments")]
        {
            if named > SHARES_MAX {
                return too_many(at);
            }
            if named > distinct {
                return twice(at);
            }
        }
        let successors = self.successors();
        if successors.len() > SUCCESSORS_MAX {
            return Err(FieldError::new("too_many", "接任者最多 20 人").at("/successor_ids"));
        }
        if successors.contains(&leaver) {
            return Err(FieldError::new("not_allowed", "接任者不能是离任者本人").at("/successor_ids"));
        }
        Ok(())
    }

    /// All who take over something.
    pub fn successors(&self) -> BTreeSet<MemberId> {
        let of_tags = self.tags.iter().map(|(_, member)| *member);
        self.turns().chain(of_tags).chain(self.departments.iter().map(|(_, member)| *member)).collect()
    }

    /// Who takes over something with these traits; takes a turn, when nothing else decides.
    pub fn successor(&self, traits: &HandoverTraits, turn: &mut u64) -> MemberId {
        let of_tag = self.tags.iter().find(|(tag, _)| traits.tags.contains(tag)).map(|(_, member)| *member);
        let of_department = || {
            let found = self.departments.iter().find(|(department, _)| traits.departments.contains(department));
            found.map(|(_, member)| *member)
        };
        of_tag.or_else(of_department).unwrap_or_else(|| {
            let turns = self.others.len() as u64 + 1;
            let place = usize::try_from(*turn % turns).unwrap_or_default();
            *turn += 1;
            self.turns().nth(place).unwrap_or(self.first)
        })
    }

    fn turns(&self) -> impl Iterator<Item = MemberId> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }
}

impl Handover {
    /// The member whose work it is.
    pub fn leaver(&self) -> Leaver {
        Leaver { member: self.leaver, card: self.card }
    }

    /// Until when it can be undone.
    pub fn undo_until(&self) -> Timestamp {
        self.started_at.plus_millis(HANDOVER_UNDO_MS)
    }

    /// Until when it is kept, and what belongs to it.
    pub fn kept_until(&self) -> Timestamp {
        self.started_at.plus_millis(HANDOVER_KEPT_MS)
    }

    /// The traits of the card: the department of its owner.
    pub fn card_traits(&self) -> HandoverTraits {
        HandoverTraits { departments: self.department.into_iter().collect(), ..HandoverTraits::default() }
    }

    /// After it was counted what will move.
    #[must_use]
    pub fn counted(&self, planned: HandoverCounts, now: Timestamp) -> Self {
        let place = HandoverThing::ALL.first().map(|thing| HandoverPlace { thing: *thing, after: None, turn: 0 });
        Self { planned, place, moved_at: now, ..self.clone() }
    }

    /// After a page of the things at its place.
    #[must_use]
    pub fn after(&self, page: &HandoverPage, now: Timestamp) -> Self {
        let stayed = self.stayed + u32::try_from(page.staying.len()).unwrap_or(u32::MAX);
        let at = self.place.as_ref().map(|place| place.thing);
        let next = HandoverThing::ALL.iter().copied().find(|thing| Some(*thing) > at);
        let place = match (page.next.clone(), at) {
            (Some(after), Some(thing)) => Some(HandoverPlace { thing, after: Some(after), turn: page.turn }),
            _ => next.map(|thing| HandoverPlace { thing, after: None, turn: page.turn }),
        };
        let state = if place.is_none() { HandoverState::Done } else { self.state };
        Self { place: place.or_else(|| self.place.clone()), state, stayed, moved_at: now, ..self.clone() }
    }

    /// While it is undone.
    ///
    /// # Errors
    /// [`HandoverError::NotUndoable`].
    pub fn undoing(&self, by: MemberId, job: JobId, now: Timestamp) -> Result<Self, HandoverError> {
        use HandoverState::{Done, Failed, UndoFailed, Undoing};
        if !matches!(self.state, Done | Failed | UndoFailed) || now > self.undo_until() {
            return Err(HandoverError::NotUndoable);
        }
        let undo = Some(HandoverUndo { by, job, started_at: now, after: None, stayed: 0 });
        Ok(Self { state: Undoing, undo, moved_at: now, ..self.clone() })
    }

    /// After a page of what it moved was restored.
    #[must_use]
    pub fn after_undone(&self, page: &HandoverPage, now: Timestamp) -> Self {
        let stayed = u32::try_from(page.staying.len()).unwrap_or(u32::MAX);
        let undo = self.undo.clone().map(|undo| {
            let after = page.next.clone().or_else(|| undo.after.clone());
            HandoverUndo { after, stayed: undo.stayed + stayed, ..undo }
        });
        let state = if page.next.is_none() { HandoverState::Undone } else { self.state };
        Self { state, undo, moved_at: now, ..self.clone() }
    }

    /// Whether its job has more steps.
    pub fn is_open(&self) -> bool {
        matches!(self.state, HandoverState::Running | HandoverState::Undoing)
    }
}

#[cfg(test)]
#[path = "handover_tests.rs"]
mod tests;
