//! Customers whom members add, on DynamoDB Local: counted like all others, found by their phone number,
//! one person with the visitor who grants it, and gone when the addition is taken back.

use domain::kernel::day::Day;
use domain::kernel::id::PersonId;
use domain::radar::counter::{Counter, Scope};
use domain::radar::metrics::count;
use domain::radar::recount::RecountReport;
use serde_json::{Value, json};
use testkit::events::{call, load};
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, housekeeping, no_stop, recounter};
use crate::http::send;

struct AddingOffice {
    world: World,
    functions: Functions,
}

impl AddingOffice {
    async fn new() -> Self {
        let world = World::new().await;
        let functions = Functions::on(&world).await;
        Self { world, functions }
    }

    async fn ask(&self, by: &str, (method, path): (&str, &str), body: Option<Value>) -> (u16, Value) {
        let token = self.world.token(by);
        let key = self.world.ids.uuid(self.world.clock.now()).unwrap().simple().to_string();
        send(self.functions.router("crm"), (method, path), (Some(&token), Some(&key)), body).await
    }

    async fn add(&self, by: &str, body: Value) -> (u16, Value) {
        self.ask(by, ("POST", "/v1/customers"), Some(body)).await
    }

    /// Adds a customer with this number, and returns the path and the identity.
    async fn added(&self, by: &str, mobile: &str) -> (String, PersonId) {
        let (status, body) = self.add(by, json!({"profile": {"name": "王敏", "mobile": mobile}})).await;
        assert_eq!(status, 201, "{body}");
        let person = body["person_id"].as_str().unwrap();
        (format!("/v1/customers/{person}"), person.parse().unwrap())
    }

    async fn get(&self, by: &str, path: &str) -> (u16, Value) {
        self.ask(by, ("GET", path), None).await
    }

    /// Of `lin`'s card.
    async fn visit(&self, person: PersonId, number: u64) {
        let batch = domain::tracking::batch::AcceptedBatch { person, ..batch(&self.world, 0, number, &[0]) };
        let aggregator = aggregator(&self.world, KeptDeadLetters::default());
        let answer = radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await;
        assert!(answer.batch_item_failures.is_empty());
    }

    /// Customers of lin's card, chen's card and the company.
    async fn customers(&self) -> [i64; 3] {
        let today = Day::of(self.world.clock.now());
        let counted = async |scope| {
            let counts = self.world.store.counters(self.world.company, scope, today).await.unwrap();
            count(&counts.lifetime, Counter::Customers)
        };
        let cards = [self.world.card("lin"), self.world.card("chen")].map(Scope::Card);
        [counted(cards[0]).await, counted(cards[1]).await, counted(Scope::Company).await]
    }

    async fn recount(&self) -> u64 {
        let command = json!({"company_id": self.world.company.id()});
        let report = recounter(&self.world).run(command, no_stop(), "r").await.unwrap();
        let report: RecountReport = serde_json::from_value(report).unwrap();
        assert_eq!(report.unchecked(), 0);
        report.wrong()
    }
}

#[tokio::test]
async fn an_added_customer_counts_for_card_and_company_and_a_recount_agrees() {
    let office = AddingOffice::new().await;
    let (path, _) = office.added("lin", "13800138001").await;
    office.visit(office.world.visitor, 1).await;
    assert_eq!(office.customers().await, [2, 0, 2]);
    let (status, body) = office.get("lin", &path).await;
    assert_eq!(
        (status, &body["name"], &body["kinds"], &body["source"]),
        (200, &json!("王敏"), &json!(["exclusive"]), &json!("by_hand"))
    );
    assert_eq!(body["addition"]["added_by"], json!(office.world.staff["lin"].member));
    assert_eq!((office.get("chen", &path).await.0, office.get("boss", &path).await.0), (404, 200));
    assert_eq!(office.recount().await, 0);
    let (_, body) = office.add("boss", json!({"profile": {"name": "李雷"}})).await;
    let path = format!("/v1/customers/{}", body["person_id"].as_str().unwrap());
    let (_, body) = office.get("boss", &path).await;
    assert_eq!((&body["kinds"], &body["card_ids"]), (&json!([]), &json!([])), "a customer of the company alone");
    assert_eq!((office.customers().await, office.recount().await), ([2, 0, 3], 0));
}

