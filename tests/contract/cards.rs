//! Card view, template, shares and settings on DynamoDB Local.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use domain::card::media::{CardMedia, Photos};
use domain::card::settings::{Greeting, Phrase, PhraseBook, Phrases};
use domain::card::share::{Channel, Share};
use domain::card::template::{CardTemplate, Locks};
use domain::card::{Address, Contact, Style};
use domain::company::Company;
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::id::{CompanyId, Id};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::text::ShareCode;
use domain::kernel::timestamp::SECOND_MS;
use domain::radar::aggregate::{plan, segments};
use domain::radar::metrics::ScopeCounts;
use domain::tracking::batch::{AcceptedBatch, BatchId};
use domain::tracking::event::{Event, EventKind, Object, Target};
use serde_json::Value;
use store::{CardChange, Commit, KEY_ATTRIBUTES};
use testkit::events::{call, load};
use testkit::world::World;
use uuid::Uuid;

use crate::functions::Functions;

fn template(version: u64) -> CardTemplate {
    CardTemplate { locks: locks(), version, ..CardTemplate::default() }
}

fn locks() -> Locks {
    Locks { style: Some(Style::Festive), address: Some(Address::parse("总部").unwrap()), ..Locks::default() }
}

/// The visitor opens and likes the card of `lin`.
async fn visit(world: &World) {
    let (at, card) = (world.clock.now(), world.card("lin"));
    let event = |kind| {
        let object = Object { target: Target::Card, title: None };
        Event { kind, card, object, share_code: None, at, duration_ms: None, filtered: None }
    };
    let segments = segments(AcceptedBatch {
        v: 1,
        company: world.company.id(),
        person: world.visitor,
        batch: BatchId::from_uuid(world.ids.uuid(at).unwrap()),
        fingerprint: "0".repeat(16),
        received_at: at,
        rules: 1,
        departments: BTreeMap::new(),
        events: [EventKind::ViewCard, EventKind::ViewCard, EventKind::Like, EventKind::Forward].map(event).into(),
    });
    let known = world.store.customers(world.company, &[world.visitor]).await.unwrap();
    let plan = plan(&segments, &known.into_iter().map(|(person, customer)| (person, customer.unwrap())).collect());
    let counted: Vec<_> = plan.segments.iter().map(|position| &segments[*position]).collect();
    let page = world.ids.uuid(at).unwrap();
    let commit = Commit { segments: &counted, plan: &plan, page, now: at };
    world.store.commit_segments(world.company, commit).await.unwrap();
}

#[tokio::test]
async fn a_view_holds_card_and_counters_and_the_template_when_asked() {
    let world = World::new().await;
    let card = world.card("lin");
    let new_id = world.store.card_view(world.company, card, true).await.unwrap();
    assert_eq!((new_id.template, new_id.lifetime.len()), (Some(CardTemplate::default()), 0));
    visit(&world).await;
    world.store.edit_card_template(world.company, &template(1), &world.entry()).await.unwrap();
    let view = world.store.card_to_edit(world.company, card).await.unwrap();
    assert_eq!(view.card, new_id.card);
    assert_eq!(view.template, Some(template(1)));
    let metrics = ScopeCounts::of_lifetime(view.lifetime);
    assert_eq!((metrics.views, metrics.visitors, metrics.likes, metrics.forwards, metrics.saves), (2, 1, 1, 1, 0));
    assert_eq!(world.store.card_view(world.company, card, false).await.unwrap().template, None);
    let nobody = world.store.card_view(world.company, "crd_00000000000000000000000000".parse().unwrap(), true).await;
    assert_eq!(nobody.unwrap_err(), Failure::NotFound);
}

/// Read units of one BatchGetItem of these kinds of items, as the view reads them.
async fn read_units(world: &World, kinds: &[(&str, &str)]) -> f64 {
    let all = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let is = |value: &AttributeValue, text: &str| value.as_s().is_ok_and(|found| found.contains(text));
    let key = |(kind, part): &(&str, &str)| {
        let item =
            all.iter().find(|item| is(&item["type"], kind) && KEY_ATTRIBUTES.iter().any(|name| is(&item[*name], part)));
        KEY_ATTRIBUTES.iter().map(|name| ((*name).to_owned(), item.unwrap()[*name].clone())).collect()
    };
    let keys = KeysAndAttributes::builder().set_keys(Some(kinds.iter().map(key).collect())).build().unwrap();
    let request = world.dynamodb.batch_get_item().request_items(&world.table, keys);
    let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await.unwrap();
    assert_eq!(answer.responses.unwrap()[&world.table].len(), kinds.len());
    answer.consumed_capacity.unwrap()[0].capacity_units.unwrap()
}

