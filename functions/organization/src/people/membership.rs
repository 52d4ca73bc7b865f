//! The companies that a person can choose at a login: those in which a person with the same unionid
//! is an active member.

use app::people::session::CompanyOption;
use domain::company::CompanyName;
use domain::kernel::id::CompanyId;
use serde::Serialize;
use utoipa::ToSchema;

/// A company that the person can choose at login.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyChoice {
    /// The company.
    company_id: CompanyId,
    /// The name.
    name: CompanyName,
    /// Whether the session is for this company.
    current: bool,
}

impl From<CompanyOption> for CompanyChoice {
    fn from(option: CompanyOption) -> Self {
        Self { company_id: option.id, name: option.name, current: option.current }
    }
}
