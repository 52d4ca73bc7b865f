//! Joining by an invitation, at a login.

use domain::people::invitation::InvitationCode;
use domain::people::member::{PersonName, Position};
use serde::Deserialize;
use utoipa::ToSchema;

/// An invitation and the person who uses it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationUse {
    /// The code of the invitation, with or without hyphens.
    pub(crate) code: InvitationCode,
    /// The name of the person.
    pub(crate) name: PersonName,
    /// The job title of the person. Empty if absent.
    #[serde(default)]
    #[schema(required = false)]
    pub(crate) position: Position,
}
