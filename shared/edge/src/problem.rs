//! Problems (RFC 9457): the one place that knows HTTP statuses.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use domain::kernel::budget::{BudgetName, OverBudget};
use domain::kernel::failure::{Resource, Thing};
use domain::kernel::field::FieldError;
use domain::kernel::id::PersonId;
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

pub use crate::field_problem::FieldProblem;

/// Seconds a client should wait before it repeats a request that met another one.
const RETRY_AFTER_S: u32 = 1;
/// Seconds between two codes to the same member, at least.
const RETRY_CODE_AFTER_S: u32 = 60;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $code:literal, $title:literal, $detail:literal;)*) => {
        /// The stable codes of problems.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            fn parts(self) -> (StatusCode, &'static str, &'static str, &'static str) {
                match self { $(Self::$name => (StatusCode::$status, $code, $title, $detail),)* }
            }
        }
    };
}

codes! {
    /// The body is not JSON, or not UTF-8.
    MalformedJson = BAD_REQUEST, "malformed_json", "Malformed JSON", "请求内容不是有效的 JSON";
    /// The query string or a header cannot be read.
    InvalidQuery = BAD_REQUEST, "invalid_query", "Invalid query", "请求参数不正确";
    /// The cursor is not one of ours, or of another query.
    InvalidCursor = BAD_REQUEST, "invalid_cursor", "Invalid cursor", "翻页参数无效，请从第一页重新开始";
    /// A creating request without its key.
    IdempotencyKeyRequired = BAD_REQUEST, "idempotency_key_required", "Idempotency-Key required", "缺少 Idempotency-Key，应为 8 到 128 位字母、数字、下划线或短横线";
    /// No token, or one that is not accepted.
    Unauthorized = UNAUTHORIZED, "unauthorized", "Unauthorized", "登录已失效，请重新登录";
    /// What the caller may do has changed since their token was made.
    RightsChanged = UNAUTHORIZED, "rights_changed", "Rights changed", "您的权限已变更，请刷新登录状态后重试";
    /// The platform operator has suspended the company.
    CompanySuspended = FORBIDDEN, "company_suspended", "Company suspended", "企业服务已暂停，请联系平台客服";
    /// The session has ended: the caller logs in again.
    SessionEnded = UNAUTHORIZED, "session_ended", "Session ended", "登录会话已结束，请重新登录";
    /// WeChat rejected the login code.
    LoginCodeInvalid = UNAUTHORIZED, "login_code_invalid", "Login code invalid", "登录凭证无效或已过期，请重新登录";
    /// The caller has not logged in.
    LoginRequired = FORBIDDEN, "login_required", "Login required", "请先登录";
    /// The caller may see the thing, but their role is not enough.
    RoleRequired = FORBIDDEN, "role_required", "Role required", "您没有权限执行此操作，请联系管理员";
    /// The caller's login by WeChat is too long ago for what they ask.
    FreshLoginRequired = FORBIDDEN, "fresh_login_required", "Fresh login required", "为保障安全，此操作需要重新验证身份：请调用 wx.login 重新登录，并在 5 分钟内重试";
    /// Fields the caller may not change.
    FieldLocked = FORBIDDEN, "field_locked", "Field locked", "部分内容已锁定，不能自行修改，请联系管理员";
    /// The caller's radar is off.
    RadarNotActive = FORBIDDEN, "radar_not_active", "Radar not active", "雷达未开通，请联系管理员";
    /// WeChat blocks this person.
    LoginBlocked = FORBIDDEN, "login_blocked", "Login blocked", "该微信账号存在风险，暂时无法登录";
    /// There is no such thing, or the caller must not know that there is.
    NotFound = NOT_FOUND, "not_found", "Not found", "内容不存在";
    /// The route exists, the method does not.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed", "不支持此操作方式";
    /// The mini-program belongs to a company already.
    AppidTaken = CONFLICT, "appid_taken", "App id taken", "该小程序已绑定其他企业";
    /// The member has a card already.
    CardExists = CONFLICT, "card_exists", "Card exists", "该成员已有名片";
    /// The thing exists already.
    AlreadyExists = CONFLICT, "already_exists", "Already exists", "内容已存在";
    /// The thing has changed since it was read.
    VersionConflict = CONFLICT, "version_conflict", "Version conflict", "内容已被修改，请刷新后重试";
    /// Another request with the same key, or on the same thing, is under way.
    Busy = CONFLICT, "request_in_progress", "Request in progress", "操作正在处理中，请稍后重试";
    /// The member was disabled or has left.
    MemberInactive = CONFLICT, "member_inactive", "Member inactive", "该成员已停用或离职";
    /// The member is active: only members who are disabled or have left have a successor.
    MemberActive = CONFLICT, "member_active", "Member active", "该成员仍在职，不需要接任者";
    /// The member has no card that could lead to a successor.
    NoCard = CONFLICT, "no_card", "No card", "该成员没有名片";
    /// Another admin has made the opposite decision about the request to join.
    JoinRequestDecided = CONFLICT, "join_request_decided", "Join request decided", "该加入申请已被处理，请刷新";
    /// The request to join has waited too long.
    JoinRequestExpired = CONFLICT, "join_request_expired", "Join request expired", "该加入申请已过期，请对方重新申请";
    /// The department has departments below it.
    DepartmentNotEmpty = CONFLICT, "department_not_empty", "Department not empty", "请先移走或删除下级部门";
    /// The number of departments, or of removed ones, has reached its limit.
    DepartmentLimit = CONFLICT, "department_limit", "Department limit", "部门数量已达上限：最多 200 个，最多删除 1000 个";
    /// The number of deals of the customer has reached its limit.
    DealLimit = CONFLICT, "deal_limit", "Deal limit", "该客户的成交记录已达上限：最多 100 条";
    /// The person has had erased what was kept of them; nothing can be kept of them any more.
    CustomerErased = CONFLICT, "customer_erased", "Customer erased", "该客户已注销个人数据，不能再记录";
    /// The customer is known already.
    Duplicate = CONFLICT, "duplicate", "Duplicate", "已有同事在跟进该客户";
    /// Something of the customer has changed since they were added.
    CustomerChanged = CONFLICT, "customer_changed", "Customer changed", "该客户添加后已有变动，不能撤销";
    /// The job goes on: it cannot be undone yet.
    JobOpen = CONFLICT, "job_open", "Job open", "任务尚未结束，请等待完成或先取消";
    /// Another handover of the member goes on.
    HandoverOpen = CONFLICT, "handover_open", "Handover open", "该成员的工作正在交接或撤销中，请等待完成";
    /// The handover goes on, is undone, or was started too long ago.
    HandoverNotUndoable = CONFLICT, "handover_not_undoable", "Handover not undoable", "交接尚未结束、已撤销或已超过 30 天，不能撤销";
    /// There may be no more of what is to be added; the detail says what.
    LimitReached = CONFLICT, "limit_reached", "Limit reached", "数量已达上限";
    /// Somebody owns the customer.
    AlreadyOwned = CONFLICT, "already_owned", "Already owned", "该客户已有负责人，请刷新后查看";
    /// No seat is left.
    SeatsExhausted = CONFLICT, "seats_exhausted", "No seat left", "席位已满，请联系管理员增加席位";
    /// Other events were accepted under the batch id.
    BatchIdReused = CONFLICT, "batch_id_reused", "Batch id reused", "该批次编号已用于其他事件，请使用新的批次编号重新发送";
    /// The body is larger than allowed.
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body_too_large", "Body too large", "请求内容过大";
    /// The body is not declared as JSON.
    NotJson = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type", "请求内容应为 application/json";
    /// Fields of the body are invalid; see `errors`.
    Invalid = UNPROCESSABLE_ENTITY, "invalid", "Invalid request", "请求内容不符合要求";
    /// The idempotency key was used with another body.
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency key reused", "该 Idempotency-Key 已用于其他请求";
    /// The claim code is unknown, used or expired.
    ClaimCodeInvalid = UNPROCESSABLE_ENTITY, "claim_code_invalid", "Claim code invalid", "邀请码无效、已使用或已过期，请联系管理员";
    /// WeChat rejected the code of a phone grant.
    PhoneCodeInvalid = UNPROCESSABLE_ENTITY, "phone_code_invalid", "Phone code invalid", "手机号授权已失效，请重新授权";
    /// There is no invitation with this code.
    InvitationInvalid = UNPROCESSABLE_ENTITY, "invitation_invalid", "Invitation invalid", "邀请无效，请联系邀请您的人";
    /// The invitation's time is over.
    InvitationExpired = UNPROCESSABLE_ENTITY, "invitation_expired", "Invitation expired", "邀请已过期，请联系邀请您的人";
    /// The invitation was revoked.
    InvitationRevoked = UNPROCESSABLE_ENTITY, "invitation_revoked", "Invitation revoked", "邀请已被撤销，请联系邀请您的人";
    /// The invitation was used as often as it may be.
    InvitationUsedUp = UNPROCESSABLE_ENTITY, "invitation_used_up", "Invitation used up", "邀请名额已用完，请联系邀请您的人";
    /// The radar code is not the one that was sent last.
    RadarCodeWrong = UNPROCESSABLE_ENTITY, "radar_code_wrong", "Radar code wrong", "验证码错误，请重新输入";
    /// The radar code is too old.
    RadarCodeExpired = UNPROCESSABLE_ENTITY, "radar_code_expired", "Radar code expired", "验证码已过期，请联系管理员重新发送";
    /// The radar code was tried too often.
    RadarCodeBlocked = UNPROCESSABLE_ENTITY, "radar_code_blocked", "Radar code blocked", "验证码错误次数过多，已失效，请联系管理员重新发送";
    /// The radar code was redeemed before.
    RadarCodeUsed = UNPROCESSABLE_ENTITY, "radar_code_used", "Radar code used", "验证码已使用";
    /// The radar ticket is unknown or too old.
    RadarTicketInvalid = UNPROCESSABLE_ENTITY, "radar_ticket_invalid", "Radar ticket invalid", "二维码无效或已过期，请联系管理员重新发送验证码";
    /// There is no grant that a code could be sent for.
    RadarNotGranted = CONFLICT, "radar_not_granted", "Radar not granted", "请先开启该成员的雷达权限";
    /// The radar is on already.
    RadarActive = CONFLICT, "radar_active", "Radar active", "该成员的雷达已开通";
    /// No text messages are sent to the country of the number.
    SmsCountryNotAllowed = UNPROCESSABLE_ENTITY, "sms_country_not_allowed", "SMS country not allowed", "不支持向该国家或地区的手机号发送短信";
    /// Too many radar codes were sent to the member.
    RadarCodeLimit = TOO_MANY_REQUESTS, "radar_code_limit", "Radar code limit", "验证码发送过于频繁，请稍后再试";
    /// The person is another member of the company.
    AlreadyMember = CONFLICT, "already_member", "Already a member", "该微信账号已是该企业的成员";
    /// A person, a company or an address is over a budget of ours.
    BudgetExhausted = TOO_MANY_REQUESTS, "budget_exhausted", "Budget exhausted", "操作过于频繁，请稍后重试";
    /// WeChat asks to slow down.
    TooManyRequests = TOO_MANY_REQUESTS, "too_many_requests", "Too many requests", "操作过于频繁，请稍后重试";
    /// The server failed; the log has the reason.
    Internal = INTERNAL_SERVER_ERROR, "internal", "Internal error", "系统繁忙，请稍后重试";
    /// A service that the server needs does not answer.
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Unavailable", "服务暂时不可用，请稍后重试";
    /// The company's mini-program is not set up.
    ChannelNotConfigured = SERVICE_UNAVAILABLE, "channel_not_configured", "Channel not configured", "该企业的小程序尚未配置完成，请联系管理员";
}

