//! Handovers on DynamoDB Local: everything moves once, whatever is cut off, and goes back to how it stood.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use crm_jobs::files::BucketFiles;
use crm_jobs::{JobCall, JobWorker, handle};
use domain::crm::merge::MergeReason;
use domain::crm::record::CustomerRecord;
use domain::kernel::id::PersonId;
use domain::kernel::timestamp::DAY_MS;
use domain::tracking::batch::AcceptedBatch;
use runtime::job_queue::JobQueue;
use serde_json::{Value, json};
use store::{RecordRead, Store};
use testkit::emulators;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::http::send;
use crate::ownership::CustomerPool;

/// A worker of jobs that is cut off after some calls to the table: before a call goes out, or after it was
/// done and before its answer comes.
#[derive(Debug, Default)]
struct Cut {
    left: AtomicI64,
    after: AtomicU32,
}

#[derive(Debug, Clone)]
struct CutOff(Arc<Cut>);

impl CutOff {
    fn is_over(&self, before: bool) -> Result<(), BoxError> {
        let Self(cut) = self;
        let is_after = cut.after.load(Ordering::Relaxed) == 1;
        let left = if before == is_after {
            cut.left.load(Ordering::Relaxed)
        } else {
            cut.left.fetch_sub(1, Ordering::Relaxed)
        };
        if left <= 0 { Err("cut off".into()) } else { Ok(()) }
    }
}

impl Intercept for CutOff {
    fn name(&self) -> &'static str {
        "CutOff"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.is_over(true)
    }

    fn read_after_deserialization(
        &self,
        _: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.is_over(false)
    }
}

pub(crate) struct HandoverOffice {
    pub(crate) pool: CustomerPool,
    worker: JobWorker<KeptDeadLetters>,
    cut: Arc<Cut>,
    pub(crate) people: Vec<PersonId>,
}

pub(crate) const PATH: &str = "/v1/handovers";

impl HandoverOffice {
    /// A company whose `lin` has so many visitors.
    pub(crate) async fn new(visitors: u64) -> Self {
        let pool = CustomerPool::new().await;
        let world = &pool.world;
        let cut = Arc::new(Cut::default());
        let config = world.dynamodb.config().to_builder().interceptor(CutOff(Arc::clone(&cut)));
        let (sqs, url) = emulators::queue().await;
        let (sdk, bucket, _) = emulators::bucket().await;
        let worker = JobWorker {
            store: Store::new(Client::from_conf(config.build()), world.table.clone()),
            queue: JobQueue::new(sqs, url),
            failed: KeptDeadLetters::default(),
            max_attempts: 5,
            clock: world.clock.clock(),
            ids: world.ids.clone(),
            automation_lag_s: 0,
            files: BucketFiles::new(aws_sdk_s3::Client::new(&sdk), bucket),
        };
        let mut people = vec![world.visitor];
        let mut batches = Vec::new();
        for number in 0..visitors {
            world.clock.advance(1);
            let person = world.fresh_person();
            people.push(person);
            batches.push(AcceptedBatch { person, ..batch(world, 0, 100 + number, &[0]) });
        }
        for some in batches.chunks(25) {
            let some: Vec<_> = some.iter().collect();
            let aggregator = aggregator(world, KeptDeadLetters::default());
            while !radar_aggregator::handle(&aggregator, delivered(&some, 1), "r").await.batch_item_failures.is_empty()
            {
            }
        }
        let office = Self { pool, worker, cut, people };
        office.pool.housekeeping().await;
        office
    }

    pub(crate) async fn ask(&self, by: &str, (method, path): (&str, &str), body: Option<Value>) -> (u16, Value) {
        let world = &self.pool.world;
        let token = world.token_of_now(by).await;
        let key = world.ids.uuid(world.clock.now()).unwrap().simple().to_string();
        send(self.pool.functions.router("crm"), (method, path), (Some(&token), Some(&key)), body).await
    }

    /// The work of `lin` to these.
    pub(crate) fn wanted(&self, successors: &[&str]) -> Value {
        let successors: Vec<_> = successors.iter().map(|name| self.pool.member(name)).collect();
        json!({"leaver_id": self.pool.member("lin"), "successor_ids": successors})
    }

    pub(crate) async fn start(&self, wanted: Value) -> Value {
        let (status, started) = self.ask("boss", ("POST", PATH), Some(wanted)).await;
        assert_eq!((status, &started["state"]), (202, &json!("running")), "{started}");
        started
    }

    pub(crate) async fn undo(&self, handover: &Value) -> Value {
        let path = format!("{PATH}/{}/undo", handover["handover_id"].as_str().unwrap());
        let (status, undone) = self.ask("boss", ("POST", &path), Some(json!({}))).await;
        assert_eq!((status, &undone["state"]), (202, &json!("undoing")), "{undone}");
        undone
    }

