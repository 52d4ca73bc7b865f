//! Owners of customers on DynamoDB Local: who sees whom, claims at the same moment, and limits that hold
//! under all of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::crm::merge::{MergeReason, Undone};
use domain::kernel::id::PersonId;
use domain::tracking::batch::AcceptedBatch;
use serde_json::{Value, json};
use store::RecordRead;
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, housekeeping, no_stop};
use crate::http::send;

/// A company, its functions, and persons who have opened `lin`'s card.
pub(crate) struct CustomerPool {
    pub(crate) world: World,
    pub(crate) functions: Functions,
}

impl CustomerPool {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let functions = Functions::on(&world).await;
        let office = Self { world, functions };
        office.visit(office.world.visitor, 0, 1).await;
        office
    }

    /// Somebody opens the card of member 0 (`lin`) or 1 (`chen`).
    pub(crate) async fn visit(&self, person: PersonId, whose: u128, number: u64) {
        let batch = AcceptedBatch { person, ..batch(&self.world, whose, number, &[0]) };
        let aggregator = aggregator(&self.world, KeptDeadLetters::default());
        while !radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await.batch_item_failures.is_empty()
        {
        }
    }

    /// New persons who have opened `lin`'s card and were given back.
    async fn unowned(&self, count: u64) -> Vec<PersonId> {
        let mut persons = Vec::new();
        for number in 0..count {
            let person = self.world.fresh_person();
            self.visit(person, 0, 100 + number).await;
            assert_eq!(self.ask("boss", "DELETE", person, "/owner", None).await.0, 204);
            persons.push(person);
        }
        persons
    }

    pub(crate) async fn ask(
        &self,
        who: &str,
        method: &str,
        person: PersonId,
        more: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        self.ask_once(who, method, person, more, body, None).await
    }

    pub(crate) async fn ask_once(
        &self,
        who: &str,
        method: &str,
        person: PersonId,
        more: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> (u16, Value) {
        let path = format!("/v1/customers/{person}{more}");
        let token = self.world.token_of_now(who).await;
        send(self.functions.router("crm"), (method, &path), (Some(&token), key), body).await
    }

    pub(crate) async fn claim(&self, who: &str, person: PersonId) -> (u16, Value) {
        let key = format!("claim-{who}-{person}");
        self.ask_once(who, "POST", person, "/claim", Some(json!({})), Some(&key)).await
    }

    pub(crate) async fn owner(&self, person: PersonId) -> Value {
        let (status, seen) = self.ask("boss", "GET", person, "", None).await;
        assert_eq!(status, 200, "{seen}");
        seen["owner"]["member_id"].clone()
    }

    pub(crate) fn member(&self, who: &str) -> Value {
        json!(self.world.staff[who].member)
    }

    /// What a member holds, as it is counted, and as the records say.
    pub(crate) async fn held(&self, who: &str) -> (u32, usize) {
        let member = self.world.staff[who].member;
        let request = self.world.request("held");
        let (company, now) = (self.world.company, self.world.clock.now());
        let nobody = self.world.fresh_person();
        let read = self.world.store.customer_to_claim(company, (nobody, member), &request, now).await.unwrap();
        let (mut aside, mut owned) = (store::PutAside::default(), 0);
        let count = |_: PersonId, record: &domain::crm::record::CustomerRecord| {
            owned += usize::from(record.ownership.and_then(|it| it.owner) == Some(member));
        };
        self.world.store.every_customer_record(company, &mut aside, count).await.unwrap();
        (read.holding.held, owned)
    }

    pub(crate) async fn housekeeping(&self) {
        self.world.clock.advance(600_000);
        housekeeping(&self.world, 0).await.run(no_stop(), "r").await.unwrap();
    }
}

