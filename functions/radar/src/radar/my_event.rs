//! `GET /v1/my/data/events`: what the caller did on a card, as it is recorded.

use axum::Json;
use axum::extract::State;
use domain::kernel::id::CardId;
use edge::auth::Caller;
use edge::feed::{FeedLine, sort_by_receipt};
use edge::page::{PageBody, PageParams, Paging};
use edge::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::App;
use crate::radar::feed::{FILTER_READ_MAX, FeedPosition, InLog, lines};

/// Of which card.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MyEventsQuery {
    /// A card of `GET /v1/my/data`.
    #[param(inline)]
    card_id: CardId,
}

/// List my recorded events on a card
///
/// Lists the events of the caller on a card, those before their login too, the latest batch first. A page
/// may be short and not the last: continue while `next_cursor` is not null. Callers: everyone who has
/// logged in. Idempotent.
#[utoipa::path(get, path = "/v1/my/data/events", tag = "radar", params(PageParams, MyEventsQuery),
    responses((status = 200, body = PageBody<FeedLine>)))]
pub(crate) async fn list_my_events(
    State(app): State<App>,
    caller: Caller,
    paging: Paging<MyEventsQuery>,
) -> Result<Json<PageBody<FeedLine>>, Problem> {
    let (company, start): (_, Option<FeedPosition<InLog>>) = (caller.company(), paging.position()?);
    let card = paging.filter.card_id;
    let own = app.store.identities_of(company, caller.person()).await?;
    let log = app.store.card_log(company, card, start.map(|start| start.place.key(card)), FILTER_READ_MAX).await?;
    let segments = log.items.into_iter().map(|segment| (InLog::of(segment.key), segment)).collect();
    let wanted = (paging.limit, |person, _: &_| own.contains(&person));
    let (mut lines, next) = lines(wanted, segments, start, log.next.is_some());
    sort_by_receipt(&mut lines);
    Ok(Json(paging.page(lines, next)))
}
