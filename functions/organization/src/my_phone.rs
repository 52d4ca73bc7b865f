//! `POST /v1/my/phone`: a granted phone number tells who is the same person.

use app::people::phone;
use axum::Json;
use axum::extract::State;
use edge::auth::Caller;
use edge::body::Body;
use edge::problem::{Code, Problem, ProblemBody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wechat::PhoneCode;

use crate::App;
use crate::merges::MergeOutcomeBody;
use crate::sessions::refused;

/// A phone grant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhoneGrant {
    /// What the button "get phone number" gave: single use, five minutes. Not a login code.
    #[schema(value_type = String, max_length = 128)]
    code: PhoneCode,
}

/// A granted number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyPhone {
    /// Masked.
    #[schema(example = "+86138****8000")]
    phone: String,
    /// `null` when nobody else had granted the number; `done` when who had is the same
    /// person now; `refused` when he is not, since an admin has said so or it would be
    /// too many identities.
    merge: Option<MergeOutcomeBody>,
}

/// Grant my phone number
///
/// The number stands for who granted it last, and replaces the one he granted before.
/// Who granted the same number becomes one person with him, for what both have done and
/// will do. Again it changes nothing.
#[utoipa::path(post, path = "/v1/my/phone", tag = "organization", security(("bearer" = [])), request_body = PhoneGrant,
    responses((status = 200, body = MyPhone), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn grant_my_phone(
    State(app): State<App>,
    caller: Caller,
    Body(grant): Body<PhoneGrant>,
) -> Result<Json<MyPhone>, Problem> {
    let flow = app.flow();
    let appid = app.store.company(caller.company()).await?.appid;
    let mini_program = app.apps.get(&appid, flow.now).await?;
    let phone = app.access_tokens.phone_number(&appid, &mini_program.secret, &grant.code, flow.now).await;
    let phone = phone.map_err(|error| refused(error, Code::PhoneCodeInvalid))?;
    let merge = phone::grant(&flow, caller.company(), caller.person(), &phone).await?;
    Ok(Json(MyPhone { phone: phone.masked(), merge: merge.map(MergeOutcomeBody::from) }))
}
