//! Authentication: authorization is an argument that only this module can make.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use domain::company::audit::AuditActor;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::company::{Acting, Company};
use domain::kernel::budget::BudgetName;
use domain::kernel::id::{CardId, MemberId, PersonId, SessionId};
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use domain::people::member::Role;
use http::request::Parts;
use http::{HeaderMap, header};
use runtime::clock::Clock;

use crate::budget::MemoryBudgets;
use crate::problem::{Code, Problem};
use crate::token::{TokenClaims, TokenVerifier};
use crate::trace::Trace;

/// The keys and the clock that tokens are checked with. All requests of a function share them.
pub struct Authenticator {
    /// Checks bearer tokens.
    pub tokens: TokenVerifier,
    /// Returns the time.
    pub clock: Clock,
    /// What this process remembers of what people have done.
    pub budgets: MemoryBudgets,
}

/// A caller with a valid token, also one who has not logged in: for data that everybody may see,
/// and for recording events there.
#[derive(Debug, Clone, Copy)]
pub struct TokenHolder {
    caller: Caller,
    anonymous: bool,
    paused: bool,
}

/// A caller with a valid token who has logged in: any visitor or member.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    company: Company,
    person: PersonId,
    membership: Option<Membership>,
}

/// A caller's membership, from their token.
#[derive(Debug, Clone, Copy)]
pub struct Membership {
    /// The member.
    pub member: MemberId,
    /// The member's role.
    pub role: Role,
    /// The member's card, if they have one.
    pub card: Option<CardId>,
    /// Whether the member's radar is on.
    pub radar: bool,
    /// The member's session.
    pub session: SessionId,
    /// When the member logged in by WeChat.
    logged_in_at: Timestamp,
}

/// A member of any role.
#[derive(Debug, Clone, Copy)]
pub struct Staff {
    caller: Caller,
    membership: Membership,
}

/// A member who is an admin or the boss.
#[derive(Debug, Clone, Copy)]
pub struct Admin {
    caller: Caller,
    member: MemberId,
    /// Admin or boss.
    pub role: Role,
    session: SessionId,
    pub(crate) logged_in_at: Timestamp,
}

/// The boss of the company.
#[derive(Debug, Clone, Copy)]
pub struct Boss(pub(crate) Admin);

/// A caller whose creating requests are remembered apart from those of others.
pub trait Actor {
    /// The actor, for the digest of their idempotency keys.
    fn actor(&self) -> String;
}

impl TokenHolder {
    /// The company of the caller's token; the only way to its data.
    pub fn company(&self) -> Company {
        self.caller.company
    }

    /// The identity of the caller.
    pub fn person(&self) -> PersonId {
        self.caller.person
    }

    /// The caller's membership, if any.
    pub fn membership(&self) -> Option<Membership> {
        self.caller.membership
    }

    /// Whether the caller has not logged in.
    pub fn is_anonymous(&self) -> bool {
        self.anonymous
    }

    /// Whether what the caller does is not recorded, since they wished so.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    fn from_claims(claims: &TokenClaims) -> Option<Self> {
        let caller = Caller::from_claims(claims)?;
        // The identity of an anonymous caller is unknown: they cannot be a member.
        let consistent = !claims.ano || caller.membership.is_none();
        consistent.then_some(Self { caller, anonymous: claims.ano, paused: claims.pau })
    }
}

impl Caller {
    /// The company of the caller's token; the only way to its data.
    pub fn company(&self) -> Company {
        self.company
    }

    /// The identity of the caller.
    pub fn person(&self) -> PersonId {
        self.person
    }

    /// The caller's membership, if any.
    pub fn membership(&self) -> Option<Membership> {
        self.membership
    }

    /// The actor for the audit log; `None` for a visitor, who changes only their own data.
    pub fn audit_actor(&self) -> Option<AuditActor> {
        self.membership.map(|membership| AuditActor::Member(membership.member))
    }

    /// Whether the card is the caller's own.
    pub fn owns(&self, card: CardId) -> bool {
        self.membership.is_some_and(|membership| membership.card == Some(card))
    }

    /// Whether the caller is an admin or the boss.
    pub fn is_admin(&self) -> bool {
        self.membership.is_some_and(|membership| membership.role >= Role::Admin)
    }

    /// Succeeds if the caller's radar is on.
    ///
    /// # Errors
    /// `radar_not_active` if it is off.
    pub fn require_radar(&self) -> Result<(), Problem> {
        let on = self.membership.is_some_and(|membership| membership.radar);
        if on { Ok(()) } else { Err(Problem::of(Code::RadarNotActive)) }
    }

