//! The lists of customers on DynamoDB Local: they hold what the radar counts, show each change at once, and
//! nobody sees in them whom they may not see.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use axum::Router;
use domain::close_rate::model::Band;
use domain::close_rate::shortlist::RankKey;
use domain::crm::addition::CustomerSource;
use domain::crm::merge::{Merge, MergeReason, Undone};
use domain::crm::ownership::CustomerOwner;
use domain::crm::row::packed::pack_rows;
use domain::crm::row::{CustomerRow, RowCard};
use domain::kernel::day::Day;
use domain::kernel::id::{Id, PersonId};
use domain::kernel::timestamp::SECOND_MS;
use domain::radar::counter::{Counter, Scope};
use domain::radar::metrics::count;
use domain::tracking::batch::AcceptedBatch;
use serde_json::{Value, json};
use store::{KEY_ATTRIBUTES, PutAside};
use testkit::world::World;
use uuid::Uuid;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, housekeeping, no_stop, recounter};
use crate::http::send;

const LAG_S: u32 = 60;

/// A company with visitors.
struct VisitedCompany {
    world: World,
    functions: Functions,
}

/// The n-th visitor: those of 0, 3, 6 … visit `lin`, of 1, 4 … `chen`, of 2, 5 … `wang`.
fn visitor(world: &World, n: u128) -> PersonId {
    batch(world, n, 0, &[0]).person
}

impl VisitedCompany {
    async fn new(visitors: u128) -> Self {
        let world = World::new().await;
        let functions = Functions::on(&world).await;
        let fixture = Self { world, functions };
        for n in 0..visitors {
            fixture.visit(visitor(&fixture.world, n), n).await;
        }
        fixture.keep_house().await;
        fixture
    }

    /// Somebody visits the card that the n-th visitor visits.
    async fn visit(&self, person: PersonId, n: u128) {
        let number = u64::try_from(n).unwrap() + 7 * u64::from(person != visitor(&self.world, n));
        let batch = AcceptedBatch { person, ..batch(&self.world, n, number, &[0]) };
        let aggregator = aggregator(&self.world, KeptDeadLetters::default());
        while !radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await.batch_item_failures.is_empty()
        {
        }
    }

    async fn keep_house(&self) {
        self.world.clock.advance(i64::from(LAG_S + 300) * SECOND_MS);
        housekeeping(&self.world, LAG_S).await.run(no_stop(), "r").await.unwrap();
    }

    fn router(&self) -> &Router {
        self.functions.router("crm")
    }

    async fn ask(&self, who: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let token = self.world.token(who);
        send(self.router(), (method, path), (Some(&token), Some("key-of-a-test")), body).await
    }

    /// A list, walked to its end.
    async fn list(&self, who: &str, query: &str) -> (Vec<Value>, Value) {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let (status, page) = self.ask(who, "GET", &format!("/v1/customers?limit=3&{query}{cursor}"), None).await;
            assert_eq!(status, 200, "{query}: {page}");
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => {
                    assert_eq!(items.len() as u64, page["total"].as_u64().unwrap(), "{query}");
                    return (items, page["counts"].clone());
                }
            }
        }
    }

    async fn persons(&self, who: &str, query: &str) -> Vec<String> {
        let person = |item: Value| item["person_id"].as_str().unwrap().to_owned();
        self.list(who, query).await.0.into_iter().map(person).collect()
    }

    /// What the radar counts in a scope: customers and closed ones.
    async fn counted(&self, scope: Scope) -> [i64; 2] {
        let today = Day::of(self.world.clock.now());
        let counts = self.world.store.counters(self.world.company, scope, today).await.unwrap();
        [Counter::Customers, Counter::ClosedCustomers].map(|counter| count(&counts.lifetime, counter))
    }

    /// Every list that the radar has a number of is as long as the number.
    async fn check_numbers(&self) {
        let cards = ["lin", "chen", "wang"].map(|name| self.world.card(name));
        let today = Day::of(self.world.clock.now());
        for (scope, of) in [(Scope::Company, String::new())]
            .into_iter()
            .chain(cards.map(|card| (Scope::Card(card), format!("&card_id={card}"))))
        {
            let [customers, closed] = self.counted(scope).await;
            assert_eq!(self.list("boss", &of).await.0.len(), usize::try_from(customers).unwrap(), "{of}");
            assert_eq!(
                self.list("boss", &format!("kind=closed{of}")).await.0.len(),
                usize::try_from(closed).unwrap(),
                "{of}"
            );
            let (list, _) = self.world.store.shortlist(self.world.company, scope).await.unwrap();
            let funnel = list.funnel(today, customers, closed);
            for band in Band::ALL {
                let found = self.list("boss", &format!("band={}{of}", band.name())).await.0.len();
                assert_eq!(found, usize::try_from(funnel.in_band(Some(*band))).unwrap(), "{}{of}", band.name());
            }
        }
        // The plain list counts by its own numbers, and any other by what it has read.
        let (all, counts) = self.list("boss", "").await;
        let (sorted, counted) = self.list("boss", "sort=name&order=asc").await;
        assert_eq!((all.len(), &counts), (sorted.len(), &counted));
    }
}