#[tokio::test]
async fn a_colleague_learns_nothing_of_an_exclusive_customer() {
    let office = CustomerPool::new().await;
    let (visitor, chen) = (office.world.visitor, office.member("chen"));
    let note = json!({"kind": "call", "note": "约了周三"});
    let tasks = [
        ("GET", "", None),
        ("GET", "/timeline", None),
        ("GET", "/follow-ups", None),
        ("POST", "/follow-ups", Some(note)),
        ("PUT", "/tags", Some(json!({"add": []}))),
        ("PUT", "/profile", Some(json!({"name": "王敏"}))),
        ("PUT", "/next-follow-up", Some(json!({"at": "2026-12-01T10:00:00+08:00"}))),
        ("PUT", "/expected-close", Some(json!({"amount_fen": 5}))),
        ("POST", "/claim", Some(json!({}))),
        ("PUT", "/owner", Some(json!({"member_id": chen}))),
        ("DELETE", "/owner", None),
        ("GET", "/collaborators", None),
        ("PUT", &format!("/collaborators/{}", chen.as_str().unwrap()), Some(json!({"access": "edit"}))),
        ("DELETE", &format!("/collaborators/{}", office.member("wang").as_str().unwrap()), None),
    ];
    for (method, path, body) in tasks {
        let (status, answer) = office.ask_once("chen", method, visitor, path, body, Some("key-of-chen")).await;
        assert_eq!((status, &answer["code"]), (404, &json!("not_found")), "{method} {path}");
    }
    assert_eq!(office.owner(visitor).await, Value::Null, "the directory does not know the card yet");
    office.housekeeping().await;
    assert_eq!(office.owner(visitor).await, office.member("lin"));
    assert_eq!(office.claim("chen", visitor).await.0, 404);
    let (status, answer) = office.claim("lin", visitor).await;
    assert_eq!((status, &answer["code"]), (409, &json!("already_owned")));
}

#[tokio::test]
async fn of_two_who_claim_at_once_one_wins_and_the_other_is_told() {
    let office = Arc::new(CustomerPool::new().await);
    for person in office.unowned(4).await {
        let claims = ["chen", "wang"].map(|who| {
            let office = office.clone();
            tokio::spawn(async move { office.claim(who, person).await })
        });
        let mut answers = Vec::new();
        for claim in claims {
            answers.push(claim.await.unwrap());
        }
        answers.sort_by_key(|(status, _)| *status);
        let [(won, claimed), (lost, refused)] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!((*won, *lost, &refused["code"]), (201, 409, &json!("already_owned")), "{answers:?}");
        assert!(refused["detail"].as_str().unwrap().contains("已有负责人"));
        assert_eq!(office.owner(person).await, claimed["member_id"]);
    }
}

