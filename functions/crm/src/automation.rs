//! `/v1/automation-rules`: rules that do something when customers have done something (自动化).

use app::crm::automation;
use axum::Json;
use axum::extract::State;
use domain::crm::automation::{Automation, HITS_MAX};
use domain::kernel::id::{AutomationRuleId, CardId, MemberId, PersonId, TagId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::feed::visitor_name;
use edge::auth::{Admin, Staff};
use edge::body::Body;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use edge::radar_on::RadarOn;
use serde::{Deserialize, Serialize};
use store::AutomationLogEntry;
use utoipa::ToSchema;

use crate::App;
use crate::automation_rule::{AutomationRuleBody, drafts};

/// What the rules of automation become.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutomationUpdate {
    /// The version of the rules that was read, 0 before the first change.
    version: u64,
    /// The rules: at most 20.
    #[schema(max_items = 20)]
    rules: Vec<AutomationRuleBody>,
}

/// The rules of automation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AutomationBody {
    /// The version of the rules, 0 before the first change. It grows with each change. Send it with an edit.
    version: u64,
    /// The rules.
    rules: Vec<AutomationRuleBody>,
    /// How often rules have hit a customer today, in Asia/Shanghai.
    hits_today: u32,
    /// How often they may in a day. What happens after that is looked at on the next day.
    hits_max: u32,
}

/// What a rule has done to a customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AutomationHitBody {
    /// The rule.
    rule_id: AutomationRuleId,
    /// The customer.
    person_id: PersonId,
    /// The name to show: of the profile, else `访客` and four characters.
    name: String,
    /// When.
    at: Timestamp,
    /// Tags that they have since.
    tags_added: Vec<TagId>,
    /// Tags that they have no more.
    tags_removed: Vec<TagId>,
    /// The follow-up that was planned. `null` if none, or one was planned already.
    planned_at: Option<Timestamp>,
    /// The member who follows up. `null` without a planned follow-up.
    planned_for: Option<MemberId>,
    /// The close rate that is set since, in hundredths of a percent. `null` if none.
    close_rate_basis_points: Option<u16>,
    /// The card on which it is set. `null` if none.
    close_rate_card_id: Option<CardId>,
    /// The owner who got a notice. `null` if nobody did, as in the first minutes of a new card, before its owner is
    /// known.
    notified: Option<MemberId>,
}

impl AutomationHitBody {
    pub(crate) fn new((entry, name): (AutomationLogEntry, String)) -> Self {
        let hit = entry.hit;
        Self {
            rule_id: hit.rule,
            person_id: hit.person,
            name: if name.is_empty() { visitor_name(hit.person) } else { name },
            at: hit.at,
            tags_added: hit.added,
            tags_removed: hit.removed,
            planned_at: hit.planned.map(|plan| plan.at),
            planned_for: hit.planned.map(|plan| plan.by),
            close_rate_basis_points: hit.close_rate.map(|(_, rate)| rate.basis_points()),
            close_rate_card_id: hit.close_rate.map(|(card, _)| card),
            notified: hit.notified,
        }
    }
}

/// Get the rules of automation
///
/// Callers: admins and the boss. Idempotent. Errors: 403 `role_required` for other callers.
#[utoipa::path(get, path = "/v1/automation-rules", tag = "crm", responses((status = 200, body = AutomationBody)))]
pub(crate) async fn get_automation_rules(
    State(app): State<App>,
    admin: Admin,
) -> Result<Json<AutomationBody>, Problem> {
    let automation = app.store.automation(admin.company()).await?;
    Ok(Json(AutomationBody::new(automation, app.clock.now())))
}

/// Replace the rules of automation
///
/// A rule that is left out is deleted; one with the id of a rule that stands replaces it. Rules that are
/// switched on look at what customers do from then on, within some minutes. A rule counts events since it was
/// made, or since it counts this event. Rules without an event look at all customers every night. A
/// rule hits a customer once in its period; what rules do sets off no rule. Callers: admins and the boss.
/// Idempotent: an edit that is already stored succeeds again. Errors: 403 `role_required` for other callers; 409
/// `version_conflict` when somebody else changed the rules since `version` was read; 422 `invalid` for each
/// wrong value, for an unknown rule, tag or field, and with more than 20 rules.
#[utoipa::path(put, path = "/v1/automation-rules", tag = "crm", request_body = AutomationUpdate,
    responses((status = 200, body = AutomationBody)))]
pub(crate) async fn update_automation_rules(
    State(app): State<App>,
    admin: Admin,
    Body(AutomationUpdate { version, rules }): Body<AutomationUpdate>,
) -> Result<Json<AutomationBody>, Problem> {
    let drafts = drafts(rules)?;
    let stored = automation::set_rules(&app.flow(), admin.company(), admin.member(), (version, drafts)).await?;
    Ok(Json(AutomationBody::new(stored, app.clock.now())))
}

/// List what a rule did
///
/// Returns what a rule of automation has done in the last 90 days, the latest first; of a rule that was
/// deleted, too. Callers: admins and the boss, while their radar is on. Idempotent. Errors: 403 `role_required`
/// for other callers; 403 `radar_not_active` while the radar of the caller is off; 404 `not_found` without such a
/// rule.
#[utoipa::path(get, path = "/v1/automation-rules/{automation_rule_id}/hits", tag = "crm", params(PageParams),
    responses((status = 200, body = PageBody<AutomationHitBody>)))]
pub(crate) async fn list_automation_hits(
    State(app): State<App>,
    RadarOn(admin): RadarOn<Admin>,
    PathId(rule): PathId<AutomationRuleId>,
    paging: Paging,
) -> Result<Json<PageBody<AutomationHitBody>>, Problem> {
    let (flow, after) = (app.flow(), paging.position()?);
    let (hits, next) = automation::log(&flow, admin.company(), rule, (after, paging.limit)).await?;
    Ok(Json(paging.page(hits.into_iter().map(AutomationHitBody::new).collect(), next)))
}

/// List my notices of rules
///
/// Returns which customers of the caller rules of automation have hit in the last 30 days, the latest first,
/// for rules that notify the owner. Callers: members, while their radar is on. Idempotent. Errors: 403
/// `role_required` for visitors; 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/my/automation-notices", tag = "crm", params(PageParams),
    responses((status = 200, body = PageBody<AutomationHitBody>)))]
pub(crate) async fn list_my_automation_notices(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    paging: Paging,
) -> Result<Json<PageBody<AutomationHitBody>>, Problem> {
    let (flow, after) = (app.flow(), paging.position()?);
    let (hits, next) = automation::notices(&flow, staff.company(), staff.id(), (after, paging.limit)).await?;
    Ok(Json(paging.page(hits.into_iter().map(AutomationHitBody::new).collect(), next)))
}

impl AutomationBody {
    fn new(automation: Automation, now: Timestamp) -> Self {
        let hits_today = HITS_MAX - automation.room(now);
        let rules = automation.rules.into_iter().map(AutomationRuleBody::from).collect();
        Self { version: automation.version, rules, hits_today, hits_max: HITS_MAX }
    }
}
