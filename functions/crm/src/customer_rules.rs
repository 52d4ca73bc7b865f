//! `/v1/customer-rules`: how many customers a member may claim, what is shown of those whom nobody owns, and
//! when customers go back to the pool (公海规则).

use std::collections::BTreeSet;

use app::crm::ownership;
use app::crm::recycling::{self, RuleDraft};
use axum::Json;
use axum::extract::State;
use domain::close_rate::model::Band;
use domain::crm::addition::CustomerSource;
use domain::crm::customer_rules::CustomerRules;
use domain::crm::recycling::{RecycleCause, RecycleDue, RecycleRule, RecycleRuleName};
use domain::crm::tag::TagIds;
use domain::kernel::day::Day;
use domain::kernel::id::{MemberId, PersonId, RecycleRuleId};
use domain::radar::feed::visitor_name;
use edge::auth::{Admin, Staff};
use edge::body::Body;
use edge::page::{PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use edge::radar_on::RadarOn;
use serde::{Deserialize, Serialize};
use store::RecycleWarning;
use utoipa::ToSchema;

use crate::App;

/// The rules of the company for its customers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerRulesBody {
    /// The version of the rules, 0 before the first change. It grows with each change. Send it with an
    /// edit.
    version: u64,
    /// How many customers a member may hold by claims, assignments and handovers when they claim another
    /// one: 1 to 10,000.
    held_max: u32,
    /// How many customers a member may claim in a day of Asia/Shanghai: 1 to 1,000.
    claims_max: u32,
    /// Whether phone, email and address of a customer whom nobody owns are hidden from those who may
    /// claim them.
    contacts_hidden: bool,
    /// When customers go back to the pool: at most 20 rules. Empty if absent.
    #[serde(default)]
    #[schema(required = false, max_items = 20)]
    recycle_rules: Vec<RecycleRuleBody>,
}

/// A rule by which customers go back to the pool.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecycleRuleBody {
    /// Its id. `null` for a new rule.
    rule_id: Option<RecycleRuleId>,
    /// Its name, at most 30 characters.
    name: RecycleRuleName,
    /// Whether it is switched on. Nobody is recycled before the days of warning are over since then.
    enabled: bool,
    /// `no_follow_up` or `no_deal`: what the owner has not done.
    cause: RecycleCause,
    /// For how many days: 1 to 3,650. They count from the last follow-up or deal, or from the day the owner
    /// came to own the customer.
    days: u16,
    /// How many days before the owner is warned: 0 to 30.
    warn_days: u16,
    /// Only customers with one of these tags; all of them without any. At most 20.
    tag_ids: TagIds,
    /// Only customers in this band of the company's funnel. `null` for all.
    band: Option<Band>,
    /// Only customers who came like this. `null` for all.
    source: Option<CustomerSource>,
}

/// A customer whom a rule hits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecycleHit {
    /// The customer.
    person_id: PersonId,
    /// The name to show: of the profile, else `访客` and four characters.
    name: String,
    /// The owner. `null` for some minutes for the owner of a new card.
    owner_id: Option<MemberId>,
    /// The day on which the rule hits them: today, past or to come. The night after that they go back.
    due_on: Day,
}

/// A page of customers whom a rule hits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecyclePreview {
    /// How many customers were looked at for this page.
    looked_at: usize,
    /// The customers of the page whom the rule hits, the newest customer first.
    items: Vec<RecycleHit>,
    /// The cursor of the next page. `null` on the last page.
    next_cursor: Option<String>,
}

/// A customer whom the caller is about to lose.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecycleWarningBody {
    /// The customer.
    person_id: PersonId,
    /// The name to show: of the profile, else `访客` and four characters.
    name: String,
    /// The day on which they go back to the pool unless something is done.
    due_on: Day,
    /// The rule.
    rule_id: RecycleRuleId,
}

/// The customers whom the caller is about to lose.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecycleWarningList {
    /// The customers, who goes first at the head: at most 1,000.
    items: Vec<RecycleWarningBody>,
}

impl From<CustomerRules> for CustomerRulesBody {
    fn from(CustomerRules { version, held_max, claims_max, contacts_hidden, recycle }: CustomerRules) -> Self {
        let recycle_rules = recycle.into_iter().map(RecycleRuleBody::from).collect();
        Self { version, held_max, claims_max, contacts_hidden, recycle_rules }
    }
}

impl From<RecycleRule> for RecycleRuleBody {
    fn from(RecycleRule { id, name, enabled_on, cause, days, warn_days, tags, band, source }: RecycleRule) -> Self {
        let tag_ids = TagIds::parse(tags.into_iter().collect()).unwrap_or_default();
        Self { rule_id: Some(id), name, enabled: enabled_on.is_some(), cause, days, warn_days, tag_ids, band, source }
    }
}

