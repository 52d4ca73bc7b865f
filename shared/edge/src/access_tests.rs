use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::Extension;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use domain::kernel::id::{CompanyId, Id, SessionId};
use domain::kernel::timestamp::Timestamp;
use domain::media::upload::{Format, Purpose, UploadState};
use domain::people::member::Role;
use http::Request;
use http_body_util::BodyExt;
use runtime::clock::Clock;
use serde_json::json;
use tower::ServiceExt;
use uuid::Uuid;

use super::*;
use crate::auth::Authenticator;
use crate::budget::MemoryBudgets;
use crate::token::{MemberClaims, TokenSigner, TokenVerifier};

const COMPANY: u128 = 1;
const OWNER: u128 = 20;
/// The owner's card; the cards of the other staff member and of the admins.
const CARD: u128 = 10;
const OTHERS_CARD: u128 = 11;
const ADMINS_CARD: u128 = 12;
const DEPARTMENT: u128 = 30;
const UPLOAD: u128 = 40;
/// An id that nothing has.
const UNKNOWN: u128 = 99;

/// The callers of the table, in the order of its columns.
const CALLERS: [&str; 10] =
    ["nobody", "anonymous", "visitor", "owner", "owner off", "other", "no card", "admin", "admin off", "boss"];

fn some<T: Id>(number: u128) -> T {
    T::from_uuid(Uuid::from_u128(number))
}

/// A function that knows three cards, one department and one upload of one company.
#[derive(Debug, Clone, Copy)]
struct Lookups;

fn found(there: bool) -> Result<(), Failure> {
    if there { Ok(()) } else { Err(Failure::NotFound) }
}

impl CardLookup for Lookups {
    async fn find_card(&self, company: Company, card: CardId) -> Result<(), Failure> {
        let cards = [CARD, OTHERS_CARD, ADMINS_CARD].map(some::<CardId>);
        found(company.id() == some(COMPANY) && cards.contains(&card))
    }
}

impl DepartmentLookup for Lookups {
    async fn find_department(&self, company: Company, department: DepartmentId) -> Result<(), Failure> {
        found(company.id() == some(COMPANY) && department == some(DEPARTMENT))
    }
}

impl UploadLookup for Lookups {
    async fn find_upload(&self, company: Company, upload: UploadId) -> Result<Upload, Failure> {
        found(company.id() == some(COMPANY) && upload == some(UPLOAD))?;
        let (purpose, format, card, member) = (Purpose::Photo, Format::Png, Some(some(CARD)), some(OWNER));
        let state = UploadState::Waiting;
        Ok(Upload { id: upload, purpose, format, bytes: 1, card, member, state, used: false, created_at: now() })
    }
}

/// What a permission gave: a value, or the code of the refusal.
fn answer(given: Result<impl Debug, Problem>) -> String {
    given.map_or_else(|problem| format!("{:?}", problem.code()), |value| format!("{value:?}"))
}

/// The text that a row expects of whoever has the permission.
const OK: &str = "()";

fn router() -> Router {
    let editor = get(|given: Result<CardEditor, Problem>| async { answer(given.map(drop)) });
    let actor = get(|given: Result<CardEditor, Problem>| async { answer(given.map(|editor| editor.audit_actor())) });
    let admin = get(|given: Result<CardAdmin, Problem>| async { answer(given.map(drop)) });
    let radar = || get(|given: Result<RadarScope, Problem>| async { answer(given.map(drop)) });
    let scope = || get(|given: Result<RadarScope, Problem>| async { answer(given.map(|radar| radar.scope())) });
    let opened = get(|given: Result<CardRadar, Problem>| async { answer(given.map(drop)) });
    let customer = get(|given: Result<CustomerAccess, Problem>| async { answer(given.map(drop)) });
    let on = get(|given: Result<CustomerAccess, Problem>| async { answer(given.map(|access| access.radar_on())) });
    let upload = get(|given: Result<UploadViewer, Problem>| async { answer(given.map(drop)) });
    Router::new()
        .route("/editor/{card_id}", editor)
        .route("/actor/{card_id}", actor)
        .route("/admin/{card_id}", admin)
        .route("/radar/cards/{card_id}", radar())
        .route("/radar/departments/{department_id}", radar())
        .route("/radar/company", radar())
        .route("/scope/cards/{card_id}", scope())
        .route("/scope/departments/{department_id}", scope())
        .route("/scope/company", scope())
        .route("/opened/{card_id}", opened)
        .route("/customer/{card_id}/{person_id}", customer)
        .route("/radar-on/{card_id}/{person_id}", on)
        .route("/upload/{upload_id}", upload)
        .with_state(Lookups)
}

