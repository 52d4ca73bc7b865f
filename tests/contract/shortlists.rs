//! Shortlists on DynamoDB Local: they follow changes to customers, also under concurrent writes,
//! and lists of the first layout are still read.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::close_rate::model::Rate;
use domain::close_rate::shortlist::RankedCustomer;
use domain::crm::identities::Customer;
use domain::crm::merge::MergeReason;
use domain::crm::opportunity::ManualCloseRate;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::timestamp::SECOND_MS;
use domain::radar::counter::{Audience, Counter, Scope};
use domain::tracking::batch::AcceptedBatch;
use domain::tracking::event::EventKind;
use store::{EXPIRY_ATTRIBUTES, KEY_ATTRIBUTES};
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::{housekeeping, limits, no_stop};
use crate::retrain::close;

const LAG_S: u32 = 60;

pub(crate) async fn visit(world: &World, number: u64, persons: std::ops::Range<u128>) {
    let batches: Vec<_> = persons.map(|n| batch(world, n, number + u64::try_from(n).unwrap(), &[0])).collect();
    let event = || delivered(&batches.iter().collect::<Vec<_>>(), 1);
    let aggregator = aggregator(world, KeptDeadLetters::default());
    while !radar_aggregator::handle(&aggregator, event(), "r").await.batch_item_failures.is_empty() {}
}

async fn sweep(world: &World) -> usize {
    world.store.sweep_shortlist_refreshes(&limits(world, 100)).await.result().unwrap()
}

/// Marks a customer like the transaction of a change to them.
pub(crate) async fn mark(world: &World, person: PersonId, card: CardId) {
    let text = |value: String| AttributeValue::S(value);
    let pk = [&world.company.id().to_string(), "STANDING", &person.to_string()].join("#");
    let place = format!("{:013}#{pk}#{card}", world.clock.now().millis());
    let update = world.dynamodb.update_item().table_name(&world.table);
    let update = update.key(KEY_ATTRIBUTES[0], text(pk)).key(KEY_ATTRIBUTES[1], text(card.to_string()));
    let update = update.update_expression("SET #t = :t, layout = :one, #p = :p, #s = :s ADD marks :one");
    let update =
        update.expression_attribute_names("#t", "type").expression_attribute_values(":t", text("standing".to_owned()));
    let [partition, sort] = EXPIRY_ATTRIBUTES;
    let update = update.expression_attribute_names("#p", partition).expression_attribute_names("#s", sort);
    let update = update.expression_attribute_values(":p", text("EXPIRY_STANDINGS".to_owned()));
    let update = update.expression_attribute_values(":s", text(place));
    update.expression_attribute_values(":one", AttributeValue::N("1".to_owned())).send().await.unwrap();
}

async fn set_rate(world: &World, person: PersonId, percent: Option<u64>) {
    let card = world.card("lin");
    let (at, by) = (world.clock.now(), world.staff["lin"].member);
    let rate = percent.map(|percent| ManualCloseRate { at, rate: Rate::from_percent(percent).unwrap(), by });
    loop {
        let mut known = world.store.customers(world.company, &[person]).await.unwrap();
        let mut customer: Customer = known.remove(&person).unwrap().unwrap();
        customer.opportunity.set_rate(card, rate);
        match world.store.repair_customer(world.company, person, &customer).await {
            Ok(()) => break,
            busy => assert_eq!(busy, Err(Failure::Busy)),
        }
    }
    mark(world, person, card).await;
}

async fn best(world: &World, scope: Scope) -> Vec<RankedCustomer> {
    let (list, _) = world.store.shortlist(world.company, scope).await.unwrap();
    list.best(Day::of(world.clock.now()), None)
}

