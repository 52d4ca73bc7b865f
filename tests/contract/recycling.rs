//! Rules of recycling on DynamoDB Local: a warning, then the pool; whoever is followed up stays.

use domain::kernel::timestamp::DAY_MS;
use serde_json::{Value, json};

use crate::http::send;
use crate::ownership::CustomerPool;

/// Three days without a follow-up, a day of warning.
fn rule(enabled: bool) -> Value {
    json!({"rule_id": null, "name": "三天未跟进", "enabled": enabled, "cause": "no_follow_up", "days": 3,
        "warn_days": 1, "tag_ids": [], "band": null, "source": null})
}

impl CustomerPool {
    async fn get(&self, who: &str, path: &str) -> (u16, Value) {
        let token = self.world.token_of_now(who).await;
        send(self.functions.router("crm"), ("GET", path), (Some(&token), None), None).await
    }

    async fn set_rules(&self, version: u64, rules: Value) -> (u16, Value) {
        let token = self.world.token_of_now("boss").await;
        let rules = json!({"version": version, "held_max": 500, "claims_max": 50, "contacts_hidden": false,
            "recycle_rules": rules});
        let put = ("PUT", "/v1/customer-rules");
        send(self.functions.router("crm"), put, (Some(&token), None), Some(rules)).await
    }

    async fn warned(&self, who: &str) -> Vec<Value> {
        let (status, listed) = self.get(who, "/v1/my/recycle-warnings").await;
        assert_eq!(status, 200, "{listed}");
        listed["items"].as_array().unwrap().iter().map(|item| item["person_id"].clone()).collect()
    }
}

#[tokio::test]
async fn an_owner_is_warned_then_loses_whom_they_do_not_follow_up() {
    let office = CustomerPool::new().await;
    let (idle, followed_up) = (office.world.visitor, office.world.fresh_person());
    office.visit(followed_up, 0, 7).await;
    office.housekeeping().await;
    assert_eq!(office.owner(idle).await, office.member("lin"));
    assert_eq!(office.set_rules(0, json!([rule(true)])).await.0, 200);
    office.housekeeping().await;
    assert!(office.warned("lin").await.is_empty(), "three days are left");
    office.world.clock.advance(2 * DAY_MS);
    office.housekeeping().await;
    assert_eq!(office.warned("lin").await.len(), 2);
    assert!(office.warned("chen").await.is_empty());
    let note = Some(json!({"kind": "call", "note": "约了周三"}));
    let (status, answer) = office.ask_once("lin", "POST", followed_up, "/follow-ups", note, Some("key-of-lin")).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(office.warned("lin").await, [json!(idle)], "whoever was followed up is not about to go");
    office.world.clock.advance(DAY_MS);
    office.housekeeping().await;
    assert_eq!((office.owner(idle).await, office.owner(followed_up).await), (Value::Null, office.member("lin")));
    assert_eq!(office.ask("chen", "GET", idle, "", None).await.1["may_claim"], true, "all see them");
    assert_eq!(office.ask("chen", "GET", followed_up, "", None).await.0, 404);
    let (_, lines) = office.ask("chen", "GET", idle, "/timeline?kind=ownership", None).await;
    let line = &lines["items"][0];
    assert_eq!((&line["ownership"]["reason"], &line["by"]), (&json!("recycled"), &Value::Null));
    let token = office.world.token_of_now("boss").await;
    let path = "/v1/audit-log?action=customer_recycled&actor=rule";
    let router = office.functions.router("organization");
    let (status, log) = send(router, ("GET", path), (Some(&token), None), None).await;
    assert_eq!((status, log["items"].as_array().map(Vec::len)), (200, Some(1)), "{log}");
    office.world.clock.advance(DAY_MS);
    office.housekeeping().await;
    let (_, lines) = office.ask("chen", "GET", idle, "/timeline?kind=ownership", None).await;
    assert_eq!(lines["items"].as_array().unwrap().len(), 1, "once");
}

#[tokio::test]
async fn a_rule_shows_whom_it_would_hit_before_it_is_switched_on() {
    let office = CustomerPool::new().await;
    office.housekeeping().await;
    let (status, set) = office.set_rules(0, json!([rule(false)])).await;
    assert_eq!(status, 200, "{set}");
    let id = set["recycle_rules"][0]["rule_id"].as_str().unwrap().to_owned();
    let preview = format!("/v1/customer-rules/{id}/preview");
    office.world.clock.advance(10 * DAY_MS);
    let (status, shown) = office.get("boss", &preview).await;
    assert_eq!((status, &shown["looked_at"]), (200, &json!(1)), "{shown}");
    let hit = &shown["items"][0];
    assert_eq!((&hit["person_id"], &hit["owner_id"]), (&json!(office.world.visitor), &office.member("lin")));
    let tomorrow = domain::kernel::day::Day::of(office.world.clock.now()).plus(1);
    assert_eq!(hit["due_on"], json!(tomorrow), "after the day of warning");
    office.housekeeping().await;
    assert_eq!(office.owner(office.world.visitor).await, office.member("lin"), "it is switched off");
    assert_eq!(office.get("lin", &preview).await.0, 403);
    let unknown = "/v1/customer-rules/rrl_00000000000000000000000000/preview";
    assert_eq!(office.get("boss", unknown).await.0, 404);
    let mut named = rule(true);
    named["rule_id"] = json!(id);
    let (status, again) = office.set_rules(1, json!([named, rule(false)])).await;
    assert_eq!((status, &again["recycle_rules"][0]["rule_id"]), (200, &json!(id)), "{again}");
    let many: Vec<_> = (0..21).map(|_| rule(false)).collect();
    assert_eq!(office.set_rules(2, json!(many)).await.0, 422);
}
