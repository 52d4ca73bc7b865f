//! `GET /v1/radar/company/close-rate`: the model of the close rates, its weights, and how well its
//! predictions came true.

use axum::Json;
use axum::extract::State;
use domain::close_rate::calibration::{BandCheck, Calibration};
use domain::close_rate::default_model::{PublicStream, PublishedModel, published};
use domain::close_rate::evidence::{DAILY_MAX, Feature, HALF_LIFE_DAYS};
use domain::close_rate::model::{Band, Model, Origin, Rate};
use domain::close_rate::retrain::{Scores, Verdict};
use domain::kernel::timestamp::Timestamp;
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use store::{CloseRateModel, Fitted};
use utoipa::ToSchema;

use crate::App;

/// The close-rate model in force. The odds of a customer are the odds of the base, times e to the
/// power of the sum of coefficient × events, where repeated events of a kind count less.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelBody {
    /// Whether the default model is in force, or a model of the company.
    model: Origin,
    /// The close rate of a customer who has done nothing, in hundredths of a percent.
    base_basis_points: Rate,
    /// The kinds of events that raise the close rate. In a model of the company, kinds that no customer
    /// has done have no weight and are not listed.
    features: Vec<FeatureBody>,
    /// Whether rates are corrected after the formula.
    corrected: bool,
    /// After how many days an event counts half.
    half_life_days: i32,
    /// How many events of a kind count on one day.
    daily_max: u8,
    /// The last retraining. `null` before the first.
    refit: Option<RetrainBody>,
    /// When the next retraining is. `null` if none is planned.
    next_refit_at: Option<Timestamp>,
    /// How well the rates of the model are known to come true.
    calibration: Calibration,
    /// The default model: what it promised people of public data that its fit had not seen, and how many
    /// came back, by stream and band.
    published: PublishedBody,
    /// A summary in Chinese, to show to the user.
    #[schema(example = "使用默认模型：已成交客户 12 位，满 50 位后自动校准")]
    text: String,
}

/// The default model and its calibration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishedBody {
    /// The version of the default model.
    version: &'static str,
    /// Predicted and real rates on public data.
    bands: Vec<PublishedBandBody>,
}

/// Predicted and real rates of a band on a public stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishedBandBody {
    /// The stream: ratings of films, or purchases of music.
    stream: PublicStream,
    #[serde(flatten)]
    band: BandCheckBody,
}

/// The weight of a kind of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeatureBody {
    /// The kind of events.
    feature: Feature,
    /// The name in Chinese, to show to the user.
    label: &'static str,
    /// The amount that one event of today adds to the logit, in thousandths.
    coefficient: u32,
}

/// The result of a retraining.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetrainBody {
    /// When the model was retrained.
    at: Timestamp,
    /// `kept` if the company has its own model now. Any other value is the reason why not.
    verdict: Verdict,
    /// How many customers with a deal were used.
    closed: usize,
    /// How many customers without a deal were used.
    open: usize,
    /// The prediction errors of the models. `null` if no model could be tried.
    brier_scores: Option<ScoresBody>,
    /// Predicted and real close rates for each band, the lowest band first.
    bands: Vec<BandCheckBody>,
}

/// Brier scores on customers that the model has not seen. Lower is better; a random guess has 0.25.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScoresBody {
    /// The score of the model of the company.
    own: f64,
    /// The score of the default model.
    default: f64,
    /// The score of the same rate for everybody.
    mean: f64,
}

/// Predicted and real close rates of a band.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BandCheckBody {
    /// The band of close rates.
    band: Band,
    /// How many customers had a rate in the band at their last visit before a deal; of public data, how many people at
    /// a visit.
    customers: u32,
    /// How many of these customers closed a deal; of public data, how many came back.
    closed: u32,
    /// The mean predicted rate in hundredths of a percent. `null` without customers.
    predicted_basis_points: Option<Rate>,
    /// The real rate in hundredths of a percent. `null` without customers.
    closed_basis_points: Option<u64>,
}

/// Get the close-rate model
///
/// Returns the model in force and the result of the last weekly retraining. A model of the company
/// is kept only if it predicts better than the default, on customers that it has not seen. Callers:
/// admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for other
/// callers; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/close-rate", tag = "radar", responses((status = 200, body = ModelBody)))]
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
            features: Feature::ALL.iter().filter_map(|feature| FeatureBody::of(*feature, &model)).collect(),
            corrected: model.is_corrected(),
            half_life_days: HALF_LIFE_DAYS,
            daily_max: DAILY_MAX,
            refit: fitted.map(RetrainBody::of),
            next_refit_at: next_at,
            calibration: model.calibration(),
            published: PublishedBody::of(published()),
            text,
        }
    }
}

impl PublishedBody {
    fn of(PublishedModel { version, calibration, .. }: &PublishedModel) -> Self {
        let of_stream =
            |(stream, check): &(PublicStream, BandCheck)| PublishedBandBody { stream: *stream, band: band(*check) };
        Self { version, bands: calibration.iter().map(of_stream).collect() }
    }
}

impl FeatureBody {
    /// `None` for what is worth nothing.
    fn of(feature: Feature, model: &Model) -> Option<Self> {
        let coefficient = model.coefficient(feature);
        (coefficient > 0).then(|| Self { feature, label: feature.label(), coefficient })
    }
}

impl RetrainBody {
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

fn scores(Scores { own, default, mean }: Scores) -> ScoresBody {
    let score = |millionths: u32| f64::from(millionths) / 1_000_000.0;
    ScoresBody { own: score(own), default: score(default), mean: score(mean) }
}

fn band(BandCheck { band, customers, closed, predicted }: BandCheck) -> BandCheckBody {
    let closed_basis_points = (u64::from(closed) * 10_000).checked_div(u64::from(customers));
    BandCheckBody { band, customers, closed, predicted_basis_points: predicted, closed_basis_points }
}