/// What is there at once, without waiting.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
}

/// The router and who signs its callers' tokens.
struct Api {
    router: Router,
    signer: TokenSigner,
}

impl Api {
    fn new() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
        let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]}).to_string();
        let signer = TokenSigner::new("k".to_owned(), &BASE64.encode(pair.to_pkcs8().unwrap().as_ref())).unwrap();
        let tokens = TokenVerifier::from_jwks(&jwks).unwrap();
        let authenticator =
            Arc::new(Authenticator { tokens, clock: Clock::from_fn(now), budgets: MemoryBudgets::default() });
        Self { router: router().layer(Extension(authenticator)), signer }
    }

    /// The token of a caller of the table, who is in `company`.
    fn token(&self, caller: &str, company: u128) -> Option<String> {
        let (company, person) = (Company::granted(some::<CompanyId>(company)), some::<PersonId>(2));
        let member = |id, role, card: Option<u128>, radar| {
            let (member, card) = (some::<MemberId>(id), card.map(some::<CardId>));
            let session = some::<SessionId>(30);
            Some(MemberClaims { member, role, card, radar, rights: 0, session, logged_in_at: now() })
        };
        let membership = match caller {
            "nobody" => return None,
            "anonymous" => return Some(self.signer.sign_anonymous(company, person, now()).unwrap()),
            "visitor" => None,
            "owner" => member(OWNER, Role::Staff, Some(CARD), true),
            "owner off" => member(OWNER, Role::Staff, Some(CARD), false),
            "other" => member(21, Role::Staff, Some(OTHERS_CARD), true),
            "no card" => member(22, Role::Staff, None, true),
            "admin" => member(23, Role::Admin, Some(ADMINS_CARD), true),
            "admin off" => member(23, Role::Admin, Some(ADMINS_CARD), false),
            "boss" => member(24, Role::Boss, None, true),
            unknown => panic!("{unknown} is no caller"),
        };
        Some(self.signer.sign(company, person, membership, now()).unwrap())
    }

    fn get(&self, token: Option<&str>, path: &str) -> String {
        let mut request = Request::builder().uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::empty()).unwrap();
        let response = at_once(self.router.clone().oneshot(request)).unwrap();
        let body = at_once(response.into_body().collect()).unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    fn asks(&self, caller: &str, path: &str) -> String {
        self.get(self.token(caller, COMPANY).as_deref(), path)
    }
}

/// Paths below `base` for a thing that is there, for one that is not, and for text that is no id.
fn paths<T: Id + ToString>(base: &str, there: u128, tail: &str) -> [String; 3] {
    let path = |id: String| format!("{base}/{id}{tail}");
    [path(some::<T>(there).to_string()), path(some::<T>(UNKNOWN).to_string()), path("x".to_owned())]
}