impl Code {
    /// The HTTP status of the answer.
    pub fn status(self) -> StatusCode {
        self.parts().0
    }

    /// Its stable name.
    pub fn name(self) -> &'static str {
        self.parts().1
    }
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.iter().map(|code| code.name());
        RefOr::T(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into())
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ProblemCode")
    }
}

/// A problem on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldProblem>,
    over: Option<OverBudget>,
    person: Option<PersonId>,
    /// For the log only.
    cause: Option<String>,
}

/// A problem as in RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// The type of the problem: `urn:mingpian:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:mingpian:problem:invalid")]
    kind: String,
    /// A short title in English, for developers.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// A stable code for programs. New codes can come; treat an unknown code by its status.
    #[schema(value_type = Code)]
    code: &'static str,
    /// The problem in Chinese, to show to the user.
    detail: String,
    /// The id of the request. Send it with a support question. It equals the header `x-request-id`.
    instance: String,
    /// The fields that are refused. Absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldProblem>,
    /// The name of the budget. Only with `budget_exhausted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String, example = "share_codes")]
    budget: Option<&'static str>,
    /// The customer who is known already. Only with `duplicate`, and for members who may see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    person_id: Option<PersonId>,
}

impl Problem {
    /// A problem with the default texts of the code.
    pub fn of(code: Code) -> Self {
        Self { code, detail: None, errors: Vec::new(), over: None, person: None, cause: None }
    }

