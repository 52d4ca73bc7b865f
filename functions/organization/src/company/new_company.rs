//! `POST /v1/companies`: the platform operator creates a company.

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
use edge::auth::Operator;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
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

/// The first boss of a company.
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

/// The first boss, who has not logged in yet.
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
        let NewCompany { profile, boss: NewMember { member, claim_expires_at, .. }, seats } = created;
        let CompanyProfile { id, name, appid, created_at, .. } = profile;
        let claim_code = codes.code(member.id, member.claim_number).reveal();
        let boss = BossBody { member_id: member.id, name: member.name, claim_code, claim_expires_at };
        Self { company: CompanyBody { id, name, appid, seats, created_at }, boss }
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