#[tokio::test]
async fn the_lists_follow_rates_set_by_hand_and_deals() {
    let world = World::new().await;
    let housekeeping = housekeeping(&world, LAG_S).await;
    visit(&world, 0, 0..12).await;
    world.clock.advance(i64::from(LAG_S) * SECOND_MS);
    housekeeping.run(no_stop(), "r").await.unwrap();
    let card = Scope::Card(world.card("lin"));
    let before = best(&world, Scope::Company).await;
    assert_eq!((before.len(), best(&world, card).await.len()), (12, 4));
    // People 0, 3, 6 and 9 visit lin.
    let persons = [0, 3, 6].map(|n| batch(&world, n, 0, &[0]).person);
    set_rate(&world, persons[1], Some(85)).await;
    set_rate(&world, persons[2], Some(85)).await;
    assert_eq!(best(&world, Scope::Company).await, before, "until housekeeping comes by");
    assert_eq!(housekeeping.run(no_stop(), "r").await.unwrap().shortlist_refreshes, 2);
    for scope in [card, Scope::Company] {
        let best = best(&world, scope).await;
        assert_eq!((best[0].person, best[1].person), (persons[1], persons[2]));
        assert_eq!(best[0].rate, Rate::from_percent(85).unwrap());
    }
    let chen = best(&world, Scope::Card(world.card("chen"))).await;
    assert_eq!(chen.len(), 4, "no rate was set there");
    // A deal removes the person from the list, also a deal of another identity of theirs.
    close(&world, persons[2], 0).await;
    world.merge(batch(&world, 9, 0, &[0]).person, persons[2], MergeReason::Phone).await.unwrap();
    mark(&world, persons[2], world.card("lin")).await;
    set_rate(&world, persons[1], None).await;
    assert_eq!((sweep(&world).await, sweep(&world).await), (3, 0), "two marks, and one of the other identity");
    let now = best(&world, card).await;
    assert_eq!(now.iter().map(|ranked| ranked.person).collect::<Vec<_>>(), persons[..2]);
    assert_eq!(best(&world, Scope::Company).await.len(), 10);
}

/// Visitors without a login who claim all that is evidence.
async fn attack(world: &World, persons: std::ops::Range<u128>) -> Vec<PersonId> {
    let claims = |n: u128| {
        let mut batch = batch(world, n, 10_000 + u64::try_from(n).unwrap(), &[0; 20]);
        let kinds = EventKind::ALL.iter().filter(|kind| kind.is_strong_intent()).cycle();
        batch.events.iter_mut().skip(1).zip(kinds).for_each(|(event, kind)| event.kind = *kind);
        AcceptedBatch { anonymous: true, ..batch }
    };
    let batches: Vec<_> = persons.map(claims).collect();
    let aggregator = aggregator(world, KeptDeadLetters::default());
    let event = || delivered(&batches.iter().collect::<Vec<_>>(), 1);
    while !radar_aggregator::handle(&aggregator, event(), "r").await.batch_item_failures.is_empty() {}
    batches.iter().map(|batch| batch.person).collect()
}

#[tokio::test]
async fn people_without_a_login_push_nobody_off_the_list_and_stand_there_once_they_have_logged_in() {
    let world = World::new().await;
    let housekeeping = housekeeping(&world, LAG_S).await;
    visit(&world, 0, 0..20).await;
    world.clock.advance(i64::from(LAG_S) * SECOND_MS);
    housekeeping.run(no_stop(), "r").await.unwrap();
    let before = best(&world, Scope::Company).await;
    let anonymous = attack(&world, 1_000..1_110).await;
    world.clock.advance(i64::from(LAG_S) * SECOND_MS);
    housekeeping.run(no_stop(), "r").await.unwrap();
    assert_eq!(best(&world, Scope::Company).await, before);
    let (list, counts) = world.store.shortlist(world.company, Scope::Company).await.unwrap();
    let count = |counter| counts.get(&counter).copied().unwrap_or_default();
    assert_eq!((count(Counter::Customers), count(Counter::People(Audience::Visitors))), (20, 130));
    let funnel = list.funnel(Day::of(world.clock.now()), count(Counter::Customers), 0);
    assert_eq!(funnel.customers.iter().sum::<i64>(), 20);
    // Even a rate that a member sets does not make a customer of them.
    set_rate(&world, anonymous[1], Some(99)).await;
    while sweep(&world).await > 0 {}
    assert_eq!(best(&world, Scope::Company).await, before);
    // One of them logs in: all that they have done counts from then on.
    let customer = world.visitor;
    world.merge(customer, anonymous[0], MergeReason::Login).await.unwrap();
    while sweep(&world).await > 0 {}
    let now = best(&world, Scope::Company).await;
    assert_eq!(now.len(), before.len() + 1);
    assert!([customer, anonymous[0]].contains(&now[0].person) && now[0].rate > before[0].rate, "{now:?}");
    let (_, counts) = world.store.shortlist(world.company, Scope::Company).await.unwrap();
    assert_eq!(counts[&Counter::Customers], 21);
}

