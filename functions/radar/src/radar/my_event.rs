//! `GET /v1/my/data/cards/{card_id}/events`: what the caller did on a card, as it is recorded.

use axum::Json;
use axum::extract::State;
use domain::kernel::id::CardId;
use edge::auth::Caller;
use edge::feed::{FeedLine, sort_by_receipt};
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;

use crate::App;
use crate::radar::feed::{FILTER_READ_MAX, FeedPosition, InLog, lines};

/// List my recorded events on a card
///
/// Lists the events of the caller on a card, those before their login too, the latest batch first. A page
/// may be short and not the last: continue while `next_cursor` is not null. Callers: everyone who has
/// logged in. Idempotent. Errors: 404 `not_found` for a card that does not exist.
#[utoipa::path(get, path = "/v1/my/data/cards/{card_id}/events", tag = "radar", params(PageParams),
    responses((status = 200, body = PageBody<FeedLine>)))]
pub(crate) async fn list_my_events(
    State(app): State<App>,
    caller: Caller,
    PathId(card): PathId<CardId>,
    paging: Paging,
) -> Result<Json<PageBody<FeedLine>>, Problem> {
    let (company, start): (_, Option<FeedPosition<InLog>>) = (caller.company(), paging.position()?);
    let own = app.store.identities_of(company, caller.person(), Some(card)).await?;
    let log = app.store.card_log(company, card, start.map(|start| start.place.key(card)), FILTER_READ_MAX).await?;
    let segments = log.items.into_iter().map(|segment| (InLog::of(segment.key), segment)).collect();
    let wanted = (paging.limit, |person, _: &_| own.contains(&person));
    let (mut lines, next) = lines(wanted, segments, start, log.next.is_some());
    sort_by_receipt(&mut lines);
    Ok(Json(paging.page(lines, next)))
}