    pub(crate) async fn shown(&self, handover: &Value) -> Value {
        let path = format!("{PATH}/{}", handover["handover_id"].as_str().unwrap());
        let (status, shown) = self.ask("boss", ("GET", &path), None).await;
        assert_eq!(status, 200, "{shown}");
        shown
    }

    /// Delivers the message of a job to a worker that lives for so many calls.
    pub(crate) async fn deliver(&self, job: &Value, calls: i64, after: bool) {
        self.cut.left.store(calls, Ordering::Relaxed);
        self.cut.after.store(u32::from(after), Ordering::Relaxed);
        let body = json!({"v": 1, "company": self.pool.world.company.id(), "job": job}).to_string();
        let attributes = json!({"ApproximateReceiveCount": "1"});
        let record = json!({"messageId": "1", "receiptHandle": "r", "body": body, "attributes": attributes});
        let event: SqsEvent = serde_json::from_value(json!({"Records": [record]})).unwrap();
        handle(&self.worker, JobCall::Messages(event), "r").await;
    }

    pub(crate) async fn run(&self, job: &Value) {
        self.deliver(job, i64::MAX, false).await;
    }

    /// Delivers the message again and again to workers that are cut off after ever more calls, until the
    /// handover is in this state. Returns how many were cut off.
    async fn run_cut_off(&self, handover: &Value, job: &Value, state: &str) -> i64 {
        for calls in 1..2_000 {
            self.deliver(job, calls, calls % 2 == 0).await;
            if self.shown(handover).await["state"] == state {
                return calls;
            }
        }
        unreachable!("it does not end")
    }

    /// Everything that a handover changes, as it stands: what is kept of each customer, plans, what members
    /// hold, rows, and where the card leads.
    async fn export(&self) -> Value {
        let (world, mut persons) = (&self.pool.world, BTreeMap::new());
        for person in &self.people {
            let known = world.store.known_customer(world.company, *person, RecordRead::ToShow).await.unwrap();
            let kept = known.records.iter().map(|(id, record)| (id, CustomerRecord { version: 0, ..record.clone() }));
            let kept: BTreeMap<_, _> = kept.filter(|(_, record)| *record != CustomerRecord::default()).collect();
            persons.insert(person, json!({"records": kept, "owner": known.owner().map(|owner| owner.member)}));
        }
        let members: Vec<_> = ["lin", "chen", "wang"].map(|name| world.staff[name].member).into();
        let mut plans = Vec::new();
        for member in members.iter().copied().map(Some).chain([None]) {
            let (list, _) = world.store.follow_up_plans(world.company, member).await.unwrap();
            plans.push(list.iter().map(|plan| json!([plan.person, plan.by, plan.at])).collect::<Vec<_>>());
        }
        let context = world.store.handover_context(world.company, members[0], members[1..].to_vec()).await.unwrap();
        let mut rows = world.store.customer_list(world.company, None).await.unwrap().rows;
        rows.sort_by_key(|row| row.person);
        let (path, visitor) = (format!("/v1/cards/{}", world.card("lin")), world.token("visitor"));
        let card = self.pool.functions.router("card");
        let (_, card) = send(card, ("GET", &path), (Some(&visitor), None), None).await;
        let successor = card["successor"].clone();
        let held: BTreeMap<_, _> = context.held.into_iter().collect();
        json!({"persons": persons, "plans": plans, "held": held, "rows": format!("{rows:#?}"), "card": successor,
            "successor": context.leaver.successor, "of_leaver": self.held().await})
    }

    /// What a member holds by decisions, as it is counted and as the records say.
    pub(crate) async fn held(&self) -> Vec<(String, u32, usize)> {
        let mut held = Vec::new();
        for name in ["lin", "chen", "wang"] {
            let (counted, owned) = self.pool.held(name).await;
            held.push((name.to_owned(), counted, owned));
        }
        held
    }

