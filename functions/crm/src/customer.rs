//! `/v1/customers/{person_id}`: a customer of the company, and what members fill in about them
//! (客户资料).

use std::collections::BTreeMap;

use app::crm::record::ShownCustomer;
use axum::Json;
use axum::extract::State;
use domain::crm::addition::{Addition, CustomerSource};
use domain::crm::custom_field::{CustomField, CustomFieldName};
use domain::crm::field_history::FieldHistory;
use domain::crm::kind::CustomerKind;
use domain::crm::profile::ProfileField;
use domain::crm::record::KnownCustomer;
use domain::crm::tag::{CustomerTag, TagMark, TagName};
use domain::kernel::id::{CardId, CustomFieldId, MemberId, PersonId, TagId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::counter::Scope;
use domain::radar::feed::visitor_name;
use edge::access::CustomerCaller;
use edge::body::Body;
use edge::problem::{FieldProblem, Problem};
use serde::{Deserialize, Serialize};
use store::CustomerBooks;
use utoipa::ToSchema;

use crate::expectation::ExpectedClose;
use crate::next_follow_up::NextFollowUpBody;
use crate::ownership::CustomerOwnerBody;
use crate::{App, record_editor};

/// A customer of the company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerRecordBody {
    /// The person.
    person_id: PersonId,
    /// The name to show: of the profile, else `访客` and four characters.
    name: String,
    /// `exclusive` (独占) for a customer of one card, `shared` (共享) of several; `closed` (成单) with a
    /// closed deal.
    kinds: Vec<CustomerKind>,
    /// The cards whose customer they are, the last opened first.
    card_ids: Vec<CardId>,
    /// `visit` for a customer who came by themselves, `by_hand` or `import` for one who was added and has
    /// not visited.
    source: CustomerSource,
    /// Who added them. `null` if nobody did.
    addition: Option<AdditionBody>,
    /// What members have filled in, by field. Fields that are not set are missing.
    profile: BTreeMap<ProfileField, ProfileValueBody>,
    /// The values of the company's own fields (自定义字段). Fields that are not set are missing.
    custom_fields: Vec<CustomValueBody>,
    /// How often members have followed up.
    follow_ups: usize,
    /// When they did last. `null` if never.
    last_follow_up_at: Option<Timestamp>,
    /// The plan of the next follow-up. `null` if there is none.
    next_follow_up: Option<NextFollowUpBody>,
    /// The tags, with who gave them.
    tags: Vec<CustomerTagBody>,
    /// When a deal is expected, and of which amount.
    expected_close: ExpectedClose,
    /// Who is responsible. `null` when nobody is: every member may claim the customer.
    owner: Option<CustomerOwnerBody>,
    /// Whether the caller may change what is kept of the customer.
    may_edit: bool,
    /// Whether the caller may claim the customer, as long as they have not reached their limits.
    may_claim: bool,
    /// Whether phone, email and address are left out, because the company hides them until somebody owns
    /// the customer.
    contacts_hidden: bool,
}

/// The value of a field of the company's own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomValueBody {
    /// The field.
    field_id: CustomFieldId,
    /// Its name.
    name: CustomFieldName,
    /// Its value, as it was set.
    #[serde(flatten)]
    value: ProfileValueBody,
}

/// How a customer was added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdditionBody {
    /// `by_hand` or `import`.
    source: CustomerSource,
    /// When.
    added_at: Timestamp,
    /// The member who did it.
    added_by: MemberId,
}

impl From<&Addition> for AdditionBody {
    fn from(Addition { at, by, source, .. }: &Addition) -> Self {
        Self { source: *source, added_at: *at, added_by: *by }
    }
}

/// A tag of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerTagBody {
    /// The tag.
    tag_id: TagId,
    /// Its name.
    name: TagName,
    /// The name of its group.
    group: TagName,
    /// When it was given.
    given_at: Timestamp,
    /// The member who gave it.
    given_by: MemberId,
}

