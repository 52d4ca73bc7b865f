//! Problems for the failures that flows return.

use domain::card::media::MediaError;
use domain::company::book::{BookError, BookRefusal};
use domain::crm::command::{CustomerError, Duplicate};
use domain::crm::handover::HandoverError;
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::media::upload::UploadError;
use domain::people::activation::{ActivationError, ActivationRefusal};
use domain::people::invitation::{InvitationState, LoginError};
use domain::people::join_request::DecisionError;
use domain::people::member::MemberError;
use domain::people::session::RefreshError;

use crate::problem::{Code, FieldProblem, Problem};

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotFound => Self::of(Code::NotFound),
            Failure::Exists(thing) => Self::of(thing.into()),
            Failure::Exhausted(resource) => Self::of(resource.into()),
            Failure::OverBudget(over) => over.into(),
            Failure::VersionConflict => Self::of(Code::VersionConflict),
            Failure::RightsChanged => Self::of(Code::RightsChanged),
            Failure::FreshLoginRequired => Self::of(Code::FreshLoginRequired),
            Failure::CompanySuspended => Self::of(Code::CompanySuspended),
            Failure::RoleRequired => Self::of(Code::RoleRequired),
            Failure::KeyReused => Self::of(Code::IdempotencyKeyReused),
            Failure::Busy => Self::of(Code::Busy),
            Failure::Corrupt(_) => Self::of(Code::Internal).caused_by(failure),
            Failure::Throttled | Failure::Unavailable(_) => Self::of(Code::Unavailable).caused_by(failure),
        }
    }
}

impl From<CustomerError> for Problem {
    fn from(error: CustomerError) -> Self {
        match error {
            CustomerError::RadarNotActive => Self::of(Code::RadarNotActive),
            CustomerError::Erased => Self::of(Code::CustomerErased),
            CustomerError::TooManyDeals => Self::of(Code::DealLimit),
            CustomerError::Duplicate(Duplicate { person }) => {
                let shown = person.map(|_| "该手机号已属于您可以查看的客户");
                shown.into_iter().fold(Self::of(Code::Duplicate).about(person), Self::with_detail)
            }
            CustomerError::JobOpen => Self::of(Code::JobOpen),
            CustomerError::NotRevocable => Self::of(Code::CustomerChanged),
            CustomerError::LimitReached(detail) => Self::of(Code::LimitReached).with_detail(detail),
            CustomerError::AlreadyOwned => Self::of(Code::AlreadyOwned),
            CustomerError::MemberInactive => Self::of(Code::MemberInactive),
            CustomerError::Field(error) => Self::field("", &error),
            CustomerError::Failed(failure) => failure.into(),
        }
    }
}

impl From<HandoverError> for Problem {
    fn from(error: HandoverError) -> Self {
        match error {
            HandoverError::Open => Self::of(Code::HandoverOpen),
            HandoverError::NotUndoable => Self::of(Code::HandoverNotUndoable),
            HandoverError::TooManyJobs => {
                Self::of(Code::LimitReached).with_detail("同时进行的批量任务最多 50 个，请等待其中一个完成")
            }
            HandoverError::Field(error) => Self::field("", &error),
            HandoverError::Failed(failure) => failure.into(),
        }
    }
}

impl From<BookError> for Problem {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Refused(BookRefusal::Unknown) => Self::of(Code::NotFound),
            BookError::Refused(BookRefusal::NameTaken(detail)) => {
                Self::field("/name", &FieldError::new("duplicate", detail))
            }
            BookError::Refused(BookRefusal::Limit(detail)) => Self::of(Code::LimitReached).with_detail(detail),
            BookError::Refused(BookRefusal::Field(error)) => Self::field("", &error),
            BookError::Failed(failure) => failure.into(),
        }
    }
}

impl From<DecisionError> for Problem {
    fn from(error: DecisionError) -> Self {
        match error {
            DecisionError::Expired => Self::of(Code::JoinRequestExpired),
            DecisionError::Decided => Self::of(Code::JoinRequestDecided),
            DecisionError::Failed(failure) => failure.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        Self::of(match error {
            LoginError::ClaimCodeInvalid => Code::ClaimCodeInvalid,
            LoginError::AlreadyMember => Code::AlreadyMember,
            LoginError::InvitationInvalid => Code::InvitationInvalid,
            LoginError::InvitationClosed(InvitationState::UsedUp) => Code::InvitationUsedUp,
            LoginError::InvitationClosed(InvitationState::Expired) => Code::InvitationExpired,
            LoginError::InvitationClosed(InvitationState::Revoked | InvitationState::Ended) => Code::InvitationRevoked,
            LoginError::InvitationClosed(InvitationState::Open) => Code::Busy,
            LoginError::MemberInactive => Code::MemberInactive,
            LoginError::Failed(failure) => return failure.into(),
        })
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Ended | RefreshError::Reused => Self::of(Code::SessionEnded).caused_by(error),
            RefreshError::Failed(failure) => failure.into(),
        }
    }
}

impl From<MemberError> for Problem {
    fn from(error: MemberError) -> Self {
        Self::of(match error {
            MemberError::RoleRequired => Code::RoleRequired,
            MemberError::Inactive => Code::MemberInactive,
            MemberError::Active => Code::MemberActive,
            MemberError::AlreadyMember => Code::AlreadyMember,
            MemberError::NoCard => Code::NoCard,
            MemberError::UnknownDepartment => {
                let error = FieldError::new("unknown_department", "部门不存在").at("/department_id");
                return Self::of(Code::NotFound).with_errors(vec![FieldProblem::new("", &error)]);
            }
            MemberError::Field(error) => return Self::field("", &error),
            MemberError::Failed(failure) => return failure.into(),
        })
    }
}

impl From<ActivationError> for Problem {
    fn from(error: ActivationError) -> Self {
        match error {
            ActivationError::MemberInactive => Self::of(Code::MemberInactive),
            ActivationError::NotActive => Self::of(Code::RadarNotActive),
            ActivationError::Refused(refusal) => refusal.into(),
            ActivationError::CountryNotAllowed => Self::of(Code::SmsCountryNotAllowed),
            ActivationError::NotSent(cause) => Self::of(Code::Unavailable).caused_by(cause),
            ActivationError::Failed(failure) => failure.into(),
        }
    }
}

impl From<ActivationRefusal> for Problem {
    fn from(refusal: ActivationRefusal) -> Self {
        Self::of(match refusal {
            ActivationRefusal::NotGranted => Code::RadarNotGranted,
            ActivationRefusal::Joined => Code::RadarActive,
            ActivationRefusal::TooManyCodes => Code::RadarCodeLimit,
            ActivationRefusal::NoCode => Code::RadarCodeWrong,
            ActivationRefusal::CodeExpired => Code::RadarCodeExpired,
            ActivationRefusal::CodeDead => Code::RadarCodeBlocked,
            ActivationRefusal::CodeUsed => Code::RadarCodeUsed,
            ActivationRefusal::Ticket => Code::RadarTicketInvalid,
        })
    }
}

impl From<MediaError> for Problem {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Uploads(errors) => {
                Self::invalid(errors.iter().map(|(pointer, error)| FieldProblem::new(pointer, error)).collect())
            }
            MediaError::Failed(failure) => failure.into(),
        }
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::RoleRequired => Self::of(Code::RoleRequired),
            UploadError::Field(error) => Self::field("", &error),
            UploadError::Failed(failure) => failure.into(),
        }
    }
}