/// Read units of the view of a card that a visitor has opened.
pub(crate) async fn view_units(world: &World, card: &str) -> f64 {
    visit(world).await;
    read_units(world, &[("card", card), ("counters", "LIFETIME")]).await
}

#[tokio::test]
async fn a_view_costs_one_read_unit_and_half_of_one_more_with_the_template() {
    let world = World::new().await;
    visit(&world).await;
    world.store.edit_card_template(world.company, &template(1), &world.entry()).await.unwrap();
    let card = world.card("lin").to_string();
    let view = [("card", card.as_str()), ("counters", "LIFETIME")];
    assert!((read_units(&world, &view).await - 1.0).abs() < f64::EPSILON);
    // Besides text the card shows only ids: no view of it costs more.
    let photos = Photos::parse(vec![world.uploads["photo"]]).unwrap();
    let (avatar, video) = (Some(world.uploads["avatar"]), Some(world.uploads["card_video"]));
    let read = world.store.card(world.company, world.card("lin")).await.unwrap();
    let change = CardChange { read: &read, audit: None, now: world.clock.now() };
    world.store.edit_media(world.company, change, CardMedia { avatar, photos, video }).await.unwrap();
    assert!((read_units(&world, &view).await - 1.0).abs() < f64::EPSILON);
    let with_template = [view[0], view[1], ("card_template", "TEMPLATE")];
    assert!((read_units(&world, &with_template).await - 1.5).abs() < f64::EPSILON);
}

#[tokio::test]
async fn an_edit_of_an_outdated_template_is_refused() {
    let world = World::new().await;
    let edit = async |version| world.store.edit_card_template(world.company, &template(version), &world.entry()).await;
    assert_eq!(world.store.card_template(world.company).await.unwrap(), CardTemplate::default());
    assert_eq!(edit(2).await.unwrap_err(), Failure::VersionConflict);
    edit(1).await.unwrap();
    assert_eq!(edit(1).await.unwrap_err(), Failure::VersionConflict);
    edit(2).await.unwrap();
    assert_eq!(world.store.card_template(world.company).await.unwrap(), template(2));
}

async fn answer(functions: &Functions, case: &str, world: &World) -> Value {
    let (status, body) = call(functions.router("card"), &load("card", case, world)).await;
    assert_eq!(status, 200, "{case}: {body}");
    body
}

#[tokio::test]
async fn an_edit_that_is_repeated_is_answered_as_before_and_made_once() {
    for part in ["", "_identity", "_avatar", "_photos", "_video", "_template"] {
        let world = World::new().await;
        let (functions, case) = (Functions::on(&world).await, format!("update_card{part}"));
        let first = answer(&functions, &case, &world).await;
        assert_eq!(answer(&functions, &case, &world).await, first, "{case}");
    }
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let first = answer(&functions, "update_my_shortcuts", &world).await;
    assert_eq!(answer(&functions, "update_my_shortcuts", &world).await, first);
}

#[tokio::test]
async fn a_lock_shows_at_once_where_it_was_made_and_elsewhere_fifteen_seconds_later() {
    let world = World::new().await;
    let (here, elsewhere) = (Functions::on(&world).await, Functions::on(&world).await);
    for functions in [&here, &elsewhere] {
        assert_eq!(answer(functions, "get_card", &world).await["style"], "classic");
    }
    let changed = answer(&here, "update_card_template", &world).await;
    assert_eq!((&changed["version"], &changed["introduction"]), (&Value::from(1), &Value::Null));
    let card = answer(&here, "get_card", &world).await;
    assert_eq!((&card["style"], &card["address"]), (&Value::from("festive"), &changed["address"]));
    assert_eq!(card["locked_fields"], serde_json::json!(["address", "style"]));
    world.clock.advance(15 * SECOND_MS - 1);
    assert_eq!(answer(&elsewhere, "get_card", &world).await["style"], "classic");
    world.clock.advance(1);
    assert_eq!(answer(&elsewhere, "get_card", &world).await, card);
    // An edit reads the lock itself, on whichever instance it runs.
    let (status, refused) = call(elsewhere.router("card"), &load("card", "update_card", &world)).await;
    assert_eq!((status, &refused["code"]), (403, &Value::from("field_locked")));
}