#[tokio::test]
async fn the_lists_hold_what_the_radar_counts_whatever_happens() {
    let fixture = VisitedCompany::new(9).await;
    let world = &fixture.world;
    fixture.check_numbers().await;
    let newest: Vec<_> = (0..9).map(|n| visitor(world, n)).collect::<BTreeSet<_>>().into_iter().rev().collect();
    assert_eq!(fixture.persons("boss", "").await, newest.iter().map(ToString::to_string).collect::<Vec<_>>());
    // One becomes a shared customer, one closes a deal, a rate is set.
    fixture.visit(visitor(world, 0), 1).await;
    fixture.keep_house().await;
    let lin = world.card("lin");
    let deal = format!("/v1/cards/{lin}/customers/{}/deals", visitor(world, 3));
    let closed_on = Day::of(world.clock.now()).to_string();
    assert_eq!(fixture.ask("boss", "POST", &deal, Some(json!({"closed_on": closed_on}))).await.0, 201);
    let rate = format!("/v1/cards/{lin}/customers/{}/close-rate", visitor(world, 6));
    assert_eq!(fixture.ask("boss", "PUT", &rate, Some(json!({"percent": 85}))).await.0, 200);
    let (_, counts) = fixture.list("boss", "").await;
    assert_eq!(counts, json!({"exclusive": 8, "shared": 1, "closed": 1, "unowned": 0, "all": 9}));
    assert_eq!(fixture.persons("boss", "band=below_99").await, [visitor(world, 6).to_string()]);
    fixture.keep_house().await;
    fixture.check_numbers().await;
    // Two are one person, and two again.
    let (a, b) = (visitor(world, 3), visitor(world, 7));
    let id = world.merge(a, b, MergeReason::Phone).await.unwrap();
    fixture.keep_house().await;
    fixture.check_numbers().await;
    let (_, counts) = fixture.list("boss", "").await;
    assert_eq!(counts, json!({"exclusive": 6, "shared": 2, "closed": 1, "unowned": 0, "all": 8}));
    let merge = world.store.merge(world.company, id).await.unwrap();
    let plan = merge.undo(&world.known(a, b).await.unwrap()).unwrap();
    let undone = Merge { undone: Some(Undone { at: world.clock.now(), by: world.staff["boss"].member }), ..merge };
    for left in world.store.apply_merge(world.company, &undone, &plan, Some(&world.entry())).await.unwrap() {
        world.store.count_pending(&left).await.unwrap();
    }
    fixture.keep_house().await;
    fixture.check_numbers().await;
    assert_eq!(fixture.list("boss", "").await.0.len(), 9);
}

