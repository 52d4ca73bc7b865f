//! Lists with a filter are filtered before they are cut: what exists is found however far down it
//! stands. The lists come from the API document.

use std::collections::BTreeSet;

use domain::close_rate::model::{Model, Rate};
use domain::close_rate::rank_share::RankSpread;
use domain::close_rate::shortlist::{LISTED_MAX, RankKey, Shortlist};
use domain::kernel::id::{CardId, DepartmentId, Id, MemberId, PersonId, ProductId, VideoId};
use domain::kernel::text::Line;
use domain::kernel::timestamp::SECOND_MS;
use domain::radar::counter::Scope;
use domain::radar::metrics::Metrics;
use domain::radar::ranking::Contender;
use domain::tracking::batch::AcceptedBatch;
use domain::tracking::event::{Event, EventKind, Object, Target};
use serde_json::Value;
use store::{Ranking, StoredShortlist};
use testkit::events::{call, load, prepared};
use testkit::world::World;
use uuid::Uuid;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, housekeeping, no_stop};

/// More than any list shows.
const MANY: u128 = 300;
/// People who look at the things, a hundred views each; they are below half.
const VIEWERS: u128 = 7;

/// Lists without pages, with the filter that must find something below [`MANY`] others.
const CUT: [(&str, &str, &str); 5] = [
    ("/v1/radar/cards/{card_id}/customers", "get_card_customers", "band=below_50"),
    ("/v1/radar/company/customers", "get_company_customers", "band=below_50"),
    ("/v1/radar/cards/{card_id}/objects", "get_card_objects", "type=video"),
    ("/v1/radar/company/objects", "get_company_objects", "type=video"),
    ("/v1/radar/company/rankings", "get_rankings", "department=${department}"),
];

/// The lists of the API document that have a limit and a filter: with pages, and without.
fn filtered_lists() -> (BTreeSet<String>, BTreeSet<String>) {
    let document: Value = serde_json::from_str(&mingpian_tests::document().unwrap()).unwrap();
    let of_page = ["limit", "cursor", "window", "metric"];
    let (mut paged, mut cut) = (BTreeSet::new(), BTreeSet::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array().into_iter().flatten();
        let query = parameters.filter(|parameter| parameter["in"] == "query");
        let names: BTreeSet<&str> = query.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        let is_filtered = names.iter().any(|name| !of_page.contains(name));
        if names.contains("limit") && is_filtered {
            let lists = if names.contains("cursor") { &mut paged } else { &mut cut };
            lists.insert(path.clone());
        }
    }
    (paged, cut)
}

#[tokio::test]
async fn a_filter_without_pages_finds_what_stands_below_all_others() {
    let (_, cut) = filtered_lists();
    assert_eq!(cut, CUT.iter().map(|(path, ..)| (*path).to_owned()).collect(), "each list has its row");
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let department = many_of_all(&world).await;
    for (path, file, filter) in CUT {
        let query = format!("limit=1&{}", filter.replace("${department}", &department.to_string()));
        let (status, body) = call(functions.router("radar"), &asking(&load("radar", file, &world), &query)).await;
        assert_eq!((status, body["items"].as_array().map(Vec::len)), (200, Some(1)), "{path}?{query}: {body}");
    }
}

/// A request with this query.
fn asking(payload: &str, query: &str) -> String {
    let mut payload: Value = serde_json::from_str(payload).unwrap();
    payload["rawQueryString"] = query.into();
    payload.to_string()
}

/// Customers in the upper bands and one below, products and one video, contenders and one in a
/// department, which is returned.
async fn many_of_all(world: &World) -> DepartmentId {
    let place = |n: u128| RankKey::Set(Rate::from_percent(if n == MANY { 3 } else { 85 }).unwrap());
    let person = |n: u128| PersonId::from_uuid(Uuid::from_u128(n));
    let list = Shortlist::new(Model::default(), (0..=MANY).map(|n| (person(n), place(n))));
    for scope in [Scope::Company, Scope::Card(world.card("lin"))] {
        let stored = StoredShortlist::default().with(list.clone(), RankSpread::default());
        world.store.replace_shortlist(world.company, scope, &stored).await.unwrap();
    }
    let products =
        (0..MANY).map(|n| (EventKind::ViewProduct, Target::Product(ProductId::from_uuid(Uuid::from_u128(n)))));
    let twice: Vec<_> = products.clone().chain(products).collect();
    let video = (EventKind::ViewVideo, Target::Video(VideoId::from_uuid(Uuid::from_u128(1))));
    let views: Vec<_> = twice.into_iter().chain([video]).collect();
    for (number, views) in (0_u64..).zip(views.chunks(100)) {
        let batch = viewing(world, number, views);
        let aggregator = aggregator(world, KeptDeadLetters::default());
        let response = radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await;
        assert!(response.batch_item_failures.is_empty());
    }
    world.clock.advance(60 * SECOND_MS);
    housekeeping(world, 60).await.run(no_stop(), "r").await.unwrap();
    department_with_the_last(world).await
}

/// A batch of a person of its own who looks at these things on `lin`'s card.
fn viewing(world: &World, number: u64, views: &[(EventKind, Target)]) -> AcceptedBatch {
    let whole = batch(world, 3 * (1_000 + u128::from(number)), number, &[0]);
    let title = Line::parse("一个标题").ok();
    let event = |(kind, target): &(EventKind, Target)| Event {
        kind: *kind,
        object: Object { target: *target, title: title.clone() },
        ..whole.events[0].clone()
    };
    AcceptedBatch { events: views.iter().map(event).collect(), ..whole }
}

/// A ranking whose last employee alone is in a department.
async fn department_with_the_last(world: &World) -> DepartmentId {
    let functions = Functions::on(world).await;
    let payload = prepared("create_department", world, &|name| functions.router(name).clone()).await;
    let (status, body) = call(functions.router("organization"), &payload).await;
    assert_eq!(status, 201, "{body}");
    let department: DepartmentId = body["id"].as_str().unwrap().parse().unwrap();
    let contender = |n: u128| Contender {
        member: MemberId::from_uuid(Uuid::from_u128(n)),
        card: CardId::from_uuid(Uuid::from_u128(n)),
        name: "员工".to_owned(),
        department: (n == MANY).then_some(department),
        windows: [Metrics::from([i64::try_from(MANY - n).unwrap(); 9]); 4],
    };
    let ranking = Ranking { as_of: world.clock.now(), contenders: (0..=MANY).map(contender).collect(), complete: true };
    world.store.set_ranking(world.company, &ranking).await.unwrap();
    department
}

#[tokio::test]
async fn a_list_of_customers_says_how_many_it_knows_and_how_many_there_are() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    many_of_all(&world).await;
    let payload = load("radar", "get_company_customers", &world);
    let asked =
        [("", MANY + 1 + VIEWERS), ("band=below_50", 1 + VIEWERS), ("band=below_99", MANY), ("band=below_100", 0)];
    for (query, known) in asked {
        let (_, body) = call(functions.router("radar"), &asking(&payload, query)).await;
        assert_eq!(body["known"].as_u64().map(u128::from), Some(known), "{query}: {body}");
        assert!(body["items"].as_array().unwrap().len() <= LISTED_MAX);
    }
}
