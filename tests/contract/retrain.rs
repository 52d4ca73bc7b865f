//! Retrainings on DynamoDB Local: from events and deals to the rates that are shown.

use std::collections::BTreeSet;

use domain::close_rate::model::{Model, Origin};
use domain::close_rate::retrain::{RetrainReport, Verdict, first_retrain, next_retrain};
use domain::close_rate::shortlist::{LISTED_MAX, Shortlist};
use domain::crm::identities::Customer;
use domain::crm::merge::MergeReason;
use domain::crm::opportunity::Deal;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CompanyId, DealId, Id, PersonId};
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use domain::radar::counter::Scope;
use domain::tracking::batch::{AcceptedBatch, BatchId};
use domain::tracking::event::{Event, EventKind, Object, Target};
use serde_json::{Value, json};
use store::{KEY_ATTRIBUTES, PutAside, ShortlistCandidate, Sweep};
use testkit::events::load;
use testkit::world::World;
use uuid::Uuid;

use crate::aggregator::{aggregator, delivered, set_layout};
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, housekeeping, limits, no_stop, recounter};
use crate::http::send;
use crate::login::another_company;
use crate::recount::asides;

async fn asked(world: &World, payload: Value) -> Value {
    recounter(world).run(payload, world.clock.now().plus_millis(900 * SECOND_MS), "r").await.unwrap()
}

async fn retrained(world: &World) -> RetrainReport {
    serde_json::from_value(asked(world, json!({ "retrain": world.company.id() })).await).unwrap()
}

fn person(n: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(n))
}

/// The events of a person on lin's card, this many days ago.
fn batch(world: &World, by: PersonId, number: u64, acts: &[(EventKind, i64)]) -> AcceptedBatch {
    let now = world.clock.now();
    let event = |(kind, days_ago): &(EventKind, i64)| Event {
        kind: *kind,
        card: world.card("lin"),
        object: Object { target: Target::Card, title: None },
        share_code: None,
        at: now.plus_millis(-days_ago * DAY_MS),
        duration_ms: None,
        filtered: None,
    };
    let millis = u64::try_from(now.millis()).unwrap() + number;
    AcceptedBatch {
        v: 1,
        company: world.company.id(),
        person: by,
        batch: BatchId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &[1; 10]).into_uuid()),
        fingerprint: format!("{number:016x}"),
        received_at: now,
        anonymous: false,
        rules: 1,
        departments: std::collections::BTreeMap::new(),
        events: acts.iter().map(event).collect(),
    }
}

/// Like the queue: failed messages are delivered again.
async fn count(world: &World, batches: &[AcceptedBatch]) {
    let aggregator = aggregator(world, KeptDeadLetters::default());
    for chunk in batches.chunks(50) {
        let event = || delivered(&chunk.iter().collect::<Vec<_>>(), 1);
        while !radar_aggregator::handle(&aggregator, event(), "r").await.batch_item_failures.is_empty() {}
    }
}

/// Records a deal with lin from this many days ago.
pub(crate) async fn close(world: &World, by: PersonId, days_ago: i32) {
    let mut known = world.store.customers(world.company, &[by]).await.unwrap();
    let mut customer: Customer = known.remove(&by).unwrap().unwrap();
    let lin = world.staff["lin"].member;
    let deal = Deal { closed_on: Day::of(world.clock.now()).plus(-days_ago), at: world.clock.now(), by: lin };
    let id: DealId = world.ids.new_id(world.clock.now()).unwrap();
    customer.opportunity.add_deal(world.card("lin"), id, deal).unwrap();
    world.store.repair_customer(world.company, by, &customer).await.unwrap();
}