    /// A problem with invalid fields.
    pub fn invalid(errors: Vec<FieldProblem>) -> Self {
        Self { errors, ..Self::of(Code::Invalid) }
    }

    /// A problem with one invalid field.
    pub fn field(base: &str, error: &FieldError) -> Self {
        Self::invalid(vec![FieldProblem::new(base, error)])
    }

    /// The same problem, with a sentence of its own for the user.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same problem with pointers to fields.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.errors = errors;
        self
    }

    /// The same problem about a customer whom the caller may see.
    #[must_use]
    pub fn about(mut self, person: Option<PersonId>) -> Self {
        self.person = person;
        self
    }

    /// The same problem, with its cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl ToString) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Its cause, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The budget that is exhausted.
    pub fn budget(&self) -> Option<BudgetName> {
        self.over.map(|over| over.budget)
    }

    /// The response, which names the request.
    pub(crate) fn render(self, request_id: &str) -> Response {
        let (status, code, title, detail) = self.code.parts();
        let body = ProblemBody {
            kind: format!("urn:mingpian:problem:{code}"),
            title,
            status: status.as_u16(),
            code,
            detail: self.detail.unwrap_or_else(|| detail.to_owned()),
            instance: request_id.to_owned(),
            errors: self.errors,
            budget: self.over.map(|over| over.budget.name()),
            person_id: self.person,
        };
        let mut response = (status, [(CONTENT_TYPE, "application/problem+json")], body.to_json()).into_response();
        if matches!(self.code, Code::Busy | Code::TooManyRequests | Code::Unavailable) {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S.into());
        }
        if let Some(over) = self.over {
            response.headers_mut().insert(RETRY_AFTER, over.retry_after_s().into());
        }
        if self.code == Code::RadarCodeLimit {
            response.headers_mut().insert(RETRY_AFTER, RETRY_CODE_AFTER_S.into());
        }
        response
    }
}