#[tokio::test]
async fn a_number_is_added_once_and_only_who_may_see_the_customer_learns_who_it_is() {
    let office = AddingOffice::new().await;
    let (_, person) = office.added("lin", "13800138002").await;
    let again = json!({"profile": {"name": "王小敏", "mobile": "+86 138-0013-8002"}});
    let (status, body) = office.add("lin", again.clone()).await;
    assert_eq!((status, &body["code"], &body["person_id"]), (409, &json!("duplicate"), &json!(person)));
    let (status, body) = office.add("chen", again.clone()).await;
    assert_eq!((status, &body["code"], body.get("person_id")), (409, &json!("duplicate"), None));
    assert_eq!(body["detail"], "已有同事在跟进该客户");
    assert_eq!(office.add("boss", again).await.1["person_id"], json!(person));
    assert_eq!(office.customers().await, [1, 0, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_add_a_number_at_once_one_succeeds() {
    let office = AddingOffice::new().await;
    let new = json!({"profile": {"name": "王敏", "mobile": "13800138003"}});
    let add = |by| office.add(by, new.clone());
    let answers = tokio::join!(add("lin"), add("chen"), add("lin"), add("chen"), add("boss"), add("lin"));
    let answers = [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5];
    let of = |status| answers.iter().filter(|(got, _)| *got == status).count();
    assert_eq!((of(201), of(409)), (1, 5), "{answers:?}");
    assert_eq!((office.customers().await[2], office.recount().await), (1, 0));
}

#[tokio::test]
async fn a_visitor_who_grants_the_number_becomes_one_person_with_the_added_customer() {
    let office = AddingOffice::new().await;
    let (path, _) = office.added("lin", "13800138004").await;
    let visitor = office.world.visitor;
    office.visit(visitor, 1).await;
    assert_eq!(office.customers().await, [2, 0, 2]);
    let grant = load("organization", "grant_my_phone", &office.world).replace("13800138000", "13800138004");
    assert_eq!(call(office.functions.router("organization"), &grant).await.0, 200);
    assert_eq!((office.customers().await, office.recount().await), ([1, 0, 1], 0));
    for path in [path.clone(), format!("/v1/customers/{visitor}")] {
        let (_, body) = office.get("lin", &path).await;
        assert_eq!((&body["name"], &body["source"]), (&json!("王敏"), &json!("visit")), "{body}");
    }
    let (status, body) = office.ask("lin", ("DELETE", &path), None).await;
    assert_eq!((status, &body["code"]), (409, &json!("customer_changed")), "they have visited");
    let (_, body) = office.add("chen", json!({"profile": {"name": "王", "mobile": "13800138004"}})).await;
    assert_eq!(body["code"], "duplicate", "the number is the visitor's now");
}

#[tokio::test]
async fn a_corrected_number_leads_to_the_added_customer_and_the_wrong_one_to_nobody() {
    let office = AddingOffice::new().await;
    let (path, person) = office.added("lin", "13800138010").await;
    let set = async |path: &str, mobile: &str| {
        office.ask("lin", ("PUT", &format!("{path}/profile")), Some(json!({"mobile": mobile}))).await
    };
    assert_eq!(set(&path, "13800138011").await.0, 200);
    let (other, _) = office.added("lin", "13800138010").await;
    let (status, body) = set(&other, "13800138011").await;
    assert_eq!((status, &body["code"], &body["person_id"]), (409, &json!("duplicate"), &json!(person)));
    assert_eq!(office.get("lin", &other).await.1["profile"]["mobile"]["text"], "+8613800138010", "nothing is set");
    assert_eq!((set(&path, "").await.0, set(&other, "13800138011").await.0), (200, 200));
    // A visitor's number is a note.
    office.visit(office.world.visitor, 1).await;
    let visitor = format!("/v1/customers/{}", office.world.visitor);
    assert_eq!(set(&visitor, "13800138011").await.0, 200);
    assert_eq!(set(&visitor, "13800138012").await.0, 200);
    office.added("chen", "13800138012").await;
}

#[tokio::test]
async fn an_addition_is_taken_back_with_all_that_it_counted() {
    let office = AddingOffice::new().await;
    let (path, _) = office.added("lin", "13800138005").await;
    let delete = async |by: &'static str, path: String| office.ask(by, ("DELETE", &path), None).await;
    assert_eq!(delete("chen", path.clone()).await.0, 404);
    assert_eq!(delete("lin", path.clone()).await.0, 204);
    assert_eq!((delete("lin", path.clone()).await.0, office.get("boss", &path).await.0), (404, 404));
    assert_eq!((office.customers().await, office.recount().await), ([0, 0, 0], 0));
    // The number is free again.
    let (path, _) = office.added("chen", "13800138005").await;
    let renamed = office.ask("chen", ("PUT", &format!("{path}/profile")), Some(json!({"name": "王晓敏"}))).await;
    assert_eq!((renamed.0, delete("chen", path.clone()).await.1["code"].clone()), (200, json!("customer_changed")));
    let (path, _) = office.added("boss", "13800138006").await;
    assert_eq!(delete("boss", path).await.0, 204);
}

#[tokio::test]
async fn an_added_customer_stands_in_the_lists_until_the_addition_is_taken_back() {
    let office = AddingOffice::new().await;
    let housekeeping = housekeeping(&office.world, 60).await;
    let (path, person) = office.added("lin", "13800138007").await;
    let listed = async || {
        housekeeping.run(no_stop(), "r").await.unwrap();
        let payload = load("radar", "get_card_customers", &office.world);
        let (status, body) = call(office.functions.router("radar"), &payload).await;
        assert_eq!(status, 200, "{body}");
        let items = body["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["person_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let in_list = async || {
        let (status, body) = office.get("lin", "/v1/customers").await;
        assert_eq!(status, 200, "{body}");
        (body["total"].clone(), body["items"].as_array().unwrap().iter().any(|row| row["person_id"] == json!(person)))
    };
    assert_eq!(in_list().await, (json!(1), true), "at once");
    assert_eq!(listed().await, [person.to_string()]);
    assert_eq!(office.ask("lin", ("DELETE", &path), None).await.0, 204);
    assert_eq!(in_list().await, (json!(0), false));
    assert_eq!(listed().await, Vec::<String>::new());
    assert_eq!(in_list().await, (json!(0), false), "housekeeping finds nobody to list");
}

#[tokio::test]
async fn two_customers_are_merged_by_hand_with_a_choice_of_fields_and_are_two_again() {
    let office = AddingOffice::new().await;
    let visitor = office.world.visitor;
    office.visit(visitor, 1).await;
    let of_visitor = format!("/v1/customers/{visitor}");
    let known = json!({"name": "王老师", "company": "云岭茶业"});
    assert_eq!(office.ask("lin", ("PUT", &format!("{of_visitor}/profile")), Some(known)).await.0, 200);
    let (added, person) = office.added("lin", "13800138008").await;
    office.world.clock.advance(1_000);
    let merge = json!({"with": person, "keep_of_other": ["name"]});
    let path = format!("{of_visitor}/merge");
    assert_eq!(office.ask("chen", ("PUT", &path), Some(merge.clone())).await.0, 404);
    for _ in 0..2 {
        let (status, body) = office.ask("lin", ("PUT", &path), Some(merge.clone())).await;
        let text = |field: &str| body["profile"][field]["text"].clone();
        assert_eq!(status, 200, "{body}");
        assert_eq!(
            [text("name"), text("company"), text("mobile")],
            [json!("王敏"), json!("云岭茶业"), json!("+8613800138008")]
        );
    }
    assert_eq!((office.customers().await, office.recount().await), ([1, 0, 1], 0));
    let (_, line) = office.get("lin", &format!("{of_visitor}/timeline?kind=merge")).await;
    assert_eq!(line["items"].as_array().unwrap().len(), 1, "{line}");
    assert_eq!(line["items"][0]["merged_with"], json!(person));
    let organization = office.functions.router("organization");
    let token = office.world.token("boss");
    let (_, merges) = send(organization, ("GET", "/v1/merges"), (Some(&token), None), None).await;
    let made = merges["items"].as_array().unwrap().iter().find(|merge| merge["reason"] == "by_hand").unwrap();
    let undo = format!("/v1/merges/{}", made["id"].as_str().unwrap());
    assert_eq!(send(organization, ("DELETE", &undo), (Some(&token), None), None).await.0, 200);
    assert_eq!((office.customers().await, office.recount().await), ([2, 0, 2], 0));
    assert_eq!(office.get("lin", &added).await.1["name"], "王敏");
    // A member knows better than the rule that keeps them apart.
    assert_eq!(office.ask("lin", ("PUT", &path), Some(merge)).await.0, 200);
    assert_eq!((office.customers().await, office.recount().await), ([1, 0, 1], 0));
}
