//! `GET /v1/radar/…/sharers/profile`: what kind of people pass things on (分享者用户画像).

use axum::Json;
use axum::extract::State;
use domain::close_rate::{Band, Model};
use domain::company::Company;
use domain::counter::Scope;
use domain::customer::CustomerState;
use domain::day::Day;
use domain::evidence::{Evidence, Feature};
use domain::failure::Failure;
use domain::id::CardId;
use domain::profile::Profile;
use edge::access::{CardRadar, RadarScope};
use edge::problem::{Problem, ProblemBody};
use serde::Serialize;
use store::IDENTITIES_MAX;
use utoipa::ToSchema;

use crate::App;
use crate::window_query::{Asked, Wanted, WantedDays, WindowQuery};

/// The sharers of a window as a group; some minutes old.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SharerProfile {
    /// First day, in Asia/Shanghai.
    #[schema(value_type = String, format = Date)]
    from: Day,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    to: Day,
    /// Who passed something on in the window.
    sharers: usize,
    /// How often they did.
    forwards: i64,
    /// How many of them the rest is about: the 99 with the most forwards.
    profiled: usize,
    /// What they did in the last 16 weeks, each kind with how many of them did it.
    did: Vec<DidBody>,
    /// How likely they are to buy.
    bands: Vec<SharerBand>,
    /// When they come: their visited hours of the last eight weeks by hour of the day.
    active_hours: [u32; 24],
}

/// A kind of things to do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DidBody {
    /// For example `view_product`.
    #[schema(value_type = String)]
    feature: Feature,
    /// What it is called.
    #[schema(example = "查看商品")]
    text: &'static str,
    /// Sharers who did it.
    people: usize,
}

/// A band of the funnel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SharerBand {
    /// `below_50`, `below_80`, `below_99` or `below_100`.
    #[schema(value_type = String)]
    band: Band,
    /// Sharers in it.
    people: usize,
}

/// What kind of people pass a card on
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/sharers/profile", tag = "radar", security(("bearer" = [])), params(("card_id" = String, Path), WindowQuery),
    responses((status = 200, body = SharerProfile), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_card_sharer_profile(
    State(app): State<App>,
    radar: CardRadar,
    query: Asked,
) -> Result<Json<SharerProfile>, Problem> {
    let wanted = Wanted::of_days(query, Day::of(app.clock.now()))?;
    let profile = profile(&app, radar.company(), Some(radar.card()), wanted).await?;
    radar.open()?;
    Ok(Json(profile))
}

/// What kind of people pass the company's cards on
#[utoipa::path(get, path = "/v1/radar/company/sharers/profile", tag = "radar", security(("bearer" = [])), params(WindowQuery),
    responses((status = 200, body = SharerProfile), (status = "4XX", body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn get_company_sharer_profile(
    State(app): State<App>,
    scope: RadarScope,
    query: Asked,
) -> Result<Json<SharerProfile>, Problem> {
    let wanted = Wanted::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(profile(&app, scope.company(), None, wanted).await?))
}

async fn profile(
    app: &App,
    company: Company,
    card: Option<CardId>,
    (_, (from, to)): WantedDays,
) -> Result<SharerProfile, Failure> {
    let today = Day::of(app.clock.now());
    let scope = card.map_or(Scope::Company, Scope::Card);
    let breakdown = app.store.breakdown(company, scope, (from, to)).await?;
    let most = breakdown.top_sharers(IDENTITIES_MAX).into_iter().map(|(person, _)| person).collect::<Vec<_>>();
    let known = app.store.identities_on(company, card, &most).await?;
    let states = known.values().map(|customer| &customer.state);
    let people = states.map(|state| (evidence(state, card), &state.hours));
    let Profile { people, did, bands, hours } = Profile::of(people, &Model::default(), today);
    let did_body = |(feature, people): (&Feature, usize)| DidBody { feature: *feature, text: feature.label(), people };
    let band_body = |(band, people): (&Band, usize)| SharerBand { band: *band, people };
    Ok(SharerProfile {
        from,
        to,
        sharers: breakdown.sharers.len(),
        forwards: breakdown.sharers.values().sum(),
        profiled: people,
        did: Feature::ALL.iter().zip(did).map(did_body).collect(),
        bands: Band::ALL.iter().zip(bands).map(band_body).collect(),
        active_hours: hours,
    })
}

fn evidence(state: &CustomerState, card: Option<CardId>) -> Evidence {
    card.map_or_else(|| state.evidence(), |card| state.evidence_on(card))
}
