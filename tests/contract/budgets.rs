//! Budgets on DynamoDB Local: exact under parallel requests, refilled on time, and enforced at every
//! operation that declares them.

#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::address::ClientAddress;
use domain::kernel::budget::{BUDGETS, Budget, BudgetKeeper, BudgetName, BudgetScope};
use domain::kernel::failure::Failure;
use domain::kernel::timestamp::SECOND_MS;
use domain::media::upload::Purpose;
use mingpian_tests::functions::Functions;
use serde_json::{Value, json};
use testkit::events::{all, call, prepared, row, with_token_of_now};
use testkit::world::World;

fn company_spend(world: &World, tokens: u64) -> BudgetSpend {
    BudgetSpend { budget: BudgetName::Sms, subject: BudgetSubject::Company(world.company), tokens }
}

/// Spends in parallel; returns how many succeeded. The others were over the budget.
async fn spend_in_parallel(world: &Arc<World>, times: usize, spend: &BudgetSpend) -> usize {
    let tasks = (0..times).map(|_| {
        let (world, spend) = (Arc::clone(world), spend.clone());
        tokio::spawn(async move { world.store.spend(&spend, world.clock.now()).await })
    });
    let mut done = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(()) => done += 1,
            Err(failure) => assert!(matches!(failure, Failure::OverBudget(_)), "{failure}"),
        }
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_budget_is_exact_under_two_hundred_parallel_requests_and_refilled_on_time() {
    let world = Arc::new(World::new().await);
    let rate = BudgetName::Sms.budget().rates[0];
    let (one, token_ms) = (company_spend(&world, 1), rate.token_us / 1_000);
    let capacity = usize::try_from(rate.capacity).unwrap();
    // All but a hundred are spent, so that both cases are met: full and filling.
    world.store.spend(&company_spend(&world, rate.capacity - 100), world.clock.now()).await.unwrap();
    assert_eq!(spend_in_parallel(&world, 200, &one).await, 100);
    world.clock.advance(token_ms - 1);
    assert_eq!(spend_in_parallel(&world, 20, &one).await, 0);
    world.clock.advance(1);
    assert_eq!(spend_in_parallel(&world, 20, &one).await, 1);
    world.clock.advance(7 * token_ms);
    assert_eq!(spend_in_parallel(&world, 20, &one).await, 7);
    // A full bucket, which all begin at the same moment.
    world.clock.advance(i64::try_from(rate.capacity).unwrap() * token_ms);
    assert_eq!(spend_in_parallel(&world, capacity + 50, &one).await, capacity);
}

#[tokio::test]
async fn a_refusal_says_how_long_to_wait_and_each_rate_of_a_budget_counts() {
    let world = World::new().await;
    let guess = BudgetSpend::one(BudgetName::CodeGuesses, BudgetSubject::Person(world.company, world.visitor));
    let mut waited = Vec::new();
    for _ in 0..22 {
        let wait_s = match world.store.spend(&guess, world.clock.now()).await {
            Ok(()) => 0,
            Err(Failure::OverBudget(over)) => over.retry_after_s(),
            Err(other) => panic!("{other}"),
        };
        if wait_s > 0 {
            world.clock.advance(i64::from(wait_s) * SECOND_MS - 1);
            assert!(world.store.spend(&guess, world.clock.now()).await.is_err(), "a millisecond too early");
            world.clock.advance(1);
            world.store.spend(&guess, world.clock.now()).await.unwrap();
        }
        waited.push(wait_s);
    }
    assert_eq!((&waited[..10], &waited[10..20], waited[21]), (&[0; 10][..], &[60; 10][..], 1_800));
}