#[tokio::test]
async fn a_change_shows_in_the_next_read_before_housekeeping_came() {
    let fixture = VisitedCompany::new(4).await;
    let world = &fixture.world;
    let lin = visitor(world, 0);
    let at = |path: &str| format!("/v1/customers/{lin}/{path}");
    let change = async |method, path, body| {
        let (status, answer) = fixture.ask("lin", method, &at(path), Some(body)).await;
        assert!(status < 300, "{answer}");
    };
    let found = async |query: &str| fixture.persons("lin", query).await.len();
    let profile = json!({"name": "王小明", "company": "青岛贸易", "mobile": "13800138000"});
    change("PUT", "profile", profile).await;
    for (query, expected) in
        [("q=%E7%8E%8B", 1), ("q=wxm", 1), ("q=8000", 1), ("q=%E9%9D%92%E5%B2%9B", 1), ("q=8001", 0)]
    {
        assert_eq!(found(query).await, expected, "{query}");
    }
    change("PUT", "expected-close", json!({"expected_on": "2026-12-24", "amount_fen": 5})).await;
    assert_eq!((found("expected_from=2026-12-24").await, found("expected_to=2026-12-23").await), (1, 0));
    let (_, tags) = fixture.ask("lin", "GET", "/v1/customer-tags", None).await;
    let tag = |n: usize| tags["items"][n]["tag_id"].as_str().unwrap().to_owned();
    change("PUT", "tags", json!({"add": [tag(0), tag(1)]})).await;
    for (query, expected) in [
        (format!("tags_any={},{}", tag(1), tag(2)), 1),
        (format!("tags_all={},{}", tag(1), tag(2)), 0),
        (format!("tags_none={}", tag(0)), 1),
        (format!("tags_all={},{}&q=wang", tag(0), tag(1)), 1),
    ] {
        assert_eq!(found(&query).await, expected, "{query}");
    }
    // A merged tag is found by either id.
    let merge = format!("/v1/customer-tags/{}/merge", tag(0));
    assert_eq!(fixture.ask("boss", "PUT", &merge, Some(json!({"into": tag(3)}))).await.0, 204);
    assert_eq!((found(&format!("tags_any={}", tag(3))).await, found(&format!("tags_any={}", tag(0))).await), (1, 1));
    change("POST", "follow-ups", json!({"kind": "call", "note": "约了", "next_at": "2026-11-25T10:00:00+08:00"})).await;
    assert_eq!((found("last_follow_up_from=2026-11-21").await, found("next_follow_up_to=2026-11-25").await), (1, 1));
    let (items, _) = fixture.list("lin", "sort=amount").await;
    assert_eq!((items.len(), &items[0]["name"], &items[1]["amount_fen"]), (2, &json!("王小明"), &Value::Null));
    assert_eq!(fixture.ask("lin", "DELETE", &at("next-follow-up"), None).await.0, 204);
    assert_eq!(found("next_follow_up_to=2026-11-25").await, 0);
}

#[tokio::test]
async fn nobody_sees_or_counts_a_colleagues_customers() {
    let fixture = VisitedCompany::new(9).await;
    let world = &fixture.world;
    let of = |n: u128| visitor(world, n).to_string();
    let name = json!({"name": "王小明", "mobile": "13800138000"});
    for n in 0..9 {
        let path = format!("/v1/customers/{}/profile", visitor(world, n));
        assert_eq!(fixture.ask("boss", "PUT", &path, Some(name.clone())).await.0, 200);
    }
    let newest = |mut all: Vec<String>| {
        all.sort_by(|a, b| b.cmp(a));
        all
    };
    let (lin, chen) = (newest([0, 3, 6].map(of).to_vec()), newest([1, 4, 7].map(of).to_vec()));
    for query in
        ["", "q=wxm", "q=13800138000", "sort=name", &format!("card_id={}", world.card("lin")), "kind=exclusive"]
    {
        assert_eq!(fixture.persons("lin", query).await, lin, "{query}");
    }
    assert_eq!(fixture.persons("chen", "q=wxm").await, chen);
    for query in [format!("card_id={}", world.card("lin")), "kind=shared".to_owned(), "kind=unowned".to_owned()] {
        assert!(fixture.persons("chen", &query).await.is_empty(), "{query}");
    }
    let (_, counts) = fixture.list("chen", &format!("card_id={}", world.card("lin"))).await;
    assert_eq!(counts, json!({"exclusive": 3, "shared": 0, "closed": 0, "unowned": 0, "all": 3}));
    // A cursor is for who got it, and for what they asked.
    let (_, page) = fixture.ask("lin", "GET", "/v1/customers?limit=1", None).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    for (who, query, status) in [("lin", "", 200), ("chen", "", 400), ("boss", "", 400), ("lin", "&q=wxm", 400)] {
        let answer = fixture.ask(who, "GET", &format!("/v1/customers?limit=1&cursor={cursor}{query}"), None).await;
        assert_eq!(answer.0, status, "{who}{query}: {}", answer.1);
    }
    assert_eq!(fixture.persons("boss", "q=wxm").await.len(), 9);
}

