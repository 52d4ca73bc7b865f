//! Imports of files on DynamoDB Local and LocalStack: looked at, imported, resumed, taken back and deleted.

use std::sync::atomic::{AtomicI64, Ordering};

use app::crm::job_files::{JobFiles, TableRead};
use aws_sdk_s3::primitives::ByteStream;
use crm_jobs::files::BucketFiles;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::{JobId, UploadId};
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use domain::media::upload::{Purpose, Upload, table_key};
use runtime::clock::Clock;
use serde_json::{Value, json};

use crate::jobs::{JobOffice, counts};

/// Files for jobs that read none.
#[derive(Debug)]
pub(crate) struct NoFiles;

impl JobFiles for NoFiles {
    async fn table(&self, _: Company, _: UploadId, _: Option<u32>) -> Result<TableRead, Failure> {
        Err(Failure::NotFound)
    }

    async fn put_export(&self, _: Company, _: JobId, _: Vec<u8>) -> Result<(), Failure> {
        Err(Failure::NotFound)
    }

    async fn delete_table(&self, _: Company, _: UploadId) -> Result<(), Failure> {
        Err(Failure::NotFound)
    }
}

impl JobOffice {
    /// A file that `lin` has sent.
    async fn sent(&self, file: &[u8]) -> UploadId {
        let upload = self.world.upload(Purpose::CustomerTable);
        let request = self.world.request(&upload.id.to_string());
        self.world.store.create_upload(self.world.company, upload.clone(), &request, &[]).await.unwrap();
        self.put(&upload, file).await;
        upload.id
    }

    async fn put(&self, upload: &Upload, file: &[u8]) {
        let (key, body) = (table_key(self.world.company, upload.id), ByteStream::from(file.to_vec()));
        self.s3.put_object().bucket(&self.bucket).key(key).body(body).send().await.unwrap();
    }

    async fn is_there(&self, upload: UploadId) -> bool {
        let key = table_key(self.world.company, upload);
        self.s3.get_object().bucket(&self.bucket).key(key).send().await.is_ok()
    }

    async fn post(&self, path: &str, body: Value) -> JobId {
        let (status, body) = self.ask("lin", ("POST", path), Some(body)).await;
        assert_eq!(status, 202, "{body}");
        body["job_id"].as_str().unwrap().parse().unwrap()
    }

    /// The job that has looked at a file.
    async fn looked_at(&self, upload: UploadId) -> JobId {
        let job = self.post("/v1/customer-imports/preview", json!({"upload_id": upload})).await;
        self.run_all().await;
        job
    }

    /// What a job has found.
    async fn found(&self, by: &str, job: JobId) -> (u16, Value) {
        let (status, mut body) = self.ask(by, ("GET", &format!("/v1/jobs/{job}/preview")), None).await;
        (status, body["preview"].take())
    }

    async fn wrong(&self, job: JobId) -> Vec<(u64, u64, String)> {
        let (_, body) = self.ask("lin", ("GET", &format!("/v1/jobs/{job}/errors?limit=100")), None).await;
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let of = |error: &Value| {
            (number(&error["row"]), number(&error["column"]), error["code"].as_str().unwrap().to_owned())
        };
        body["items"].as_array().unwrap().iter().map(of).collect()
    }
}

/// A sample of the readers of files.
fn sample(name: &str) -> Vec<u8> {
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("shared").join("tables/samples");
    std::fs::read(samples.join(name)).unwrap()
}

fn table(rows: usize) -> String {
    let row = |n: usize| match n % 20 {
        7 => format!(",1381000{n:04}\n"),
        13 => format!("客户{n},12\n"),
        _ => format!("客户{n},1381000{n:04}.0\n"),
    };
    format!("客户名单\n\n姓名,手机\n{}", (0..rows).map(row).collect::<String>())
}

fn columns() -> Value {
    json!([{"column": 1, "field": "name"}, {"column": 2, "field": "mobile"}])
}

