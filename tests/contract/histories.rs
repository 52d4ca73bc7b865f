//! Xorshift histories of one company: roles, statuses, leaving, adding, claiming, inviting, joining and
//! deciding, with old tokens, three requests at a time. Whatever succeeded must be explained by an
//! order in which each request was allowed at its moment, and there is always an active boss.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "a history without an explanation fails its test; the counts are shown"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use domain::company::{Company, CompanyProfile};
use domain::kernel::id::MemberId;
use domain::kernel::text::{AppId, Line, OpenId};
use domain::people::member::{MemberStatus, Role};
use edge::token::MemberClaims;
use serde_json::{Value, json};
use store::{ClaimRequest, MemberFilter, NewCompany, NewMember};
use testkit::world::{StaffMember, World};
use tokio::task::JoinSet;

use crate::company_model::{CompanyModel, HistoryRequest, HistoryToken, ModelMember};
use crate::functions::organization;
use crate::http::send;

const HISTORIES: u64 = 1_000;
/// Histories that run beside each other.
const BESIDE: u8 = 8;
const ROUNDS: usize = 3;
/// Requests that are sent at the same time.
const AT_ONCE: usize = 3;

/// xorshift64*.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        if of.is_empty() { None } else { Some(of[self.below(of.len())].clone()) }
    }
}

/// One company and those who act in it.
struct CompanyHistory {
    world: Arc<World>,
    router: Router,
    company: Company,
    appid: AppId,
    random: Xorshift,
    model: CompanyModel,
    /// Tokens of now and of before.
    tokens: Vec<HistoryToken>,
    strangers: usize,
}

/// What was seen in all histories.
#[derive(Debug, Default)]
struct OutcomeCounts {
    done: AtomicU32,
    rights_changed: AtomicU32,
    refused: AtomicU32,
}

impl CompanyHistory {
    /// A company with two bosses, an admin and a member of staff, each with a token.
    async fn begin(world: Arc<World>, router: Router, seed: u64) -> Self {
        let appid = AppId::parse(&format!("wx{seed:016x}")).unwrap();
        let now = world.clock.now();
        let id = world.ids.new_id(now).unwrap();
        let name = Line::parse("历史公司").unwrap();
        let profile = CompanyProfile { id, name, appid: appid.clone(), wecom: None, suspended: false, created_at: now };
        let boss = world.member("first", Role::Boss);
        let new = NewCompany { profile, boss: boss.clone(), seats: 100 };
        world.store.create_company(new, &world.request(&format!("company {seed}")), now).await.unwrap();
        let (company, random) = (Company::granted(id), Xorshift(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1));
        let (model, tokens, strangers) = (CompanyModel::default(), Vec::new(), 0);
        let mut begun = Self { world, router, company, appid, random, model, tokens, strangers };
        begun.enter(&boss).await;
        for (name, role) in [("second", Role::Boss), ("admin", Role::Admin), ("staff", Role::Staff)] {
            let new = begun.world.member(name, role);
            let (audit, request) = (begun.world.entry(), begun.world.request(name));
            begun.world.store.add_member(company, new.clone(), &audit, &request).await.unwrap();
            begun.enter(&new).await;
        }
        begun
    }

    /// Lets a member of the beginning claim their membership.
    async fn enter(&mut self, new: &NewMember) {
        let (world, openid) = (Arc::clone(&self.world), OpenId::parse(new.member.name.as_str()).unwrap());
        let now = world.clock.now();
        let person = world.store.sign_in(self.company, &openid, world.fresh_person(), now).await.unwrap();
        let claiming = ClaimRequest { person, openid: &openid, unionid: None, hash: &new.claim_hash, now };
        world.store.claim_membership(self.company, claiming).await.unwrap();
        let known = ModelMember { role: new.member.role, status: MemberStatus::Active, rights: 0 };
        self.model.members.insert(new.member.id, known);
        self.log_in(new.member.id).await;
    }