impl RecycleRuleBody {
    fn draft(self) -> RuleDraft {
        let Self { rule_id, name, enabled, cause, days, warn_days, tag_ids, band, source } = self;
        let tags: BTreeSet<_> = tag_ids.as_slice().iter().copied().collect();
        RuleDraft { id: rule_id, name, enabled, cause, days, warn_days, tags, band, source }
    }
}

/// Get the rules for customers
///
/// Callers: members. Idempotent. Errors: 403 `role_required` for visitors.
#[utoipa::path(get, path = "/v1/customer-rules", tag = "crm", responses((status = 200, body = CustomerRulesBody)))]
pub(crate) async fn get_customer_rules(
    State(app): State<App>,
    member: Staff,
) -> Result<Json<CustomerRulesBody>, Problem> {
    Ok(Json(app.store.customer_rules(member.company()).await?.into()))
}

/// Replace the rules for customers
///
/// A recycle rule that is left out is deleted; one with the id of a rule that stands replaces it. Callers:
/// admins and the boss. Idempotent: an edit that is already stored succeeds again. Errors: 403
/// `role_required` for other callers; 409 `version_conflict` when somebody else changed the rules since
/// `version` was read; 422 `invalid` for each wrong number, for an unknown rule, and with more than 20 rules.
#[utoipa::path(put, path = "/v1/customer-rules", tag = "crm", request_body = CustomerRulesBody,
    responses((status = 200, body = CustomerRulesBody)))]
pub(crate) async fn update_customer_rules(
    State(app): State<App>,
    admin: Admin,
    Body(update): Body<CustomerRulesBody>,
) -> Result<Json<CustomerRulesBody>, Problem> {
    let CustomerRulesBody { version, held_max, claims_max, contacts_hidden, recycle_rules } = update;
    let version = version.saturating_add(1);
    let next = CustomerRules { version, held_max, claims_max, contacts_hidden, recycle: Vec::new() };
    let drafts = recycle_rules.into_iter().map(RecycleRuleBody::draft).collect();
    let stored = ownership::set_rules(&app.flow(), admin.company(), admin.member(), (next, drafts)).await?;
    Ok(Json(stored.into()))
}

/// Preview whom a recycle rule hits
///
/// Returns whom the rule would hit as customers are today, switched on or not, and on which day: the dry run
/// of the rule. A page looks at as many customers as `limit` says, so it may be short and not the last.
/// Callers: admins and the boss, while their radar is on. Idempotent. Errors: 403 `role_required` for other
/// callers; 403 `radar_not_active` while the radar of the caller is off; 404 `not_found` without such a rule.
#[utoipa::path(get, path = "/v1/customer-rules/{rule_id}/preview", tag = "crm", params(PageParams),
    responses((status = 200, body = RecyclePreview)))]
pub(crate) async fn preview_recycle_rule(
    State(app): State<App>,
    RadarOn(admin): RadarOn<Admin>,
    PathId(rule): PathId<RecycleRuleId>,
    paging: Paging,
) -> Result<Json<RecyclePreview>, Problem> {
    let page = recycling::preview(&app.flow(), admin.company(), rule, paging.position()?, paging.limit).await?;
    let hit = |(person_id, name, due): (PersonId, String, RecycleDue)| RecycleHit {
        person_id,
        name: if name.is_empty() { visitor_name(person_id) } else { name },
        owner_id: due.owner,
        due_on: due.on,
    };
    let (looked_at, next) = (page.looked_at, page.next);
    let page = paging.page(page.hits.into_iter().map(hit).collect(), next);
    Ok(Json(RecyclePreview { looked_at, items: page.items, next_cursor: page.next_cursor }))
}

/// List customers about to be recycled
///
/// Returns whom a recycle rule takes from the caller within its days of warning, found in the last night, but
/// for those who were followed up since. Callers: members, while their radar is on. Idempotent. Errors: 403
/// `role_required` for visitors; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/my/recycle-warnings", tag = "crm",
    responses((status = 200, body = RecycleWarningList)))]
pub(crate) async fn list_my_recycle_warnings(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
) -> Result<Json<RecycleWarningList>, Problem> {
    let warnings = recycling::warnings(&app.flow(), staff.company(), staff.id()).await?;
    let item = |(warning, name): (RecycleWarning, String)| RecycleWarningBody {
        person_id: warning.person,
        name: if name.is_empty() { visitor_name(warning.person) } else { name },
        due_on: warning.on,
        rule_id: warning.rule,
    };
    Ok(Json(RecycleWarningList { items: warnings.into_iter().map(item).collect() }))
}