#[tokio::test]
async fn a_card_of_the_first_layout_is_of_the_newest_once_it_is_edited() {
    let world = World::new().await;
    let card = world.card("lin");
    let stored = async || {
        let all = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
        all.into_iter().find(|item| item.get("id") == Some(&AttributeValue::S(card.to_string()))).unwrap()
    };
    let mut old = stored().await;
    old.insert("layout".to_owned(), AttributeValue::N("1".to_owned()));
    let AttributeValue::M(contact) = old.get_mut("contact").unwrap() else { panic!("contact is a map") };
    contact.retain(|name, _| ["phones", "wechat_id", "email", "address", "introduction"].contains(&name.as_str()));
    world.dynamodb.put_item().table_name(&world.table).set_item(Some(old)).send().await.unwrap();
    let read = world.store.card(world.company, card).await.unwrap();
    assert_eq!(read.contact, Contact::default());
    let contact = Contact { style: Style::Dark, ..read.contact.clone() };
    let change = CardChange { read: &read, audit: None, now: world.clock.now() };
    world.store.edit_contact(world.company, change, contact.clone()).await.unwrap();
    assert_eq!(stored().await["layout"], AttributeValue::N("2".to_owned()));
    assert_eq!(world.store.card(world.company, card).await.unwrap().contact, contact);
}

#[tokio::test]
async fn a_share_is_made_once_and_found_in_its_company_only() {
    let (world, other) = (World::new().await, Company::granted(CompanyId::from_uuid(Uuid::nil())));
    let share = |n: u8| Share {
        code: ShareCode::from_secret([n; 16]),
        card: world.card("lin"),
        target: Target::Website,
        channel: Channel::Share,
        sharer: world.visitor,
        created_at: world.clock.now(),
    };
    let request = world.request("forward");
    let make = async |n, request: &Idempotency| world.store.create_share(world.company, share(n), request, &[]).await;
    assert_eq!(make(1, &request).await.unwrap(), share(1));
    assert_eq!(make(2, &request).await.unwrap(), share(1), "a retry makes nothing new");
    assert_eq!(make(1, &world.request("again")).await.unwrap_err(), Failure::Exists(Thing::Share));
    assert_eq!(world.store.share(world.company, &share(1).code).await.unwrap(), share(1));
    assert_eq!(world.store.share(world.company, &share(2).code).await.unwrap_err(), Failure::NotFound);
    assert_eq!(world.store.share(other, &share(1).code).await.unwrap_err(), Failure::NotFound);
}

#[tokio::test]
async fn phrases_and_greetings_are_kept_apart_by_member_book_and_company() {
    let world = World::new().await;
    let (company, lin, chen) = (world.company, world.staff["lin"].member, world.staff["chen"].member);
    let list = |text: &str| Phrases::parse(vec![Phrase::parse(text).unwrap()]).unwrap();
    world.store.set_company_phrases(company, PhraseBook::Chat, &list("全员"), &world.entry()).await.unwrap();
    world.store.set_phrases(company, lin, PhraseBook::Chat, &list("自己")).await.unwrap();
    let found = |member, book| world.store.phrases_of(company, member, book);
    assert_eq!(found(lin, PhraseBook::Chat).await.unwrap(), (list("全员"), list("自己")));
    assert_eq!(found(chen, PhraseBook::Chat).await.unwrap(), (list("全员"), Phrases::default()));
    assert_eq!(found(lin, PhraseBook::FollowUp).await.unwrap(), (Phrases::default(), Phrases::default()));
    assert_eq!(world.store.company_phrases(company, PhraseBook::Chat).await.unwrap(), list("全员"));
    let [own, shared] = ["加油", "大家好"].map(|text| Some(Greeting::parse(text).unwrap()));
    let greetings = |member| world.store.greetings(company, member);
    world.store.set_greeting(company, lin, own.as_ref()).await.unwrap();
    assert_eq!(greetings(lin).await.unwrap(), (own.clone(), None));
    world.store.set_company_greeting(company, shared.as_ref(), &world.entry()).await.unwrap();
    assert_eq!(world.store.company_greeting(company).await.unwrap(), shared);
    assert_eq!(greetings(lin).await.unwrap(), (own, shared.clone()));
    assert_eq!(greetings(chen).await.unwrap(), (None, shared.clone()));
    world.store.set_greeting(company, lin, None).await.unwrap();
    assert_eq!(greetings(lin).await.unwrap(), (None, shared));
    world.store.set_company_greeting(company, None, &world.entry()).await.unwrap();
    assert_eq!(greetings(lin).await.unwrap(), (None, None));
}