    fn from_claims(claims: &TokenClaims) -> Option<Self> {
        let membership = match (claims.mem, claims.role, claims.sid, claims.auth) {
            (Some(member), Some(role), Some(session), Some(auth)) => {
                let logged_in_at = Timestamp::from_millis(auth.saturating_mul(SECOND_MS));
                Some(Membership { member, role, card: claims.crd, radar: claims.rad, session, logged_in_at })
            }
            (None, None, None, None) => None,
            _ => return None,
        };
        let person = claims.sub;
        let company = match membership {
            Some(Membership { member, role, .. }) => {
                Company::acting(claims.com, Acting { member, person, role, rights: claims.rights })
            }
            None => Company::granted(claims.com),
        };
        Some(Self { company, person, membership })
    }
}

impl Staff {
    /// The company of the caller's token.
    pub fn company(&self) -> Company {
        self.caller.company
    }

    /// The member who calls.
    pub fn id(&self) -> MemberId {
        self.membership.member
    }

    /// The session of the caller.
    pub fn session(&self) -> SessionId {
        self.membership.session
    }

    /// The caller's card, if they have one.
    pub fn card(&self) -> Option<CardId> {
        self.membership.card
    }

    /// Whether the caller is an admin or the boss.
    pub fn is_admin(&self) -> bool {
        self.caller.is_admin()
    }

    /// Whether the caller is the boss.
    pub fn is_boss(&self) -> bool {
        self.membership.role == Role::Boss
    }
}

impl Admin {
    /// The company of the caller's token.
    pub fn company(&self) -> Company {
        self.caller.company
    }

    /// The member who calls.
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// The session of the caller.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The actor for the audit log.
    pub fn audit_actor(&self) -> AuditActor {
        AuditActor::Member(self.member)
    }
}

impl Boss {
    /// The company of the caller's token.
    pub fn company(&self) -> Company {
        self.0.company()
    }

    /// The member who calls.
    pub fn member(&self) -> MemberId {
        self.0.member()
    }

    /// The actor for the audit log.
    pub fn audit_actor(&self) -> AuditActor {
        self.0.audit_actor()
    }
}

impl Actor for Caller {
    fn actor(&self) -> String {
        format!("{} {}", self.company.id(), self.person)
    }
}

impl Actor for Staff {
    fn actor(&self) -> String {
        self.caller.actor()
    }
}

impl Actor for Admin {
    fn actor(&self) -> String {
        self.caller.actor()
    }
}

impl Actor for Boss {
    fn actor(&self) -> String {
        self.0.actor()
    }
}

pub(crate) fn authenticator(parts: &Parts) -> Result<Arc<Authenticator>, Problem> {
    let authenticator = parts.extensions.get::<Arc<Authenticator>>().cloned();
    authenticator.ok_or_else(|| Problem::of(Code::Internal).caused_by("the router has no authenticator"))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    bearer_token(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// The token in the value of an `Authorization` header.
pub(crate) fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl<S: Sync> FromRequestParts<S> for TokenHolder {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if let Some(holder) = parts.extensions.get::<Self>() {
            return Ok(*holder);
        }
        let authenticator = authenticator(parts)?;
        let claims =
            bearer(&parts.headers).and_then(|token| authenticator.tokens.verify(token, authenticator.clock.now()).ok());
        let holder = claims.as_ref().and_then(Self::from_claims).ok_or_else(|| Problem::of(Code::Unauthorized))?;
        if let Some(trace) = parts.extensions.get::<Trace>() {
            trace.note_company(holder.company().id());
        }
        let caller = BudgetSubject::Person(holder.company(), holder.person());
        let request = BudgetSpend::one(BudgetName::Requests, caller);
        authenticator.budgets.spend(&[request], authenticator.clock.now())?;
        parts.extensions.insert(holder);
        Ok(holder)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let TokenHolder { caller, anonymous, .. } = TokenHolder::from_request_parts(parts, state).await?;
        if anonymous { Err(Problem::of(Code::LoginRequired)) } else { Ok(caller) }
    }
}

impl<S: Sync> FromRequestParts<S> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let membership = caller.membership.ok_or_else(|| Problem::of(Code::RoleRequired))?;
        Ok(Self { caller, membership })
    }
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match caller.membership {
            Some(Membership { member, role, session, logged_in_at, .. }) if role >= Role::Admin => {
                Ok(Self { caller, member, role, session, logged_in_at })
            }
            _ => Err(Problem::of(Code::RoleRequired)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Boss {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let admin = Admin::from_request_parts(parts, state).await?;
        if admin.role == Role::Boss { Ok(Self(admin)) } else { Err(Problem::of(Code::RoleRequired)) }
    }
}
