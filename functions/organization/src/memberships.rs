//! The companies a person may choose from at a login: those where the same unionid is an
//! active member.

use app::people::session::CompanyOption;
use domain::card::CompanyName;
use domain::id::CompanyId;
use serde::Serialize;
use utoipa::ToSchema;

/// A company to choose.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyChoice {
    #[schema(value_type = String)]
    company_id: CompanyId,
    #[schema(value_type = String)]
    name: CompanyName,
    /// Whether the token is for it.
    current: bool,
}

impl From<CompanyOption> for CompanyChoice {
    fn from(option: CompanyOption) -> Self {
        Self { company_id: option.id, name: option.name, current: option.current }
    }
}