/// A company that is older than the list.
#[tokio::test]
async fn a_recount_makes_the_list_and_its_numbers() {
    let company = VisitedCompany::new(7).await;
    let world = &company.world;
    let (before, counts) = company.list("boss", "").await;
    let text = |value: String| AttributeValue::S(value);
    let partition = [&world.company.id().to_string(), "LIST"].join("#");
    let all = world.dynamodb.query().table_name(&world.table).key_condition_expression("#pk = :pk");
    let all = all.expression_attribute_names("#pk", KEY_ATTRIBUTES[0]);
    let all = all.expression_attribute_values(":pk", text(partition)).send().await.unwrap();
    for mut item in all.items.unwrap() {
        item.retain(|name, _| KEY_ATTRIBUTES.contains(&name.as_str()));
        world.dynamodb.delete_item().table_name(&world.table).set_key(Some(item)).send().await.unwrap();
    }
    assert!(company.list("boss", "").await.0.is_empty());
    let request = json!({"company_id": world.company.id()});
    let recounter = recounter(world);
    recounter.run(request.clone(), no_stop(), "r").await.unwrap();
    assert_eq!(company.list("boss", "").await, (before.clone(), counts.clone()));
    // Numbers that are wrong are corrected, and right ones stay.
    let shard = world.dynamodb.update_item().table_name(&world.table);
    let shard = shard.key(KEY_ATTRIBUTES[0], text([&world.company.id().to_string(), "LIST"].join("#")));
    let shard = shard.key(KEY_ATTRIBUTES[1], text(["~COUNTS", "0"].join("#")));
    let shard = shard.update_expression("ADD #all :nine").expression_attribute_names("#all", "all");
    shard.expression_attribute_values(":nine", AttributeValue::N("9".to_owned())).send().await.unwrap();
    assert_eq!(company.ask("boss", "GET", "/v1/customers", None).await.1["counts"]["all"], 16);
    recounter.run(request, no_stop(), "r").await.unwrap();
    assert_eq!(company.list("boss", "").await, (before, counts));
}

#[tokio::test]
async fn a_list_refreshed_again_stays_and_a_broken_row_comes_back() {
    let fixture = VisitedCompany::new(5).await;
    let world = &fixture.world;
    let persons: BTreeSet<_> = (0..5).map(|n| visitor(world, n)).collect();
    let today = Day::of(world.clock.now());
    let refresh = async || {
        let mut aside = PutAside::default();
        let wrong = world.store.refresh_list(world.company, &persons, today, &mut aside).await.unwrap();
        assert!(aside.is_empty());
        wrong
    };
    assert_eq!(refresh().await, 0);
    // A person who is nobody has no row.
    let nobody = BTreeSet::from([PersonId::from_uuid(Uuid::nil())]);
    let mut aside = PutAside::default();
    assert_eq!(world.store.refresh_list(world.company, &nobody, today, &mut aside).await, Ok(0));
    // A row of which the bytes are lost is left out, and written anew.
    let broken = visitor(world, 2).to_string();
    let text = |value: String| AttributeValue::S(value);
    let partition = [&world.company.id().to_string(), "LIST"].join("#");
    let update = world.dynamodb.update_item().table_name(&world.table);
    let update = update.key(KEY_ATTRIBUTES[0], text(partition)).key(KEY_ATTRIBUTES[1], text(broken.clone()));
    let update = update.update_expression("SET #row = :row").expression_attribute_names("#row", "row");
    update.expression_attribute_values(":row", AttributeValue::B(Blob::new([7]))).send().await.unwrap();
    assert_eq!(fixture.persons("boss", "sort=name").await.len(), 4);
    assert_eq!(refresh().await, 1);
    assert!(fixture.persons("boss", "sort=name").await.contains(&broken));
}