#[tokio::test]
async fn companies_people_and_addresses_have_buckets_of_their_own() {
    let world = World::new().await;
    let now = world.clock.now();
    let spend = async |subject, tokens| {
        world.store.spend(&BudgetSpend { budget: BudgetName::PhoneGrants, subject, tokens }, now).await
    };
    let lin = world.staff["lin"].person;
    spend(BudgetSubject::Person(world.company, lin), 10).await.unwrap();
    assert!(spend(BudgetSubject::Person(world.company, lin), 1).await.is_err());
    spend(BudgetSubject::Person(world.company, world.visitor), 10).await.unwrap();
    let nowhere = domain::company::Company::granted(world.ids.new_id(now).unwrap());
    spend(BudgetSubject::Person(nowhere, lin), 10).await.unwrap();
    for text in ["203.0.113.1", "203.0.113.2"] {
        spend(BudgetSubject::Address(ClientAddress::parse(text).unwrap()), 10).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_spent_in_a_transaction_is_exact_and_a_retry_spends_nothing() {
    let world = Arc::new(World::new().await);
    let member = BudgetSubject::Member(world.company, world.staff["lin"].member);
    let rate = BudgetName::Uploads.budget().rates[0];
    let upload = async |world: &World, key: &str| {
        let spends = [
            BudgetSpend::one(BudgetName::Uploads, member.clone()),
            BudgetSpend::bytes(BudgetName::UploadBytes, member.clone(), 1_000),
        ];
        let upload = world.upload(Purpose::Photo);
        world.store.create_upload(world.company, upload, &world.request(key), &spends).await
    };
    let first = upload(&world, "first").await.unwrap();
    assert_eq!(upload(&world, "first").await.unwrap().id, first.id);
    for n in 1..rate.capacity {
        upload(&world, &format!("{n}")).await.unwrap();
    }
    assert_eq!(upload(&world, "first").await.unwrap().id, first.id, "over the budget, but done before");
    let refused = upload(&world, "more").await.unwrap_err();
    let Failure::OverBudget(over) = refused else { panic!("{refused}") };
    assert_eq!((over.budget, over.wait_us), (BudgetName::Uploads, rate.token_us));
    world.clock.advance(rate.token_us / 1_000);
    upload(&world, "more").await.unwrap();
}

/// Operations that create something without a budget of their own, and what limits them instead.
const LIMITED_OTHERWISE: [(&str, &str); 20] = [
    ("claim_customer", "a company says how many customers a member may claim in a day"),
    ("create_card", "a member has one card"),
    ("create_claim_code", "a new code replaces the one of the member"),
    ("create_customer_field", "a company has at most 20 fields"),
    ("create_customer_tag", "a company has at most 200 tags"),
    ("create_customer_view", "a member, and a company, has at most 30 views"),
    ("create_deal", "a customer has at most 100 deals"),
    ("create_department", "a company has at most 200 departments"),
    ("create_follow_up", "a customer has at most 1,000 follow-ups"),
    ("create_handover", "a company has at most 50 open jobs, and a member one open handover"),
    ("create_import", "a company has at most 50 open jobs, and a table is imported once"),
    ("create_import_preview", "a company has at most 50 open jobs, and each looks at an upload, which has budgets"),
    ("create_member", "each takes a seat"),
    ("create_radar_join", "a ticket has 160 bits, and nothing new is stored"),
    ("preview_handover", "for the boss alone, and nothing is stored"),
    ("refresh_session", "a refresh token works once, and nothing new is stored"),
    ("start_automation_dry_run", "a company has at most 50 open jobs"),
    ("tag_customers", "a company has at most 50 open jobs"),
    ("undo_handover", "a company has at most 50 open jobs, and a handover is undone once"),
    ("undo_import", "a company has at most 50 open jobs, and an import is undone once"),
];

/// Budgets in the memory of a process, each with a test in budgets_in_memory.
const IN_MEMORY: [BudgetName; 8] = [
    BudgetName::Requests,
    BudgetName::Events,
    BudgetName::CompanyEvents,
    BudgetName::AddressEvents,
    BudgetName::CompanyAnonymousEvents,
    BudgetName::Sessions,
    BudgetName::AnonymousSessions,
    BudgetName::CompanyAnonymousSessions,
];

/// Budgets of the live radar, which no operation of the API document takes from; with tests in `socket_budgets`.
const ON_SOCKETS: [BudgetName; 4] =
    [BudgetName::Sockets, BudgetName::SocketFrames, BudgetName::SocketCatchUps, BudgetName::RefusedFrames];

/// Method, operation id and budgets of all operations of the API document.
fn operations() -> Vec<(String, String, BTreeSet<String>, bool)> {
    let document: Value = serde_json::from_str(&mingpian_tests::document().unwrap()).unwrap();
    let mut found = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let names = operation["x-budgets"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
            let is_public = operation["security"] == json!([{}]);
            assert!(operation["responses"].get("429").is_some(), "{id}");
            found.push((method.clone(), id, names.collect(), is_public));
        }
    }
    found
}

fn named(name: &str) -> &'static Budget {
    BUDGETS.iter().find(|budget| budget.name.name() == name).unwrap_or_else(|| panic!("there is no budget {name}"))
}

#[test]
fn every_operation_that_is_public_or_creates_something_has_a_budget_or_another_limit() {
    let mut used = BTreeSet::new();
    let mut without = Vec::new();
    for (method, id, names, is_public) in operations() {
        used.extend(names.iter().map(|name| named(name).name));
        let own = names.iter().any(|name| name != BudgetName::Requests.name());
        if (method == "post" || is_public) && !own {
            without.push(id);
        }
    }
    without.sort();
    assert_eq!(without, LIMITED_OTHERWISE.map(|(id, _)| id));
    used.extend(ON_SOCKETS);
    assert_eq!(used, BUDGETS.iter().map(|budget| budget.name).collect(), "each budget is used");
    let in_memory = BUDGETS.iter().filter(|budget| budget.keeper == BudgetKeeper::Memory).map(|budget| budget.name);
    assert_eq!(in_memory.collect::<Vec<_>>(), [&IN_MEMORY[..], &ON_SOCKETS].concat());
}

/// A time in words.
fn time(us: i64) -> String {
    let parts = [(3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1_000, "ms")];
    let (unit, name) = parts.into_iter().find(|(unit, _)| us % unit == 0 && us >= *unit).unwrap();
    format!("{} {name}", us / unit)
}

