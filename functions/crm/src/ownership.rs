//! `/v1/customers/{person_id}/claim`, `/owner` and `/collaborators`: who is responsible for a customer
//! (负责人), and who helps (协作人).

use axum::Json;
use axum::extract::State;
use domain::crm::ownership::{CollaboratorAccess, CollaboratorMark, Ownership, OwnershipReason};
use domain::crm::record::KnownCustomer;
use domain::kernel::id::{CardId, MemberId, PersonId};
use domain::kernel::timestamp::Timestamp;
use edge::access::CustomerCaller;
use edge::body::Body;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::path::PathIds;
use edge::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{App, record_editor};

/// The owner of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerOwnerBody {
    /// The member. `null` for some minutes for the owner of a new card.
    member_id: Option<MemberId>,
    /// The card, when the owner follows from the customer's visits. `null` when somebody decided it.
    card_id: Option<CardId>,
    /// When it was decided. `null` when the owner follows from visits.
    decided_at: Option<Timestamp>,
    /// Why it was decided. `null` when the owner follows from visits.
    reason: Option<OwnershipReason>,
}

/// A decision about the owner of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnershipBody {
    /// The owner since. `null` for nobody.
    member_id: Option<MemberId>,
    /// When it was decided.
    decided_at: Timestamp,
    /// The member who decided it. `null` for a rule.
    decided_by: Option<MemberId>,
    /// Why.
    reason: OwnershipReason,
}

/// A claim. An empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClaim {}

/// The new owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOwner {
    /// An active member.
    member_id: MemberId,
}

/// What a collaborator may do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCollaborator {
    /// `view`, or `edit` to change what is kept of the customer too.
    access: CollaboratorAccess,
}

/// A collaborator.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollaboratorBody {
    /// The member.
    member_id: MemberId,
    /// What they may do.
    access: CollaboratorAccess,
    /// Since when.
    added_at: Timestamp,
    /// The member who added them.
    added_by: MemberId,
}

/// The collaborators of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollaboratorList {
    /// At most 20.
    items: Vec<CollaboratorBody>,
}

impl CustomerOwnerBody {
    /// The owner, if there is one.
    pub(crate) fn of(known: &KnownCustomer) -> Option<Self> {
        let (owner, decision) = (known.owner()?, known.ownership());
        Some(Self {
            member_id: owner.member,
            card_id: owner.card,
            decided_at: decision.map(|decision| decision.at),
            reason: decision.map(|decision| decision.reason),
        })
    }
}

impl From<Ownership> for OwnershipBody {
    fn from(Ownership { at, by, owner, reason }: Ownership) -> Self {
        Self { member_id: owner, decided_at: at, decided_by: by, reason }
    }
}

impl From<(MemberId, CollaboratorMark)> for CollaboratorBody {
    fn from((member_id, CollaboratorMark { at, by, access }): (MemberId, CollaboratorMark)) -> Self {
        Self { member_id, access, added_at: at, added_by: by }
    }
}

impl CollaboratorList {
    fn of(known: &KnownCustomer) -> Self {
        Self { items: known.collaborators().into_iter().map(CollaboratorBody::from).collect() }
    }
}

/// Claim a customer whom nobody owns
///
/// Makes the caller the owner. Of two who claim at once one wins. Callers: members, while their own radar is
/// on. Idempotent by `Idempotency-Key`. Errors: 404 `not_found` for a person who is no customer, and for a
/// customer whom the caller may not see; 403 `radar_not_active` while the radar of the caller is off; 409
/// `already_owned` when somebody owns the customer; 409 `limit_reached` when the caller holds, or has claimed
/// today, as many customers as the company's rules allow; 409 `customer_erased` for a person who had their
/// data erased.
#[utoipa::path(post, path = "/v1/customers/{person_id}/claim", tag = "crm", request_body = NewClaim,
    params(IdempotencyKey), responses((status = 201, body = OwnershipBody)))]
pub(crate) async fn claim_customer(
    State(app): State<App>,
    caller: CustomerCaller,
    once: IdempotentRequest<NewClaim>,
) -> Result<(StatusCode, Json<OwnershipBody>), Problem> {
    let (_, request) = once.of(&caller);
    let claimed = record_editor(caller).claim(&app.flow(), &request).await?;
    Ok((StatusCode::CREATED, Json(claimed.into())))
}

