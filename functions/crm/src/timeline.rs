//! `/v1/customers/{person_id}/timeline`: what a customer did and what was done about them (客户动态).

use axum::Json;
use axum::extract::State;
use domain::close_rate::model::Rate;
use domain::crm::ownership::{CollaboratorAccess, OwnershipReason};
use domain::crm::profile::ProfileField;
use domain::crm::timeline::{CustomerChange, TimelineEntry, TimelineItem, TimelineKind, TimelinePosition};
use domain::kernel::day::Day;
use domain::kernel::id::{CardId, CustomFieldId, MemberId, PersonId, TagId};
use domain::kernel::money::Fen;
use domain::kernel::timestamp::Timestamp;
use edge::access::CustomerCaller;
use edge::opportunity::DealBody;
use edge::page::{PageBody, PageParams, Paging};
use edge::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::follow_up::FollowUpBody;
use crate::{App, record_editor};

/// The filter of the timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TimelineQuery {
    /// Only lines of this kind.
    #[param(inline)]
    kind: Option<TimelineKind>,
}

/// A line of the timeline. The field of its kind is set, and no other; of `profile` this is `profile` or
/// `custom_fields`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineLine {
    /// When it happened.
    at: Timestamp,
    /// The member who did it. `null` for what the customer, or a rule of the company, did.
    by: Option<MemberId>,
    /// What it is about.
    kind: TimelineKind,
    /// A visit: hours that follow each other, of the last eight weeks.
    visit: Option<VisitBody>,
    /// A follow-up.
    follow_up: Option<FollowUpBody>,
    /// The profile fields that were filled in.
    profile: Option<Vec<ProfileField>>,
    /// The fields of the company's own that were filled in.
    custom_fields: Option<Vec<CustomFieldId>>,
    /// The plan of the next follow-up.
    plan: Option<PlanChangeBody>,
    /// The tags that were given and taken.
    tags: Option<TagsChangeBody>,
    /// What is expected since.
    expected_close: Option<ExpectedCloseChangeBody>,
    /// The identity that was merged into the customer by hand.
    merged_with: Option<PersonId>,
    /// A close rate that was set by hand and is in force.
    close_rate: Option<CardRateBody>,
    /// A closed deal.
    deal: Option<DealBody>,
    /// Another owner, or a collaborator who came or went.
    ownership: Option<OwnershipChangeBody>,
}

/// A visit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VisitBody {
    /// When the first hour begins.
    from: Timestamp,
    /// When the last hour ends.
    to: Timestamp,
}

/// A change of the plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanChangeBody {
    /// When to follow up. `null` when the plan was removed.
    next_at: Option<Timestamp>,
}

/// A change of tags.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagsChangeBody {
    /// The tags that were given.
    added: Vec<TagId>,
    /// The tags that were taken.
    removed: Vec<TagId>,
}

/// A change of what is expected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExpectedCloseChangeBody {
    /// The day since. `null` for none.
    expected_on: Option<Day>,
    /// The amount in fen since. `null` for none.
    amount_fen: Option<Fen>,
}

/// A change of the owner or of a collaborator.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnershipChangeBody {
    /// Why the owner is another one. `null` for a change of a collaborator.
    reason: Option<OwnershipReason>,
    /// The owner since, or the collaborator. `null` when nobody owns the customer since.
    member_id: Option<MemberId>,
    /// What the collaborator may do since. `null` for one who was removed, and for a change of the owner.
    access: Option<CollaboratorAccess>,
}

/// A close rate on a card.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardRateBody {
    /// The card.
    card_id: CardId,
    /// The close rate in hundredths of a percent.
    basis_points: Rate,
}

