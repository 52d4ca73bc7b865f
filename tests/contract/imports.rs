//! Imports on DynamoDB Local: good rows in, bad ones listed, the same table once, and all of it taken back.

use domain::crm::job::JOB_KEPT_MS;
use domain::kernel::id::JobId;
use serde_json::{Value, json};

use crate::jobs::JobOffice;

/// A table of which every twentieth row is wrong.
fn rows(count: usize) -> Vec<Value> {
    let row = |n: usize| match n % 20 {
        7 => json!({"name": "", "mobile": format!("1381000{n:04}")}),
        13 => json!({"name": format!("客户{n}"), "mobile": "12"}),
        _ => json!({"name": format!("客户{n}"), "mobile": format!("1381000{n:04}.0"), "company": "=云岭"}),
    };
    (0..count).map(row).collect()
}

async fn import(office: &JobOffice, by: &str, rows: &[Value]) -> JobId {
    let (status, body) = office.ask(by, ("POST", "/v1/customer-imports"), Some(json!({"rows": rows}))).await;
    assert_eq!(status, 202, "{body}");
    body["job_id"].as_str().unwrap().parse().unwrap()
}

async fn errors(office: &JobOffice, job: JobId) -> Vec<(u64, String, String)> {
    let (status, body) = office.ask("boss", ("GET", &format!("/v1/jobs/{job}/errors?limit=100")), None).await;
    assert_eq!(status, 200, "{body}");
    let error = |error: &Value| {
        let field = error["field"].as_str().unwrap_or_default().to_owned();
        (error["row"].as_u64().unwrap(), field, error["code"].as_str().unwrap().to_owned())
    };
    body["items"].as_array().unwrap().iter().map(error).collect()
}

#[tokio::test]
async fn good_rows_are_imported_bad_ones_listed_and_the_same_table_changes_nothing() {
    let office = JobOffice::new().await;
    let table = rows(60);
    let job = import(&office, "lin", &table).await;
    office.run_all().await;
    assert_eq!(crate::jobs::counts(&office.job(job).await), [60, 54, 0, 6]);
    let wrong = errors(&office, job).await;
    let expected = [(8, "name", "required"), (14, "mobile", "invalid_mobile"), (28, "name", "required")];
    for (found, (row, field, code)) in wrong.iter().zip(expected) {
        assert_eq!((found.0, found.1.as_str(), found.2.as_str()), (row, field, code));
    }
    assert_eq!((wrong.len(), office.customers().await), (6, [54, 54]));
    // Rows that were not imported are kept nowhere: nobody could have them erased.
    let world = &office.world;
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    assert!(!items.iter().any(|item| format!("{item:?}").contains("客户13")));
    assert_eq!(import(&office, "lin", &table).await, job, "the import of before");
    // Another table with the same people: they are customers already.
    let more: Vec<_> = table.iter().cloned().chain([json!({"name": "新客户", "mobile": "13820000001"})]).collect();
    let second = import(&office, "lin", &more).await;
    office.run_all().await;
    assert_eq!(crate::jobs::counts(&office.job(second).await), [61, 1, 54, 6]);
    assert_eq!((office.customers().await, office.recount().await), ([55, 55], 0));
}

#[tokio::test]
async fn an_import_is_undone_but_for_customers_who_have_changed() {
    let office = JobOffice::new().await;
    let table: Vec<_> =
        (0..25).map(|n| json!({"name": format!("客户{n}"), "mobile": format!("1383000{n:04}")})).collect();
    let job = import(&office, "lin", &table).await;
    let undo = format!("/v1/customer-imports/{job}/undo");
    let (status, body) = office.ask("lin", ("POST", &undo), Some(json!({}))).await;
    assert_eq!((status, &body["code"]), (409, &json!("job_open")));
    office.run_all().await;
    assert_eq!(office.customers().await, [25, 25]);
    let (_, known) = office
        .ask("lin", ("POST", "/v1/customers"), Some(json!({"profile": {"name": "同名", "mobile": "13830000003"}})))
        .await;
    let person = known["person_id"].as_str().unwrap().to_owned();
    let renamed =
        office.ask("lin", ("PUT", &format!("/v1/customers/{person}/profile")), Some(json!({"name": "老客户"}))).await;
    assert_eq!((renamed.0, &renamed.1["source"]), (200, &json!("import")));
    assert_eq!(office.ask("chen", ("POST", &undo), Some(json!({}))).await.0, 404);
    let (status, body) = office.ask("lin", ("POST", &undo), Some(json!({}))).await;
    assert_eq!((status, &body["kind"]), (202, &json!("import_undo")), "{body}");
    office.run_all().await;
    let undone: JobId = body["job_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(crate::jobs::counts(&office.job(undone).await), [25, 24, 1, 0]);
    assert_eq!(errors(&office, undone).await, [(4, String::new(), "customer_changed".to_owned())]);
    assert_eq!((office.customers().await, office.recount().await), ([1, 1], 0));
    // The table can be imported again.
    let again = import(&office, "lin", &table).await;
    office.run_all().await;
    assert_ne!(again, job);
    assert_eq!(crate::jobs::counts(&office.job(again).await), [25, 24, 1, 0]);
    assert_eq!((office.customers().await, office.recount().await), ([25, 25], 0));
}

#[tokio::test]
async fn a_table_is_new_when_its_import_is_forgotten() {
    let office = JobOffice::new().await;
    let table = [json!({"name": "客户", "mobile": "13840000001"})];
    let first = import(&office, "lin", &table).await;
    office.run_all().await;
    office.world.clock.advance(JOB_KEPT_MS - 1_000);
    assert_eq!(import(&office, "lin", &table).await, first);
    office.world.clock.advance(1_000);
    let second = import(&office, "lin", &table).await;
    office.run_all().await;
    assert_ne!(second, first);
    assert_eq!(crate::jobs::counts(&office.job(second).await), [1, 0, 1, 0]);
}