    /// A new token of a member, as they stand now.
    async fn log_in(&mut self, id: MemberId) {
        let member = self.world.store.member(self.company, id).await.unwrap();
        let (Some(person), Some(role)) = (member.person, member.active_role()) else { return };
        let (staff, now) = (StaffMember { member: id, person, role, card: member.card }, self.world.clock.now());
        let claims = MemberClaims { rights: member.rights, ..staff.claims(false, now) };
        let text = self.world.keys.signer.sign(self.company, person, Some(claims), now).unwrap();
        self.tokens.push(HistoryToken { member: id, role, rights: member.rights, text });
    }

    /// A request that may be allowed: who acts, on whom and what is random.
    fn request(&mut self) -> Option<HistoryRequest> {
        let random = &mut self.random;
        // Staff may do none of it: they try now and then.
        let lowest = if random.below(8) == 0 { Role::Staff } else { Role::Admin };
        let able: Vec<_> = self.tokens.iter().filter(|token| token.role >= lowest).cloned().collect();
        let by = random.pick(&able)?;
        let of = random.pick(&Vec::from_iter(self.model.members.keys().copied()))?;
        let role = random.pick(&Role::ALL)?;
        let to = random.pick(&["active", "disabled", "left"])?;
        let (guest, review) = (random.pick(&[Role::Staff, Role::Admin])?, random.below(2) == 0);
        Some(match random.below(12) {
            0..=2 => HistoryRequest::SetRole { by, of, role },
            3..=5 => HistoryRequest::SetStatus { by, of, to },
            6 => HistoryRequest::Add { by, role: guest },
            7 => HistoryRequest::Claim { of: random.pick(&Vec::from_iter(self.model.codes.keys().copied()))? },
            8 => HistoryRequest::Invite { by, role: guest, review },
            9 | 10 => HistoryRequest::Join { by: random.pick(&Vec::from_iter(self.model.links.keys().cloned()))? },
            _ => {
                let request = random.pick(&Vec::from_iter(self.model.waiting.keys().cloned()))?;
                HistoryRequest::Decide { by, request }
            }
        })
    }

    /// Method, path, token, idempotency key and body of a request.
    fn wire(&mut self, request: &HistoryRequest) -> (&'static str, String, Option<String>, Value) {
        self.strangers += 1;
        let stranger = format!("stranger-{}", self.strangers);
        let token = |by: &HistoryToken| Some(by.text.clone());
        match request {
            HistoryRequest::SetRole { by, of, role } => {
                ("PUT", format!("/v1/members/{of}/role"), token(by), json!({"role": role.name()}))
            }
            HistoryRequest::SetStatus { by, of, to } => {
                ("PUT", format!("/v1/members/{of}/status"), token(by), json!({"status": to}))
            }
            HistoryRequest::Add { by, role } => {
                ("POST", "/v1/members".to_owned(), token(by), json!({"name": stranger, "role": role.name()}))
            }
            HistoryRequest::Invite { by, role, review } => {
                let body = json!({"uses": 5, "role": role.name(), "review": review});
                ("POST", "/v1/invitations".to_owned(), token(by), body)
            }
            HistoryRequest::Decide { by, request } => {
                ("PUT", format!("/v1/join-requests/{request}"), token(by), json!({"decision": "approve"}))
            }
            HistoryRequest::Claim { of } => {
                let code = &self.model.codes[of].text;
                let body = json!({"appid": self.appid.as_str(), "code": stranger, "claim_code": code});
                ("POST", "/v1/sessions".to_owned(), None, body)
            }
            HistoryRequest::Join { by } => {
                let invitation = json!({"code": self.model.links[by].code, "name": stranger, "position": ""});
                let body = json!({"appid": self.appid.as_str(), "code": stranger, "invitation": invitation});
                ("POST", "/v1/sessions".to_owned(), None, body)
            }
        }
    }

