//! `POST /v1/companies` and `/bosses` below it: the platform operator creates a company, and adds a
//! boss where none can be reached.

use app::company::{self, CompanyToCreate};
use app::people::claim_code::ClaimCodes;
use axum::Json;
use axum::extract::State;
use domain::company::CompanyName;
use domain::company::CompanyProfile;
use domain::kernel::id::{CompanyId, MemberId};
use domain::kernel::text::AppId;
use domain::kernel::timestamp::Timestamp;
use domain::people::member::PersonName;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::operator::Operator;
use edge::path::PathId;
use edge::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{NewCompany, NewMember};
use utoipa::ToSchema;

use crate::App;
use crate::company::seat::SeatCount;

/// A company to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCompanyBody {
    /// The name of the company.
    name: CompanyName,
    /// The app id of the mini-program.
    appid: AppId,
    /// The first boss.
    boss: NewBoss,
    /// How many members the company may have, the boss included. 50 if absent.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 100_000)]
    seats: Option<SeatCount>,
}

/// A boss to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBoss {
    /// The name of the boss.
    name: PersonName,
}

/// A new company and its first boss.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyCreated {
    /// The company.
    company: CompanyBody,
    /// The boss.
    boss: BossBody,
}

/// A company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyBody {
    /// The id.
    id: CompanyId,
    /// The name.
    name: CompanyName,
    /// The app id of the mini-program.
    appid: AppId,
    /// How many members the company may have.
    seats: u32,
    /// When it was created.
    created_at: Timestamp,
}

/// A boss who has not logged in yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BossBody {
    /// The member.
    member_id: MemberId,
    /// The name.
    name: PersonName,
    /// The code for the first login. Send it to the boss in private.
    claim_code: String,
    /// When the claim code expires.
    claim_expires_at: Timestamp,
}

impl CompanyCreated {
    fn new(created: NewCompany, codes: &ClaimCodes) -> Self {
        let NewCompany { profile, boss, seats } = created;
        let CompanyProfile { id, name, appid, created_at, .. } = profile;
        Self { company: CompanyBody { id, name, appid, seats, created_at }, boss: BossBody::new(boss, codes) }
    }
}

impl BossBody {
    fn new(NewMember { member, claim_expires_at, .. }: NewMember, codes: &ClaimCodes) -> Self {
        let claim_code = codes.code(member.id, member.claim_number).reveal();
        Self { member_id: member.id, name: member.name, claim_code, claim_expires_at }
    }
}

/// Create a company
///
/// Creates a company with its first boss and the claim code for the first login of that boss. The
/// app secret of the mini-program is stored separately. Callers: the platform operator. Idempotent
/// by `Idempotency-Key`. Errors: 401 `unauthorized` without the right operator key; 409
/// `appid_taken` when the mini-program already belongs to a company.
#[utoipa::path(post, path = "/v1/companies", tag = "organization", security(("operator" = [])),
    request_body = NewCompanyBody, params(IdempotencyKey), responses((status = 201, body = CompanyCreated)))]
pub(crate) async fn create_company(
    State(app): State<App>,
    operator: Operator,
    once: IdempotentRequest<NewCompanyBody>,
) -> Result<(StatusCode, Json<CompanyCreated>), Problem> {
    let (new, request) = once.of(&operator);
    let codes = &app.own.keys().await?.claims;
    let NewCompanyBody { name, appid, boss, seats } = new;
    let new = CompanyToCreate { name, appid, boss: boss.name, seats: seats.unwrap_or_default().0 };
    let created = company::create(&app.flow(), codes, new, &request).await?;
    Ok((StatusCode::CREATED, Json(CompanyCreated::new(created, codes))))
}

/// Add a boss to a company
///
/// Adds a boss with a claim code for the first login, when no boss of the company can be reached.
/// Reserves a seat; the audit log shows it. The bosses before stay. Callers: the platform operator.
/// Idempotent by `Idempotency-Key`. Errors: 401 `unauthorized` without the right operator key; 409
/// `seats_exhausted` when no seat is free.
#[utoipa::path(post, path = "/v1/companies/{company_id}/bosses", tag = "organization", security(("operator" = [])),
    request_body = NewBoss, params(IdempotencyKey), responses((status = 201, body = BossBody)))]
pub(crate) async fn create_boss(
    State(app): State<App>,
    operator: Operator,
    PathId(id): PathId<CompanyId>,
    once: IdempotentRequest<NewBoss>,
) -> Result<(StatusCode, Json<BossBody>), Problem> {
    let (new, request) = once.of(&operator);
    let codes = &app.own.keys().await?.claims;
    let added = company::add_boss(&app.flow(), operator.company(id), codes, new.name, &request).await?;
    Ok((StatusCode::CREATED, Json(BossBody::new(added, codes))))
}