/// The table of docs/BUDGETS.md.
fn table_of_budgets() -> String {
    let mut lines = vec![
        "| Budget | Whose | At once, one back in | Kept in | Guards | Why these numbers | Who can empty it, and why that is bearable |".to_owned(),
        "|--|--|--|--|--|--|--|".to_owned(),
    ];
    for budget in BUDGETS {
        let scope = match budget.scope {
            BudgetScope::Person => "person",
            BudgetScope::Company => "company",
            BudgetScope::Address => "address",
            BudgetScope::PhoneNumber => "phone number",
        };
        let keeper = match budget.keeper {
            BudgetKeeper::Table => "table",
            BudgetKeeper::Memory => "memory",
        };
        let rates: Vec<_> =
            budget.rates.iter().map(|rate| format!("{}, {}", rate.capacity, time(rate.token_us))).collect();
        let (name, rates) = (budget.name.name(), rates.join("; "));
        lines.push(format!(
            "| `{name}` | {scope} | {rates} | {keeper} | {} | {} | {} |",
            budget.guards, budget.reason, budget.emptied_by
        ));
    }
    lines.join("\n")
}

#[test]
fn the_document_has_the_table_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/BUDGETS.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (_, rest) = document.split_once("<!-- budgets -->").unwrap();
    let (found, _) = rest.split_once("<!-- /budgets -->").unwrap();
    let table = table_of_budgets();
    assert_eq!(found.trim(), table, "put between the marks of docs/BUDGETS.md:\n{table}");
}

/// The event file that meets a budget: the operation's own, or one that brings a code.
fn case_for(id: &str, budget: BudgetName) -> String {
    match (id, budget) {
        ("create_session", BudgetName::CodeGuesses) => "create_session.unknown_invitation".to_owned(),
        ("create_session" | "erase_my_data" | "set_my_tracking", BudgetName::RefusedLoginCodes) => {
            format!("{id}.used_code")
        }
        _ => id.to_owned(),
    }
}

#[tokio::test]
async fn every_declared_budget_of_the_table_refuses_when_it_is_empty() {
    let mut tried = 0;
    for (_, id, names, _) in operations() {
        for budget in names.iter().map(|name| named(name)).filter(|budget| budget.keeper == BudgetKeeper::Table) {
            let (function, case) = (testkit::events::function_of(&id), case_for(&id, budget.name));
            assert!(all(&function).contains(&case) && row(&function, &case).is_some(), "{case}");
            let world = World::new().await;
            let functions = Functions::on(&world).await;
            let payload = prepared(&case, &world, &|name| functions.router(name).clone()).await;
            empty(&world, budget).await;
            let response = testkit::events::respond(functions.router(&function), &payload).await;
            let body = response.body();
            let found = (response.status().as_u16(), body["code"].as_str(), body["budget"].as_str());
            assert_eq!(found, (429, Some("budget_exhausted"), Some(budget.name.name())), "{case}: {body}");
            let wait_s: i64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            // Not before the time is over, and then at once.
            world.clock.advance((wait_s - 1) * SECOND_MS);
            let payload = with_token_of_now(&payload, &world);
            let (status, _) = call(functions.router(&function), &payload).await;
            assert_eq!(status, 429, "{case}: a second too early");
            tried += 1;
        }
    }
    assert!(tried >= 15, "only {tried} were tried");
}

/// Empties all buckets of a budget that a request of the event files could take from.
async fn empty(world: &World, budget: &Budget) {
    let subjects: Vec<_> = match budget.scope {
        BudgetScope::Company => vec![BudgetSubject::Company(world.company)],
        BudgetScope::Address => vec![BudgetSubject::Address(ClientAddress::parse("127.0.0.1").unwrap())],
        BudgetScope::PhoneNumber => {
            vec![BudgetSubject::PhoneNumber(domain::kernel::mobile::Mobile::parse("13800000001").unwrap())]
        }
        BudgetScope::Person => {
            let staff = world.staff.values().flat_map(|staff| {
                let (person, member) = (staff.person, staff.member);
                [BudgetSubject::Person(world.company, person), BudgetSubject::Member(world.company, member)]
            });
            staff.chain([BudgetSubject::Person(world.company, world.visitor)]).collect()
        }
    };
    for subject in subjects {
        let rate = budget.rates[0];
        let spend = BudgetSpend { budget: budget.name, subject, tokens: rate.capacity };
        let Err(failure) = world.store.spend(&spend, world.clock.now()).await else { continue };
        // A file before has taken some.
        let Failure::OverBudget(over) = failure else { panic!("{failure}") };
        let taken = u64::try_from(over.wait_us).unwrap().div_ceil(u64::try_from(rate.token_us).unwrap());
        let spend = BudgetSpend { tokens: rate.capacity - taken, ..spend };
        world.store.spend(&spend, world.clock.now()).await.unwrap();
    }
}