impl From<TimelineItem> for TimelineLine {
    fn from(item: TimelineItem) -> Self {
        let line = Self::new(item.at(), item.kind());
        match item {
            TimelineItem::Change(TimelineEntry { by, change, .. }) => line.changed(by, change),
            TimelineItem::FollowUp(it) => Self { by: Some(it.by), follow_up: Some(it.into()), ..line },
            TimelineItem::Visit(it) => Self { visit: Some(VisitBody { from: it.from, to: it.to }), ..line },
            TimelineItem::CloseRate(card_id, set) => {
                Self { by: Some(set.by), close_rate: Some(CardRateBody { card_id, basis_points: set.rate }), ..line }
            }
            TimelineItem::Deal(card, id, deal) => {
                Self { by: Some(deal.by), deal: Some(DealBody::new(card, id, deal)), ..line }
            }
        }
    }
}

impl TimelineLine {
    fn new(at: Timestamp, kind: TimelineKind) -> Self {
        let (visit, follow_up, profile, custom_fields, plan) = (None, None, None, None, None);
        let (tags, expected_close, merged_with, close_rate, deal, ownership) = (None, None, None, None, None, None);
        Self {
            at,
            by: None,
            kind,
            visit,
            follow_up,
            profile,
            custom_fields,
            plan,
            tags,
            expected_close,
            merged_with,
            close_rate,
            deal,
            ownership,
        }
    }

    fn changed(self, by: Option<MemberId>, change: CustomerChange) -> Self {
        let line = Self { by, ..self };
        match change {
            CustomerChange::Profile(fields) => Self { profile: Some(fields), ..line },
            CustomerChange::CustomFields(fields) => Self { custom_fields: Some(fields), ..line },
            CustomerChange::NextFollowUp(at) => Self { plan: Some(PlanChangeBody { next_at: Some(at) }), ..line },
            CustomerChange::NoNextFollowUp => Self { plan: Some(PlanChangeBody { next_at: None }), ..line },
            CustomerChange::Tags { added, removed } => Self { tags: Some(TagsChangeBody { added, removed }), ..line },
            CustomerChange::Expectation { expected_on, amount_fen } => {
                Self { expected_close: Some(ExpectedCloseChangeBody { expected_on, amount_fen }), ..line }
            }
            CustomerChange::Merged(other) => Self { merged_with: Some(other), ..line },
            CustomerChange::Ownership { owner, reason } => {
                let change = OwnershipChangeBody { reason: Some(reason), member_id: owner, access: None };
                Self { ownership: Some(change), ..line }
            }
            CustomerChange::Collaborator { member, access } => {
                let change = OwnershipChangeBody { reason: None, member_id: Some(member), access };
                Self { ownership: Some(change), ..line }
            }
        }
    }
}

/// List the timeline of a customer
///
/// Returns in one order, the latest first: visits of the last eight weeks, follow-ups, changes of profile,
/// plan, tags and what is expected, and of the caller's card (of all cards for admins and the boss) close
/// rates set by hand that are in force and deals. For the single
/// events of a visit use the feed with `person_id`. A page may be short and not the last. Callers: members
/// whose card the person has visited, admins and the boss, while their own radar is on. Idempotent. Errors:
/// 404 `not_found` for other callers, and for a person who is no customer; 403 `radar_not_active` while the
/// radar of the caller is off.
#[utoipa::path(get, path = "/v1/customers/{person_id}/timeline", tag = "crm", params(PageParams, TimelineQuery),
    responses((status = 200, body = PageBody<TimelineLine>)))]
pub(crate) async fn list_timeline(
    State(app): State<App>,
    caller: CustomerCaller,
    paging: Paging<TimelineQuery>,
) -> Result<Json<PageBody<TimelineLine>>, Problem> {
    let (flow, after) = (app.flow(), paging.position()?.map(TimelinePosition));
    let page = record_editor(caller).timeline(&flow, paging.filter.kind, after, paging.limit).await?;
    let lines = page.items.into_iter().map(TimelineLine::from).collect();
    Ok(Json(paging.page(lines, page.next.map(|next| next.0))))
}
