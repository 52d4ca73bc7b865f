//! `POST /v1/companies`: the platform operator creates a company.

use app::company::{self, CompanyToCreate};
use app::people::claim_code::Claims;
use axum::Json;
use axum::extract::State;
use domain::card::CompanyName;
use domain::company::CompanyProfile;
use domain::id::{CompanyId, MemberId};
use domain::member::PersonName;
use domain::text::AppId;
use domain::timestamp::Timestamp;
use edge::auth::Operator;
use edge::idempotency::Once;
use edge::problem::{Problem, ProblemBody};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{NewCompany, NewMember};
use utoipa::ToSchema;

use crate::App;
use crate::seats::SeatCount;

/// A company to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCompanyBody {
    /// 1 to 60 characters.
    #[schema(value_type = String, min_length = 1, max_length = 60)]
    name: CompanyName,
    /// The app id of its mini-program.
    #[schema(value_type = String, max_length = 32)]
    appid: AppId,
    boss: NewBoss,
    /// How many members it may have, the boss included; 50 if absent.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 100_000)]
    seats: Option<SeatCount>,
}

/// Its first boss.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBoss {
    /// 1 to 30 characters.
    #[schema(value_type = String, min_length = 1, max_length = 30)]
    name: PersonName,
}

/// A company with its first boss.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyCreated {
    company: CompanyBody,
    boss: BossBody,
}

/// A company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyBody {
    #[schema(value_type = String)]
    id: CompanyId,
    #[schema(value_type = String)]
    name: CompanyName,
    #[schema(value_type = String)]
    appid: AppId,
    /// How many members it may have.
    seats: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A boss who has not logged in yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BossBody {
    #[schema(value_type = String)]
    member_id: MemberId,
    #[schema(value_type = String)]
    name: PersonName,
    /// For his first login; pass it on in private.
    claim_code: String,
    #[schema(value_type = String, format = DateTime)]
    claim_expires_at: Timestamp,
}

impl CompanyCreated {
    fn new(created: NewCompany, codes: &Claims) -> Self {
        let NewCompany { profile, boss: NewMember { member, claim_expires_at, .. }, seats } = created;
        let CompanyProfile { id, name, appid, created_at, .. } = profile;
        let claim_code = codes.code(member.id, member.claim_number).reveal();
        let boss = BossBody { member_id: member.id, name: member.name, claim_code, claim_expires_at };
        Self { company: CompanyBody { id, name, appid, seats, created_at }, boss }
    }
}

/// Create a company
///
/// For the platform operator. The mini-program's app secret is stored apart, by ops.
#[utoipa::path(post, path = "/v1/companies", tag = "organization", security(("operator" = [])), request_body = NewCompanyBody,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CompanyCreated), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create_company(
    State(app): State<App>,
    operator: Operator,
    once: Once<NewCompanyBody>,
) -> Result<(StatusCode, Json<CompanyCreated>), Problem> {
    let (new, request) = once.of(&operator);
    let codes = &app.own.keys().await?.claims;
    let NewCompanyBody { name, appid, boss, seats } = new;
    let new = CompanyToCreate { name, appid, boss: boss.name, seats: seats.unwrap_or_default().0 };
    let created = company::create(&app.flow(), codes, new, &request).await?;
    Ok((StatusCode::CREATED, Json(CompanyCreated::new(created, codes))))
}