    pub(crate) async fn disable(&self, name: &str) {
        let path = format!("/v1/members/{}/status", self.pool.member(name).as_str().unwrap());
        let token = self.pool.world.token_of_now("boss").await;
        let body = Some(json!({"status": "disabled"}));
        let router = self.pool.functions.router("organization");
        let (status, body) = send(router, ("PUT", &path), (Some(&token), None), body).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Decisions, seats of collaborators, plans and tags among the customers, so that all rules have work.
    pub(crate) async fn busy(&self) {
        let [lin, chen, wang] = ["lin", "chen", "wang"].map(|name| self.pool.member(name));
        for (n, person) in self.people.iter().enumerate() {
            if n % 9 == 1 {
                self.change(*person, "PUT", "/owner", json!({"member_id": lin})).await;
            }
            if n % 9 == 2 {
                self.change(*person, "PUT", "/owner", json!({"member_id": wang})).await;
                let path = format!("/collaborators/{}", lin.as_str().unwrap());
                self.change(*person, "PUT", &path, json!({"access": "edit"})).await;
            }
            if n % 18 == 2 {
                let path = format!("/collaborators/{}", chen.as_str().unwrap());
                self.change(*person, "PUT", &path, json!({"access": "view"})).await;
            }
            if n % 7 == 3 {
                let at = self.pool.world.clock.now().plus_millis(DAY_MS + i64::try_from(n).unwrap());
                let plan = Some(json!({"at": at}));
                let (status, body) = self.pool.ask("lin", "PUT", *person, "/next-follow-up", plan).await;
                assert_eq!(status, 200, "{body}");
            }
        }
    }

    pub(crate) async fn change(&self, person: PersonId, method: &str, path: &str, body: Value) {
        let (status, body) = self.pool.ask("boss", method, person, path, Some(body)).await;
        assert!(status < 300, "{path}: {body}");
    }

    pub(crate) async fn ownership_lines(&self, person: PersonId) -> Vec<String> {
        let (_, lines) = self.pool.ask("boss", "GET", person, "/timeline?kind=ownership", None).await;
        let lines = lines["items"].as_array().unwrap();
        lines.iter().map(|line| line["ownership"]["reason"].as_str().unwrap_or("seat").to_owned()).collect()
    }
}

/// What moved, by thing.
pub(crate) fn moved(shown: &Value, name: &str) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for share in shown["progress"].as_array().unwrap() {
        *sums.entry(share["thing"].as_str().unwrap().to_owned()).or_default() += share[name].as_i64().unwrap();
    }
    sums
}

#[tokio::test]
async fn three_hundred_customers_move_once_and_go_back_whatever_is_cut_off() {
    let office = HandoverOffice::new(299).await;
    office.busy().await;
    // Two of them are one person.
    office.pool.world.merge(office.people[4], office.people[5], MergeReason::Login).await.unwrap();
    office.disable("lin").await;
    office.pool.housekeeping().await;
    let before = office.export().await;
    let wanted = office.wanted(&["chen", "wang"]);
    let (status, preview) = office.ask("boss", ("POST", "/v1/handovers/preview"), Some(wanted.clone())).await;
    assert_eq!((status, &preview["warnings"]), (200, &json!([])), "{preview}");
    let handover = office.start(wanted).await;
    let cut_off = office.run_cut_off(&handover, &handover["job_id"], "done").await;
    assert!(cut_off > 30, "{cut_off}");
    let shown = office.shown(&handover).await;
    assert_eq!((&shown["stayed"], &shown["staying"]), (&json!(0), &json!([])), "{shown}");
    let planned = moved(&shown, "planned");
    assert_eq!(moved(&shown, "moved"), planned);
    assert_eq!(moved(&json!({"progress": preview["items"]}), "planned"), planned);
    let leavers = office.people.iter().enumerate().filter(|(n, _)| n % 9 != 2).count();
    assert_eq!(planned["customers"], i64::try_from(leavers - 1).unwrap());
    assert_eq!((planned["collaborations"], planned["follow_ups"], planned["card"]), (34, 43, 1), "{planned:?}");
    // Everything has one successor, and the turns are fair.
    let (mut of, chen_and_wang) = (
        BTreeMap::<String, i64>::new(),
        BTreeSet::from(["chen", "wang"].map(|name| office.pool.member(name).to_string())),
    );
    for (n, person) in office.people.iter().enumerate() {
        let owner = office.pool.owner(*person).await.to_string();
        assert!(chen_and_wang.contains(&owner), "{owner}");
        if n % 9 != 2 && n != 5 {
            *of.entry(owner).or_default() += 1;
            let reasons = office.ownership_lines(*person).await;
            let once = reasons.iter().filter(|reason| *reason == "handed_over").count();
            assert_eq!(once, 1, "{reasons:?}");
        }
    }
    assert!(of.values().max().unwrap() - of.values().min().unwrap() <= 1, "{of:?}");
    for (name, counted, owned) in office.held().await {
        assert_eq!(usize::try_from(counted).unwrap(), owned, "{name}");
    }
    let plans = office
        .pool
        .world
        .store
        .follow_up_plans(office.pool.world.company, Some(office.pool.world.staff["lin"].member))
        .await
        .unwrap();
    assert!(plans.0.is_empty());
    // And back.
    let undoing = office.undo(&handover).await;
    office.run_cut_off(&handover, &undoing["undo_job_id"], "undone").await;
    let shown = office.shown(&handover).await;
    assert_eq!((moved(&shown, "restored"), &shown["staying"]), (planned, &json!([])));
    let after = office.export().await;
    for part in ["persons", "plans", "held", "of_leaver", "card", "successor", "rows"] {
        assert!(after[part] == before[part], "{part} differs");
    }
    assert_eq!(office.worker.failed.0.lock().unwrap().len(), 0);
}