#[tokio::test]
async fn a_file_is_looked_at_imported_once_and_deleted() {
    let office = JobOffice::new().await;
    let upload = office.sent(table(60).as_bytes()).await;
    let preview = office.looked_at(upload).await;
    let (status, found) = office.found("lin", preview).await;
    assert_eq!((status, &found["header_row"], &found["row_count"]), (200, &json!(3), &json!(60)), "{found}");
    assert_eq!(
        found["columns"][1],
        json!({"name": "手机", "guess": {"column": 2, "field": "mobile", "custom_field_id": null}})
    );
    assert_eq!((found["rows"].as_array().unwrap().len(), &found["rows"][0]["row"]), (20, &json!(4)));
    assert_eq!(office.found("chen", preview).await.0, 404);
    let import = json!({"preview_id": preview, "columns": columns()});
    let job = office.post("/v1/customer-imports", import.clone()).await;
    office.run_all().await;
    assert_eq!(counts(&office.job(job).await), [60, 54, 0, 6]);
    let wrong = office.wrong(job).await;
    assert_eq!(
        wrong[..2],
        [(11, 1, "required".to_owned()), (17, 2, "invalid_mobile".to_owned())],
        "as a spreadsheet counts"
    );
    assert_eq!((wrong.len(), office.customers().await), (6, [54, 54]));
    assert!(!office.is_there(upload).await);
    assert_eq!(office.found("lin", preview).await, (200, Value::Null), "what was found in it is forgotten too");
    assert_eq!(office.found("lin", job).await.0, 404, "another job");
    let world = &office.world;
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    assert!(
        !items.iter().any(|item| format!("{item:?}").contains("客户13")),
        "rows that were not imported are kept nowhere"
    );
    // The same rows from another file: those that were wrong are tried again, and nothing changes.
    let again = office.looked_at(office.sent(table(60).replace("\n\n", "\n \n\n").as_bytes()).await).await;
    let again = office.post("/v1/customer-imports", json!({"preview_id": again, "columns": columns()})).await;
    assert_eq!(office.ask("lin", ("POST", &format!("/v1/customer-imports/{job}/undo")), Some(json!({}))).await.0, 409);
    office.run_all().await;
    assert_eq!((counts(&office.job(again).await), office.customers().await), ([60, 54, 0, 6], [54, 54]));
    let undone = office.post(&format!("/v1/customer-imports/{job}/undo"), json!({})).await;
    office.run_all().await;
    assert_eq!(counts(&office.job(undone).await), [60, 60, 0, 0]);
    assert_eq!((office.customers().await, office.recount().await), ([0, 0], 0));
}

#[tokio::test]
async fn workbooks_fill_in_tags_and_custom_fields() {
    let office = JobOffice::new().await;
    let new = json!({"name": "生日", "kind": "date"});
    let (_, field) = office.ask("boss", ("POST", "/v1/customer-fields"), Some(new)).await;
    let upload = office.sent(&sample("excel.xlsx")).await;
    let preview = office.looked_at(upload).await;
    let (_, found) = office.found("lin", preview).await;
    assert_eq!((&found["sheets"], &found["sheet"]), (&json!(["说明", "客户"]), &json!(1)));
    let guesses: Vec<_> = found["columns"].as_array().unwrap().iter().map(|column| column["guess"].clone()).collect();
    assert_eq!(guesses[5]["custom_field_id"], field["field_id"], "{found}");
    let job = office.post("/v1/customer-imports", json!({"preview_id": preview, "columns": guesses})).await;
    office.run_all().await;
    // Tag `老客户` there is by default, `展会` this company has made.
    assert_eq!((counts(&office.job(job).await), office.wrong(job).await), ([3, 3, 0, 0], vec![]));
    let (_, list) = office.ask("lin", ("GET", "/v1/customers?q=王敏"), None).await;
    let person = list["items"][0]["person_id"].as_str().unwrap();
    let (_, customer) = office.ask("lin", ("GET", &format!("/v1/customers/{person}")), None).await;
    assert_eq!(customer["tags"][0]["name"], "展会");
    assert!(customer["custom_fields"].to_string().contains("2026-03-01"), "{customer}");
    assert_eq!(list["items"][0]["mobile"], "+8613812345678");
}

