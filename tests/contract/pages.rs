//! Every list with pages, as the API document has them: walked one row at a time it is the list, whatever
//! the filter, and no page loses or repeats a row.

use std::collections::BTreeSet;

use app::Flow;
use app::crm::job_run::{JobContext, go_on};
use domain::card::voice::Voice;
use domain::company::audit::{AuditAction, AuditActor};
use domain::crm::automation::{Automation, AutomationActions, AutomationCondition, AutomationRule};
use domain::crm::automation::{AutomationRuleName, EventCondition};
use domain::crm::automation_run::{AutomationHit, AutomationOutcome};
use domain::crm::job::JobKind;
use domain::crm::merge::MergeReason;
use domain::crm::viewer::Viewer;
use domain::kernel::id::{AutomationRuleId, Id, PersonId, ProductId};
use domain::kernel::mobile::Mobile;
use domain::kernel::timestamp::DAY_MS;
use domain::media::upload::Purpose;
use domain::people::activation::{Activation, ActivationStep};
use domain::tracking::batch::AcceptedBatch;
use domain::tracking::event::{Event, EventKind, Object, Target};
use domain::tracking::filter_reason::FilterReason;
use serde_json::{Value, json};
use store::{AutomationLogEntry, AutomationWrite, RecordRead};

use testkit::events::function_of;
use testkit::world::World;
use uuid::Uuid;

use crate::aggregator::{aggregator, batch, delivered};
use crate::departments;
use crate::event_files::KeptDeadLetters;
use crate::functions::Functions;
use crate::http::{add_seats, invite, join, log_in, send};
use crate::import_files::NoFiles;

/// Which rows a filter leaves.
enum Wanted {
    /// Those that have the value at the first of these pointers where they have anything.
    Same(&'static [&'static str]),
    /// Those that have it in one of these texts; it is a part of the first.
    Part(&'static [&'static str]),
    /// Those whose text begins with it: the first ten characters.
    Begin(&'static str),
    /// Each of these values leaves some. Which, the walk alone tells.
    Any(&'static [&'static str]),
}

/// How each filter of the document is checked.
const FILTERS: [(&str, Wanted); 19] = [
    ("action", Wanted::Same(&["/action"])),
    ("actor", Wanted::Same(&["/actor/id", "/actor/type"])),
    ("day", Wanted::Begin("/at")),
    ("department", Wanted::Same(&["/department/id"])),
    ("due", Wanted::Same(&["/due"])),
    ("filtered", Wanted::Any(&["exclude", "include", "only"])),
    ("from", Wanted::Any(&["2026-11-01"])),
    ("kind", Wanted::Same(&["/kind"])),
    ("member_id", Wanted::Same(&["/planned_by"])),
    ("metric", Wanted::Any(&["views"])),
    ("name", Wanted::Part(&["/name"])),
    ("object_id", Wanted::Same(&["/object/id"])),
    ("person_id", Wanted::Same(&["/visitor/person_id"])),
    ("q", Wanted::Part(&["/name", "/position"])),
    ("reason", Wanted::Any(&["colleague"])),
    ("state", Wanted::Same(&["/state"])),
    ("status", Wanted::Same(&["/status"])),
    ("target", Wanted::Same(&["/target"])),
    ("to", Wanted::Any(&["2026-11-21"])),
];

/// The customers of `lin`'s card; the first of them is whose lists are walked.
const CUSTOMERS: [u128; 4] = [0, 3, 6, 9];

impl Wanted {
    fn at<'a>(pointers: &[&str], row: &'a Value) -> Vec<&'a str> {
        pointers.iter().filter_map(|pointer| row.pointer(pointer)?.as_str()).collect()
    }

    /// The value by which this row would be found.
    fn value(&self, row: &Value) -> Option<String> {
        match self {
            Self::Same(pointers) => Self::at(pointers, row).first().map(|text| (*text).to_owned()),
            Self::Part(pointers) => Self::at(pointers, row).first()?.chars().last().map(String::from),
            Self::Begin(pointer) => Self::at(&[pointer], row).first().map(|text| text.chars().take(10).collect()),
            Self::Any(_) => None,
        }
    }

    fn leaves(&self, row: &Value, value: &str) -> bool {
        match self {
            Self::Part(pointers) => Self::at(pointers, row).iter().any(|text| text.contains(value)),
            Self::Same(_) | Self::Begin(_) | Self::Any(_) => self.value(row).as_deref() == Some(value),
        }
    }
}