#[tokio::test]
async fn a_list_of_the_first_layout_is_read_and_brought_up_to_date() {
    let world = World::new().await;
    let housekeeping = housekeeping(&world, LAG_S).await;
    visit(&world, 0, 0..6).await;
    world.clock.advance(i64::from(LAG_S) * SECOND_MS);
    housekeeping.run(no_stop(), "r").await.unwrap();
    let before = best(&world, Scope::Company).await;
    let lists = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    for mut key in lists.into_iter().filter(|item| item["type"].as_s().unwrap() == "shortlist") {
        key.retain(|name, _| KEY_ATTRIBUTES.contains(&name.as_str()));
        let update = world.dynamodb.update_item().table_name(&world.table).set_key(Some(key));
        let first = AttributeValue::N("1".to_owned());
        let update = update.update_expression("SET layout = :first REMOVE version");
        update.expression_attribute_values(":first", first).send().await.unwrap();
    }
    assert_eq!(best(&world, Scope::Company).await, before);
    set_rate(&world, batch(&world, 0, 0, &[0]).person, Some(100)).await;
    assert_eq!(sweep(&world).await, 1);
    visit(&world, 100, 6..9).await;
    world.clock.advance(i64::from(LAG_S) * SECOND_MS);
    housekeeping.run(no_stop(), "r").await.unwrap();
    let now = best(&world, Scope::Company).await;
    assert_eq!((now.len(), now[0].rate), (9, Rate::from_percent(100).unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn marks_leaderboards_and_sweeps_at_the_same_time_lose_nothing() {
    let world = Arc::new(World::new().await);
    visit(&world, 0, 0..30).await;
    let persons: Vec<_> = (0..30).step_by(3).map(|n| batch(&world, n, 0, &[0]).person).collect();
    let people = [persons.clone(), persons.clone()];
    let writers = people.into_iter().zip([3_u64, 7]).map(|(persons, by)| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            for round in 0..4 {
                for (n, person) in (0_u64..).zip(&persons) {
                    set_rate(&world, *person, Some((n * by + round) % 101)).await;
                }
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    world.clock.advance(i64::from(LAG_S) * SECOND_MS);
    let housekeeping = housekeeping(&world, LAG_S).await;
    let few = limits(&world, 7);
    while writers.iter().any(|task| !task.is_finished()) {
        let (one, other) = tokio::join!(housekeeping.run(no_stop(), "r"), world.store.sweep_shortlist_refreshes(&few));
        one.unwrap();
        other.result().unwrap();
    }
    for task in writers {
        task.await.unwrap();
    }
    while sweep(&world).await > 0 {}
    let listed = best(&world, Scope::Card(world.card("lin"))).await;
    for person in persons {
        let known = world.store.customers(world.company, &[person]).await.unwrap();
        let rate = known[&person].as_ref().unwrap().opportunity.set_rate_in(Scope::Company).unwrap().rate;
        let ranked = listed.iter().find(|ranked| ranked.person == person).unwrap();
        assert_eq!(ranked.rate, rate);
    }
}