/// Assign a customer to a member
///
/// Makes a member the owner, whoever owned the customer before; the limits of claims do not count here.
/// Callers: admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for members
/// who may not see the customer, and for a person who is no customer; 403 `role_required` for other members;
/// 403 `radar_not_active` while the radar of the caller is off; 409 `member_inactive` for a member who is not
/// active; 409 `customer_erased` for a person who had their data erased; 422 `invalid` for an unknown member.
#[utoipa::path(put, path = "/v1/customers/{person_id}/owner", tag = "crm", request_body = NewOwner,
    responses((status = 200, body = OwnershipBody)))]
pub(crate) async fn assign_customer(
    State(app): State<App>,
    caller: CustomerCaller,
    Body(NewOwner { member_id }): Body<NewOwner>,
) -> Result<Json<OwnershipBody>, Problem> {
    Ok(Json(record_editor(caller).assign(&app.flow(), member_id).await?.into()))
}

/// Give a customer back
///
/// Nobody owns the customer then, and every member may claim them. Callers: the owner, admins and the boss,
/// while their own radar is on. Idempotent. Errors: 404 `not_found` for members who may not see the customer,
/// and for a person who is no customer; 403 `role_required` for other members; 403 `radar_not_active` while
/// the radar of the caller is off; 409 `customer_erased` for a person who had their data erased.
#[utoipa::path(delete, path = "/v1/customers/{person_id}/owner", tag = "crm", responses((status = 204)))]
pub(crate) async fn give_customer_back(State(app): State<App>, caller: CustomerCaller) -> Result<StatusCode, Problem> {
    record_editor(caller).give_back(&app.flow()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the collaborators of a customer
///
/// Returns the members who help the owner. Callers: members who may see the customer, while their own radar
/// is on. Idempotent. Errors: 404 `not_found` for other callers, and for a person who is no customer; 403
/// `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/customers/{person_id}/collaborators", tag = "crm",
    responses((status = 200, body = CollaboratorList)))]
pub(crate) async fn list_collaborators(
    State(app): State<App>,
    caller: CustomerCaller,
) -> Result<Json<CollaboratorList>, Problem> {
    let known = record_editor(caller).find(&app.flow()).await?;
    Ok(Json(CollaboratorList::of(&known)))
}

/// Add a collaborator, or change their access
///
/// Returns all collaborators. Callers: the owner, admins and the boss, while their own radar is on.
/// Idempotent. Errors: 404 `not_found` for members who may not see the customer, for a person who is no
/// customer, and for an unknown member; 403 `role_required` for other members; 403 `radar_not_active` while
/// the radar of the caller is off; 409 `member_inactive` for a member who is not active; 409 `limit_reached`
/// with 20 collaborators; 409 `customer_erased` for a person who had their data erased.
#[utoipa::path(put, path = "/v1/customers/{person_id}/collaborators/{member_id}", tag = "crm",
    request_body = NewCollaborator, responses((status = 200, body = CollaboratorList)))]
pub(crate) async fn set_collaborator(
    State(app): State<App>,
    caller: CustomerCaller,
    PathIds(_person, member): PathIds<PersonId, MemberId>,
    Body(NewCollaborator { access }): Body<NewCollaborator>,
) -> Result<Json<CollaboratorList>, Problem> {
    let known = record_editor(caller).set_collaborator(&app.flow(), member, access).await?;
    Ok(Json(CollaboratorList::of(&known)))
}

/// Remove a collaborator
///
/// Callers: the owner, admins and the boss, and the collaborator, while their own radar is on. Idempotent.
/// Errors: 404 `not_found` for members who may not see the customer, and for a person who is no customer; 403
/// `role_required` for other members; 403 `radar_not_active` while the radar of the caller is off; 409
/// `customer_erased` for a person who had their data erased.
#[utoipa::path(delete, path = "/v1/customers/{person_id}/collaborators/{member_id}", tag = "crm",
    responses((status = 204)))]
pub(crate) async fn remove_collaborator(
    State(app): State<App>,
    caller: CustomerCaller,
    PathIds(_person, member): PathIds<PersonId, MemberId>,
) -> Result<StatusCode, Problem> {
    record_editor(caller).remove_collaborator(&app.flow(), member).await?;
    Ok(StatusCode::NO_CONTENT)
}
