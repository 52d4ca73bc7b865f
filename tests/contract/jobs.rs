//! Jobs on DynamoDB Local and LocalStack: they end whatever happens, and do nothing twice.

use aws_lambda_events::sqs::SqsEvent;
use crm_jobs::files::BucketFiles;
use crm_jobs::{JobCall, JobWorker, handle};
use domain::kernel::day::Day;
use domain::kernel::id::{JobId, PersonId};
use domain::kernel::timestamp::{DAY_MS, SECOND_MS, Timestamp};
use domain::people::member::{Ended, SeatChange};
use domain::radar::counter::{Counter, Scope};
use domain::radar::metrics::count;
use domain::radar::recount::RecountReport;
use runtime::clock::Clock;
use runtime::job_queue::JobQueue;
use serde_json::{Value, json};
use store::{MemberChange, Store};
use testkit::emulators;
use testkit::events::load;
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, no_stop, recounter};
use crate::http::send;

pub(crate) struct JobOffice {
    pub(crate) world: World,
    functions: Functions,
    pub(crate) worker: JobWorker<KeptDeadLetters>,
    sqs: aws_sdk_sqs::Client,
    url: String,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) bucket: String,
    pub(crate) tag: String,
}

impl JobOffice {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let functions = Functions::on(&world).await;
        let (sqs, url) = emulators::queue().await;
        let (sdk, bucket, _) = emulators::bucket().await;
        let s3 = aws_sdk_s3::Client::new(&sdk);
        let worker = JobWorker {
            store: Store::new(world.dynamodb.clone(), world.table.clone()),
            queue: JobQueue::new(sqs.clone(), url.clone()),
            failed: KeptDeadLetters::default(),
            max_attempts: 5,
            clock: world.clock.clock(),
            ids: world.ids.clone(),
            automation_lag_s: 0,
            files: BucketFiles::new(s3.clone(), bucket.clone()),
        };
        let mut office = Self { world, functions, worker, sqs, url, s3, bucket, tag: String::new() };
        let new = json!({"name": "展会", "group": "来源"});
        let (_, body) = office.ask("boss", ("POST", "/v1/customer-tags"), Some(new)).await;
        office.tag = body["tag_id"].as_str().unwrap().to_owned();
        office
    }

    pub(crate) async fn ask(&self, by: &str, (method, path): (&str, &str), body: Option<Value>) -> (u16, Value) {
        let token = self.world.token(by);
        let key = self.world.ids.uuid(self.world.clock.now()).unwrap().simple().to_string();
        send(self.functions.router("crm"), (method, path), (Some(&token), Some(&key)), body).await
    }

    /// Visitors of `lin`'s card.
    async fn visitors(&self, count: u64) -> Vec<PersonId> {
        let mut people = Vec::new();
        for number in 0..count {
            let person = self.world.fresh_person();
            let batch = domain::tracking::batch::AcceptedBatch { person, ..batch(&self.world, 0, number, &[0]) };
            let aggregator = aggregator(&self.world, KeptDeadLetters::default());
            let answer = radar_aggregator::handle(&aggregator, delivered(&[&batch], 1), "r").await;
            assert!(answer.batch_item_failures.is_empty());
            people.push(person);
        }
        people
    }

    async fn start(&self, by: &str, people: &[PersonId]) -> (u16, Value) {
        let tags = json!({"person_ids": people, "add": [self.tag]});
        self.ask(by, ("POST", "/v1/customer-tags/bulk"), Some(tags)).await
    }

    async fn started(&self, by: &str, people: &[PersonId]) -> JobId {
        let (status, body) = self.start(by, people).await;
        assert_eq!((status, &body["state"]), (202, &json!("queued")), "{body}");
        body["job_id"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) async fn job(&self, id: JobId) -> Value {
        let (status, body) = self.ask("boss", ("GET", &format!("/v1/jobs/{id}")), None).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Customers of `lin`'s card and of the company.
    pub(crate) async fn customers(&self) -> [i64; 2] {
        let today = Day::of(self.world.clock.now());
        let counted = async |scope| {
            let counts = self.world.store.counters(self.world.company, scope, today).await.unwrap();
            count(&counts.lifetime, Counter::Customers)
        };
        [counted(Scope::Card(self.world.card("lin"))).await, counted(Scope::Company).await]
    }

    /// Numbers that a recount finds wrong.
    pub(crate) async fn recount(&self) -> u64 {
        let command = json!({"company_id": self.world.company.id()});
        let report = recounter(&self.world).run(command, no_stop(), "r").await.unwrap();
        serde_json::from_value::<RecountReport>(report).unwrap().wrong()
    }

    async fn has_tag(&self, person: PersonId) -> bool {
        let (_, body) = self.ask("boss", ("GET", &format!("/v1/customers/{person}")), None).await;
        body["tags"].as_array().unwrap().iter().any(|tag| tag["tag_id"] == *self.tag)
    }

    async fn schedule(&self) {
        let call = serde_json::from_str(&load("crm-jobs", "schedule", &self.world)).unwrap();
        handle(&self.worker, call, "r").await;
    }

    /// The messages of the queue, taken out of it.
    async fn messages(&self) -> Vec<String> {
        let received = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(10).send().await.unwrap();
        let mut bodies = Vec::new();
        for message in received.messages.unwrap_or_default() {
            let receipt = message.receipt_handle.unwrap();
            self.sqs.delete_message().queue_url(&self.url).receipt_handle(receipt).send().await.unwrap();
            bodies.push(message.body.unwrap());
        }
        bodies
    }

    /// Delivers messages; returns how many come again.
    async fn deliver(&self, worker: &JobWorker<KeptDeadLetters>, bodies: &[String]) -> usize {
        let record = |(n, body): (usize, &String)| {
            let attributes = json!({"ApproximateReceiveCount": "1"});
            json!({"messageId": n.to_string(), "receiptHandle": "r", "body": body, "attributes": attributes})
        };
        let records: Vec<_> = bodies.iter().enumerate().map(record).collect();
        let event: SqsEvent = serde_json::from_value(json!({"Records": records})).unwrap();
        handle(worker, JobCall::Messages(event), "r").await.batch_item_failures.len()
    }

    /// Delivers what is sent to a worker with another clock.
    pub(crate) async fn run_slice(&self, clock: Clock) {
        self.schedule().await;
        let messages = self.messages().await;
        assert_eq!(self.deliver(&self.worker_at(clock), &messages).await, 0);
        self.messages().await;
    }

    fn worker_at(&self, clock: Clock) -> JobWorker<KeptDeadLetters> {
        JobWorker {
            store: Store::new(self.world.dynamodb.clone(), self.world.table.clone()),
            queue: JobQueue::new(self.sqs.clone(), self.url.clone()),
            failed: KeptDeadLetters::default(),
            max_attempts: 5,
            clock,
            ids: self.world.ids.clone(),
            automation_lag_s: 0,
            files: BucketFiles::new(self.s3.clone(), self.bucket.clone()),
        }
    }

    pub(crate) async fn run_all(&self) {
        self.schedule().await;
        let messages = self.messages().await;
        assert_eq!(self.deliver(&self.worker, &messages).await, 0);
    }
}

pub(crate) fn counts(job: &Value) -> [i64; 4] {
    ["total", "done", "skipped", "failed"].map(|name| job[name].as_i64().unwrap())
}

#[tokio::test]
async fn a_job_tags_whom_its_member_may_see_and_counts_the_others() {
    let office = JobOffice::new().await;
    let mut people = office.visitors(3).await;
    people.push(office.world.fresh_person());
    let id = office.started("lin", &people).await;
    office.run_all().await;
    let job = office.job(id).await;
    assert_eq!((&job["state"], counts(&job)), (&json!("done"), [4, 3, 1, 0]), "{job}");
    assert!(office.has_tag(people[0]).await && office.has_tag(people[2]).await);
    // Colleagues see neither the customers nor the job.
    let of_colleague = office.started("chen", &people).await;
    office.run_all().await;
    assert_eq!(counts(&office.job(of_colleague).await), [4, 0, 4, 0]);
    assert_eq!(office.ask("chen", ("GET", &format!("/v1/jobs/{id}")), None).await.0, 404);
    let listed = async |by: &'static str| {
        let (_, body) = office.ask(by, ("GET", "/v1/jobs"), None).await;
        body["items"].as_array().unwrap().iter().map(|job| job["job_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed("lin").await, [json!(id)]);
    assert_eq!(listed("boss").await, [json!(of_colleague), json!(id)]);
}

#[tokio::test]
async fn slices_take_turns_and_messages_that_come_twice_do_nothing_twice() {
    let office = JobOffice::new().await;
    let people = office.visitors(45).await;
    let id = office.started("lin", &people).await;
    office.schedule().await;
    // Each look at this clock takes eleven seconds: two steps fill a slice.
    let (clock, looks) = (office.world.clock.clock(), std::sync::atomic::AtomicI64::new(0));
    let slow = Clock::from_fn(move || {
        clock.now().plus_millis(11 * SECOND_MS * looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    });
    let worker = office.worker_at(slow);
    let mut turns = 0;
    loop {
        let messages = office.messages().await;
        if messages.is_empty() {
            break;
        }
        turns += 1;
        // At least once: each message twice, and both at the same time.
        let again = tokio::join!(office.deliver(&worker, &messages), office.deliver(&worker, &messages));
        assert_eq!(again, (0, 0));
        assert!(turns < 20, "the job does not end");
    }
    let job = office.job(id).await;
    assert_eq!((&job["state"], counts(&job)), (&json!("done"), [45, 45, 0, 0]), "{job}");
    assert!(turns > 1, "more than one slice");
    let path = format!("/v1/customers/{}/timeline?kind=tags", people[0]);
    let (_, body) = office.ask("lin", ("GET", &path), None).await;
    assert_eq!(body["items"].as_array().unwrap().len(), 1, "given once: {body}");
}

#[tokio::test]
async fn a_job_that_nobody_goes_on_with_is_sent_again_and_no_other() {
    let office = JobOffice::new().await;
    let people = office.visitors(1).await;
    let id = office.started("lin", &people).await;
    for (later_s, sent) in [(0, 1), (0, 0), (299, 0), (2, 1)] {
        office.world.clock.advance(later_s * SECOND_MS);
        office.schedule().await;
        assert_eq!(office.messages().await.len(), sent, "after {later_s}");
    }
    office.world.clock.advance(301 * SECOND_MS);
    office.run_all().await;
    assert_eq!(office.job(id).await["state"], "done");
    office.world.clock.advance(301 * SECOND_MS);
    office.schedule().await;
    assert_eq!(office.messages().await, Vec::<String>::new(), "it has ended");
}

#[tokio::test]
async fn a_cancelled_job_ends_and_frees_its_place() {
    let office = JobOffice::new().await;
    let people = office.visitors(1).await;
    let mut last = office.started("lin", &people).await;
    for _ in 1..50 {
        last = office.started("boss", &people).await;
    }
    let (status, body) = office.start("lin", &people).await;
    assert_eq!((status, &body["code"]), (409, &json!("limit_reached")));
    let cancel = format!("/v1/jobs/{last}/cancellation");
    assert_eq!(office.ask("lin", ("PUT", &cancel), None).await.0, 404, "the boss's");
    for _ in 0..2 {
        assert_eq!(office.ask("boss", ("PUT", &cancel), None).await.1["state"], "cancelled");
    }
    assert_eq!(office.start("lin", &people).await.0, 202);
    office.schedule().await;
    while let messages @ [_, ..] = &office.messages().await[..] {
        office.deliver(&office.worker, messages).await;
    }
    assert_eq!(
        (office.job(last).await["state"].clone(), office.job(last).await["done"].clone()),
        (json!("cancelled"), json!(0))
    );
}

#[tokio::test]
async fn a_job_ends_with_the_rights_of_its_member_and_with_its_time() {
    let office = JobOffice::new().await;
    let people = office.visitors(1).await;
    let [of_lin, late] = [office.started("lin", &people).await, office.started("boss", &people).await];
    let read = office.world.store.member(office.world.company, office.world.staff["lin"].member).await.unwrap();
    let change = MemberChange { read: &read, audit: &office.world.entry() };
    let left =
        office.world.store.set_member_ended(office.world.company, change, Some(Ended::Left), SeatChange::GiveBack);
    left.await.unwrap();
    office.schedule().await;
    let messages = office.messages().await;
    let of = |id: JobId| messages.iter().find(|body| body.contains(&id.to_string())).cloned().unwrap();
    assert_eq!(office.deliver(&office.worker, &[of(of_lin)]).await, 0);
    let job = office.job(of_lin).await;
    assert_eq!((&job["state"], &job["failure"]), (&json!("failed"), &json!("rights_changed")));
    assert!(!office.has_tag(people[0]).await);
    office.world.clock.advance(DAY_MS + 1);
    assert_eq!(office.deliver(&office.worker, &[of(late)]).await, 0);
    assert_eq!(office.job(late).await["failure"], "too_long");
}

#[tokio::test]
async fn a_message_that_cannot_be_read_goes_to_the_dead_letters() {
    let office = JobOffice::new().await;
    let event: SqsEvent = serde_json::from_str(&load("crm-jobs", "steps.unknown_version", &office.world)).unwrap();
    handle(&office.worker, JobCall::Messages(event), "r").await;
    assert_eq!(
        office.worker.failed.0.lock().unwrap().iter().map(|(_, code)| *code).collect::<Vec<_>>(),
        ["unknown_version"]
    );
    // A job that is gone is over.
    let nobody: JobId = office.world.ids.new_id(Timestamp::from_millis(0)).unwrap();
    let body = json!({"v": 1, "company": office.world.company.id(), "job": nobody}).to_string();
    assert_eq!(office.deliver(&office.worker, &[body]).await, 0);
}
