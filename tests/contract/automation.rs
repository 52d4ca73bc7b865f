//! Rules of automation on DynamoDB Local: what visitors do sets them off, once.

use app::crm::automation_run;
use crm_jobs::handle;
use domain::crm::automation_dry_run::DryRunState;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, Id, PersonId, ProductId};
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use domain::tracking::batch::AcceptedBatch;
use domain::tracking::event::{EventKind, Target};
use serde_json::{Value, json};
use testkit::events::load;
use uuid::Uuid;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::housekeeping;
use crate::jobs::JobOffice;

const MINUTE_MS: i64 = 60 * SECOND_MS;

fn product() -> ProductId {
    ProductId::from_uuid(Uuid::from_u128(7))
}

/// Nothing is asked, and nothing done.
fn nothing() -> (Value, Value) {
    let condition = json!({"event": null, "no_visit_days": null, "no_follow_up_days": null, "tags_any": [],
        "tags_none": [], "band": null, "evidence": [], "field": null});
    let actions = json!({"add_tags": [], "remove_tags": [], "remind": null, "close_rate_percent": null,
        "notify_owner": true});
    (condition, actions)
}

impl JobOffice {
    /// The product viewed three times in 7 days: a tag, a reminder, a rate, a notice.
    fn rule(&self, enabled: bool) -> Value {
        let (mut condition, mut actions) = nothing();
        condition["event"] = json!({"kind": "view_product", "object_id": product(), "times": 3, "within_days": 7});
        actions["add_tags"] = json!([self.tag]);
        actions["remind"] = json!({"whom": "owner", "in_hours": 2});
        actions["close_rate_percent"] = json!(80);
        json!({"rule_id": null, "name": "三看智能门锁", "enabled": enabled, "period_days": 30,
            "condition": condition, "actions": actions})
    }

    async fn set(&self, version: u64, rules: &[Value]) -> (u16, Value) {
        let rules = json!({"version": version, "rules": rules});
        let set = self.ask("boss", ("PUT", "/v1/automation-rules"), Some(rules)).await;
        self.world.clock.advance(MINUTE_MS);
        set
    }

    /// Views of the product on `lin`'s card, now.
    async fn views(&self, person: PersonId, number: u64, times: usize) {
        let mut views: AcceptedBatch = AcceptedBatch { person, ..batch(&self.world, 0, number, &[0]) };
        let card: CardId = views.events[0].card;
        views.events.truncate(1);
        let mut view = views.events[0].clone();
        (view.kind, view.object.target) = (EventKind::ViewProduct, Target::Product(product()));
        assert_eq!(card, self.world.card("lin"));
        views.events.extend(std::iter::repeat_n(view, times));
        let aggregator = aggregator(&self.world, KeptDeadLetters::default());
        let answer = radar_aggregator::handle(&aggregator, delivered(&[&views], 1), "r").await;
        assert!(answer.batch_item_failures.is_empty());
    }

    async fn automate(&self) {
        self.world.clock.advance(MINUTE_MS + SECOND_MS);
        let call = serde_json::from_str(&load("crm-jobs", "automation", &self.world)).unwrap();
        handle(&self.worker, call, "r").await;
    }

    /// Follows who is a member, and lists who has come.
    async fn keep_house(&self) {
        let housekeeping = housekeeping(&self.world, 0).await;
        housekeeping.run(self.world.clock.now().plus_millis(MINUTE_MS), "r").await.unwrap();
    }

