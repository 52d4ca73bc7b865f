//! Joining by an invitation, at a login.

use domain::invitation::InvitationCode;
use domain::member::{PersonName, Position};
use serde::Deserialize;
use utoipa::ToSchema;

/// An invitation and who comes by it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationUse {
    #[schema(value_type = String, example = "0123-4567-89ab-cdef")]
    pub(crate) code: InvitationCode,
    /// 1 to 30 characters.
    #[schema(value_type = String, min_length = 1, max_length = 30)]
    pub(crate) name: PersonName,
    /// At most 30 characters.
    #[serde(default)]
    #[schema(value_type = String, max_length = 30, required = false)]
    pub(crate) position: Position,
}
