//! The list of a company with many customers on DynamoDB Local: it is packed, and stays the same list.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use domain::close_rate::shortlist::RankKey;
use domain::crm::addition::CustomerSource;
use domain::crm::ownership::CustomerOwner;
use domain::crm::row::packed::pack_rows;
use domain::crm::row::{CustomerRow, RowCard};
use domain::kernel::day::Day;
use domain::kernel::id::{Id, PersonId};
use domain::kernel::timestamp::SECOND_MS;
use serde_json::json;
use store::{KEY_ATTRIBUTES, PutAside};
use testkit::world::World;
use uuid::Uuid;

use crate::customer_lists::{VisitedCompany, visitor};

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
        former_owner: None,
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
    // All of these ids are counted in one of the four items.
    assert_eq!(world.store.recount_list(world.company).await, Ok(1));
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
    let gone = before.iter().find(|row| row.name == "王小明").unwrap().person;
    let persons = BTreeSet::from([gone]);
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