    async fn items(&self, by: &str, path: &str) -> Vec<Value> {
        let (status, body) = self.ask(by, ("GET", path), None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body["items"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn the_third_view_gives_a_tag_a_reminder_a_rate_and_a_notice_once() {
    let office = JobOffice::new().await;
    let person = office.world.fresh_person();
    let (status, set) = office.set(0, &[office.rule(true)]).await;
    assert_eq!((status, &set["version"]), (200, &json!(1)), "{set}");
    let hits = format!("/v1/automation-rules/{}/hits", set["rules"][0]["rule_id"].as_str().unwrap());
    office.views(person, 1, 2).await;
    office.keep_house().await;
    office.automate().await;
    assert!(office.items("boss", &hits).await.is_empty());
    office.views(person, 2, 1).await;
    office.automate().await;
    office.automate().await;
    let log = office.items("boss", &hits).await;
    let [hit] = &log[..] else { panic!("{log:?}") };
    assert_eq!((&hit["person_id"], &hit["tags_added"]), (&json!(person), &json!([office.tag])));
    assert_eq!(
        (&hit["close_rate_basis_points"], &hit["close_rate_card_id"]),
        (&json!(8_000), &json!(office.world.card("lin")))
    );
    assert_eq!(office.items("lin", "/v1/my/automation-notices").await.len(), 1);
    assert!(office.items("chen", "/v1/my/automation-notices").await.is_empty());
    let (_, customer) = office.ask("lin", ("GET", &format!("/v1/customers/{person}")), None).await;
    assert_eq!(
        (&customer["tags"][0]["tag_id"], &customer["next_follow_up"]["at"]),
        (&json!(office.tag), &hit["planned_at"])
    );
    let timeline = office.items("lin", &format!("/v1/customers/{person}/timeline")).await;
    for (kind, by) in [("tags", false), ("plan", false), ("close_rate", true)] {
        let lines: Vec<_> = timeline.iter().filter(|line| line["kind"] == kind).collect();
        assert_eq!((lines.len(), lines[0]["by"].is_string()), (1, by), "{kind}: {timeline:?}");
    }
    let listed = office.items("lin", &format!("/v1/customers?tags_any={}", office.tag)).await;
    assert_eq!(listed.len(), 1, "the list knows the tag at once");
    assert_eq!(office.ask("boss", ("GET", "/v1/automation-rules"), None).await.1["hits_today"], 1);
    assert_eq!(office.recount().await, 0);
}

#[tokio::test]
async fn two_runs_at_once_and_a_page_that_is_looked_at_again_hit_once() {
    let office = JobOffice::new().await;
    let person = office.world.fresh_person();
    let (_, set) = office.set(0, &[office.rule(true)]).await;
    let hits = format!("/v1/automation-rules/{}/hits", set["rules"][0]["rule_id"].as_str().unwrap());
    office.views(person, 1, 3).await;
    office.world.clock.advance(MINUTE_MS);
    let (store, clock) = (&office.world.store, office.world.clock.clock());
    let run = || automation_run::run((store, &office.world.ids, &clock), office.world.company, 0, || true);
    let before = store.automation(office.world.company).await.unwrap();
    let (first, second) = tokio::join!(run(), run());
    assert_eq!(first.unwrap().hits + second.unwrap().hits, 1);
    // As if the run had been killed before it noted the page.
    store
        .end_automation(office.world.company, &domain::crm::automation::Automation { hits: 0, ..before }, clock.now())
        .await
        .unwrap();
    assert_eq!(run().await.unwrap().hits, 0);
    assert_eq!(office.items("boss", &hits).await.len(), 1);
}

#[tokio::test]
async fn a_dry_run_lists_whom_a_rule_would_have_hit_and_changes_nothing() {
    let office = JobOffice::new().await;
    let [hit, missed] = [office.world.fresh_person(), office.world.fresh_person()];
    office.views(hit, 1, 2).await;
    office.world.clock.advance(3 * DAY_MS);
    office.views(hit, 2, 1).await;
    office.views(missed, 3, 2).await;
    office.world.clock.advance(DAY_MS);
    let (_, set) = office.set(0, &[office.rule(false)]).await;
    let rule = set["rules"][0]["rule_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/automation-rules/{rule}/dry-runs");
    assert_eq!(office.ask("lin", ("POST", &path), Some(json!({}))).await.0, 403);
    let (status, job) = office.ask("boss", ("POST", &path), Some(json!({}))).await;
    assert_eq!(status, 202, "{job}");
    office.run_all().await;
    let found = format!("/v1/automation-dry-runs/{}", job["job_id"].as_str().unwrap());
    let (status, found) = office.ask("boss", ("GET", &found), None).await;
    assert_eq!((status, &found["job"]["state"], &found["complete"]), (200, &json!("done"), &json!(true)), "{found}");
    let item = &found["items"][0];
    assert_eq!(
        (&found["customers"], &item["person_id"], &item["times"]),
        (&json!(1), &json!(hit), &json!(1)),
        "{found}"
    );
    let (_, customer) = office.ask("boss", ("GET", &format!("/v1/customers/{hit}")), None).await;
    assert_eq!((&customer["tags"], &customer["next_follow_up"]), (&json!([]), &Value::Null));
    let bulk = json!({"person_ids": [hit], "add": [office.tag]});
    let (_, other) = office.ask("boss", ("POST", "/v1/customer-tags/bulk"), Some(bulk)).await;
    let of_other = format!("/v1/automation-dry-runs/{}", other["job_id"].as_str().unwrap());
    assert_eq!(office.ask("boss", ("GET", &of_other), None).await.0, 404, "another job");
}

#[tokio::test]
async fn a_worker_who_was_overtaken_puts_back_no_earlier_state_of_a_dry_run() {
    let office = JobOffice::new().await;
    let (_, set) = office.set(0, &[office.rule(false)]).await;
    let path = format!("/v1/automation-rules/{}/dry-runs", set["rules"][0]["rule_id"].as_str().unwrap());
    let (_, job) = office.ask("boss", ("POST", &path), Some(json!({}))).await;
    let (store, company) = (&office.world.store, office.world.company);
    let job = store.job(company, job["job_id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    let at = |step, days| {
        let mut state = DryRunState::default();
        (state.step, state.days) = (step, days);
        state
    };
    for later in [at(1, 1), at(3, 2)] {
        store.put_dry_run(company, &job, &later).await.unwrap();
    }
    for earlier in [at(2, 9), at(3, 9)] {
        assert_eq!(store.put_dry_run(company, &job, &earlier).await, Err(Failure::Busy));
    }
    assert_eq!(store.dry_run(company, job.id).await.unwrap(), at(3, 2));
}

#[tokio::test]
async fn at_night_a_rule_about_time_hits_whom_nobody_has_followed_up() {
    let office = JobOffice::new().await;
    let person = office.world.fresh_person();
    office.views(person, 1, 1).await;
    office.keep_house().await;
    let (mut condition, mut actions) = nothing();
    condition["no_follow_up_days"] = json!(2);
    actions["add_tags"] = json!([office.tag]);
    let rule = json!({"rule_id": null, "name": "两天未跟进", "enabled": true, "period_days": 7,
        "condition": condition, "actions": actions});
    let (status, set) = office.set(0, &[rule]).await;
    assert_eq!(status, 200, "{set}");
    let hits = format!("/v1/automation-rules/{}/hits", set["rules"][0]["rule_id"].as_str().unwrap());
    for (days, expected) in [(1, 0), (1, 1), (3, 1), (4, 2)] {
        office.world.clock.advance(days * DAY_MS);
        office.automate().await;
        assert_eq!(office.items("boss", &hits).await.len(), expected, "{:?}", Day::of(office.world.clock.now()));
    }
}

#[tokio::test]
async fn rules_say_what_cannot_be_and_are_changed_by_the_latest_reader_only() {
    let office = JobOffice::new().await;
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut rule = office.rule(true);
        change(&mut rule);
        [office.rule(true), rule]
    };
    let unknown_tag = "tag_00000000000000000000000000";
    for (rules, pointer) in [
        (wrong(&|rule| rule["period_days"] = json!(0)), "/rules/1/period_days"),
        (wrong(&|rule| rule["condition"]["event"]["times"] = json!(21)), "/rules/1/condition/event/times"),
        (wrong(&|rule| rule["condition"]["event"]["kind"] = json!("like")), "/rules/1/condition/event/object_id"),
        (wrong(&|rule| rule["condition"]["event"]["object_id"] = json!("x")), "/rules/1/condition/event/object_id"),
        (wrong(&|rule| rule["actions"]["close_rate_percent"] = json!(101)), "/rules/1/actions/close_rate_percent"),
        (wrong(&|rule| rule["actions"]["add_tags"] = json!([unknown_tag])), "/rules"),
        (wrong(&|rule| rule["rule_id"] = json!("aru_00000000000000000000000000")), "/rules"),
    ] {
        let (status, problem) = office.set(0, &rules).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!(pointer)), "{problem}");
    }
    let (status, set) = office.set(0, &[office.rule(true)]).await;
    assert_eq!(status, 200, "{set}");
    let (_, again) = office.set(0, &[office.rule(true)]).await;
    assert_eq!(again, set, "the same request again");
    assert_eq!(office.set(0, &[]).await.0, 409);
    assert_eq!(office.set(1, &[]).await.0, 200);
    assert_eq!(office.ask("lin", ("GET", "/v1/automation-rules"), None).await.0, 403);
}