/// A row of somebody whom nobody has met, as it is stored.
fn stored_row(world: &World, n: u128, name: &str, partition: &str, kind: &str) -> HashMap<String, AttributeValue> {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let person = PersonId::from_uuid(Uuid::from_u128(n << 90));
    let rank = Some(RankKey::from_number(i64::try_from(n).unwrap()).unwrap());
    let row = CustomerRow {
        person,
        cards: vec![RowCard { card: world.card("lin"), rank }],
        departments: Vec::new(),
        rank,
        deals: 0,
        name: name.to_owned(),
        company: String::new(),
        mobile: String::new(),
        source: CustomerSource::Visit,
        owner: Some(CustomerOwner { member: None, card: Some(world.card("lin")) }),
        collaborators: Vec::new(),
        tags: Vec::new(),
        expected_on: None,
        amount: None,
        last_visit: None,
        last_follow_up: None,
        next_follow_up: None,
    };
    let bytes = |bytes: Vec<u8>| AttributeValue::B(Blob::new(bytes));
    HashMap::from([
        (KEY_ATTRIBUTES[0].to_owned(), text(&[&world.company.id().to_string(), partition].join("#"))),
        (KEY_ATTRIBUTES[1].to_owned(), text(&person.to_string())),
        ("type".to_owned(), text(kind)),
        ("layout".to_owned(), AttributeValue::N("1".to_owned())),
        ("version".to_owned(), AttributeValue::N("1".to_owned())),
        ("sources".to_owned(), bytes(Vec::new())),
        ("row".to_owned(), bytes(pack_rows([&row].into_iter()))),
    ])
}

