//! `GET /v1/radar/…/customers/{person_id}`: one customer: their close rate and its reasons, and the
//! best hour to follow up (最佳时间点).

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use domain::close_rate::calibration::Calibration;
use domain::close_rate::evidence::Feature;
use domain::close_rate::explanation::{ExplanationPart, ExplanationReason, RateExplanation};
use domain::close_rate::model::{Band, Origin, Rate, Source};
use domain::close_rate::rank_share::RankShare;
use domain::crm::customer::CardHistory;
use domain::crm::identities::MergedCustomer;
use domain::kernel::day::Day;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::best_hour::{Advice, AdviceBasis};
use domain::radar::counter::Scope;
use domain::radar::feed::visitor_name;
use domain::radar::forecast::Expected;
use domain::radar::quiet_hours::QuietHours;
use edge::access::{CardRadar, RadarScope};
use edge::opportunity::{DealBody, ManualCloseRateBody};
use edge::path::{PathId, PathIds};
use edge::problem::{Code, Problem};
use serde::Serialize;
use store::StoredShortlist;
use utoipa::ToSchema;

use crate::App;
use crate::close_rate::rank::RankBody;

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
    /// The close rate, in hundredths of a percent. `null` for a rate of the default model, whose calibration
    /// in the company is not known: show `rank` and `score`.
    basis_points: Option<Rate>,
    /// The score, 0 to 10,000: lists are sorted by it, and the bands are of it. It is the rate where there
    /// is one, else no percentage.
    score: Rate,
    /// Where the customer stands among the customers without a deal. `null` with a deal, and as long as it
    /// is not known. Exact for those in the list of customers, else as of the last weekly retraining.
    rank: Option<RankBody>,
    /// How well the rates of the model are known to come true.
    calibration: Calibration,
    /// The band of the score. `null` for a customer with a closed deal.
    band: Option<Band>,
    /// Where the rate comes from: a closed deal, else a rate set by hand, else the model.
    source: Source,
    /// Whether the default model is in force, or a model of the company.
    model: Origin,
    /// The close rate of the model in hundredths of a percent, also if another rate is shown. `null` for
    /// the default model.
    model_basis_points: Option<Rate>,
    /// The score of the model, also if another rate is shown.
    model_score: Rate,
    /// The rate that was set by hand last, also if a closed deal overrides it. `null` if there is
    /// none.
    manual: Option<ManualCloseRateBody>,
    /// The reasons. Their basis points add up to the score, and none is 0. The base comes first, then the
    /// largest reason.
    receipt: Vec<PartBody>,
    /// What to show to the user of the rate, in Chinese.
    #[schema(example = "意向评分列前 5%（默认模型，尚未按本企业成交校准，不是成交概率）")]
    text: String,
}

/// A reason for a close rate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartBody {
    /// The part of the score that this reason adds.
    basis_points: u16,
    /// The kind of events. `null` for the base, a rate set by hand and a deal.
    feature: Option<Feature>,
    /// How many events count, with two decimals. An event of today counts 1, an event of 14 days
    /// ago counts 0.5. Of several the newest counts whole, the second newest a half, the third a
    /// third, and at most three of a day.
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
    /// The advice. `null` as long as nothing is known of the company's customers either.
    advice: Option<AdviceBody>,
    /// The advice in Chinese, or why there is none, to show to the user.
    text: String,
}

/// One or two hours of a weekday, or of every day, in Asia/Shanghai. Never a quiet hour.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdviceBody {
    /// What the advice rests on: the customer is there `now`; the hours of the `customer`; or the hours of
    /// the customers of the card or `company`, as long as the customer's own are not known.
    basis: AdviceBasis,
    /// The weekday, 1 for Monday to 7 for Sunday. `null` for every day.
    weekday: Option<u8>,
    /// The hour at which it begins, 0 to 23.
    hour: u8,
    /// How many hours it lasts.
    length: u8,
    /// The number of such days on which the customer visited in the first of these hours. With `now`,
    /// after how many visits they were still there in the next hour.
    seen: u32,
    /// The number of such days since the first visit in the last eight weeks. With `now`, the number of
    /// visits.
    of: u32,
    /// The share of all visits of the customers of the card or company that is in these hours, in hundredths
    /// of a percent. `null` unless the advice rests on them.
    share_basis_points: Option<u16>,
    /// What the next four weeks will likely bring; with `now`, the next hour. `null` for a customer
    /// without visits.
    expected: Option<ExpectedBody>,
    /// When the hour begins next; with `now`, now.
    next: Timestamp,
}

