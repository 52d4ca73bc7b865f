//! `GET /v1/radar/…/customers/{person_id}`: one customer: their close rate and its reasons, and the
//! best hour to follow up (最佳时间点).

use axum::Json;
use axum::extract::State;
use domain::close_rate::evidence::Feature;
use domain::close_rate::explanation::{ExplanationPart, ExplanationReason, RateExplanation};
use domain::close_rate::model::{Band, Model, Origin, Rate, Source};
use domain::crm::customer::CardHistory;
use domain::crm::identities::MergedCustomer;
use domain::kernel::day::Day;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::best_hour::{Advice, DAYS_MIN, VISITS_MIN};
use domain::radar::counter::Scope;
use domain::radar::feed::visitor_name;
use domain::radar::quiet_hours::QuietHours;
use edge::access::{CardRadar, RadarScope};
use edge::opportunity::{DealBody, ManualCloseRateBody};
use edge::path::{PathId, PathIds};
use edge::problem::{Code, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// A customer of a card or of the company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerBody {
    /// The person.
    person_id: PersonId,
    /// The name to show: `访客` and four characters while the name is not known.
    name: String,
    /// Whether the person has not logged in. Then nothing they do is evidence yet.
    anonymous: bool,
    /// Whether the person is an active member of the company. Then they are no customer, and nothing
    /// they do is evidence.
    staff: bool,
    /// The close rate (成交率) and its reasons.
    close_rate: CloseRate,
    /// The best hour to follow up (最佳时间点).
    best_hour: BestHour,
    /// The closed deals (成交), the last closed first.
    deals: Vec<DealBody>,
    /// The history on each card, the last opened first.
    cards: Vec<CardHistoryBody>,
}

/// A close rate and its reasons.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CloseRate {
    /// The close rate that is shown, in hundredths of a percent.
    basis_points: Rate,
    /// The band of the close rate. `null` for a customer with a closed deal.
    band: Option<Band>,
    /// Where the rate comes from: a closed deal, else a rate set by hand, else the model.
    source: Source,
    /// Whether the default model is in force, or a model of the company.
    model: Origin,
    /// The close rate of the model in hundredths of a percent, also if another rate is shown.
    model_basis_points: Rate,
    /// The rate that was set by hand last, also if a closed deal overrides it. `null` if there is
    /// none.
    manual: Option<ManualCloseRateBody>,
    /// The reasons. Their basis points add up to the rate. The base comes first, then the largest
    /// reason.
    receipt: Vec<PartBody>,
}

/// A reason for a close rate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartBody {
    /// The part of the rate that this reason adds, in hundredths of a percent.
    basis_points: u16,
    /// The kind of events. `null` for the base, a rate set by hand and a deal.
    feature: Option<Feature>,
    /// How many events count, with two decimals. An event of today counts 1, an event of 14 days
    /// ago counts 0.5. At most three events of a day count.
    amount: Option<f64>,
    /// The amount that one event of today adds to the logit, in thousandths.
    coefficient: Option<u32>,
    /// The day of the last such event, in Asia/Shanghai.
    newest: Option<Day>,
    /// The reason in Chinese, to show to the user.
    #[schema(example = "查看商品，最近一次 2026-11-21")]
    text: String,
}

/// The best hour to follow up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BestHour {
    /// The advice. `null` if too little is known or no hour stands out.
    advice: Option<AdviceBody>,
    /// The advice in Chinese, or why there is none, to show to the user.
    text: String,
}

/// An hour of a weekday, or of every day, in Asia/Shanghai.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdviceBody {
    /// The weekday, 1 for Monday to 7 for Sunday. `null` for every day.
    weekday: Option<u8>,
    /// The hour at which it begins, 0 to 23.
    hour: u8,
    /// The number of such days on which the customer visited in this hour.
    seen: u32,
    /// The number of such days since the first visit in the last eight weeks.
    of: u32,
    /// The statistical confidence of the advice, 0.95 to 1.
    confidence: f64,
    /// When the hour begins next.
    next: Timestamp,
}

/// The history of a customer on a card.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardHistoryBody {
    /// The card.
    card_id: CardId,
    /// How often the customer opened the card.
    opened: u64,
    /// When the customer last opened the card. `null` if never.
    last_opened_at: Option<Timestamp>,
    /// Since when the customer likes the card. `null` if they do not.
    liked_at: Option<Timestamp>,
    /// When the customer saved the phone number. `null` if never.
    saved_at: Option<Timestamp>,
}

/// Get a customer of a card
///
/// Returns the close rate with its reasons, the best hour to follow up, deals and history. For the
/// single events use the feed with `person_id`. Callers: the card's owner, admins and the boss,
/// while their own radar is on. Idempotent. Errors: 404 `not_found` for other callers, and when the
/// person has not visited the card; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/customers/{person_id}", tag = "radar",
    responses((status = 200, body = CustomerBody)))]