impl ProblemBody {
    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The problem itself travels as an extension: the outermost layer, which knows the
/// request id, renders it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Thing> for Code {
    fn from(thing: Thing) -> Self {
        match thing {
            Thing::App => Self::AppidTaken,
            Thing::Card => Self::CardExists,
            Thing::Handover => Self::HandoverOpen,
            Thing::Membership => Self::AlreadyMember,
            Thing::Claim
            | Thing::Company
            | Thing::Hold
            | Thing::Invitation
            | Thing::JoinRequest
            | Thing::LiveMark
            | Thing::Member
            | Thing::Merge
            | Thing::Model
            | Thing::Quota
            | Thing::Segment
            | Thing::Share
            | Thing::Upload => Self::AlreadyExists,
        }
    }
}

impl From<Resource> for Code {
    fn from(resource: Resource) -> Self {
        match resource {
            Resource::Seats => Self::SeatsExhausted,
            Resource::Sockets => Self::TooManyRequests,
            Resource::Jobs => Self::LimitReached,
        }
    }
}

impl From<OverBudget> for Problem {
    fn from(over: OverBudget) -> Self {
        Self { detail: Some(over.detail()), over: Some(over), ..Self::of(Code::BudgetExhausted) }
    }
}

#[cfg(test)]
#[path = "problem_tests.rs"]
mod tests;
