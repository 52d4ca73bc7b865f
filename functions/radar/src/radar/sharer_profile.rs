//! `GET /v1/radar/…/sharers/profile`: what the people who share have in common (分享者用户画像).

use axum::Json;
use axum::extract::State;
use domain::close_rate::evidence::Feature;
use domain::close_rate::model::Band;
use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::CardId;
use domain::radar::audience::AudienceProfile;
use domain::radar::counter::Scope;
use edge::access::{CardRadar, RadarScope};
use edge::problem::Problem;
use serde::Serialize;
use store::IDENTITIES_MAX;
use utoipa::ToSchema;

use crate::App;
use crate::radar::window_query::{ChosenWindow, WantedDays, WindowParams, WindowRequest};

// The API document names the number.
const _: () = assert!(IDENTITIES_MAX == 97);

/// The profile of the sharers of a window. The numbers can be some minutes old.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SharerProfile {
    /// The first day, in Asia/Shanghai.
    from: Day,
    /// The last day, in Asia/Shanghai.
    to: Day,
    /// How many people who were no members of the company forwarded something in the window.
    sharers: usize,
    /// How often they forwarded.
    forwards: u64,
    /// How many of them are in the profile: customers, at most of the 97 with the most forwards.
    profiled: usize,
    /// Their events of the last 16 weeks, by kind.
    did: Vec<DidBody>,
    /// How many are in each band of close rates.
    bands: Vec<SharerBand>,
    /// When they visit: visited hours of the last eight weeks by hour of the day, 24 numbers,
    /// midnight first.
    active_hours: [u32; 24],
}

/// A kind of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DidBody {
    /// The kind of events.
    feature: Feature,
    /// The name in Chinese, to show to the user.
    #[schema(example = "查看商品")]
    text: &'static str,
    /// How many sharers did it.
    people: usize,
}

/// A band of close rates.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SharerBand {
    /// The band of close rates.
    band: Band,
    /// How many sharers are in the band.
    people: usize,
}

/// Describe the sharers of a card
///
/// Returns a profile of the people who forwarded in a window: their events, close rates and hours.
/// The numbers can be some minutes old. Callers: the card's owner, admins and the boss, while their
/// own radar is on. Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active`
/// while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/sharers/profile", tag = "radar", params(WindowParams),
    responses((status = 200, body = SharerProfile)))]
pub(crate) async fn get_card_sharer_profile(
    State(app): State<App>,
    radar: CardRadar,
    query: WindowRequest,
) -> Result<Json<SharerProfile>, Problem> {
    let wanted = ChosenWindow::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(profile(&app, radar.company(), Some(radar.card()), wanted).await?))
}

/// Describe the sharers of the company
///
/// Returns a profile of the people who forwarded in a window: their events, close rates and hours.
/// The numbers can be some minutes old. Callers: admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for other callers; 403 `radar_not_active` while the radar of
/// the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/sharers/profile", tag = "radar", params(WindowParams),
    responses((status = 200, body = SharerProfile)))]
pub(crate) async fn get_company_sharer_profile(
    State(app): State<App>,
    scope: RadarScope,
    query: WindowRequest,
) -> Result<Json<SharerProfile>, Problem> {
    let wanted = ChosenWindow::of_days(query, Day::of(app.clock.now()))?;
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
    let mut sharers = app.store.sharers(company, scope, (from, to)).await?.sum;
    sharers.remove_staff();
    let most = sharers.top_sharers(IDENTITIES_MAX).into_iter().map(|(person, _)| person).collect::<Vec<_>>();
    let (known, model) = app.store.people_and_model(company, card, &most).await?;
    // Some are members by another of their identities, some are several identities of one person.
    for (identities, person) in &known {
        sharers.unite_sharer(identities, person.state.member);
    }
    let states = known.values().map(|person| &person.state).filter(|state| state.is_customer_in(scope));
    let people = states.map(|state| (state.evidence_in(scope), &state.hours));
    let AudienceProfile { people, did, bands, hours } = AudienceProfile::of(people, &model, today);
    let did_body = |(feature, people): (&Feature, usize)| DidBody { feature: *feature, text: feature.label(), people };
    let band_body = |(band, people): (&Band, usize)| SharerBand { band: *band, people };
    Ok(SharerProfile {
        from,
        to,
        sharers: sharers.counts().len(),
        forwards: sharers.counts().sum(),
        profiled: people,
        did: Feature::ALL.iter().zip(did).map(did_body).collect(),
        bands: Band::ALL.iter().zip(bands).map(band_body).collect(),
        active_hours: hours,
    })
}