pub(crate) async fn get_card_customer(
    State(app): State<App>,
    radar: CardRadar,
    PathIds(_card, person): PathIds<CardId, PersonId>,
) -> Result<Json<CustomerBody>, Problem> {
    let (card, company) = (radar.card(), radar.company());
    let (merged, model) = app.store.customer_and_model(company, Some(card), person).await?;
    let history = merged.state.cards.get(&card).ok_or(Problem::of(Code::NotFound))?;
    Ok(Json(customer(&app, person, (&merged, &model), Scope::Card(card), &[(card, history)])))
}

/// Get a customer of the company
///
/// Returns the close rate with its reasons, the best hour to follow up, deals and history, from all
/// cards. For the single events use the feed with `person_id`. Callers: admins and the boss, while
/// their own radar is on. Idempotent. Errors: 404 `not_found` for other callers, and when the
/// person has not visited any card; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/customers/{person_id}", tag = "radar",
    responses((status = 200, body = CustomerBody)))]
pub(crate) async fn get_company_customer(
    State(app): State<App>,
    scope: RadarScope,
    PathId(person): PathId<PersonId>,
) -> Result<Json<CustomerBody>, Problem> {
    let (merged, model) = app.store.customer_and_model(scope.company(), None, person).await?;
    let cards = merged.state.cards_by_last_opening();
    if cards.is_empty() {
        return Err(Problem::of(Code::NotFound));
    }
    Ok(Json(customer(&app, person, (&merged, &model), scope.scope(), &cards)))
}

fn customer(
    app: &App,
    person_id: PersonId,
    (MergedCustomer { state, opportunity }, model): (&MergedCustomer, &Model),
    scope: Scope,
    cards: &[(CardId, &CardHistory)],
) -> CustomerBody {
    let now = app.clock.now();
    let decayed = state.evidence_in(scope).on(Day::of(now));
    let (manual, closed) = (opportunity.set_rate_in(scope), opportunity.closed_on(scope).is_some());
    let explanation = RateExplanation::of(model, &decayed, manual.map(|set| set.rate), closed);
    CustomerBody {
        person_id,
        name: visitor_name(person_id),
        anonymous: state.anonymous,
        staff: state.member,
        close_rate: CloseRate {
            basis_points: explanation.rate,
            band: (!closed).then(|| Band::of(explanation.rate)),
            source: explanation.source,
            model: model.origin(),
            model_basis_points: model.rate(&decayed),
            manual: manual.map(ManualCloseRateBody::from),
            receipt: explanation.parts.into_iter().map(part).collect(),
        },
        best_hour: best_hour(state.hours.advise(now, QuietHours::default())),
        deals: opportunity.deals_in(scope).into_iter().map(|(card, id, deal)| DealBody::new(card, id, deal)).collect(),
        cards: cards.iter().map(|(card, history)| card_body(*card, history)).collect(),
    }
}

fn part(ExplanationPart { reason, points }: ExplanationPart) -> PartBody {
    let whole = PartBody {
        basis_points: points,
        feature: None,
        amount: None,
        coefficient: None,
        newest: None,
        text: reason.text(),
    };
    match reason {
        ExplanationReason::Deal | ExplanationReason::Manual | ExplanationReason::Base => whole,
        ExplanationReason::Evidence { feature, amount, coefficient, newest } => PartBody {
            feature: Some(feature),
            amount: Some(hundredths(amount)),
            coefficient: Some(coefficient),
            newest: Some(newest),
            ..whole
        },
    }
}

fn best_hour(advice: Option<Advice>) -> BestHour {
    let text = advice.as_ref().map_or_else(
        || format!("暂无建议：至少 {DAYS_MIN} 天、{VISITS_MIN} 个时段来访，且有明显规律时才给出"),
        Advice::text,
    );
    let body = |advice: Advice| AdviceBody {
        weekday: advice.weekday.map(|day| day.number_from_monday()),
        hour: advice.hour,
        seen: advice.seen,
        of: advice.of,
        confidence: hundredths(advice.confidence),
        next: advice.next,
    };
    BestHour { advice: advice.map(body), text }
}

/// Rounded to two decimals, which is precise enough for people.
fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn card_body(card_id: CardId, history: &CardHistory) -> CardHistoryBody {
    let at = |ms: Option<i64>| ms.map(Timestamp::from_millis);
    CardHistoryBody {
        card_id,
        opened: history.opened,
        last_opened_at: at(history.last_opened_ms),
        liked_at: at(history.liked_ms()),
        saved_at: at(history.saved_ms),
    }
}