async fn store_all(world: &World, items: impl Iterator<Item = HashMap<String, AttributeValue>>) {
    let put = |item| {
        let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let requests: Vec<_> = items.map(put).collect();
    for some in requests.chunks(25) {
        let write = world.dynamodb.batch_write_item().request_items(&world.table, some.to_vec());
        assert!(write.send().await.unwrap().unprocessed_items.unwrap().is_empty());
    }
}

#[tokio::test]
async fn many_customers_are_packed_and_the_lists_stay_the_same() {
    const MANY: u128 = 3_001;
    let company = VisitedCompany::new(3).await;
    let world = &company.world;
    store_all(world, (1..=MANY).map(|n| stored_row(world, n, "王小明", "LIST", "customer_row"))).await;
    assert_eq!(world.store.recount_list(world.company).await, Ok(4));
    let all = async || {
        let list = world.store.customer_list(world.company, None).await.unwrap();
        let mut rows = list.rows;
        rows.sort_by_key(|row| row.person);
        rows
    };
    let fold = async || world.store.fold_list(world.company, world.clock.now()).await.unwrap();
    let before = all().await;
    assert_eq!(before.len(), 3_004);
    // First the writers hear of it, then the rows are packed.
    assert!(!fold().await && !fold().await);
    world.clock.advance(61 * SECOND_MS);
    assert!(fold().await && !fold().await);
    assert_eq!(all().await, before);
    // A change shows at once, as in the list of few.
    let path = format!("/v1/customers/{}/profile", visitor(world, 0));
    assert_eq!(company.ask("lin", "PUT", &path, Some(json!({"name": "李四"}))).await.0, 200);
    let (status, page) = company.ask("lin", "GET", "/v1/customers?q=lisi", None).await;
    assert_eq!((status, &page["total"], &page["counts"]["all"]), (200, &json!(1), &json!(3_002)));
    let (_, page) = company.ask("boss", "GET", "/v1/customers?limit=1&sort=name&order=asc", None).await;
    assert_eq!((&page["total"], &page["items"][0]["name"]), (&json!(3_004), &json!("李四")));
    assert_eq!(company.ask("boss", "GET", "/v1/customers", None).await.1["total"], 3_004);
    // So does somebody who is no customer any more.
    let (gone, persons) = (before[0].person, BTreeSet::from([before[0].person]));
    let mut aside = PutAside::default();
    let today = Day::of(world.clock.now());
    assert_eq!(world.store.refresh_list(world.company, &persons, today, &mut aside).await, Ok(1));
    let changed = all().await;
    assert!(changed.len() == 3_003 && changed.iter().all(|row| row.person != gone));
    // What has changed is folded when it is much, and nothing is lost or comes back.
    let many = (2..=2_100).map(|n| stored_row(world, n, "赵六", "LIST_CHANGES", "list_change"));
    store_all(world, many).await;
    let folded = all().await;
    assert_eq!(folded.iter().filter(|row| row.name == "赵六").count(), 2_099);
    assert!(fold().await && !fold().await);
    assert_eq!(all().await, folded);
    // Blocks that cannot be read are none.
    let block = [&world.company.id().to_string(), "LIST_BLOCK", "2", "0"].join("#");
    let update = world.dynamodb.update_item().table_name(&world.table);
    let update = update.key(KEY_ATTRIBUTES[0], AttributeValue::S(block));
    let update = update.key(KEY_ATTRIBUTES[1], AttributeValue::S("LIST_BLOCK".to_owned()));
    let update = update.update_expression("SET #rows = :rows").expression_attribute_names("#rows", "rows");
    update.expression_attribute_values(":rows", AttributeValue::B(Blob::new([7]))).send().await.unwrap();
    let rows = all().await;
    assert_eq!((rows.len(), rows.iter().filter(|row| row.name == "王小明").count()), (3_003, 3_000));
}

#[tokio::test]
async fn views_are_for_their_member_or_for_all_and_count_what_each_sees() {
    let company = VisitedCompany::new(9).await;
    let save = async |who: &str, key: &str, body: Value| {
        let token = company.world.token(who);
        send(company.router(), ("POST", "/v1/customer-views"), (Some(&token), Some(key)), Some(body)).await
    };
    let view = |name: &str, scope: &str| json!({"name": name, "scope": scope, "filter": {"kind": "exclusive"}, "sort": "rate"});
    let (status, own) = save("lin", "key-of-the-own", view("我的", "own")).await;
    assert_eq!(status, 201, "{own}");
    assert_eq!(save("lin", "key-of-the-own", view("我的", "own")).await, (201, own.clone()), "once");
    assert_eq!(save("lin", "key-of-a-second", view("我的", "own")).await.0, 422, "the name is taken");
    assert_eq!(save("lin", "key-of-a-third", view("全员", "company")).await.0, 403);
    let (status, shared) = save("boss", "key-of-the-boss", view("全员", "company")).await;
    assert_eq!(status, 201, "{shared}");
    let views = async |who| {
        let (status, views) = company.ask(who, "GET", "/v1/customer-views", None).await;
        assert_eq!(status, 200, "{views}");
        let view = |view: &Value| (view["name"].clone(), view["scope"].clone(), view["customers"].clone());
        views["items"].as_array().unwrap().iter().map(view).collect::<Vec<_>>()
    };
    let all = |customers: u32| (json!("全员"), json!("company"), json!(customers));
    assert_eq!(views("lin").await, [(json!("我的"), json!("own"), json!(3)), all(3)]);
    assert_eq!((views("chen").await, views("boss").await), (vec![all(3)], vec![all(9)]));
    // The list of a view is as long as its number.
    let list = |view: &Value, more: &str| format!("/v1/customers?view={}{more}", view["view_id"].as_str().unwrap());
    for (who, view, customers) in [("lin", &own, 3), ("lin", &shared, 3), ("boss", &shared, 9)] {
        let (status, page) = company.ask(who, "GET", &list(view, "&limit=2"), None).await;
        assert_eq!((status, &page["total"]), (200, &json!(customers)));
    }
    assert_eq!(company.ask("chen", "GET", &list(&own, ""), None).await.0, 404);
    assert_eq!(company.ask("boss", "GET", &list(&own, ""), None).await.0, 404);
    assert_eq!(company.ask("lin", "GET", &list(&own, "&kind=shared"), None).await.0, 400);
    // Who may use a view of the company may not change it.
    let at = |view: &Value| format!("/v1/customer-views/{}", view["view_id"].as_str().unwrap());
    let changed = json!({"name": "新名", "filter": {"kind": "shared"}});
    for (who, view, status) in
        [("chen", &own, 404), ("boss", &own, 404), ("lin", &shared, 403), ("lin", &own, 200), ("boss", &shared, 200)]
    {
        assert_eq!(company.ask(who, "PUT", &at(view), Some(changed.clone())).await.0, status, "{who}");
    }
    assert_eq!(company.ask("lin", "GET", &list(&own, ""), None).await.1["total"], 0);
    for (who, view, status) in
        [("lin", &shared, 403), ("chen", &own, 404), ("lin", &own, 204), ("lin", &own, 404), ("boss", &shared, 204)]
    {
        assert_eq!(company.ask(who, "DELETE", &at(view), None).await.0, status, "{who}");
    }
    assert!(views("lin").await.is_empty());
}

#[tokio::test]
async fn whom_nobody_owns_is_in_the_pool_of_all_and_whoever_claims_them_has_them() {
    let company = VisitedCompany::new(6).await;
    let person = visitor(&company.world, 0);
    let at = |path: &str| format!("/v1/customers/{person}/{path}");
    let owner = |page: &Value| page["items"][0]["owner_id"].clone();
    let lin = json!(company.world.staff["lin"].member);
    let (_, page) = company.ask("lin", "GET", "/v1/customers?sort=name", None).await;
    assert_eq!((owner(&page), &page["counts"]["unowned"]), (lin.clone(), &json!(0)));
    assert_eq!(company.persons("boss", &format!("owner_id={}", lin.as_str().unwrap())).await.len(), 2);
    let number = json!({"name": "王小明", "mobile": "13800138000"});
    assert_eq!(company.ask("lin", "PUT", &at("profile"), Some(number)).await.0, 200);
    assert_eq!(company.persons("chen", "kind=unowned").await, Vec::<String>::new());
    // Given back, all members see them at once, and find them by name and number.
    let (status, body) = company.ask("lin", "DELETE", &at("owner"), None).await;
    assert!(status < 300, "{body}");
    for query in ["kind=unowned", "q=wxm", "q=8000"] {
        assert_eq!(company.persons("chen", query).await, [person.to_string()], "{query}");
    }
    assert_eq!(company.ask("boss", "GET", "/v1/customers", None).await.1["counts"]["unowned"], 1);
    // Where the company hides the contacts, neither the number nor a search for it tells it.
    let (_, rules) = company.ask("boss", "GET", "/v1/customer-rules", None).await;
    let hidden = json!({"version": rules["version"], "held_max": 500, "claims_max": 50, "contacts_hidden": true});
    let (status, body) = company.ask("boss", "PUT", "/v1/customer-rules", Some(hidden)).await;
    assert_eq!(status, 200, "{body}");
    assert!(company.persons("chen", "q=8000").await.is_empty());
    let (_, page) = company.ask("chen", "GET", "/v1/customers?kind=unowned", None).await;
    assert_eq!(page["items"][0]["mobile"], "");
    let (_, page) = company.ask("lin", "GET", "/v1/customers?kind=unowned", None).await;
    assert_eq!(page["items"][0]["mobile"], "+8613800138000", "they have visited lin's card");
    let (status, body) = company.ask("chen", "POST", &at("claim"), Some(json!({}))).await;
    assert_eq!(status, 201, "{body}");
    assert!(company.persons("wang", "kind=unowned").await.is_empty());
    let (_, page) = company.ask("chen", "GET", "/v1/customers?q=8000", None).await;
    assert_eq!((&page["total"], owner(&page)), (&json!(1), json!(company.world.staff["chen"].member)));
    assert_eq!(company.ask("boss", "GET", "/v1/customers", None).await.1["counts"]["unowned"], 0);
}
