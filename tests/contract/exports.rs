//! Exports on DynamoDB Local and LocalStack: the rows of the list, for whom they are, and until when.

use domain::company::audit::{AuditAction, AuditFilter};
use domain::crm::export::{EXPORT_KEPT_MS, export_key, exports_prefix};
use domain::kernel::id::JobId;
use domain::people::member::{Ended, SeatChange};
use housekeeping::Housekeeping;
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::{MemberChange, SweepLimits};

use crate::functions::{housekeeping, no_stop};
use crate::jobs::JobOffice;

impl JobOffice {
    async fn exported(&self, by: &str, wanted: Value) -> JobId {
        let (status, body) = self.ask(by, ("POST", "/v1/customer-exports"), Some(wanted)).await;
        assert_eq!(status, 202, "{body}");
        self.run_all().await;
        body["job_id"].as_str().unwrap().parse().unwrap()
    }

    async fn export(&self, by: &str, job: JobId) -> (u16, Value) {
        self.ask(by, ("GET", &format!("/v1/customer-exports/{job}")), None).await
    }

    /// The lines of a file, without its head.
    async fn lines(&self, job: JobId) -> Option<Vec<String>> {
        let key = export_key(self.world.company, job);
        let file = self.s3.get_object().bucket(&self.bucket).key(key).send().await.ok()?;
        assert_eq!(file.content_type(), Some("text/csv; charset=utf-8"));
        let text = String::from_utf8(file.body.collect().await.unwrap().to_vec()).unwrap();
        assert!(text.starts_with("\u{feff}\"姓名\","));
        Some(text.lines().skip(1).map(str::to_owned).collect())
    }

    async fn add(&self, by: &str, name: &str) -> String {
        let (status, body) = self.ask(by, ("POST", "/v1/customers"), Some(json!({"profile": {"name": name}}))).await;
        assert_eq!(status, 201, "{body}");
        body["person_id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn an_export_has_the_rows_that_the_member_sees_and_no_other() {
    let office = JobOffice::new().await;
    let mut of_lin = Vec::new();
    for name in ["=林一", "林二"] {
        of_lin.push(office.add("lin", name).await);
    }
    let of_chen = office.add("chen", "陈一").await;
    let names = |lines: Vec<String>| -> Vec<String> {
        lines.iter().map(|line| line.split("\",\"").next().unwrap().trim_start_matches('"').to_owned()).collect()
    };
    let job = office.exported("lin", json!({"sort": "name", "order": "asc"})).await;
    let lines = office.lines(job).await.unwrap();
    assert!(of_lin.iter().all(|person| lines.iter().any(|line| line.contains(person.as_str()))), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains(&of_chen)), "a colleague's customer");
    let (_, list) = office.ask("lin", ("GET", "/v1/customers?sort=name&order=asc"), None).await;
    let listed: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names(lines).iter().map(|name| name.trim_start_matches('\'')).collect::<Vec<_>>(), listed);
    assert_eq!(office.job(job).await["total"], json!(listed.len()));
    let all = office.lines(office.exported("boss", json!({})).await).await.unwrap();
    assert!(all.iter().any(|line| line.contains(&of_chen)));
    let view = json!({"name": "林", "scope": "own", "filter": {"q": "林二"}});
    let (_, view) = office.ask("lin", ("POST", "/v1/customer-views"), Some(view)).await;
    let of_view = office.exported("lin", json!({"view_id": view["view_id"]})).await;
    assert_eq!(names(office.lines(of_view).await.unwrap()), ["林二"]);
    let (status, _) =
        office.ask("chen", ("POST", "/v1/customer-exports"), Some(json!({"view_id": view["view_id"]}))).await;
    assert_eq!(status, 404, "the view of a colleague");
    let filter = AuditFilter { action: Some(AuditAction::CustomerExport), ..AuditFilter::default() };
    let log = office.world.store.audit_log(office.world.company, &filter, None, 100).await.unwrap().items;
    assert!(
        log.len() == 3 && !log.iter().any(|entry| entry.to.contains("林二")),
        "a search may name somebody: {log:?}"
    );
}