/// On how many such days the customer will likely be there in the first of these hours.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExpectedBody {
    /// Of how many days. With `now`, 1: the next hour.
    of: u32,
    /// The mean, with two decimals.
    mean: f64,
    /// At least so many, with 95 % probability.
    low: u32,
    /// At most so many, with 95 % probability.
    high: u32,
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
    let (card, scope) = (radar.card(), Scope::Card(radar.card()));
    let (identities, merged, list) = app.store.customer_and_list(radar.company(), scope, person).await?;
    let history = merged.state.cards.get(&card).ok_or(Problem::of(Code::NotFound))?;
    Ok(Json(customer(&app, (person, &identities), (&merged, &list), scope, &[(card, history)])))
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
    let (identities, merged, list) = app.store.customer_and_list(scope.company(), scope.scope(), person).await?;
    let cards = merged.state.cards_by_last_opening();
    if cards.is_empty() {
        return Err(Problem::of(Code::NotFound));
    }
    Ok(Json(customer(&app, (person, &identities), (&merged, &list), scope.scope(), &cards)))
}

fn customer(
    app: &App,
    (person_id, identities): (PersonId, &BTreeSet<PersonId>),
    (merged, list): (&MergedCustomer, &StoredShortlist),
    scope: Scope,
    cards: &[(CardId, &CardHistory)],
) -> CustomerBody {
    let (now, MergedCustomer { state, opportunity }) = (app.clock.now(), merged);
    let advice = state.hours.advise(now, QuietHours::default(), &list.rhythm.rhythm);
    CustomerBody {
        person_id,
        name: visitor_name(person_id),
        anonymous: state.anonymous,
        staff: state.member,
        close_rate: close_rate(merged, (list, identities), scope, Day::of(now)),
        best_hour: best_hour(advice),
        deals: opportunity.deals_in(scope).into_iter().map(|(card, id, deal)| DealBody::new(card, id, deal)).collect(),
        cards: cards.iter().map(|(card, history)| card_body(*card, history)).collect(),
    }
}

fn close_rate(
    merged: &MergedCustomer,
    (stored, identities): (&StoredShortlist, &BTreeSet<PersonId>),
    scope: Scope,
    today: Day,
) -> CloseRate {
    let (model, MergedCustomer { state, opportunity }) = (stored.list.model(), merged);
    let decayed = state.evidence_in(scope).on(today);
    let (manual, closed) = (opportunity.set_rate_in(scope), opportunity.closed_on(scope).is_some());
    let RateExplanation { rate, source, parts } =
        RateExplanation::of(model, &decayed, manual.map(|set| set.rate), closed);
    let key = merged.rank_key(scope, model, today);
    let rank = key.and_then(|key| stored.list.rank_share(&stored.spread, (identities, key), today));
    let percentage = if source == Source::Model { model.percentage(rate) } else { Some(rate) };
    CloseRate {
        basis_points: percentage,
        score: rate,
        text: rate_text(source, percentage, rank),
        rank: rank.map(RankBody::from),
        calibration: model.calibration(),
        band: (!closed).then(|| Band::of(rate)),
        source,
        model: model.origin(),
        model_basis_points: model.percentage(model.rate(&decayed)),
        model_score: model.rate(&decayed),
        manual: manual.map(ManualCloseRateBody::from),
        receipt: parts.into_iter().map(part).collect(),
    }
}

/// What to show of a rate: a percentage if there is one, and where it stands.
fn rate_text(source: Source, percentage: Option<Rate>, rank: Option<RankShare>) -> String {
    let place = rank.map(|rank| format!("列前 {}%", rank.first_percent()));
    match (source, percentage) {
        (Source::Deal, _) => "已成交".to_owned(),
        (Source::Manual, Some(rate)) => format!("人工设置成交率 {}%", rate.percent()),
        (_, Some(rate)) => {
            let place = place.map(|place| format!("，{place}")).unwrap_or_default();
            format!("成交率 {}%{place}（已按本企业成交校准）", rate.percent())
        }
        (_, None) => {
            let place = place.unwrap_or_else(|| "暂无排名".to_owned());
            format!("意向评分{place}（默认模型，尚未按本企业成交校准，不是成交概率）")
        }
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
    let text = advice.as_ref().map_or_else(|| "暂无建议：还没有客户来访的记录".to_owned(), Advice::text);
    let points = |share: f64| Rate::of_share(share).basis_points();
    let body = |advice: Advice| AdviceBody {
        basis: advice.basis,
        weekday: advice.weekday.map(|day| day.number_from_monday()),
        hour: advice.hour,
        length: advice.length,
        seen: advice.seen,
        of: advice.of,
        share_basis_points: advice.share.map(points),
        expected: advice.expected.map(expected),
        next: advice.next,
    };
    BestHour { advice: advice.map(body), text }
}

fn expected(Expected { of, mean, low, high }: Expected) -> ExpectedBody {
    ExpectedBody { of, mean: hundredths(mean), low, high }
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
