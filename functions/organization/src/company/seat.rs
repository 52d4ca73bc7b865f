//! Seats (席位): how many members a company may have.

use axum::Json;
use axum::extract::State;
use domain::company::audit::{AuditAction, AuditActor};
use domain::kernel::field::FieldError;
use domain::kernel::id::CompanyId;
use edge::auth::Admin;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::operator::Operator;
use edge::path::PathId;
use edge::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::QuotaName;
use utoipa::ToSchema;

use crate::App;

/// The seats of a new company if the request names no number.
const SEATS_DEFAULT: u32 = 50;
/// Most seats that a company starts with, or gets in one request.
const SEATS_MAX: u32 = 100_000;

/// A number of seats, 1 to [`SEATS_MAX`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
pub(crate) struct SeatCount(pub(crate) u32);

impl Default for SeatCount {
    fn default() -> Self {
        Self(SEATS_DEFAULT)
    }
}

impl TryFrom<u32> for SeatCount {
    type Error = FieldError;

    fn try_from(seats: u32) -> Result<Self, FieldError> {
        let allowed = (1..=SEATS_MAX).contains(&seats);
        allowed
            .then_some(Self(seats))
            .ok_or_else(|| FieldError::new("out_of_range", format!("席位数应在 1 到 {SEATS_MAX} 之间")))
    }
}

/// The seats of a company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Seats {
    /// How many seats the company has.
    limit: i64,
    /// How many seats are free.
    available: i64,
    /// How many seats are reserved for invitations and claim codes.
    reserved: i64,
    /// How many seats active members use.
    used: i64,
}

/// Seats to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoreSeats {
    /// How many seats to add.
    #[schema(value_type = u32, minimum = 1, maximum = 100_000)]
    add: SeatCount,
}

/// Seats that were added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeatsAdded {
    /// How many seats were added.
    added: i64,
}

/// Get the seats of my company
///
/// Returns how many seats are free, reserved and used. Callers: admins and the boss. Idempotent.
/// Errors: 403 `role_required` for other callers.
#[utoipa::path(get, path = "/v1/seats", tag = "organization", responses((status = 200, body = Seats)))]
pub(crate) async fn get_seats(State(app): State<App>, admin: Admin) -> Result<Json<Seats>, Problem> {
    let quota = app.store.quota(admin.company(), QuotaName::Seats).await?;
    let (available, reserved, used) = (quota.available, quota.reserved, quota.used);
    Ok(Json(Seats { limit: quota.limit(), available, reserved, used }))
}

/// Add seats to a company
///
/// Raises the number of members that a company may have. Callers: the platform operator. Idempotent
/// by `Idempotency-Key`. Errors: 401 `unauthorized` without the right operator key.
#[utoipa::path(post, path = "/v1/companies/{company_id}/seats", tag = "organization", security(("operator" = [])), params(IdempotencyKey),
    request_body = MoreSeats, responses((status = 201, body = SeatsAdded)))]
pub(crate) async fn add_seats(
    State(app): State<App>,
    operator: Operator,
    PathId(company): PathId<CompanyId>,
    once: IdempotentRequest<MoreSeats>,
) -> Result<(StatusCode, Json<SeatsAdded>), Problem> {
    let (more, request) = once.of(&operator);
    let company = operator.company(company);
    app.store.quota(company, QuotaName::Seats).await?;
    let added = i64::from(more.add.0);
    let (action, to) = (AuditAction::Seats, format!("+{added}"));
    let entry = app.flow().audit_entry(AuditActor::Operator, action, company.id(), "", to)?;
    let added = app.store.resize_quota(company, QuotaName::Seats, added, &entry, &request).await?;
    Ok((StatusCode::CREATED, Json(SeatsAdded { added })))
}
