//! `POST /v1/my/phone`: links a phone number, and merges the identities that share it.

use app::people::phone;
use axum::Json;
use axum::extract::State;
use domain::company::CompanyProfile;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::BudgetName;
use domain::kernel::failure::Failure;
use edge::auth::Caller;
use edge::body::Body;
use edge::problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wechat::PhoneCode;

use crate::App;
use crate::people::login_code::wechat_problem;
use crate::people::merge::MergeOutcomeBody;

/// A code of the WeChat phone button.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhoneGrant {
    /// The code of the WeChat phone button. It works once, for five minutes. It is not the code of
    /// `wx.login`.
    code: PhoneCode,
}

/// A linked phone number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyPhone {
    /// The phone number with its middle digits hidden.
    #[schema(example = "+86138****8000")]
    phone: String,
    /// The result of the merge with the person who linked the number before. `null` if there is
    /// none.
    merge: Option<MergeOutcomeBody>,
}

/// Link a phone number to me
///
/// Exchanges the code of the WeChat phone button for the phone number and links the number to the
/// caller. If another person linked it before, the two are merged. It replaces the number that the
/// caller linked before. Callers: everyone who has logged in, visitors included. Idempotent for the
/// same number, but each call needs a new code. Errors: 403 `company_suspended`; 403 `login_blocked` when WeChat blocks the
/// person; 409 `request_in_progress` when the same number is linked at the same moment; 422
/// `phone_code_invalid` when WeChat refuses the code; 429 `too_many_requests` when WeChat asks to
/// slow down; 503 `channel_not_configured` when the mini-program is not set up.
#[utoipa::path(post, path = "/v1/my/phone", tag = "organization",
    extensions(("x-budgets" = json!(["phone_grants"]))), request_body = PhoneGrant,
    responses((status = 200, body = MyPhone)))]
pub(crate) async fn grant_my_phone(
    State(app): State<App>,
    caller: Caller,
    Body(grant): Body<PhoneGrant>,
) -> Result<Json<MyPhone>, Problem> {
    let flow = app.flow();
    let person = BudgetSubject::Person(caller.company(), caller.person());
    flow.store.spend(&BudgetSpend::one(BudgetName::PhoneGrants, person), flow.now).await?;
    let CompanyProfile { appid, suspended, .. } = app.store.company(caller.company()).await?;
    if suspended {
        return Err(Failure::CompanySuspended.into());
    }
    let mini_program = app.apps.get(&appid, flow.now).await?;
    let phone = app.access_tokens.phone_number(&appid, &mini_program.secret, &grant.code, flow.now).await;
    let phone = phone.map_err(|error| wechat_problem(error, Code::PhoneCodeInvalid))?;
    let merge = phone::grant(&flow, caller.company(), caller.person(), &phone).await?;
    Ok(Json(MyPhone { phone: phone.masked(), merge: merge.map(MergeOutcomeBody::from) }))
}
