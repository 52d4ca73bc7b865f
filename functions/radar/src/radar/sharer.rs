//! `GET /v1/radar/…/sharers`: the people who share the most (分享用户 TOP10).

use axum::Json;
use axum::extract::State;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::people::member::Role;
use domain::radar::feed::visitor_name;
use domain::radar::space_saving::Bounds;
use edge::access::RadarScope;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::radar::window_query::{ChosenWindow, RowParams, WantedDays, WindowParams, WindowRequest};

/// The people who forwarded the most and have logged in. The numbers can be some minutes old.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopSharers {
    /// The first day, in Asia/Shanghai.
    from: Day,
    /// The last day, in Asia/Shanghai.
    to: Day,
    /// The people, the most forwards first; among equal ones the first visitor first.
    items: Vec<TopSharer>,
    /// A person whom the list does not know forwarded at most so often. 0 while all forwards are
    /// counted exactly: up to 8,192 people a day.
    missed: u64,
    /// Days whose forwards cannot be read at the moment. They are left out.
    missing_days: Vec<Day>,
}

/// A person who forwarded something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopSharer {
    /// The person.
    person_id: PersonId,
    /// The name to show: of a member of the company their name, else `访客` and four characters while
    /// the name is not known.
    name: String,
    /// The role of a person who was a member of the company when they forwarded last (员工); `null` of
    /// all others. Members are no customers.
    role: Option<Role>,
    /// How often the person forwarded, at least.
    forwards: u64,
    /// How often the person forwarded, at most. Equal to `forwards` while it is counted exactly.
    forwards_max: u64,
}

/// List top sharers of a card
///
/// Lists the people who forwarded the most in a window. The numbers can be some minutes old.
/// Callers: the card's owner, admins and the boss, while their own radar is on. Idempotent. Errors:
/// 404 `not_found` for other callers; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/sharers", tag = "radar", params(WindowParams, RowParams),
    responses((status = 200, body = TopSharers)))]
pub(crate) async fn get_card_sharers(
    State(app): State<App>,
    scope: RadarScope,
    query: WindowRequest,
) -> Result<Json<TopSharers>, Problem> {
    let wanted = ChosenWindow::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(sharers(&app, scope, wanted).await?))
}

/// List top sharers of the company
///
/// Lists the people who forwarded the most in a window, from all cards. The numbers can be some
/// minutes old. Callers: admins and the boss, while their own radar is on. Idempotent. Errors: 404
/// `not_found` for other callers; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/sharers", tag = "radar", params(WindowParams, RowParams),
    responses((status = 200, body = TopSharers)))]
pub(crate) async fn get_company_sharers(
    State(app): State<App>,
    scope: RadarScope,
    query: WindowRequest,
) -> Result<Json<TopSharers>, Problem> {
    let wanted = ChosenWindow::of_days(query, Day::of(app.clock.now()))?;
    Ok(Json(sharers(&app, scope, wanted).await?))
}

async fn sharers(app: &App, scope: RadarScope, (wanted, (from, to)): WantedDays) -> Result<TopSharers, Failure> {
    let of_days = app.store.sharers(scope.company(), scope.scope(), (from, to)).await?;
    let item = |(person_id, forwards): (PersonId, Bounds)| {
        let staff = of_days.sum.staff(person_id);
        let role = staff.as_ref().and_then(|staff| Role::from_name(&staff.role));
        let name = staff.map_or_else(|| visitor_name(person_id), |staff| staff.name);
        TopSharer { person_id, name, role, forwards: forwards.at_least, forwards_max: forwards.at_most }
    };
    let items = of_days.sum.top_sharers(wanted.limit).into_iter().map(item).collect();
    let missing_days = of_days.unreadable.into_iter().collect();
    Ok(TopSharers { from, to, items, missed: of_days.sum.counts().missed(), missing_days })
}