#[tokio::test]
async fn a_cancelled_import_is_resumed_and_both_are_taken_back_together() {
    let office = JobOffice::new().await;
    let rows: String = (0..30).map(|n| format!("客户{n}\n")).collect();
    let preview = office.looked_at(office.sent(format!("姓名\n{rows}").as_bytes()).await).await;
    let import = json!({"preview_id": preview, "columns": [{"column": 1, "field": "name"}]});
    let first = office.post("/v1/customer-imports", import.clone()).await;
    // One step, and then somebody cancels it.
    let looks = AtomicI64::new(0);
    let clock = office.world.clock.clock();
    let slow = Clock::from_fn(move || clock.now().plus_millis(30 * SECOND_MS * looks.fetch_add(1, Ordering::Relaxed)));
    office.run_slice(slow).await;
    office.ask("lin", ("PUT", &format!("/v1/jobs/{first}/cancellation")), None).await;
    assert_eq!(counts(&office.job(first).await), [30, 10, 0, 0]);
    assert_eq!(office.customers().await, [10, 10]);
    let second = office.post("/v1/customer-imports", import.clone()).await;
    assert_ne!(second, first);
    office.run_all().await;
    assert_eq!(counts(&office.job(second).await), [30, 30, 0, 0]);
    assert_eq!(office.customers().await, [30, 30], "nobody is there twice, even without a number");
    office.post(&format!("/v1/customer-imports/{second}/undo"), json!({})).await;
    office.run_all().await;
    assert_eq!((office.customers().await, office.recount().await), ([0, 0], 0));
}

#[tokio::test]
async fn files_that_cannot_be_read_end_their_jobs_with_the_reason() {
    let office = JobOffice::new().await;
    let bomb = sample("bomb.xlsx");
    for (file, reason) in [
        (&b"\x89PNG\r\n\x1a\n\0\0"[..], "unreadable_file"),
        (b"\xd0\xcf\x11\xe0", "old_format"),
        (b" ", "no_data"),
        (vec![b'a'; 5 * 1024 * 1024 + 1].leak(), "file_too_large"),
    ] {
        let job = office.looked_at(office.sent(file).await).await;
        let job = office.job(job).await;
        assert_eq!((&job["state"], &job["failure"]), (&json!("failed"), &json!(reason)));
    }
    let job = office.looked_at(office.sent(&bomb).await).await;
    assert_eq!(office.job(job).await["state"], "done", "a cell of 20 MB is cut");
    // A file that is gone before its import begins.
    let upload = office.sent(b"Name\nA").await;
    let preview = office.looked_at(upload).await;
    let files = BucketFiles::new(office.s3.clone(), office.bucket.clone());
    files.delete_table(office.world.company, upload).await.unwrap();
    let import = json!({"preview_id": preview, "columns": [{"column": 1, "field": "name"}]});
    let job = office.post("/v1/customer-imports", import.clone()).await;
    office.run_all().await;
    assert_eq!(office.job(job).await["failure"], "file_gone");
}

#[tokio::test]
async fn who_has_not_sent_a_file_does_not_learn_of_it() {
    let office = JobOffice::new().await;
    let upload = office.sent(b"Name\nA").await;
    let preview = |by: &'static str, upload: UploadId| {
        let office = &office;
        async move {
            let body = json!({"upload_id": upload});
            let (status, body) = office.ask(by, ("POST", "/v1/customer-imports/preview"), Some(body)).await;
            (status, body["errors"][0]["code"].clone())
        }
    };
    let refused = (422, json!("unknown_upload"));
    assert_eq!(preview("boss", upload).await, refused);
    assert_eq!(preview("lin", office.world.uploads["photo"]).await, refused, "another purpose");
    let job = office.looked_at(upload).await;
    let import = |columns: Value| json!({"preview_id": job, "columns": columns});
    for (by, columns, code) in [
        ("chen", json!([{"column": 1, "field": "name"}]), "unknown_preview"),
        ("lin", json!([]), "required"),
        ("lin", json!([{"column": 61, "field": "name"}]), "invalid_column"),
    ] {
        let (status, body) = office.ask(by, ("POST", "/v1/customer-imports"), Some(import(columns))).await;
        assert_eq!((status, &body["errors"][0]["code"]), (422, &json!(code)), "{body}");
    }
    office.world.clock.advance(DAY_MS);
    assert_eq!(preview("lin", upload).await, refused, "a day later");
    assert_eq!(office.found("lin", job).await, (200, Value::Null));
}
