//! `GET /v1/radar/…/customers/{person_id}`: one customer: how likely he is to buy and why,
//! and when to follow up (最佳时间点).

use axum::Json;
use axum::extract::State;
use domain::best_hour::{Advice, DAYS_MIN, VISITS_MIN};
use domain::close_rate::{Band, Model, Origin, Rate, Source};
use domain::counter::Scope;
use domain::customer::CardHistory;
use domain::day::Day;
use domain::evidence::Feature;
use domain::id::{CardId, PersonId};
use domain::quiet_hours::QuietHours;
use domain::receipt::{Part, Reason, Receipt};
use domain::said::United;
use domain::sentence::visitor_name;
use domain::timestamp::Timestamp;
use edge::access::{CardRadar, RadarScope};
use edge::dealings::{DealBody, SetRateBody};
use edge::path::{PathId, PathIds};
use edge::problem::{Code, Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// One customer of a scope.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerBody {
    #[schema(value_type = String)]
    person_id: PersonId,
    /// `访客` and four characters until his name is known.
    name: String,
    /// 成交率, and why.
    close_rate: CloseRate,
    /// 最佳时间点.
    best_hour: BestHour,
    /// 成交: his deals, the one closed last first.
    deals: Vec<DealBody>,
    /// What he did with each card, the one he opened last first.
    cards: Vec<CardHistoryBody>,
}

/// A close rate with its receipt.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CloseRate {
    /// Hundredths of a percent, 0 to 10,000.
    #[schema(value_type = u16)]
    basis_points: Rate,
    /// The band of the funnel: `below_50`, `below_80`, `below_99` or `below_100`; `null` for
    /// a customer with a closed deal, who stands beside it.
    #[schema(value_type = Option<String>)]
    band: Option<Band>,
    /// `deal`: he has a closed one; else `manual`: a member has set it; else `model`:
    /// computed from what he did.
    #[schema(value_type = String)]
    source: Source,
    /// The model in force: `default`, or the company's `own`.
    #[schema(value_type = String)]
    model: Origin,
    /// What the model says, whatever is shown.
    #[schema(value_type = u16)]
    model_basis_points: Rate,
    /// What a member has set last, also where a deal stands above it.
    manual: Option<SetRateBody>,
    /// The reasons: their basis points add up to the rate. What everybody has comes first,
    /// then what counts most.
    receipt: Vec<PartBody>,
}

/// A line of a receipt.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartBody {
    /// Its share of the rate.
    basis_points: u16,
    /// What he did, for example `view_product`; `null` for what everybody has.
    #[schema(value_type = Option<String>)]
    feature: Option<Feature>,
    /// How much of it is left: one event of today is 1, one of 14 days ago a half; at most
    /// three a day count. Two decimals.
    amount: Option<f64>,
    /// What one event of today adds to the logit, in thousandths.
    coefficient: Option<u32>,
    /// The newest day with such an event.
    #[schema(value_type = Option<String>, format = Date)]
    newest: Option<Day>,
    /// All of it, in Chinese.
    #[schema(example = "查看商品，最近一次 2026-11-21")]
    text: String,
}

/// When to follow up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BestHour {
    /// `null` as long as too little is known, or no hour stands out.
    advice: Option<AdviceBody>,
    /// In Chinese; it says so when there is no advice.
    text: String,
}

/// An hour of a weekday, or of every day, in Asia/Shanghai.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdviceBody {
    /// 1 for Monday to 7 for Sunday; `null` for every day.
    weekday: Option<u8>,
    /// The hour at which it begins.
    hour: u8,
    /// On how many such days he was there in this hour …
    seen: u32,
    /// … of how many, since his first visit of the last eight weeks.
    of: u32,
    /// How sure it is that this is no accident, 0.95 to 1.
    confidence: f64,
    /// When it begins next.
    #[schema(value_type = String, format = DateTime)]
    next: Timestamp,
}