#[tokio::test]
async fn the_file_is_for_its_member_and_the_boss_for_a_day() {
    let office = JobOffice::new().await;
    let job = office.exported("lin", json!({})).await;
    for (by, status) in [("lin", 200), ("boss", 200), ("chen", 404)] {
        assert_eq!(office.export(by, job).await.0, status, "{by}");
    }
    let (_, body) = office.export("lin", job).await;
    let url = body["file"]["url"].as_str().unwrap();
    assert!(url.contains(&export_key(office.world.company, job)) && url.contains("X-Amz-Expires=900"), "{url}");
    office.world.clock.advance(EXPORT_KEPT_MS - 1);
    assert!(office.export("lin", job).await.1["file"].is_object());
    office.world.clock.advance(1);
    assert_eq!(office.export("lin", job).await.1["file"], Value::Null);
    let (_, import) = office.ask("lin", ("POST", "/v1/customer-imports"), Some(json!({"rows": [{"name": "A"}]}))).await;
    let import = import["job_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(office.export("lin", import).await.0, 404, "another job");
}

#[tokio::test]
async fn who_has_left_exports_nothing_any_more() {
    let office = JobOffice::new().await;
    let (_, body) = office.ask("lin", ("POST", "/v1/customer-exports"), Some(json!({}))).await;
    let job: JobId = body["job_id"].as_str().unwrap().parse().unwrap();
    let world = &office.world;
    let read = world.store.member(world.company, world.staff["lin"].member).await.unwrap();
    let change = MemberChange { read: &read, audit: &world.entry() };
    world.store.set_member_ended(world.company, change, Some(Ended::Left), SeatChange::GiveBack).await.unwrap();
    office.run_all().await;
    assert_eq!(office.job(job).await["failure"], "rights_changed");
    assert_eq!(office.lines(job).await, None);
}

#[tokio::test]
async fn an_erasure_deletes_the_exports_of_the_company() {
    let office = JobOffice::new().await;
    let job = office.exported("boss", json!({})).await;
    assert!(office.lines(job).await.is_some());
    let world = &office.world;
    let other = format!("exports/{}/x.csv", world.fresh_person());
    office.s3.put_object().bucket(&office.bucket).key(&other).send().await.unwrap();
    let made = housekeeping(world, 0).await;
    let housekeeping = Housekeeping { s3: office.s3.clone(), media_bucket: office.bucket.clone(), ..made };
    let openid = domain::kernel::text::OpenId::parse("openid-of-the-erased").unwrap();
    let person = world.sign_in(openid.as_str()).await.id;
    let erasure = domain::crm::erasure::Erasure { identities: [person].into(), at: world.clock.now() };
    world.store.begin_erasure(world.company, (&openid, person), &erasure).await.unwrap();
    world.clock.advance(1);
    let limits = SweepLimits {
        items: 10,
        clock: Clock::from_fn({
            let now = world.clock.now();
            move || now
        }),
        last_start: no_stop(),
    };
    let swept = housekeeping.finish_erasures(&limits).await;
    assert_eq!((swept.done, swept.failed), (1, 0));
    assert_eq!(office.lines(job).await, None, "{}", exports_prefix(world.company));
    assert!(office.s3.get_object().bucket(&office.bucket).key(&other).send().await.is_ok(), "another company's");
}

#[tokio::test]
async fn likely_duplicates_are_those_whom_the_member_sees() {
    let office = JobOffice::new().await;
    let (of_lin, again, of_chen) =
        (office.add("lin", "王敏").await, office.add("lin", "王 敏").await, office.add("chen", "王敏").await);
    let named = async |by: &'static str, person: &str| {
        let (status, body) = office.ask(by, ("GET", &format!("/v1/customers/{person}/duplicates")), None).await;
        let items = body["items"].as_array().cloned().unwrap_or_default();
        let named = items.iter().map(|item| (item["person_id"].as_str().unwrap().to_owned(), item["reasons"].clone()));
        (status, named.collect::<Vec<_>>())
    };
    let by_name = |person: &String| (person.clone(), json!(["name"]));
    assert_eq!(named("lin", &of_lin).await, (200, vec![by_name(&again)]));
    assert_eq!(named("boss", &of_lin).await, (200, vec![by_name(&again), by_name(&of_chen)]));
    assert_eq!(named("lin", &of_chen).await, (404, vec![]));
    let path = format!("/v1/customers/{of_lin}/merge");
    let (status, body) = office.ask("lin", ("PUT", &path), Some(json!({"with": again}))).await;
    assert_eq!(status, 200, "{body}");
    // Housekeeping makes one row of the two.
    office.world.clock.advance(600_000);
    housekeeping(&office.world, 0).await.run(no_stop(), "r").await.unwrap();
    assert_eq!(named("boss", &again).await, (200, vec![by_name(&of_chen)]), "an identity that lists do not name");
}
