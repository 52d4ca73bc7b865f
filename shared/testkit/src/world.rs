//! A company with a boss, three employees and a visitor, on a table of its own.

use std::collections::BTreeMap;

use aws_types::SdkConfig;
use domain::card::share::{Channel, Share};
use domain::card::{Card, Identity};
use domain::company::audit::{AuditAction, AuditActor, AuditEntry};
use domain::company::{Acting, Company, CompanyProfile, Person};
use domain::crm::identities::Customer;
use domain::crm::identity_group::MergeEdge;
use domain::crm::merge::{Merge, MergeReason};
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::id::{CardId, CompanyId, Id, MemberId, MergeId, PersonId, SessionId, UploadId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::text::{AppId, Line, OpenId, ShareCode};
use domain::kernel::timestamp::{DAY_MS, Timestamp};
use domain::media::upload::{Purpose, Upload, UploadState};
use domain::people::member::{Member, PersonName, Position, Role};
use domain::people::session::{DeviceLabel, MemberSession, MemberSessions};
use domain::tracking::event::Target;
use edge::token::MemberClaims;
use runtime::ids::Ids;
use store::{ClaimRequest, NewCompany, NewMember, SessionStart, Store};

use crate::clock::{TestClock, ids};
use crate::emulators;
use crate::keys::TokenKeys;

/// Seats of a world's company; its boss and employees use four.
pub const SEATS: u32 = 10;

/// The world of one test.
pub struct World {
    /// The table's client, for building functions.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// How functions reach other AWS services.
    pub aws: SdkConfig,
    /// The table's name.
    pub table: String,
    /// The table as functions see it.
    pub store: Store,
    /// The clock of the world.
    pub clock: TestClock,
    /// Makes ids.
    pub ids: Ids,
    /// Signs tokens.
    pub keys: TokenKeys,
    /// The company.
    pub company: Company,
    /// Its mini-program.
    pub appid: AppId,
    /// `boss`, `lin`, `chen`, `wang`.
    pub staff: BTreeMap<&'static str, StaffMember>,
    /// A person who is not a member.
    pub visitor: PersonId,
    /// A share of `lin`'s card by `lin`.
    pub share_code: ShareCode,
    /// A merge of two other people.
    pub merge_id: MergeId,
    /// The uploads of `lin` for `lin`'s card, by purpose: ready to be used.
    pub uploads: BTreeMap<&'static str, UploadId>,
}

/// A member who has claimed their membership.
#[derive(Debug, Clone, Copy)]
pub struct StaffMember {
    /// The member.
    pub member: MemberId,
    /// The person.
    pub person: PersonId,
    /// The member's role.
    pub role: Role,
    /// The member's card; the boss has none.
    pub card: Option<CardId>,
}

impl StaffMember {
    /// The claims of a token of this member, who logs in now and whose rights have never changed.
    pub fn claims(&self, radar: bool, now: Timestamp) -> MemberClaims {
        let StaffMember { member, role, card, .. } = *self;
        let session = session_of(member);
        MemberClaims { member, role, card, radar, rights: 0, session, logged_in_at: now }
    }
}

/// The session of a member's tokens.
fn session_of(member: MemberId) -> SessionId {
    SessionId::from_uuid(member.uuid())
}

impl World {
    /// A new world. Two worlds share nothing but the emulator.
    pub async fn new() -> Self {
        let (dynamodb, table) = emulators::table().await;
        let (clock, ids) = (TestClock::default(), ids());
        let store = Store::new(dynamodb.clone(), table.clone());
        let id: CompanyId = ids.new_id(clock.now()).expect("an id");
        let appid = AppId::parse("wx00000000000001").expect("an app id");
        let mut world = Self {
            dynamodb,
            aws: emulators::anywhere(),
            table,
            store,
            clock,
            ids,
            keys: TokenKeys::generate(),
            company: Company::granted(id),
            appid,
            staff: BTreeMap::new(),
            visitor: PersonId::from_uuid(id.uuid()),
            share_code: ShareCode::from_secret([7; 16]),
            merge_id: MergeId::from_uuid(id.uuid()),
            uploads: BTreeMap::new(),
        };
        world.found().await;
        world.visitor = world.sign_in("visitor").await.id;
        world.share().await;
        let merged = world.merge(world.fresh_person(), world.fresh_person(), MergeReason::Login).await;
        world.merge_id = merged.expect("two who are nobody else");
        for purpose in Purpose::ALL {
            let upload = world.upload(*purpose);
            world.send(&upload).await;
            world.uploads.insert(purpose.name(), upload.id);
        }
        world
    }

    /// A new upload of `lin` for `lin`'s card, not stored.
    pub fn upload(&self, purpose: Purpose) -> Upload {
        let created_at = self.clock.now();
        Upload {
            id: self.ids.new_id(created_at).expect("an id"),
            purpose,
            format: purpose.limits().formats[0],
            bytes: 1_000,
            card: Some(self.card("lin")),
            member: self.staff["lin"].member,
            state: UploadState::Waiting,
            used: false,
            created_at,
        }
    }

    /// Stores an upload, as ready.
    pub async fn send(&self, upload: &Upload) {
        let request = self.request(&upload.id.to_string());
        self.store.create_upload(self.company, upload.clone(), &request, &[]).await.expect("the upload is made");
        let state = UploadState::Ready { duration_ms: Some(1_500) };
        self.store.set_upload_state(self.company, upload.id, state).await.expect("the upload is ready");
    }

    async fn found(&mut self) {
        let profile = CompanyProfile {
            id: self.company.id(),
            name: Line::parse("云杉茶业").expect("a name"),
            appid: self.appid.clone(),
            wecom: None,
            suspended: false,
            created_at: self.clock.now(),
        };
        let boss = self.member("boss", Role::Boss);
        let new = NewCompany { profile, boss: boss.clone(), seats: SEATS };
        let created = self.store.create_company(new, &self.request("company"), self.clock.now()).await;
        created.expect("the company is created");
        self.claim("boss", &boss).await;
        for name in ["lin", "chen", "wang"] {
            let member = self.member(name, Role::Staff);
            let added = self.store.add_member(self.company, member.clone(), &self.entry(), &self.request(name)).await;
            added.expect("the member is added");
            self.claim(name, &member).await;
        }
    }

    async fn share(&self) {
        let (code, card, sharer) = (self.share_code.clone(), self.card("lin"), self.staff["lin"].person);
        let created_at = self.clock.now();
        let share = Share { code, card, target: Target::Card, channel: Channel::Code, sharer, created_at };
        self.store
            .create_share(self.company, share, None, &self.request("share"), &[])
            .await
            .expect("the card is shared");
    }

    /// A new member of this name, not stored; staff come with a card.
    pub fn member(&self, name: &str, role: Role) -> NewMember {
        let now = self.clock.now();
        let id = self.ids.new_id(now).expect("an id");
        let identity = Identity {
            name: PersonName::parse(name).expect("a name"),
            position: Position::parse("茶艺师").expect("a position"),
            company: Line::parse("云杉茶业").expect("a name"),
        };
        let Identity { name: person_name, position, .. } = identity.clone();
        let card_id = (role == Role::Staff).then(|| self.ids.new_id(now).expect("an id"));
        let card = card_id.map(|card| Card::new(card, id, identity, now));
        let member = Member { card: card_id, ..Member::invited(id, person_name, position, role, now) };
        NewMember { member, card, claim_hash: format!("hash-of-{name}"), claim_expires_at: now.plus_millis(7 * DAY_MS) }
    }

    /// A new person.
    pub fn fresh_person(&self) -> PersonId {
        self.ids.new_id(self.clock.now()).expect("an id")
    }

    /// Merges two identities into one person; [`Failure::Busy`] if others write at the same moment.
    ///
    /// # Errors
    /// [`Failure::Exists`] if they are not merged.
    pub async fn merge(&self, a: PersonId, b: PersonId, reason: MergeReason) -> Result<MergeId, Failure> {
        let edge = MergeEdge { merge: self.ids.new_id(self.clock.now()).expect("an id"), a, b };
        let merge = Merge { edge, reason, at: self.clock.now(), undone: None };
        let plan = merge.plan(&self.known(a, b).await?).map_err(|_| Failure::Exists(Thing::Merge))?;
        for pending in self.store.apply_merge(self.company, &merge, &plan, None).await? {
            self.store.count_pending(&pending).await?;
        }
        Ok(edge.merge)
    }

    /// Two identities with their groups.
    ///
    /// # Errors
    /// Errors of the table.
    pub async fn known(&self, a: PersonId, b: PersonId) -> Result<BTreeMap<PersonId, Customer>, Failure> {
        let known = self.store.customers(self.company, &[a, b]).await?;
        known.into_iter().map(|(person, customer)| Ok((person, customer?))).collect()
    }

    /// The context of a person's login.
    pub async fn sign_in(&self, openid: &str) -> Person {
        let openid = OpenId::parse(openid).expect("an openid");
        let new_id = self.ids.new_id(self.clock.now()).expect("an id");
        self.store.sign_in(self.company, &openid, new_id, self.clock.now()).await.expect("a person")
    }

    async fn claim(&mut self, name: &'static str, new: &NewMember) {
        let person = self.sign_in(name).await;
        let openid = OpenId::parse(name).expect("an openid");
        let claiming =
            ClaimRequest { person, openid: &openid, unionid: None, hash: &new.claim_hash, now: self.clock.now() };
        self.store.claim_membership(self.company, claiming).await.expect("the claim is accepted");
        let Member { id, role, card, .. } = new.member;
        self.begin_session(id).await;
        self.staff.insert(name, StaffMember { member: id, person: person.id, role, card });
    }

    /// Begins the session of a member that their tokens are of.
    async fn begin_session(&self, member: MemberId) {
        let (id, session) = (session_of(member), &MemberSession::begun(DeviceLabel::default(), self.clock.now()));
        let start = SessionStart { member, id, session, displaced: Vec::new() };
        let begun = self.store.begin_session(self.company, &MemberSessions::default(), &start).await;
        begun.expect("the session begins");
    }

    /// An entry for the audit log.
    pub fn entry(&self) -> AuditEntry {
        let at = self.clock.now();
        let (id, target) = (self.ids.uuid(at).expect("an id"), self.company.id().to_string());
        AuditEntry {
            id,
            at,
            actor: AuditActor::Operator,
            action: AuditAction::MemberAdded,
            target,
            from: String::new(),
            to: String::new(),
        }
    }

    /// The identity of a creating request with this key.
    pub fn request(&self, key: &str) -> Idempotency {
        Idempotency { key: key.to_owned(), fingerprint: format!("body of {key}") }
    }

    /// A token of `boss`, `lin`, `chen`, `wang`, or of the visitor for any other name.
    /// The radar of members is on.
    pub fn token(&self, name: &str) -> String {
        self.token_with(name, self.staff.contains_key(name))
    }

    /// The same, with the radar on or off.
    pub fn token_with(&self, name: &str, radar: bool) -> String {
        let staff = self.staff.get(name);
        let person = staff.map_or(self.visitor, |staff| staff.person);
        let membership = staff.map(|staff| staff.claims(radar, self.clock.now()));
        self.keys.signer.sign(self.company, person, membership, self.clock.now()).expect("a token")
    }

    /// The same for a member who logged in by WeChat this long ago, and has refreshed their session since.
    pub fn token_of_login(&self, name: &str, ago_ms: i64) -> String {
        let (staff, now) = (self.staff[name], self.clock.now());
        let claims = MemberClaims { logged_in_at: now.plus_millis(-ago_ms), ..staff.claims(true, now) };
        self.keys.signer.sign(self.company, staff.person, Some(claims), now).expect("a token")
    }

    /// The handle of a member's token: of somebody whose rights have never changed.
    pub fn acting(&self, name: &str) -> Company {
        let StaffMember { member, person, role, .. } = self.staff[name];
        Company::acting(self.company.id(), Acting { member, person, role, rights: 0 })
    }

    /// A token of a member as they stand now, their radar on: as after another login.
    pub async fn token_of_now(&self, name: &str) -> String {
        let staff = self.staff[name];
        let Member { role, card, rights, .. } = self.store.member(self.company, staff.member).await.expect("a member");
        let claims = MemberClaims { role, card, rights, ..staff.claims(true, self.clock.now()) };
        let token = self.keys.signer.sign(self.company, staff.person, Some(claims), self.clock.now());
        token.expect("a token")
    }

    /// A token of a person who has not logged in.
    pub fn anonymous_token(&self) -> String {
        let token = self.keys.signer.sign_anonymous(self.company, self.fresh_person(), self.clock.now());
        token.expect("a token")
    }

    /// The card of an employee.
    pub fn card(&self, name: &str) -> CardId {
        self.staff[name].card.expect("staff have cards")
    }
}