/// A list with pages.
struct PagedList {
    operation: String,
    path: String,
    filters: BTreeSet<String>,
}

impl PagedList {
    /// All of the document.
    fn all() -> Vec<Self> {
        let document: Value = serde_json::from_str(&mingpian_tests::document().unwrap()).unwrap();
        let mut lists = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let parameters = item["get"]["parameters"].as_array().into_iter().flatten();
            let query = parameters.filter(|parameter| parameter["in"] == "query");
            let mut filters: BTreeSet<_> = query.map(|query| query["name"].as_str().unwrap().to_owned()).collect();
            // Its filters are tried with more customers in `customer_lists`, and all together in `domain`.
            if path == "/v1/customers" {
                filters.retain(|name| ["limit", "cursor"].contains(&name.as_str()));
            }
            // The lines of the feed by person, for that person and a card that they must name; and the preview
            // of a rule of recycling, whose pages end after as many customers as it looked at.
            if path == "/v1/my/data/cards/{card_id}/events" || path == "/v1/customer-rules/{rule_id}/preview" {
                continue;
            }
            if filters.remove("cursor") {
                assert!(filters.remove("limit"), "{path}");
                let operation = item["get"]["operationId"].as_str().unwrap().to_owned();
                lists.push(Self { operation, path: path.clone(), filters });
            }
        }
        lists
    }

    /// Its rows, page by page.
    async fn walk(&self, world: &World, functions: &Functions, limit: usize, filter: &str) -> Vec<Value> {
        let path = self.path.replace("{card_id}", &world.card("lin").to_string());
        let path = path.replace("{member_id}", &world.staff["lin"].member.to_string());
        let path = path.replace("{person_id}", &PersonId::from_uuid(Uuid::from_u128(CUSTOMERS[0])).to_string());
        let job = if self.path.contains("dry-runs") { JobKind::AutomationDryRun } else { JobKind::Import };
        let path = if path.contains("{job_id}") { path.replace("{job_id}", &last_job(world, job).await) } else { path };
        let path = path.replace("{automation_rule_id}", &AutomationRuleId::from_uuid(Uuid::from_u128(1)).to_string());
        let router = functions.router(&function_of(&self.operation)).clone();
        // The owner sees their own card.
        let of_lin = self.path.contains("/cards/") || self.path.contains("/my/follow-up-plans");
        let token = world.token(if of_lin { "lin" } else { "boss" });
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let url = format!("{path}?limit={limit}{filter}{cursor}");
            let (status, body) = send(&router, ("GET", &url), (Some(&token), None), None).await;
            assert_eq!(status, 200, "{url}: {body}");
            let page = body["items"].as_array().unwrap();
            assert!(page.len() <= limit, "{url}");
            rows.extend(page.iter().cloned());
            let Some(next) = body["next_cursor"].as_str() else { return rows };
            assert!(rows.len() < 1_000, "{url}: it ends");
            cursor = format!("&cursor={next}");
        }
    }

    /// The rows in the order of the list. The pages of a feed are sorted each by itself.
    fn in_order(&self, mut rows: Vec<Value>) -> Vec<Value> {
        if self.path.ends_with("/feed") {
            rows.sort_by_key(|row| row["id"].to_string());
        }
        rows
    }

    /// Walks it with each filter.
    async fn check(&self, world: &World, functions: &Functions) {
        let all = self.in_order(self.walk(world, functions, 100, "").await);
        assert!(all.len() > 2, "{}: {all:?}", self.path);
        assert_eq!(self.in_order(self.walk(world, functions, 1, "").await), all, "{}", self.path);
        for name in &self.filters {
            let (_, wanted) = FILTERS.iter().find(|(known, _)| known == name).unwrap();
            let mut values: BTreeSet<_> = all.iter().filter_map(|row| wanted.value(row)).collect();
            if let Wanted::Any(given) = wanted {
                values.extend(given.iter().map(|value| (*value).to_owned()));
            }
            let several = values.len() > 1 || matches!(wanted, Wanted::Any(_));
            assert!(several, "{} by {name}: {all:?}", self.path);
            // Without it, no event that is held back is shown.
            let beside = if name == "reason" { "&filtered=only" } else { "" };
            for value in values {
                let filter = format!("&{name}={}{beside}", encoded(&value));
                let found = self.in_order(self.walk(world, functions, 1, &filter).await);
                let whole = self.in_order(self.walk(world, functions, 100, &filter).await);
                assert_eq!(found, whole, "{}{filter}", self.path);
                assert!(!found.is_empty(), "{}{filter}", self.path);
                if !matches!(wanted, Wanted::Any(_)) {
                    let expected: Vec<_> = all.iter().filter(|row| wanted.leaves(row, &value)).cloned().collect();
                    assert_eq!(found, expected, "{}{filter}", self.path);
                }
            }
        }
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn every_list_walked_row_by_row_is_the_list_whatever_the_filter() {
    let lists = PagedList::all();
    let filters: BTreeSet<_> = lists.iter().flat_map(|list| list.filters.iter().map(String::as_str)).collect();
    assert_eq!(filters, FILTERS.iter().map(|(name, _)| *name).collect(), "each filter has its row");
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    fill_people(&world, &functions).await;
    fill_card(&world).await;
    fill_customers(&world, &functions).await;
    fill_handovers(&world, &functions).await;
    fill_automation(&world, &functions).await;
    fill_jobs(&world, &functions).await;
    for list in lists {
        list.check(&world, &functions).await;
    }
}

/// Members in departments, invitations, join requests, sessions, radars, and with them the audit log.
async fn fill_people(world: &World, functions: &Functions) {
    let organization = functions.router("organization");
    let boss = world.token("boss");
    add_seats(world, 40).await;
    for (name, department) in [("lin", "华东"), ("chen", "华东"), ("wang", "华南")] {
        let id = departments::add(world, department, None).await.unwrap();
        departments::put(world, world.staff[name].member, Some(id)).await.unwrap();
        let grant = ActivationStep::Grant(Mobile::parse("13800138000").unwrap(), None);
        let granted = Activation::none(world.staff[name].member).after(grant, world.clock.now()).unwrap();
        world.store.change_activation(world.company, &granted, &[], world.clock.now()).await.unwrap();
        log_in(world, organization, "boss").await;
        log_in(world, organization, "lin").await;
        world.merge(world.fresh_person(), world.fresh_person(), MergeReason::Login).await.unwrap();
    }
    let path = format!("/v1/members/{}/radar", world.staff["wang"].member);
    assert_eq!(send(organization, ("DELETE", &path), (Some(&boss), None), None).await.0, 200);
    for number in 0..6 {
        let review = number % 2 == 0;
        let body = json!({"uses": 2, "role": "staff", "review": review});
        let link = invite(world, organization, &format!("link-number-{number}"), body).await;
        let (status, session) = join(world, organization, &format!("asker-{number}"), &link).await;
        assert_eq!(status, 201, "{session}");
        if let (Some(request), 2) = (session["join_request"]["id"].as_str(), number) {
            let path = format!("/v1/join-requests/{request}");
            let decided = send(organization, ("PUT", &path), (Some(&boss), None), Some(json!({"decision": "reject"})));
            assert_eq!(decided.await.0, 200);
        }
        if number > 3 {
            let path = format!("/v1/invitations/{}", link["invitation"]["id"].as_str().unwrap());
            assert_eq!(send(organization, ("DELETE", &path), (Some(&boss), None), None).await.0, 200);
        }
    }
    let path = format!("/v1/members/{}/status", world.staff["chen"].member);
    let disabled = send(organization, ("PUT", &path), (Some(&boss), None), Some(json!({"status": "disabled"})));
    assert_eq!(disabled.await.0, 200);
}

/// Voices of `lin`'s card, and events on it of several people, kinds and days, some held back.
async fn fill_card(world: &World) {
    for number in 1..4 {
        let upload = world.upload(Purpose::Voice);
        world.send(&upload).await;
        let product = ProductId::from_uuid(Uuid::from_u128(number));
        let voice = Voice { product, upload: upload.id, duration_ms: 1_500, updated_at: world.clock.now() };
        world.store.set_voice(world.company, world.card("lin"), None, Some(&voice), world.clock.now()).await.unwrap();
    }
    let aggregator = aggregator(world, KeptDeadLetters::default());
    for number in 0..12_u64 {
        let whole = batch(world, u128::from(number % 4) * 3, number, &[i64::try_from(number % 3).unwrap()]);
        let event = |event: &Event| {
            let is_held = number % 5 == 0 && event.kind != EventKind::Like;
            let product = ProductId::from_uuid(Uuid::from_u128(u128::from(number % 3)));
            let object = Object { target: Target::Product(product), title: None };
            let is_view = event.kind == EventKind::ViewCard && number % 2 == 1;
            let seen =
                if is_view { Event { kind: EventKind::ViewProduct, object, ..event.clone() } } else { event.clone() };
            Event { filtered: is_held.then_some(FilterReason::Colleague), ..seen }
        };
        let batch = AcceptedBatch { events: whole.events.iter().map(event).collect(), ..whole };
        let response = radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await;
        assert!(response.batch_item_failures.is_empty());
    }
}

/// Follow-ups and changes of customers, and plans of two members that are due at different times.
async fn fill_customers(world: &World, functions: &Functions) {
    let crm = functions.router("crm");
    for (number, customer) in (0..).zip(CUSTOMERS) {
        let path = format!("/v1/customers/{}", PersonId::from_uuid(Uuid::from_u128(customer)));
        for (times, by) in [(3, "lin"), (1, "boss")] {
            let token = world.token(by);
            for note in 0..times {
                let (key, body) = (format!("follow-up-{number}-{by}-{note}"), json!({"kind": "call", "note": by}));
                let (status, body) =
                    send(crm, ("POST", &format!("{path}/follow-ups")), (Some(&token), Some(&key)), Some(body)).await;
                assert_eq!(status, 201, "{body}");
            }
        }
        let token = world.token("lin");
        let (status, body) =
            send(crm, ("PUT", &format!("{path}/profile")), (Some(&token), None), Some(json!({"name": "王敏"}))).await;
        assert_eq!(status, 200, "{body}");
        let (by, days) = if number == 3 { ("boss", 1) } else { ("lin", number * 3) };
        let at = world.clock.now().plus_millis(days * DAY_MS).to_string();
        let path = format!("{path}/next-follow-up");
        let (status, body) = send(crm, ("PUT", &path), (Some(&world.token(by)), None), Some(json!({"at": at}))).await;
        assert_eq!(status, 200, "{body}");
    }
}

/// A rule that hits all who like a card: what it has done to three customers, with a notice for the boss
/// each, and its dry run.
async fn fill_automation(world: &World, functions: &Functions) {
    let (company, now) = (world.company, world.clock.now());
    let event = EventCondition { kind: EventKind::Like, target: None, times: 1, within_days: 30 };
    let boss = world.staff["boss"].member;
    let rule = AutomationRule {
        id: AutomationRuleId::from_uuid(Uuid::from_u128(1)),
        name: AutomationRuleName::parse("点过赞").unwrap(),
        enabled: true,
        since: now,
        by: boss,
        condition: AutomationCondition { event: Some(event), ..AutomationCondition::default() },
        actions: AutomationActions { notify_owner: true, ..AutomationActions::default() },
        period_days: 1,
    };
    let flow = Flow { store: &world.store, ids: &world.ids, now };
    let (actor, action) = (AuditActor::Member(boss), AuditAction::AutomationRules);
    let audit = flow.audit_entry(actor, action, company.id(), "", "").unwrap();
    let none = Automation::default();
    world.store.set_automation(company, &none, std::slice::from_ref(&rule), &audit).await.unwrap();
    let mut automation = world.store.automation(company).await.unwrap();
    for customer in &CUSTOMERS[..3] {
        let person = PersonId::from_uuid(Uuid::from_u128(*customer));
        let read = world.store.known_customer(company, person, RecordRead::ToChange).await.unwrap();
        let hit = AutomationHit {
            rule: rule.id,
            person,
            at: now,
            added: Vec::new(),
            removed: Vec::new(),
            planned: None,
            close_rate: None,
            notified: Some(boss),
        };
        let log = [AutomationLogEntry { id: flow.uuid().unwrap(), hit }];
        let outcome = AutomationOutcome::default();
        let write = AutomationWrite { person, read: &read, outcome: &outcome, entries: &[], log: &log, now };
        automation = world.store.apply_automation(company, &automation, write).await.unwrap();
    }
    let path = format!("/v1/automation-rules/{}/dry-runs", rule.id);
    let caller = (Some(world.token("boss")), "key-of-dry-run");
    let posted = (caller.0.as_deref(), Some(caller.1));
    let (status, body) = send(functions.router("crm"), ("POST", &path), posted, Some(json!({}))).await;
    assert_eq!(status, 202, "{body}");
    let (id, clock) = (body["job_id"].as_str().unwrap().parse().unwrap(), world.clock.clock());
    let context = JobContext { store: &world.store, ids: &world.ids, clock: &clock, files: &NoFiles, attempts: 1 };
    go_on(context, company, id, now.plus_millis(DAY_MS)).await.unwrap();
}

/// Three jobs; the last one is an import of which two rows are wrong, one of them twice.
async fn fill_jobs(world: &World, functions: &Functions) {
    let (crm, token) = (functions.router("crm"), world.token("lin"));
    for number in 0..3 {
        let rows = json!({"rows": [{"name": format!("客户{number}")}, {"name": ""}, {"name": "", "mobile": "12"}]});
        let key = format!("key-of-import-{number}");
        let (status, body) = send(crm, ("POST", "/v1/customer-imports"), (Some(&token), Some(&key)), Some(rows)).await;
        assert_eq!(status, 202, "{body}");
        let id = body["job_id"].as_str().unwrap().parse().unwrap();
        let (clock, now) = (world.clock.clock(), world.clock.now());
        let context = JobContext { store: &world.store, ids: &world.ids, clock: &clock, files: &NoFiles, attempts: 1 };
        go_on(context, world.company, id, now).await.unwrap();
    }
}

/// Three handovers of a colleague who comes back each time.
async fn fill_handovers(world: &World, functions: &Functions) {
    let (crm, token) = (functions.router("crm"), world.token("boss"));
    for (number, leaver) in ["wang"; 3].into_iter().enumerate() {
        let wanted = json!({"leaver_id": world.staff[leaver].member, "successor_ids": [world.staff["lin"].member]});
        let key = format!("key-of-handover-{number}");
        let (status, body) = send(crm, ("POST", "/v1/handovers"), (Some(&token), Some(&key)), Some(wanted)).await;
        assert_eq!(status, 202, "{body}");
        let id = body["job_id"].as_str().unwrap().parse().unwrap();
        let (clock, later) = (world.clock.clock(), world.clock.now().plus_millis(DAY_MS));
        let context = JobContext { store: &world.store, ids: &world.ids, clock: &clock, files: &NoFiles, attempts: 1 };
        go_on(context, world.company, id, later).await.unwrap();
        // Colleagues who are gone stand in no directory.
        let path = format!("/v1/members/{}/status", world.staff[leaver].member);
        let back = (functions.router("organization"), Some(json!({"status": "active"})));
        assert_eq!(send(back.0, ("PUT", &path), (Some(&token), None), back.1).await.0, 200);
    }
}

/// The import that was started last.
async fn last_job(world: &World, kind: JobKind) -> String {
    let boss = Viewer { member: world.staff["boss"].member, card: None, admin: true };
    let jobs = world.store.list_jobs(world.company, boss, None, 100).await.unwrap().items;
    jobs.iter().find(|job| job.kind == kind).unwrap().id.to_string()
}
