//! What bosses and others do around a handover, on DynamoDB Local: who may, what is refused, and what meets
//! it halfway.

use std::sync::Arc;

use domain::company::audit::{AuditAction, AuditFilter};
use domain::crm::handover::HANDOVER_UNDO_MS;
use domain::kernel::timestamp::DAY_MS;
use domain::people::member::Role;
use serde_json::{Value, json};
use testkit::world::StaffMember;

use crate::handovers::{HandoverOffice, PATH, moved};
use crate::http::send;

#[tokio::test]
async fn only_the_boss_hands_over_and_of_two_at_once_one_wins() {
    let office = HandoverOffice::new(3).await;
    let world = &office.pool.world;
    let (wanted, admin) = (office.wanted(&["chen"]), office.pool.member("wang"));
    let path = format!("/v1/members/{}/role", admin.as_str().unwrap());
    let (boss, router) = (world.token_of_now("boss").await, office.pool.functions.router("organization"));
    let promoted = send(router, ("PUT", &path), (Some(&boss), None), Some(json!({"role": "admin"}))).await;
    assert_eq!(promoted.0, 200, "{}", promoted.1);
    let lins = world.token_of_now("lin").await;
    let (one, two) = tokio::join!(
        office.ask("boss", ("POST", PATH), Some(wanted.clone())),
        office.ask("boss", ("POST", PATH), Some(office.wanted(&["wang"]))),
    );
    let (won, lost) = if one.0 == 202 { (one, two) } else { (two, one) };
    assert_eq!((won.0, lost.0), (202, 409), "{} {}", won.1, lost.1);
    let codes = [json!("handover_open"), json!("version_conflict"), json!("request_in_progress")];
    assert!(codes.contains(&lost.1["code"]), "{}", lost.1);
    assert_eq!(office.ask("boss", ("POST", PATH), Some(wanted.clone())).await.1["code"], "handover_open");
    let of_one = format!("{PATH}/{}", won.1["handover_id"].as_str().unwrap());
    let undo = format!("{of_one}/undo");
    let (preview, empty) = ("/v1/handovers/preview", json!({}));
    let requests = [
        ("POST", preview, Some(wanted.clone())),
        ("POST", PATH, Some(wanted.clone())),
        ("GET", PATH, None),
        ("GET", &of_one, None),
        ("POST", &undo, Some(empty.clone())),
    ];
    for (method, path, body) in requests {
        for who in ["chen", "wang"] {
            let (status, answer) = office.ask(who, (method, path), body.clone()).await;
            assert_eq!((status, &answer["code"]), (403, &json!("role_required")), "{who} {method} {path}");
        }
    }
    // The admin may not stop it either; nor is it of any other company.
    let cancel = format!("/v1/jobs/{}/cancellation", won.1["job_id"].as_str().unwrap());
    assert_eq!(office.ask("wang", ("PUT", &cancel), None).await.0, 403);
    let (other, link) = crate::login::another_company(world).await;
    let stranger = StaffMember { member: link.member, person: link.person, role: Role::Boss, card: None };
    let claims = stranger.claims(true, world.clock.now());
    let token = world.keys.signer.sign(other, link.person, Some(claims), world.clock.now()).unwrap();
    let crm = office.pool.functions.router("crm");
    for (method, path, body) in [
        ("POST", preview, Some(json!({"leaver_id": office.pool.member("lin"), "successor_ids": [link.member]}))),
        ("GET", &of_one, None),
        ("POST", &undo, Some(empty)),
    ] {
        let (status, answer) = send(crm, (method, path), (Some(&token), Some("key-of-stranger")), body).await;
        assert_eq!((status, &answer["code"]), (404, &json!("not_found")), "{method} {path}");
    }
    // Whoever has left sees nothing any more, the successor all.
    let (status, refused) = send(crm, ("GET", "/v1/customers"), (Some(&lins), None), None).await;
    assert_eq!((status, &refused["code"]), (401, &json!("rights_changed")));
    office.run(&won.1["job_id"]).await;
    assert_eq!(office.shown(&won.1).await["state"], "done");
    let successor = if won.1["successor_ids"][0] == office.pool.member("chen") { "chen" } else { "wang" };
    for person in &office.people {
        assert_eq!(office.pool.owner(*person).await, office.pool.member(successor));
        assert_eq!(office.pool.ask(successor, "GET", *person, "", None).await.0, 200);
    }
    let (_, listed) = office.ask(successor, ("GET", "/v1/customers"), None).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), office.people.len(), "{listed}");
    let filter = AuditFilter { action: Some(AuditAction::HandoverStarted), ..AuditFilter::default() };
    let log = world.store.audit_log(world.company, &filter, None, 100).await.unwrap().items;
    assert_eq!(log.iter().map(|entry| json!(entry.target)).collect::<Vec<_>>(), [office.pool.member("lin")]);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_a_retry_is_the_handover_of_before() {
    let office = HandoverOffice::new(0).await;
    office.disable("wang").await;
    let refused = async |wanted: Value| {
        let (status, answer) = office.ask("boss", ("POST", PATH), Some(wanted)).await;
        (status, answer["errors"][0]["pointer"].clone(), answer["errors"][0]["code"].clone())
    };
    let at = |pointer, code| (422, json!(pointer), json!(code));
    assert_eq!(refused(office.wanted(&[])).await, at("/successor_ids", "required"));
    assert_eq!(refused(office.wanted(&["lin"])).await, at("/successor_ids", "not_allowed"));
    assert_eq!(refused(office.wanted(&["wang"])).await, at("/successor_ids", "not_allowed"));
    let nobody = "mem_00000000000000000000000000";
    let unknown = json!({"leaver_id": office.pool.member("lin"), "successor_ids": [nobody]});
    assert_eq!(refused(unknown).await, at("/successor_ids", "unknown_member"));
    let of_nobody = json!({"leaver_id": nobody, "successor_ids": [office.pool.member("chen")]});
    assert_eq!(refused(of_nobody).await.0, 404);
    let own = json!({"leaver_id": office.pool.member("boss"), "successor_ids": [office.pool.member("chen")]});
    assert_eq!(refused(own).await.0, 403, "the boss's own work");
    let (world, crm) = (&office.pool.world, office.pool.functions.router("crm"));
    let stale = world.token_of_login("boss", 600_000);
    let wanted = Some(office.wanted(&["chen"]));
    let (_, answer) = send(crm, ("POST", PATH), (Some(&stale), Some("key-of-boss")), wanted.clone()).await;
    assert_eq!(answer["code"], "fresh_login_required");
    let token = world.token("boss");
    let first = send(crm, ("POST", PATH), (Some(&token), Some("key-of-boss")), wanted.clone()).await;
    let again = send(crm, ("POST", PATH), (Some(&token), Some("key-of-boss")), wanted).await;
    assert_eq!((first.0, again.0, &first.1["handover_id"]), (202, 202, &again.1["handover_id"]), "{}", again.1);
    let (_, listed) = office.ask("boss", ("GET", PATH), None).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_somebody_has_changed_since_stays_and_after_thirty_days_all_does() {
    let office = HandoverOffice::new(9).await;
    office.busy().await;
    let handover = office.start(office.wanted(&["chen"])).await;
    let undo = format!("{PATH}/{}/undo", handover["handover_id"].as_str().unwrap());
    assert_eq!(office.ask("boss", ("POST", &undo), Some(json!({}))).await.1["code"], "handover_not_undoable");
    office.run(&handover["job_id"]).await;
    let [assigned, returned, planned] = [0, 1, 3].map(|n| office.people[n]);
    office.change(assigned, "PUT", "/owner", json!({"member_id": office.pool.member("wang")})).await;
    assert_eq!(office.pool.ask("chen", "DELETE", returned, "/owner", None).await.0, 204);
    assert_eq!(office.pool.ask("chen", "DELETE", planned, "/next-follow-up", None).await.0, 204);
    office.pool.world.clock.advance(HANDOVER_UNDO_MS - 10 * DAY_MS);
    let undoing = office.undo(&handover).await;
    office.run(&undoing["undo_job_id"]).await;
    let shown = office.shown(&handover).await;
    assert_eq!((&shown["state"], &shown["undo_stayed"]), (&json!("undone"), &json!(3)), "{shown}");
    let mut stay: Vec<_> = shown["staying"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    stay.sort_unstable();
    let mut expected = [assigned, returned, planned].map(|person| person.to_string());
    expected.sort_unstable();
    assert_eq!(stay, expected);
    assert!(shown["staying"].as_array().unwrap().iter().all(|it| it["reason"] == "changed" && it["undoing"] == true));
    assert_eq!(office.pool.owner(assigned).await, office.pool.member("wang"));
    assert_eq!(office.pool.owner(returned).await, Value::Null);
    assert_eq!(office.ownership_lines(planned).await[0], "handover_undone");
    for (name, counted, owned) in office.held().await {
        assert_eq!(usize::try_from(counted).unwrap(), owned, "{name}");
    }
    // A second one takes what is the leaver's again; after thirty days it stands.
    let second = office.start(office.wanted(&["wang"])).await;
    office.run(&second["job_id"]).await;
    assert_eq!(moved(&office.shown(&second).await, "moved")["customers"], 7);
    office.pool.world.clock.advance(HANDOVER_UNDO_MS + 1);
    let undo = format!("{PATH}/{}/undo", second["handover_id"].as_str().unwrap());
    assert_eq!(office.ask("boss", ("POST", &undo), Some(json!({}))).await.1["code"], "handover_not_undoable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_claims_a_customer_meanwhile_is_first_or_too_late() {
    let office = Arc::new(HandoverOffice::new(14).await);
    office.disable("lin").await;
    office.pool.housekeeping().await;
    let handover = office.start(office.wanted(&["wang"])).await;
    let claims: Vec<_> = office
        .people
        .iter()
        .rev()
        .copied()
        .map(|person| {
            let office = Arc::clone(&office);
            tokio::spawn(async move { (person, office.pool.claim("chen", person).await) })
        })
        .collect();
    office.run(&handover["job_id"]).await;
    let mut claimed = 0;
    for claim in claims {
        let (person, (status, answer)) = claim.await.unwrap();
        let owner = office.pool.owner(person).await;
        if status == 201 {
            claimed += 1;
            assert_eq!(owner, office.pool.member("chen"));
        } else {
            assert!([404, 409].contains(&status), "{answer}");
            assert_eq!(owner, office.pool.member("wang"));
        }
    }
    let shown = office.shown(&handover).await;
    let customers = moved(&shown, "moved").get("customers").copied().unwrap_or_default();
    assert_eq!((&shown["state"], customers + claimed), (&json!("done"), 15), "{shown}");
    for (name, counted, owned) in office.held().await {
        assert_eq!(usize::try_from(counted).unwrap(), owned, "{name}");
    }
}

#[tokio::test]
async fn what_a_successor_who_has_left_cannot_take_stays_for_the_next_handover() {
    let office = HandoverOffice::new(7).await;
    let first = office.start(office.wanted(&["chen", "wang"])).await;
    office.disable("wang").await;
    office.run(&first["job_id"]).await;
    let shown = office.shown(&first).await;
    assert_eq!((&shown["state"], &shown["stayed"]), (&json!("done"), &json!(4)), "{shown}");
    assert!(shown["staying"].as_array().unwrap().iter().all(|it| it["reason"] == "successor_inactive"), "{shown}");
    let second = office.start(office.wanted(&["chen"])).await;
    office.run(&second["job_id"]).await;
    let shown = office.shown(&second).await;
    assert_eq!((&shown["stayed"], moved(&shown, "moved")["customers"]), (&json!(0), 4), "{shown}");
    for person in &office.people {
        assert_eq!(office.pool.owner(*person).await, office.pool.member("chen"));
    }
}

#[tokio::test]
async fn a_handover_that_was_stopped_is_undone_as_far_as_it_came() {
    let office = HandoverOffice::new(60).await;
    let handover = office.start(office.wanted(&["chen"])).await;
    // Counted, and some of the first page moved.
    for calls in [8, 30] {
        office.deliver(&handover["job_id"], calls, true).await;
    }
    let part = moved(&office.shown(&handover).await, "moved")["customers"];
    assert!(part > 0 && part < 61, "{part}");
    let cancel = format!("/v1/jobs/{}/cancellation", handover["job_id"].as_str().unwrap());
    assert_eq!(office.ask("boss", ("PUT", &cancel), None).await.1["state"], "cancelled");
    office.run(&handover["job_id"]).await;
    let shown = office.shown(&handover).await;
    assert_eq!((&shown["state"], moved(&shown, "moved")["customers"]), (&json!("failed"), part));
    let undoing = office.undo(&handover).await;
    office.run(&undoing["undo_job_id"]).await;
    let shown = office.shown(&handover).await;
    assert_eq!((&shown["state"], moved(&shown, "restored")["customers"]), (&json!("undone"), part), "{shown}");
    office.pool.housekeeping().await;
    for person in &office.people {
        assert_eq!(office.pool.owner(*person).await, Value::Null, "the leaver's, who is gone");
    }
}
