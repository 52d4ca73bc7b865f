//! `/v1/customers/{person_id}/expected-close`: when a deal is expected (预计成交日期), and of which amount.

use axum::Json;
use axum::extract::State;
use domain::crm::expectation::{Expectation, ExpectationUpdate, Stamped};
use domain::crm::record::KnownCustomer;
use domain::kernel::day::Day;
use domain::kernel::id::MemberId;
use domain::kernel::money::Fen;
use domain::kernel::timestamp::Timestamp;
use edge::access::CustomerCaller;
use edge::body::Body;
use edge::problem::Problem;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{App, record_editor};

/// What to set. What is absent stays; `null` clears it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedCloseUpdate {
    /// The day, in Asia/Shanghai: today or of the next ten years.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Day>)]
    expected_on: Option<Option<Day>>,
    /// The amount in fen, at most a billion yuan.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Fen>)]
    amount_fen: Option<Option<Fen>>,
}

/// What is expected of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExpectedClose {
    /// The day, in Asia/Shanghai. `null` if none is set.
    expected_on: Option<Day>,
    /// Whether the day is past. `false` if none is set.
    overdue: bool,
    /// Who set or cleared the day last. `null` if nobody did.
    day_set: Option<SetByBody>,
    /// The amount in fen. `null` if none is set.
    amount_fen: Option<Fen>,
    /// Who set or cleared the amount last. `null` if nobody did.
    amount_set: Option<SetByBody>,
}

/// Who set a value, and when.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetByBody {
    /// The member.
    member_id: MemberId,
    /// When.
    at: Timestamp,
}

impl ExpectedCloseUpdate {
    /// The update, not checked yet.
    pub(crate) fn update(self) -> ExpectationUpdate {
        ExpectationUpdate { day: self.expected_on, amount: self.amount_fen }
    }
}

/// A field that is there, also with `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl ExpectedClose {
    /// What is expected, as it stands at `now`.
    pub(crate) fn of(known: &KnownCustomer, now: Timestamp) -> Self {
        let Expectation { day, amount } = known.expectation();
        let expected_on = day.and_then(|set| set.value);
        Self {
            expected_on,
            overdue: expected_on.is_some_and(|day| day < Day::of(now)),
            day_set: day.map(SetByBody::of),
            amount_fen: amount.and_then(|set| set.value),
            amount_set: amount.map(SetByBody::of),
        }
    }
}

impl SetByBody {
    fn of<T>(Stamped { at, by, .. }: Stamped<T>) -> Self {
        Self { member_id: by, at }
    }
}

/// Set the expected close of a customer
///
/// Sets or clears the day and the amount. Callers: members whose card the person has visited, admins and
/// the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for other callers, and for a
/// person who is no customer; 403 `radar_not_active` while the radar of the caller is off; 422 `invalid` for
/// a day or an amount out of range; 409
/// `customer_erased` for a person who had their data erased.
#[utoipa::path(put, path = "/v1/customers/{person_id}/expected-close", tag = "crm",
    request_body = ExpectedCloseUpdate, responses((status = 200, body = ExpectedClose)))]
pub(crate) async fn set_expected_close(
    State(app): State<App>,
    caller: CustomerCaller,
    Body(update): Body<ExpectedCloseUpdate>,
) -> Result<Json<ExpectedClose>, Problem> {
    let flow = app.flow();
    let known = record_editor(caller).set_expectation(&flow, update.update()).await?;
    Ok(Json(ExpectedClose::of(&known, flow.now)))
}