/// The value of a field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileValueBody {
    /// The text.
    text: String,
    /// When it was set.
    set_at: Timestamp,
    /// The member who set it.
    set_by: MemberId,
    /// The values before, the last one first; at most nine. Empty texts are of a cleared field.
    before: Vec<FormerValueBody>,
}

/// A value that a field had before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FormerValueBody {
    /// The text.
    text: String,
    /// When it was set.
    set_at: Timestamp,
    /// The member who set it.
    set_by: MemberId,
}

/// Fields to set. A field that is absent stays as it is; an empty text clears it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileUpdate {
    /// The name, at most 30 characters.
    name: Option<String>,
    /// The company, at most 100 characters.
    company: Option<String>,
    /// The position, at most 30 characters.
    position: Option<String>,
    /// The mobile number; without a country code one of China.
    mobile: Option<String>,
    /// The email address, at most 100 characters.
    email: Option<String>,
    /// The address, at most 200 characters.
    address: Option<String>,
    /// A remark of at most 1,000 characters; it may have line breaks.
    remark: Option<String>,
}

/// An earlier value of a field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FormerValue {
    /// The field.
    field: ProfileField,
    /// When the value was set: `set_at` of one of `before`.
    set_at: Timestamp,
}

impl ProfileUpdate {
    /// The texts of the fields that are to be set; `base` points to the fields in the body.
    pub(crate) fn texts(self, base: &str) -> Result<BTreeMap<ProfileField, String>, Problem> {
        let (mut texts, mut errors) = (BTreeMap::new(), Vec::new());
        let given = [
            (ProfileField::Name, self.name),
            (ProfileField::Company, self.company),
            (ProfileField::Position, self.position),
            (ProfileField::Mobile, self.mobile),
            (ProfileField::Email, self.email),
            (ProfileField::Address, self.address),
            (ProfileField::Remark, self.remark),
        ];
        for (field, text) in given {
            match text.map(|text| field.parse(&text)).transpose() {
                Ok(text) => texts.extend(text.map(|text| (field, text))),
                Err(error) => errors.push(FieldProblem::new(&format!("{base}/{}", field.name()), &error)),
            }
        }
        if errors.is_empty() { Ok(texts) } else { Err(Problem::invalid(errors)) }
    }
}

/// Get a customer
///
/// Returns what is known of a customer of the company. Callers: members whose card the person has
/// visited, admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for
/// other callers, and for a person who is no customer; 403 `radar_not_active` while the radar of the
/// caller is off.
#[utoipa::path(get, path = "/v1/customers/{person_id}", tag = "crm",
    responses((status = 200, body = CustomerRecordBody)))]
pub(crate) async fn get_customer(
    State(app): State<App>,
    caller: CustomerCaller,
) -> Result<Json<CustomerRecordBody>, Problem> {
    let ShownCustomer { known, books, contacts_hidden } = record_editor(caller).show(&app.flow()).await?;
    Ok(Json(CustomerRecordBody { contacts_hidden, ..body(caller, (&known, &books), app.clock.now()) }))
}

/// Fill in the profile of a customer
///
/// Sets the fields that are given. Each keeps its last ten values, with who set them. Callers: members
/// whose card the person has visited, admins and the boss, while their own radar is on. Idempotent.
/// Errors: 404 `not_found` for other callers, and for a person who is no customer; 403
/// `radar_not_active` while the radar of the caller is off; 422 `invalid` for each wrong text; 409
/// `duplicate` when the new number of an added customer leads to another one, and `customer_erased` for a
/// person who had their data erased.
#[utoipa::path(put, path = "/v1/customers/{person_id}/profile", tag = "crm",
    request_body = ProfileUpdate, responses((status = 200, body = CustomerRecordBody)))]
pub(crate) async fn set_profile(
    State(app): State<App>,
    caller: CustomerCaller,
    Body(update): Body<ProfileUpdate>,
) -> Result<Json<CustomerRecordBody>, Problem> {
    let (known, books) = record_editor(caller).set_profile(&app.flow(), &update.texts("")?).await?;
    Ok(Json(body(caller, (&known, &books), app.clock.now())))
}