/// People with different events; those below `closed` had a deal five days ago. If `signal`,
/// interested people had most of the deals; otherwise interest and deals are unrelated.
async fn market(world: &World, closed: u128, open: u128, signal: bool) {
    let mut batches = Vec::new();
    for n in 0..closed + open {
        let exception = n % 12 == 0;
        let interested = if signal { (n < closed) != exception } else { n % 3 == 0 };
        // People without a deal stopped long ago.
        let last = if n < closed { 6 } else { 40 } + i64::try_from(n % 4).unwrap();
        let mut acts = vec![(EventKind::ViewCard, last), (EventKind::ViewCard, last + 24)];
        if interested {
            acts.extend([(EventKind::ViewProduct, last), (EventKind::ViewProduct, last + 1)]);
            acts.push((EventKind::OpenChat, last + 6));
        } else if n % 2 == 0 {
            acts.extend([(EventKind::Forward, last + 2), (EventKind::ViewCard, last + 3)]);
            acts.push((EventKind::Like, last + 4));
        }
        // A model that reads all events would find this.
        acts.extend((n < closed).then_some((EventKind::GrantPhone, 5)));
        batches.push(batch(world, person(1_000 + n), u64::try_from(n).unwrap(), &acts));
    }
    count(world, &batches).await;
    for n in 0..closed {
        close(world, person(1_000 + n), 5).await;
    }
}

async fn everybody(world: &World) -> Vec<ShortlistCandidate> {
    let all: BTreeSet<_> = (1_000..1_400).map(person).collect();
    let mut aside = PutAside::default();
    let people = world.store.people(world.company, all, &mut aside).await.unwrap();
    assert!(aside.is_empty());
    let mut shown = BTreeSet::new();
    people.into_values().filter(|person| shown.insert(person.id())).collect()
}

/// The list of all people by this model.
async fn whole_list(world: &World, scope: Scope, model: &Model) -> Shortlist {
    let today = Day::of(world.clock.now());
    let mut list = Shortlist::new(model.clone(), []);
    list.update(everybody(world).await.iter().map(|person| person.rank_update(scope, model, today)));
    list
}

async fn list_is_whole(world: &World, scope: Scope, model: &Model) {
    let today = Day::of(world.clock.now());
    let (list, lifetime) = world.store.shortlist(world.company, scope).await.unwrap();
    let whole = whole_list(world, scope, model).await;
    assert_eq!(list.model(), model);
    assert_eq!(list.best(today, None), whole.best(today, None));
    assert_eq!(list.best(today, None).len(), LISTED_MAX);
    let all = domain::radar::metrics::count(
        &lifetime,
        domain::radar::counter::Counter::People(domain::radar::counter::Audience::Visitors),
    );
    assert_eq!(list.funnel(today, all, 60), whole.funnel(today, all, 60));
}