#[tokio::test]
async fn fifty_claims_at_once_stay_within_what_a_member_may_hold_and_claim() {
    let office = Arc::new(CustomerPool::new().await);
    let persons = office.unowned(50).await;
    for (held_max, claims_max, who, expected) in [(7, 1_000, "chen", 7), (100, 5, "wang", 5)] {
        let token = office.world.token("boss");
        let rules = ("GET", "/v1/customer-rules");
        let (_, before) = send(office.functions.router("crm"), rules, (Some(&token), None), None).await;
        let rules = json!({"version": before["version"], "held_max": held_max, "claims_max": claims_max,
            "contacts_hidden": false});
        let put = ("PUT", "/v1/customer-rules");
        assert_eq!(send(office.functions.router("crm"), put, (Some(&token), None), Some(rules)).await.0, 200);
        let claims = persons.iter().map(|person| {
            let (office, person) = (office.clone(), *person);
            tokio::spawn(async move { office.claim(who, person).await })
        });
        let (mut won, mut codes) = (0, BTreeSet::new());
        for claim in claims.collect::<Vec<_>>() {
            match claim.await.unwrap() {
                (201, _) => won += 1,
                (409, refused) => _ = codes.insert(refused["code"].as_str().unwrap().to_owned()),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(won, expected, "{codes:?}");
        assert!(codes.contains("limit_reached"), "{codes:?}");
        assert_eq!(office.held(who).await, (expected, expected as usize));
    }
}

#[tokio::test]
async fn what_a_member_gives_back_or_loses_is_free_again() {
    let office = CustomerPool::new().await;
    let [a, b] = office.unowned(2).await[..] else { panic!() };
    office.world.clock.advance(1);
    let first = office.claim("chen", a).await;
    assert_eq!((first.0, &first.1["reason"]), (201, &json!("claimed")));
    assert_eq!(office.claim("chen", a).await, first, "a retry gets the first answer");
    assert_eq!(office.claim("chen", b).await.0, 201);
    assert_eq!(office.held("chen").await, (2, 2));
    assert_eq!(office.ask("wang", "DELETE", a, "/owner", None).await.0, 404);
    assert_eq!(office.ask("lin", "DELETE", a, "/owner", None).await.0, 403, "has the card, and not the customer");
    assert_eq!(office.ask("lin", "PUT", a, "/owner", Some(json!({"member_id": office.member("lin")}))).await.0, 403);
    assert_eq!(office.ask("chen", "DELETE", a, "/owner", None).await.0, 204);
    assert_eq!(office.ask("boss", "DELETE", a, "/owner", None).await.0, 204);
    assert_eq!(office.held("chen").await, (1, 1));
    office.world.clock.advance(1);
    let to = Some(json!({"member_id": office.member("wang")}));
    let (status, assigned) = office.ask("boss", "PUT", b, "/owner", to.clone()).await;
    assert_eq!((status, &assigned["reason"]), (200, &json!("assigned")));
    assert_eq!(office.ask("boss", "PUT", b, "/owner", to).await.1, assigned, "the same again changes nothing");
    assert_eq!((office.held("chen").await, office.held("wang").await), ((0, 0), (1, 1)));
    assert_eq!(office.ask("chen", "GET", b, "", None).await.0, 404);
    assert_eq!(office.ask("wang", "GET", b, "", None).await.1["may_edit"], true);
    let (_, lines) = office.ask("wang", "GET", b, "/timeline?kind=ownership", None).await;
    let owners = lines["items"].as_array().unwrap().iter().map(|line| line["ownership"]["reason"].clone());
    assert_eq!(owners.collect::<Vec<_>>(), ["assigned", "claimed", "returned"]);
}

#[tokio::test]
async fn a_collaborator_sees_or_edits_until_they_are_removed() {
    let office = CustomerPool::new().await;
    let visitor = office.world.visitor;
    let chen = format!("/collaborators/{}", office.member("chen").as_str().unwrap());
    let note = || Some(json!({"name": "王敏"}));
    assert_eq!(office.ask("lin", "PUT", visitor, &chen, Some(json!({"access": "view"}))).await.0, 200);
    assert_eq!(office.ask("chen", "GET", visitor, "", None).await.1["may_edit"], false);
    let (status, refused) = office.ask("chen", "PUT", visitor, "/profile", note()).await;
    assert_eq!((status, &refused["code"]), (403, &json!("role_required")));
    assert_eq!(office.ask("lin", "PUT", visitor, &chen, Some(json!({"access": "edit"}))).await.0, 200);
    assert_eq!(office.ask("chen", "PUT", visitor, "/profile", note()).await.0, 200);
    let wang = format!("/collaborators/{}", office.member("wang").as_str().unwrap());
    assert_eq!(office.ask("chen", "PUT", visitor, &wang, Some(json!({"access": "edit"}))).await.0, 403);
    assert_eq!(office.ask("chen", "DELETE", visitor, &chen, None).await.0, 204, "they may go by themselves");
    assert_eq!(office.ask("chen", "GET", visitor, "", None).await.0, 404);
    let nobody = "/collaborators/mem_00000000000000000000000000";
    assert_eq!(office.ask("lin", "PUT", visitor, nobody, Some(json!({"access": "view"}))).await.0, 404);
}

#[tokio::test]
async fn contacts_are_hidden_until_somebody_owns_the_customer() {
    let office = CustomerPool::new().await;
    let visitor = office.world.visitor;
    let filled = json!({"name": "王敏", "mobile": "13800138000", "email": "w@example.com", "address": "昆明"});
    assert_eq!(office.ask("lin", "PUT", visitor, "/profile", Some(filled)).await.0, 200);
    assert_eq!(office.ask("lin", "DELETE", visitor, "/owner", None).await.0, 204);
    let fields = async |who| {
        let (status, seen) = office.ask(who, "GET", visitor, "", None).await;
        assert_eq!(status, 200, "{seen}");
        let fields: Vec<_> = seen["profile"].as_object().unwrap().keys().cloned().collect();
        (fields, seen["contacts_hidden"].as_bool().unwrap())
    };
    assert_eq!(fields("chen").await.0.len(), 4, "until the company wants it");
    let token = office.world.token("boss");
    let rules = json!({"version": 0, "held_max": 500, "claims_max": 50, "contacts_hidden": true});
    let put = ("PUT", "/v1/customer-rules");
    assert_eq!(send(office.functions.router("crm"), put, (Some(&token), None), Some(rules)).await.0, 200);
    assert_eq!(fields("chen").await, (vec!["name".to_owned()], true));
    assert!(!fields("lin").await.1 && !fields("boss").await.1, "whoever has the card, and admins");
    assert_eq!(office.claim("chen", visitor).await.0, 201);
    assert_eq!(fields("chen").await.0.len(), 4);
}

#[tokio::test]
async fn whoever_left_owns_nobody_until_they_are_back() {
    let office = CustomerPool::new().await;
    let (visitor, world) = (office.world.visitor, &office.world);
    let taken = office.unowned(1).await[0];
    assert_eq!(office.claim("lin", taken).await.0, 201);
    office.housekeeping().await;
    assert_eq!(office.ask("chen", "GET", visitor, "", None).await.0, 404);
    let set = async |status: &str| {
        let path = format!("/v1/members/{}/status", world.staff["lin"].member);
        let (token, body) = (world.token("boss"), json!({ "status": status }));
        let router = office.functions.router("organization");
        let (status, answer) = send(router, ("PUT", &path), (Some(&token), None), Some(body)).await;
        assert_eq!(status, 200, "{answer}");
    };
    set("left").await;
    office.housekeeping().await;
    for person in [visitor, taken] {
        assert_eq!(office.owner(person).await, Value::Null);
        assert_eq!(office.ask("chen", "GET", person, "", None).await.1["may_claim"], true);
    }
    let to = Some(json!({"member_id": office.member("lin")}));
    let (status, refused) = office.ask("boss", "PUT", visitor, "/owner", to).await;
    assert_eq!((status, &refused["code"]), (409, &json!("member_inactive")));
    set("active").await;
    office.housekeeping().await;
    assert_eq!(office.owner(taken).await, office.member("lin"));
    assert_eq!(office.ask("chen", "GET", taken, "", None).await.0, 404);
}

#[tokio::test]
async fn a_merged_customer_has_the_owner_who_was_decided_last_and_gets_apart_with_their_own() {
    let office = CustomerPool::new().await;
    let world = &office.world;
    let [a, b] = office.unowned(2).await[..] else { panic!() };
    assert_eq!(office.claim("chen", a).await.0, 201);
    world.clock.advance(1_000);
    assert_eq!(office.claim("wang", b).await.0, 201);
    let merge = world.merge(a, b, MergeReason::Phone).await.unwrap();
    for person in [a, b] {
        assert_eq!(office.owner(person).await, office.member("wang"));
    }
    assert_eq!(office.ask("chen", "GET", a, "", None).await.0, 404);
    let merge = world.store.merge(world.company, merge).await.unwrap();
    let undone = domain::crm::merge::Merge {
        undone: Some(Undone { at: world.clock.now(), by: world.staff["boss"].member }),
        ..merge
    };
    let plan = merge.undo(&world.known(a, b).await.unwrap()).unwrap();
    world.store.apply_merge(world.company, &undone, &plan, Some(&world.entry())).await.unwrap();
    assert_eq!(office.owner(a).await, office.member("chen"));
    assert_eq!(office.owner(b).await, office.member("wang"));
    let known = world.store.known_customer(world.company, a, RecordRead::ToChange).await.unwrap();
    assert_eq!(known.records.len(), 1);
}