/// Restore an earlier value of a profile field
///
/// Sets a field to the value that was set at `set_at`. Callers: members whose card the person has
/// visited, admins and the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for
/// other callers, for a person who is no customer, and for a value that is not kept; 403
/// `radar_not_active` while the radar of the caller is off; 409
/// `customer_erased` for a person who had their data erased.
#[utoipa::path(put, path = "/v1/customers/{person_id}/profile/restored-value", tag = "crm",
    request_body = FormerValue, responses((status = 200, body = CustomerRecordBody)))]
pub(crate) async fn restore_profile_value(
    State(app): State<App>,
    caller: CustomerCaller,
    Body(FormerValue { field, set_at }): Body<FormerValue>,
) -> Result<Json<CustomerRecordBody>, Problem> {
    let (known, books) = record_editor(caller).restore_profile_value(&app.flow(), field, set_at).await?;
    Ok(Json(body(caller, (&known, &books), app.clock.now())))
}

/// A customer as they stand at `now`.
pub(crate) fn body(
    caller: CustomerCaller,
    (known, books): (&KnownCustomer, &CustomerBooks),
    now: Timestamp,
) -> CustomerRecordBody {
    let (person_id, viewer) = (caller.person(), caller.viewer());
    let (merged, profile) = (known.merged(), known.profile());
    let cards = merged.state.cards_by_last_opening().into_iter().map(|(card, _)| card);
    let name = profile.text(ProfileField::Name);
    let given = known.tags(&books.tags);
    let tag = |(id, tag): (TagId, &CustomerTag)| {
        let TagMark { at, by } = *given.get(&id)?;
        let (name, group) = (tag.name.clone(), tag.group.clone());
        Some(CustomerTagBody { tag_id: id, name, group, given_at: at, given_by: by })
    };
    let of_profile = |field: &ProfileField| Some((*field, value(&profile, *field, str::to_owned)?));
    let custom = known.custom();
    let of_company = |(field_id, field): (CustomFieldId, &CustomField)| {
        let value = value(&custom, field_id, |text| field.shown(text))?;
        Some(CustomValueBody { field_id, name: field.name.clone(), value })
    };
    CustomerRecordBody {
        person_id,
        name: if name.is_empty() { visitor_name(person_id) } else { name.to_owned() },
        kinds: CustomerKind::of(&merged),
        source: known.source(),
        addition: known.addition().map(AdditionBody::from),
        card_ids: cards.filter(|card| merged.state.is_customer_in(Scope::Card(*card))).collect(),
        profile: ProfileField::ALL.iter().filter_map(of_profile).collect(),
        custom_fields: books.fields.iter().filter_map(of_company).collect(),
        follow_ups: known.follow_ups(),
        last_follow_up_at: known.last_follow_up(),
        next_follow_up: known.next_follow_up().map(|plan| NextFollowUpBody::of(plan, now)),
        tags: books.tags.iter().filter_map(tag).collect(),
        expected_close: ExpectedClose::of(known, now),
        owner: CustomerOwnerBody::of(known),
        may_edit: known.may_be_edited_by(viewer),
        may_claim: known.check_claim(viewer).is_ok(),
        contacts_hidden: false,
    }
}

/// The value of a field as it is shown; none of a field that is not set.
fn value<K: Ord + Copy, const KEPT: usize>(
    history: &FieldHistory<K, KEPT>,
    field: K,
    shown: impl Fn(&str) -> String,
) -> Option<ProfileValueBody> {
    let (last, before) = history.values(field).split_last()?;
    let former = before.iter().rev().map(|value| FormerValueBody {
        text: shown(&value.text),
        set_at: value.at,
        set_by: value.by,
    });
    Some(ProfileValueBody { text: shown(&last.text), set_at: last.at, set_by: last.by, before: former.collect() })
}