    /// Sends requests at the same time; returns those that succeeded, with their answers.
    async fn send(&mut self, requests: Vec<HistoryRequest>, seen: &OutcomeCounts) -> Vec<(HistoryRequest, Value)> {
        let mut sent = JoinSet::new();
        for request in requests {
            let (method, path, token, body) = self.wire(&request);
            let (router, key) = (self.router.clone(), format!("key-of-{:08}", self.strangers));
            sent.spawn(async move {
                let answer = send(&router, (method, &path), (token.as_deref(), Some(&key)), Some(body)).await;
                (request, answer)
            });
        }
        let mut done = Vec::new();
        while let Some(answered) = sent.join_next().await {
            let (request, (status, answer)) = answered.unwrap();
            assert!(status < 500, "{request:?}: {answer}");
            let counter = match (status, answer["code"].as_str()) {
                (200..300, _) => &seen.done,
                (_, Some("rights_changed")) => &seen.rights_changed,
                _ => &seen.refused,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            if status < 300 {
                done.push((request, answer));
            }
        }
        done
    }

    /// The members as they are stored.
    async fn stored(&self) -> BTreeMap<MemberId, ModelMember> {
        let all = MemberFilter::default();
        let page = self.world.store.list_members(self.company, &all, None, 100).await.unwrap();
        let known = |member: &domain::people::member::Member| ModelMember {
            role: member.role,
            status: member.status(),
            rights: member.rights,
        };
        page.items.iter().map(|member| (member.id, known(member))).collect()
    }

    async fn round(&mut self, seen: &OutcomeCounts) {
        let requests = (0..AT_ONCE).filter_map(|_| self.request()).collect();
        let done = self.send(requests, seen).await;
        let stored = self.stored().await;
        let reigns = |known: &ModelMember| known.role == Role::Boss && known.status == MemberStatus::Active;
        assert!(stored.values().any(reigns), "no boss is left after {done:?}");
        let explained = orders(done.len()).into_iter().find_map(|order| {
            let mut model = self.model.clone();
            let allowed = order.iter().all(|&at| model.apply(&done[at].0, &done[at].1));
            (allowed && model.members == stored).then_some(model)
        });
        self.model = explained
            .unwrap_or_else(|| panic!("no order allows {done:#?}\nbefore: {:#?}\nafter: {stored:#?}", self.model));
        // Somebody logs in again; the tokens of before stay in use.
        if let Some(id) = self.random.pick(&Vec::from_iter(self.model.members.keys().copied())) {
            self.log_in(id).await;
        }
    }
}

/// Every order of `n` things.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(n - 1);
    let with_last = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, n - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..n).map(move |at| with_last(order, at))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_histories_keep_a_boss_and_let_nobody_in_without_the_right() {
    let world = Arc::new(World::new().await);
    let router = organization(&world, "sms").await;
    let seen = Arc::new(OutcomeCounts::default());
    let mut running = JoinSet::new();
    for beside in 0..BESIDE {
        let (world, router, seen) = (Arc::clone(&world), router.clone(), Arc::clone(&seen));
        running.spawn(async move {
            for seed in (u64::from(beside) + 1..=HISTORIES).step_by(usize::from(BESIDE)) {
                let mut history = CompanyHistory::begin(Arc::clone(&world), router.clone(), seed).await;
                for _ in 0..ROUNDS {
                    history.round(&seen).await;
                }
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    let [done, changed, refused] =
        [&seen.done, &seen.rights_changed, &seen.refused].map(|counter| counter.load(Ordering::Relaxed));
    println!("{HISTORIES} histories: {done} done, {changed} rights changed, {refused} refused otherwise");
    assert!(done > 1_000 && changed > 100, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_bosses_who_demote_each_other_one_stays() {
    let world = Arc::new(World::new().await);
    let router = organization(&world, "sms").await;
    for seed in 10_000..10_020 {
        let mut history = CompanyHistory::begin(Arc::clone(&world), router.clone(), seed).await;
        let bosses: Vec<_> = history.tokens.iter().filter(|token| token.role == Role::Boss).cloned().collect();
        let [first, second] = <[HistoryToken; 2]>::try_from(bosses).unwrap();
        let demote = |by: &HistoryToken, of: &HistoryToken| HistoryRequest::SetRole {
            by: by.clone(),
            of: of.member,
            role: Role::Staff,
        };
        let both = vec![demote(&first, &second), demote(&second, &first)];
        assert_eq!(history.send(both, &OutcomeCounts::default()).await.len(), 1, "{seed}");
        let bosses = history.stored().await.into_values().filter(|known| known.role == Role::Boss).count();
        assert_eq!(bosses, 1, "{seed}");
    }
}

#[test]
fn orders_are_all_orders() {
    assert_eq!(orders(2), [[1, 0], [0, 1]]);
    assert_eq!(orders(3).len(), 6);
}