async fn page(world: &World, functions: &Functions, path: &str) -> Value {
    let boss = world.token("boss");
    let path = format!("/v1/radar/company/{path}");
    let (status, answer) = send(functions.router("radar"), ("GET", &path), (Some(&boss), None), None).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

#[tokio::test]
async fn where_deals_follow_a_pattern_rates_lists_and_receipts_are_by_the_companys_own_model() {
    let world = World::new().await;
    market(&world, 60, 250, true).await;
    // A person's deal belongs to another identity, who came later.
    let late = batch(&world, person(1_390), 900, &[(EventKind::ViewCard, 0)]);
    count(&world, &[late]).await;
    world.merge(person(1_390), person(1_001), MergeReason::Phone).await.unwrap();
    let dry = asked(&world, serde_json::from_str(&load("recount", "retrain_command", &world)).unwrap()).await;
    assert_eq!(world.store.close_rate_model(world.company).await.unwrap().fitted, None, "a dry run writes nothing");
    let report = retrained(&world).await;
    assert_eq!(serde_json::to_value(&report).unwrap(), dry);
    assert_eq!((report.verdict, report.closed, report.open), (Verdict::Kept, 60, 250), "{report:?}");
    let known = world.store.close_rate_model(world.company).await.unwrap();
    let (fitted, now) = (known.fitted.unwrap(), world.clock.now());
    assert_eq!((&fitted.report, fitted.at, known.next_at), (&report, now, Some(next_retrain(now))));
    let model = fitted.model;
    assert_eq!(model.origin(), Origin::Own);
    for scope in [Scope::Company, Scope::Card(world.card("lin"))] {
        list_is_whole(&world, scope, &model).await;
    }

    let functions = Functions::on(&world).await;
    let top = page(&world, &functions, "customers?limit=100").await;
    for row in top["items"].as_array().unwrap().iter().step_by(33) {
        let customer = page(&world, &functions, &format!("customers/{}", row["person_id"].as_str().unwrap())).await;
        let rate = &customer["close_rate"];
        assert_eq!((&rate["basis_points"], &rate["model"]), (&row["rate_basis_points"], &json!("own")));
        let parts = rate["receipt"].as_array().unwrap();
        let sum: u64 = parts.iter().map(|part| part["basis_points"].as_u64().unwrap()).sum();
        assert_eq!(json!(sum), rate["basis_points"]);
    }
    let shown = page(&world, &functions, "close-rate").await;
    assert_eq!((&shown["model"], &shown["refit"]["verdict"]), (&json!("own"), &json!("kept")));
    assert!(shown["refit"]["brier_scores"]["own"].as_f64() < shown["refit"]["brier_scores"]["default"].as_f64());

    // Later events are ranked by the list's model.
    count(&world, &[batch(&world, person(1_200), 901, &[(EventKind::GrantPhone, 0), (EventKind::OpenChat, 0)])]).await;
    world.clock.advance(120 * SECOND_MS);
    housekeeping(&world, 60).await.run(no_stop(), "r").await.unwrap();
    list_is_whole(&world, Scope::Company, &model).await;

    // An interrupted run: the model is in force, the lists are not yet made by it.
    let card = Scope::Card(world.card("lin"));
    let mut stored = world.store.shortlists(world.company, &[card], &mut PutAside::default()).await.unwrap();
    let stored = stored.remove(&card).flatten().unwrap();
    let old = stored.with(whole_list(&world, card, &Model::default()).await, stored.spread.clone());
    world.store.replace_shortlist(world.company, card, &old).await.unwrap();
    assert!(
        world.store.replace_shortlist(world.company, card, &old).await.is_err(),
        "it has changed since it was read"
    );
    assert_eq!(retrained(&world).await.verdict, Verdict::Kept);
    let again = world.store.close_rate_model(world.company).await.unwrap().fitted.unwrap().model;
    list_is_whole(&world, card, &again).await;
}

#[tokio::test]
async fn on_noise_and_with_too_few_deals_the_default_model_stays_and_its_bands_are_published() {
    let world = World::new().await;
    market(&world, 49, 250, true).await;
    let report = retrained(&world).await;
    assert_eq!((report.verdict, report.closed, report.open), (Verdict::TooFewClosed, 49, 250));
    let in_bands = report.bands.iter().map(|band| (band.customers, band.closed));
    assert_eq!(in_bands.fold((0, 0), |sum, band| (sum.0 + band.0, sum.1 + band.1)), (299, 49));
    let functions = Functions::on(&world).await;
    let shown = page(&world, &functions, "close-rate").await;
    assert_eq!(shown["text"], "使用默认模型：已成交客户 49 位，满 50 位后自动校准");
    assert_eq!((&shown["model"], shown["refit"]["bands"].as_array().unwrap().len()), (&json!("default"), 4));

    let world = World::new().await;
    market(&world, 60, 250, false).await;
    let report = retrained(&world).await;
    assert!([Verdict::NothingHelps, Verdict::NotBetterThanMean].contains(&report.verdict), "{report:?}");
    list_is_whole(&world, Scope::Company, &Model::default()).await;
}

#[tokio::test]
async fn each_week_every_company_has_its_turn() {
    let world = World::new().await;
    let due: Value = serde_json::from_str(&load("recount", "retrain", &world)).unwrap();
    let again = async || asked(&world, due.clone()).await["retrained"].clone();
    let functions = Functions::on(&world).await;
    let shown = page(&world, &functions, "close-rate").await;
    assert_eq!((&shown["refit"], &shown["model"]), (&Value::Null, &json!("default")));
    assert_eq!(again().await, 0, "the first is a week after the company was founded");
    world.clock.advance(7 * DAY_MS);
    assert_eq!((again().await, again().await), (json!(1), json!(0)));
    let known = world.store.close_rate_model(world.company).await.unwrap();
    assert_eq!(known.next_at, Some(next_retrain(world.clock.now())));
    assert_eq!(known.fitted.unwrap().report.verdict, Verdict::TooFewClosed);
    // While one call retrains the company, no other does. It is cut short.
    world.clock.advance(7 * DAY_MS);
    let limits = limits(&world, 10);
    let cut_short = async |_| {
        assert_eq!(again().await, 0);
        Err(Failure::Throttled)
    };
    let swept = world.store.sweep_retrainings(&limits, SECOND_MS, cut_short).await;
    assert_eq!(swept, Sweep { done: 0, failed: 1, failure: Some(Failure::Throttled) });
    assert_eq!(again().await, 0);
    world.clock.advance(SECOND_MS);
    assert_eq!(again().await, 1, "who was cut short comes again");

    // A company that is older than retraining is due after its next recount.
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let mut key = items.into_iter().find(|item| item["type"].as_s().unwrap() == "close_rate_model").unwrap();
    key.retain(|name, _| KEY_ATTRIBUTES.contains(&name.as_str()));
    world.dynamodb.delete_item().table_name(&world.table).set_key(Some(key)).send().await.unwrap();
    assert_eq!(world.store.close_rate_model(world.company).await.unwrap().next_at, None);
    asked(&world, json!({ "company_id": world.company.id() })).await;
    let next_at = world.store.close_rate_model(world.company).await.unwrap().next_at.unwrap();
    assert_eq!(next_at, first_retrain(world.company.id(), world.clock.now()));
    assert!(next_at <= next_retrain(world.clock.now()));
}

#[tokio::test]
async fn a_command_names_a_company_that_is_there() {
    let world = World::new().await;
    for payload in [
        json!({ "retrain": CompanyId::from_uuid(Uuid::nil()) }),
        json!({ "retrain": world.company.id(), "dry": true }),
        json!({ "retrain": 7 }),
    ] {
        assert!(recounter(&world).run(payload, world.clock.now(), "r").await.is_err());
    }
}

/// Each kind of item that a retraining reads, alone and all together in a layout that nobody knows: in the
/// same run the rest of this company has its model and lists, and so has the other company.
#[tokio::test]
async fn no_item_that_cannot_be_read_stops_a_retraining() {
    let kinds = ["customer", "segment", "shortlist"];
    let each = kinds.iter().map(|kind| vec![*kind]);
    for poisoned in each.chain([kinds.to_vec()]) {
        let world = World::new().await;
        let (other, _) = another_company(&world).await;
        let visit = |n| batch(&world, person(n), u64::try_from(n).unwrap(), &[(EventKind::ViewCard, 0)]);
        count(&world, &[visit(1), visit(2), visit(3)]).await;
        world.clock.advance(120 * SECOND_MS);
        housekeeping(&world, 60).await.run(no_stop(), "r").await.unwrap();
        for kind in &poisoned {
            let ending = match *kind {
                "customer" => ["CUSTOMER", &person(1).to_string()].join("#"),
                "segment" => person(2).to_string(),
                _ => format!("#{}", world.card("lin")),
            };
            set_layout(&world, kind, &ending, "99").await;
        }
        world.clock.advance(7 * DAY_MS);
        let done = asked(&world, serde_json::from_str(&load("recount", "retrain", &world)).unwrap()).await;
        assert_eq!(done["retrained"], 2, "{poisoned:?}");
        for company in [world.company, other] {
            let known = world.store.close_rate_model(company).await.unwrap();
            assert_eq!(known.next_at, Some(next_retrain(world.clock.now())), "{poisoned:?}");
        }
        let report = world.store.close_rate_model(world.company).await.unwrap().fitted.unwrap().report;
        let hidden = poisoned.iter().filter(|kind| ["customer", "segment"].contains(kind)).count();
        assert_eq!(report.open, 3 - hidden, "{poisoned:?}: the others are in the model");
        let marks = asides(&world).await;
        for kind in &poisoned {
            assert!(marks.iter().any(|reason| reason.contains(kind)), "{kind} of {poisoned:?}: {marks:?}");
        }
    }
}
