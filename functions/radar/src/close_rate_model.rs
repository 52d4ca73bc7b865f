//! `GET /v1/radar/company/close-rate`: which model gives the close rates, what it says, and
//! how its promises have come true.

use axum::Json;
use axum::extract::State;
use domain::calibration::BandCheck;
use domain::close_rate::{Band, Model, Origin, Rate};
use domain::evidence::{DAILY_MAX, Feature, HALF_LIFE_DAYS};
use domain::refit::{Scores, Verdict};
use domain::timestamp::Timestamp;
use edge::access::RadarScope;
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use store::{CloseRateModel, Fitted};
use utoipa::ToSchema;

use crate::App;

/// The model in force. A customer's odds are those of the base, times e to the power of the
/// sum of coefficient × events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelBody {
    /// `default`, or the company's `own`.
    #[schema(value_type = String)]
    model: Origin,
    /// The rate of a customer who has done nothing, in hundredths of a percent.
    #[schema(value_type = u16)]
    base_basis_points: Rate,
    /// What speaks for a deal.
    features: Vec<FeatureBody>,
    /// Whether the rates are corrected where the sum alone would promise too much or too little.
    corrected: bool,
    /// After so many days an event counts half.
    half_life_days: i32,
    /// So many events of a kind count on one day.
    daily_max: u8,
    /// The last refit; `null` before the first.
    refit: Option<RefitBody>,
    /// When the next one is.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_refit_at: Option<Timestamp>,
    /// All of it, in Chinese.
    #[schema(example = "使用默认模型：已成交客户 12 位，满 50 位后自动校准")]
    text: String,
}

/// What a kind of events is worth.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeatureBody {
    /// For example `view_product`.
    #[schema(value_type = String)]
    feature: Feature,
    /// In Chinese.
    label: &'static str,
    /// What one event of today adds to the logit, in thousandths.
    coefficient: u32,
}

/// What a refit found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefitBody {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `kept`: the company has its own model. Else why not: `too_few_closed`, `too_few_open`,
    /// `nothing_helps`, `not_better_than_mean` or `not_better_than_default`.
    #[schema(value_type = String)]
    verdict: Verdict,
    /// Customers with a deal.
    closed: usize,
    /// Customers without one.
    open: usize,
    /// How far predictions were from what came; `null` when no model could be tried.
    brier_scores: Option<ScoresBody>,
    /// Of customers with a rate in each band, the share that closed a deal, the lowest band first.
    bands: Vec<BandCheckBody>,
}

/// Brier scores on customers that the model had not seen: less is better, a coin has 0.25.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScoresBody {
    /// Of the company's own model.
    own: f64,
    /// Of the default model.
    default: f64,
    /// Of giving everybody the same rate.
    mean: f64,
}

/// A band: what was promised, and what came.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BandCheckBody {
    #[schema(value_type = String)]
    band: Band,
    /// Customers whose rate was in it when they were last there, before their deal if they
    /// closed one.
    customers: u32,
    /// How many of them closed a deal.
    closed: u32,
    /// The mean of their rates; `null` when there were none.
    #[schema(value_type = Option<u16>)]
    predicted_basis_points: Option<Rate>,
    /// The share that closed.
    closed_basis_points: Option<u64>,
}

/// The model of close rates
///
/// Once a week each rate is compared with the deals that were closed, and a model of the
/// company's own is tried; it is kept only if it is better on customers it has not seen. For
/// admins and the boss.
#[utoipa::path(get, path = "/v1/radar/company/close-rate", tag = "radar", security(("bearer" = [])),
    responses((status = 200, body = ModelBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_close_rate_model(
    State(app): State<App>,
    scope: RadarScope,
) -> Result<Json<ModelBody>, Problem> {
    let found = app.store.close_rate_model(scope.company()).await?;
    Ok(Json(ModelBody::of(found)))
}

impl ModelBody {
    fn of(CloseRateModel { fitted, next_at }: CloseRateModel) -> Self {
        let never = || "使用默认模型：尚未校准，系统每周自动校准一次".to_owned();
        let text = fitted.as_ref().map_or_else(never, |fitted| fitted.report.text());
        let model = fitted.as_ref().map(|fitted| fitted.model.clone()).unwrap_or_default();
        Self {
            model: model.origin(),
            base_basis_points: model.base(),
            features: Feature::ALL.iter().map(|feature| FeatureBody::of(*feature, &model)).collect(),
            corrected: model.is_corrected(),
            half_life_days: HALF_LIFE_DAYS,
            daily_max: DAILY_MAX,
            refit: fitted.map(RefitBody::of),
            next_refit_at: next_at,
            text,
        }
    }
}

impl FeatureBody {
    fn of(feature: Feature, model: &Model) -> Self {
        Self { feature, label: feature.label(), coefficient: model.coefficient(feature) }
    }
}

impl RefitBody {
    fn of(Fitted { report, at, .. }: Fitted) -> Self {
        Self {
            at,
            verdict: report.verdict,
            closed: report.closed,
            open: report.open,
            brier_scores: report.scores.map(scores),
            bands: report.bands.into_iter().map(band).collect(),
        }
    }
}

fn scores(Scores { refitted, default, mean }: Scores) -> ScoresBody {
    let score = |millionths: u32| f64::from(millionths) / 1_000_000.0;
    ScoresBody { own: score(refitted), default: score(default), mean: score(mean) }
}

fn band(BandCheck { band, customers, closed, predicted }: BandCheck) -> BandCheckBody {
    let closed_basis_points = (u64::from(closed) * 10_000).checked_div(u64::from(customers));
    BandCheckBody { band, customers, closed, predicted_basis_points: predicted, closed_basis_points }
}