#[test]
fn each_caller_gets_the_permissions_of_the_table() {
    use Code::{NotFound, RadarNotActive, RoleRequired};
    let (yes, role, none, off) = (None, Some(RoleRequired), Some(NotFound), Some(RadarNotActive));
    let person = format!("/{}", some::<PersonId>(3));
    let [editor, editor_unknown, editor_x] = paths::<CardId>("/editor", CARD, "");
    let [admin, admin_unknown, admin_x] = paths::<CardId>("/admin", CARD, "");
    let [card, card_unknown, card_x] = paths::<CardId>("/radar/cards", CARD, "");
    let [department, department_unknown, department_x] = paths::<DepartmentId>("/radar/departments", DEPARTMENT, "");
    let [opened, opened_unknown, opened_x] = paths::<CardId>("/opened", CARD, "");
    let [customer, customer_unknown, customer_x] = paths::<CardId>("/customer", CARD, &person);
    let [_, _, nobody_s] = paths::<CardId>("/customer", CARD, "/x");
    let [upload, upload_unknown, upload_x] = paths::<UploadId>("/upload", UPLOAD, "");
    // visitor, owner, owner off, other, no card, admin, admin off, boss
    let rows = [
        (editor, [role, yes, yes, role, role, yes, yes, yes]),
        (editor_unknown, [none, none, none, none, none, yes, yes, yes]),
        (editor_x, [none; 8]),
        (admin, [role, role, role, role, role, yes, yes, yes]),
        (admin_unknown, [none, none, none, none, none, yes, yes, yes]),
        (admin_x, [none; 8]),
        (card, [none, yes, off, none, none, yes, off, yes]),
        (card_unknown, [none; 8]),
        (card_x, [none; 8]),
        (department, [none, none, none, none, none, yes, off, yes]),
        (department_unknown, [none; 8]),
        (department_x, [none; 8]),
        ("/radar/company".to_owned(), [none, none, none, none, none, yes, off, yes]),
        (opened, [none, yes, off, none, none, yes, off, yes]),
        (opened_unknown, [none, none, none, none, none, yes, off, yes]),
        (opened_x, [none; 8]),
        (customer, [none, yes, yes, none, none, yes, yes, yes]),
        (customer_unknown, [none, none, none, none, none, yes, yes, yes]),
        (customer_x, [none; 8]),
        (nobody_s, [none; 8]),
        (upload, [none, yes, yes, none, none, yes, yes, yes]),
        (upload_unknown, [none; 8]),
        (upload_x, [none; 8]),
    ];
    let api = Api::new();
    for (path, wanted) in rows {
        let everybody = [Some(Code::Unauthorized), Some(Code::LoginRequired)].into_iter().chain(wanted);
        for (caller, wanted) in CALLERS.into_iter().zip(everybody) {
            let wanted = wanted.map_or_else(|| OK.to_owned(), |code| format!("{code:?}"));
            assert_eq!(api.asks(caller, &path), wanted, "{caller} at {path}");
        }
    }
}

#[test]
fn a_radar_shows_what_the_path_names() {
    let api = Api::new();
    let [card, ..] = paths::<CardId>("/scope/cards", CARD, "");
    let [department, ..] = paths::<DepartmentId>("/scope/departments", DEPARTMENT, "");
    for caller in ["owner", "admin", "boss"] {
        assert_eq!(api.asks(caller, &card), format!("{:?}", Scope::Card(some(CARD))), "{caller}");
    }
    assert_eq!(api.asks("boss", &department), format!("{:?}", Scope::Department(some(DEPARTMENT))));
    assert_eq!(api.asks("boss", "/scope/company"), format!("{:?}", Scope::Company));
}

#[test]
fn a_boss_of_another_company_finds_neither_card_nor_department_nor_upload() {
    let api = Api::new();
    let boss = api.token("boss", COMPANY + 1);
    for [path, ..] in [
        paths::<CardId>("/radar/cards", CARD, ""),
        paths::<DepartmentId>("/radar/departments", DEPARTMENT, ""),
        paths::<UploadId>("/upload", UPLOAD, ""),
    ] {
        assert_eq!(api.get(boss.as_deref(), &path), "NotFound", "{path}");
    }
}

#[test]
fn the_audit_log_names_who_edits_somebody_else_s_card() {
    let api = Api::new();
    let actor = |caller, card| api.asks(caller, &format!("/actor/{}", some::<CardId>(card)));
    let named = |member| format!("{:?}", Some(AuditActor::Member(some(member))));
    assert_eq!(actor("owner", CARD), "None");
    assert_eq!(actor("admin", ADMINS_CARD), "None");
    assert_eq!(actor("admin", CARD), named(23));
    assert_eq!(actor("boss", CARD), named(24));
}

#[test]
fn customers_are_there_for_whose_radar_is_off_and_it_says_so() {
    let api = Api::new();
    let path = format!("/radar-on/{}/{}", some::<CardId>(CARD), some::<PersonId>(3));
    for (caller, on) in [("owner", "true"), ("owner off", "false"), ("admin", "true"), ("admin off", "false")] {
        assert_eq!(api.asks(caller, &path), on, "{caller}");
    }
}