/// What he did with one card.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardHistoryBody {
    #[schema(value_type = String)]
    card_id: CardId,
    /// How often he opened it.
    opened: u64,
    /// When he opened it last.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_opened_at: Option<Timestamp>,
    /// Since when he likes it.
    #[schema(value_type = Option<String>, format = DateTime)]
    liked_at: Option<Timestamp>,
    /// When he saved its phone number.
    #[schema(value_type = Option<String>, format = DateTime)]
    saved_at: Option<Timestamp>,
}

/// A customer of a card
///
/// How likely he is to buy, with the reasons, and when to follow up. What he did, event by
/// event, is in the feed: `feed?person_id=`.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/customers/{person_id}", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path), ("person_id" = String, Path)),
    responses((status = 200, body = CustomerBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_customer(
    State(app): State<App>,
    radar: CardRadar,
    PathIds(_card, person): PathIds<CardId, PersonId>,
) -> Result<Json<CustomerBody>, Problem> {
    let (card, company) = (radar.card(), radar.company());
    let (united, model) = app.store.customer_and_model(company, Some(card), person).await?;
    let scope = radar.open()?.scope();
    let history = united.state.cards.get(&card).ok_or(Problem::of(Code::NotFound))?;
    Ok(Json(customer(&app, person, (&united, &model), scope, &[(card, history)])))
}

/// A customer of the company
///
/// The same, from what he did on all cards.
#[utoipa::path(get, path = "/v1/radar/company/customers/{person_id}", tag = "radar", security(("bearer" = [])), params(("person_id" = String, Path)),
    responses((status = 200, body = CustomerBody), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_customer(
    State(app): State<App>,
    scope: RadarScope,
    PathId(person): PathId<PersonId>,
) -> Result<Json<CustomerBody>, Problem> {
    let (united, model) = app.store.customer_and_model(scope.company(), None, person).await?;
    let cards = united.state.cards_by_last_opening();
    if cards.is_empty() {
        return Err(Problem::of(Code::NotFound));
    }
    Ok(Json(customer(&app, person, (&united, &model), scope.scope(), &cards)))
}

fn customer(
    app: &App,
    person_id: PersonId,
    (United { state, dealings }, model): (&United, &Model),
    scope: Scope,
    cards: &[(CardId, &CardHistory)],
) -> CustomerBody {
    let now = app.clock.now();
    let evidence = match scope {
        Scope::Card(card) => state.evidence_on(card),
        Scope::Company | Scope::Department(_) => state.evidence(),
    };
    let reading = evidence.on(Day::of(now));
    let (manual, closed) = (dealings.set_rate_in(scope), dealings.closed_on(scope).is_some());
    let receipt = Receipt::of(model, &reading, manual.map(|set| set.rate), closed);
    CustomerBody {
        person_id,
        name: visitor_name(person_id),
        close_rate: CloseRate {
            basis_points: receipt.rate,
            band: (!closed).then(|| Band::of(receipt.rate)),
            source: receipt.source,
            model: model.origin(),
            model_basis_points: model.rate(&reading),
            manual: manual.map(SetRateBody::from),
            receipt: receipt.parts.into_iter().map(part).collect(),
        },
        best_hour: best_hour(state.hours.advise(now, QuietHours::default())),
        deals: dealings.deals_in(scope).into_iter().map(|(card, id, deal)| DealBody::new(card, id, deal)).collect(),
        cards: cards.iter().map(|(card, history)| card_body(*card, history)).collect(),
    }
}

fn part(Part { reason, points }: Part) -> PartBody {
    let whole = PartBody {
        basis_points: points,
        feature: None,
        amount: None,
        coefficient: None,
        newest: None,
        text: reason.text(),
    };
    match reason {
        Reason::Deal | Reason::Manual | Reason::Base => whole,
        Reason::Evidence { feature, amount, coefficient, newest } => PartBody {
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

/// Rounded to two decimals: more says nothing to people.
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
