//! The audit log: who changed something of somebody else's, from what, to what.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kernel::field::FieldError;
use crate::kernel::id::MemberId;
use crate::kernel::timestamp::Timestamp;

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// A member was added (成员添加).
    MemberAdded,
    /// Somebody has joined by an invitation (成员加入).
    MemberJoined,
    /// A request to join was rejected (拒绝加入).
    JoinRejected,
    /// An invitation was made (创建邀请).
    InvitationCreated,
    /// An invitation was revoked (撤销邀请).
    InvitationRevoked,
    /// An invited member got a new claim code (重发邀请码).
    ClaimCodeIssued,
    /// A former member got a successor, or none any more (接任者).
    MemberSuccessor,
    /// A member's name or position was changed, on their card too (成员资料).
    MemberEdited,
    /// A member's status was changed (成员状态).
    MemberStatus,
    /// A member's role was changed (成员角色).
    MemberRole,
    /// Sessions of a member were ended by somebody else (下线登录设备).
    SessionsEnded,
    /// Name, position or company on a card was changed (名片身份).
    CardIdentity,
    /// The contact fields of a card were changed by somebody else (名片资料).
    CardContact,
    /// Avatar, photos or video of a card were changed by somebody else (名片图片、视频).
    CardMedia,
    /// The card template was changed (名片模板).
    CardTemplate,
    /// The number of seats was changed (席位).
    Seats,
    /// Two customers were merged by hand (合并客户).
    CustomersMerged,
    /// A merge of two identities was undone (撤销合并).
    MergeUndone,
    /// A department was made (部门新增).
    DepartmentAdded,
    /// A department was renamed or moved (部门变更).
    DepartmentChanged,
    /// A department was removed (部门删除).
    DepartmentRemoved,
    /// A member was put into a department, or out of it (成员部门).
    MemberDepartment,
    /// The company was renamed (企业名称).
    CompanyName,
    /// The company was suspended, or is no longer (暂停服务).
    CompanyStatus,
    /// The WeCom credentials were set or removed (企业微信).
    Wecom,
    /// The company's phrases were changed (企业常用语).
    Phrases,
    /// The company's greeting was changed (企业登录欢迎语).
    Greeting,
    /// A member was granted the radar (开启雷达).
    RadarGranted,
    /// A member's radar was revoked (关闭雷达).
    RadarRevoked,
    /// A member was sent a new radar code (重发验证码).
    RadarCode,
    /// A customer's close rate was set by hand (预计成交率).
    CloseRateSet,
    /// A customer's close rate is the model's again (取消预计成交率).
    CloseRateCleared,
    /// A deal with a customer was recorded (成交记录).
    DealRecorded,
    /// A deal was removed (撤销成交).
    DealRemoved,
    /// A customer tag was made, changed, deleted or merged (客户标签).
    CustomerTags,
    /// A field of customers was made, changed or deleted (自定义字段).
    CustomFields,
    /// A view of the company was made, changed or deleted (客户视图).
    CustomerViews,
    /// A customer was assigned, transferred or given back (客户归属).
    CustomerOwner,
    /// A rule took a customer from their owner (自动回收).
    CustomerRecycled,
    /// The company's rules for customers were changed (客户规则).
    CustomerRules,
    /// The company's rules of automation were changed (自动化规则).
    AutomationRules,
    /// What a member leaves behind is handed over (工作交接).
    HandoverStarted,
    /// A handover is undone (撤销交接).
    HandoverUndone,
    /// A list of customers was exported (导出客户).
    CustomerExport,
    /// A template of freight was made, changed or deleted (运费模板).
    FreightTemplates,
}

/// The author of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "type", content = "id")]
pub enum AuditActor {
    /// A member of the company.
    Member(MemberId),
    /// The platform operator.
    Operator,
    /// A rule of the company.
    Rule,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// A UUIDv7 of the moment: orders the log.
    pub id: Uuid,
    /// When the change was made.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// Who made it.
    pub actor: AuditActor,
    /// The kind of change.
    pub action: AuditAction,
    /// Id of the thing that was changed.
    pub target: String,
    /// What it was before; empty for something new.
    pub from: String,
    /// What it is now.
    pub to: String,
}

impl FromStr for AuditActor {
    type Err = FieldError;

    /// Reads `operator`, `rule`, or a member's id.
    fn from_str(text: &str) -> Result<Self, FieldError> {
        match text {
            "operator" => Ok(Self::Operator),
            "rule" => Ok(Self::Rule),
            member => member.parse().map(Self::Member),
        }
    }
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this action.
    pub action: Option<AuditAction>,
    /// Only changes of this thing.
    pub target: Option<String>,
    /// Only changes by this actor.
    pub actor: Option<AuditActor>,
}

impl AuditFilter {
    /// Whether anything is left out.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an entry is wanted.
    pub fn passes(&self, entry: &AuditEntry) -> bool {
        self.action.is_none_or(|action| entry.action == action)
            && self.target.as_ref().is_none_or(|target| entry.target == *target)
            && self.actor.is_none_or(|actor| entry.actor == actor)
    }
}
