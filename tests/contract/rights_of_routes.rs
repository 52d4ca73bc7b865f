//! Over every route: what happens to a member whose rights change after they logged in, before the
//! request and while it runs.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::types::AttributeValue;
use testkit::events::{all, call, caller, http_functions, load, method, prepared, row};
use testkit::world::World;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::event_files::KeptDeadLetters;
use crate::functions::Functions;
use crate::rights::{Change, change, table};

/// Reads that ask for no item by its key: lists, and what the token itself says. Their tokens end
/// by themselves.
const LISTS: &[&str] = &[
    "get_card_behaviour",
    "get_card_days",
    "get_card_feed",
    "get_card_feed.filtered",
    "get_card_filtered",
    "get_card_heat_map",
    "get_card_metrics",
    "get_card_objects",
    "get_card_range",
    "get_card_sharers",
    "get_card_shop_visits",
    "get_card_today",
    "get_company_behaviour",
    "get_company_days",
    "get_company_feed",
    "get_company_filtered",
    "get_company_heat_map",
    "get_company_metrics",
    "get_company_objects",
    "get_company_range",
    "get_company_sharers",
    "get_company_shop_visits",
    "get_company_today",
    "get_radar_qr",
    "list_audit_log",
    "list_audit_log.by_action",
    "list_handovers",
    "list_handovers.cancelled",
    "list_invitations",
    "list_jobs",
    "list_join_requests",
    "list_merges",
    "list_my_automation_notices",
    "list_my_recycle_warnings",
    "list_radar_grants",
];
/// Requests that change nothing, and so send no transaction.
const WITHOUT_TRANSACTION: &[&str] = &["preview_handover", "update_member_department"];

/// A request of a member, which succeeds.
#[derive(Debug, Clone)]
pub(crate) struct MemberRequest {
    function: String,
    pub(crate) case: String,
    actor: String,
    pub(crate) is_read: bool,
}

impl MemberRequest {
    /// The changes that end the rights of this request.
    fn changes(&self) -> [Change; 3] {
        let role = if self.actor == "boss" { Change::Demoted } else { Change::Promoted };
        [Change::Disabled, Change::Removed, role]
    }

    /// Sends what comes before it; returns the request itself.
    pub(crate) async fn prepare(&self, world: &World, functions: &Functions) -> String {
        if row(&self.function, &self.case).is_some_and(|row| row.visited) {
            let aggregator = crate::aggregator::aggregator(world, KeptDeadLetters::default());
            let visit = serde_json::from_str(&load("radar-aggregator", "stats", world)).unwrap();
            radar_aggregator::handle(&aggregator, visit, "r").await;
        }
        prepared(&self.case, world, &|name| functions.router(name).clone()).await
    }

    pub(crate) async fn send(&self, functions: &Functions, payload: &str) -> (u16, String) {
        let (status, body) = call(functions.router(&self.function), payload).await;
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// The successful requests of members, of all routes.
pub(crate) fn requests() -> Vec<MemberRequest> {
    let mut found = Vec::new();
    for function in http_functions() {
        for case in all(&function) {
            let succeeds = row(&function, &case).is_some_and(|row| row.status < 300);
            let actor = caller(&function, &case).filter(|caller| !["visitor", "anonymous"].contains(&caller.as_str()));
            if let (true, Some(actor)) = (succeeds, actor) {
                let is_read = method(&function, &case) == "GET";
                found.push(MemberRequest { function: function.clone(), case, actor, is_read });
            }
        }
    }
    assert!(found.iter().filter(|request| !request.is_read).count() > 30, "there are writes");
    found
}

/// The names that are expected, as a set.
fn names(names: &[&'static str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_disabled_removed_or_given_another_role_before_the_request_changes_nothing() {
    let mut lists = BTreeSet::new();
    for request in requests() {
        for how in request.changes() {
            let world = World::new().await;
            let functions = Functions::on(&world).await;
            let payload = request.prepare(&world, &functions).await;
            change(&world, &request.actor, how).await;
            let before = table(&world).await;
            let (status, code) = request.send(&functions, &payload).await;
            if request.is_read && status == 200 {
                lists.insert(request.case.clone());
                break;
            }
            assert_eq!((status, code.as_str()), (401, "rights_changed"), "{request:?} {how:?}");
            assert!(table(&world).await == before, "{request:?} {how:?} has written");
            if request.is_read {
                break;
            }
        }
    }
    assert_eq!(lists, names(LISTS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_disabled_removed_or_given_another_role_between_read_and_commit_changes_nothing() {
    let mut without_transaction = BTreeSet::new();
    for request in requests().into_iter().filter(|request| !request.is_read) {
        for how in request.changes() {
            let (world, moment) = world_with(&request, how).await;
            let functions = Functions::on(&world).await;
            let payload = request.prepare(&world, &functions).await;
            moment.armed.store(true, Ordering::Release);
            let (status, code) = request.send(&functions, &payload).await;
            let Some(stored) = moment.stored.lock().unwrap().take() else {
                without_transaction.insert(request.case.clone());
                break;
            };
            assert_eq!((status, code.as_str()), (401, "rights_changed"), "{request:?} {how:?}");
            assert!(table(&world).await == stored, "{request:?} {how:?} has written");
        }
    }
    assert_eq!(without_transaction, names(WITHOUT_TRANSACTION));
}

/// The moment at which a function sends its first transaction: then the rights change.
#[derive(Debug)]
struct Moment {
    actor: String,
    how: Change,
    world: OnceLock<Weak<World>>,
    armed: AtomicBool,
    /// All that is stored after the change.
    stored: Mutex<Option<Vec<HashMap<String, AttributeValue>>>>,
}

#[derive(Debug, Clone)]
struct AtTheMoment(Arc<Moment>);

impl Intercept for AtTheMoment {
    fn name(&self) -> &'static str {
        "AtTheMoment"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        let Self(moment) = self;
        if target.ends_with(".TransactWriteItems") && moment.armed.swap(false, Ordering::AcqRel) {
            let world = moment.world.get().and_then(Weak::upgrade).ok_or("the world is over")?;
            let stored = block_in_place(|| {
                Handle::current().block_on(async {
                    change(&world, &moment.actor, moment.how).await;
                    table(&world).await
                })
            });
            *moment.stored.lock().unwrap() = Some(stored);
        }
        Ok(())
    }
}

/// A world whose functions meet a change of the actor's rights at their first transaction.
async fn world_with(request: &MemberRequest, how: Change) -> (Arc<World>, Arc<Moment>) {
    let moment = Arc::new(Moment {
        actor: request.actor.clone(),
        how,
        world: OnceLock::new(),
        armed: AtomicBool::new(false),
        stored: Mutex::default(),
    });
    let mut world = World::new().await;
    // The world's own store keeps its client.
    let config = world.dynamodb.config().to_builder().interceptor(AtTheMoment(Arc::clone(&moment)));
    world.dynamodb = Client::from_conf(config.build());
    let world = Arc::new(world);
    moment.world.set(Arc::downgrade(&world)).unwrap();
    (world, moment)
}
