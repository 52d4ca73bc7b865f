//! Who is calling: authorization is an argument that only this module can make.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::FromRequestParts;
use domain::company::Company;
use domain::company::audit::AuditActor;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, CompanyId, MemberId, PersonId};
use domain::people::member::Role;
use http::request::Parts;
use http::{HeaderMap, header};
use runtime::clock::Clock;

use crate::problem::{Code, Problem};
use crate::token::{TokenClaims, TokenVerifier};
use crate::trace::Trace;

/// Header with the platform operator's key.
const OPERATOR_KEY: &str = "x-operator-key";

/// What tokens are checked with. Shared by all requests of a function.
pub struct Authenticator {
    /// Checks bearer tokens.
    pub tokens: TokenVerifier,
    /// Tells the time.
    pub clock: Clock,
}

/// Anybody with a valid token, also who has not logged in: for what everybody may see,
/// and for telling what one does there.
#[derive(Debug, Clone, Copy)]
pub struct TokenHolder {
    caller: Caller,
    anonymous: bool,
}

/// A person with a valid token who has logged in: any visitor or member.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    company: Company,
    person: PersonId,
    membership: Option<Membership>,
}

/// A caller's membership, as his token says.
#[derive(Debug, Clone, Copy)]
pub struct Membership {
    /// Which member.
    pub member: MemberId,
    /// What he may do.
    pub role: Role,
    /// His card, if he has one.
    pub card: Option<CardId>,
    /// Whether his radar is on.
    pub radar: bool,
}

/// A member of any role.
#[derive(Debug, Clone, Copy)]
pub struct Staff {
    caller: Caller,
    membership: Membership,
}

/// A member who is admin or boss.
#[derive(Debug, Clone, Copy)]
pub struct Admin {
    caller: Caller,
    member: MemberId,
    /// Admin or boss.
    pub role: Role,
}

/// A member who is boss.
#[derive(Debug, Clone, Copy)]
pub struct Boss(Admin);

/// The platform operator. Only the routes of a function that has [`OperatorKeys`] can ask
/// for him.
#[derive(Debug, Clone, Copy)]
pub struct Operator(());

/// A function that knows who the platform operator is.
pub trait OperatorKeys {
    /// SHA-256 digests of the operator keys that are accepted. Asked only when a request
    /// has a key.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when they cannot be had now.
    fn operator_keys(&self) -> impl Future<Output = Result<&[[u8; 32]], Failure>> + Send;
}

/// Somebody whose creating requests are remembered apart from others'.
pub trait Actor {
    /// Who, for the digest of his idempotency keys.
    fn actor(&self) -> String;
}

impl TokenHolder {
    /// The company his token is for; the only way to its data.
    pub fn company(&self) -> Company {
        self.caller.company
    }

    /// The identity he acts under.
    pub fn person(&self) -> PersonId {
        self.caller.person
    }

    /// His membership, if any.
    pub fn membership(&self) -> Option<Membership> {
        self.caller.membership
    }

    fn from_claims(claims: &TokenClaims) -> Option<Self> {
        let caller = Caller::from_claims(claims)?;
        // Nobody knows who an anonymous one is: he cannot be a member.
        let consistent = !claims.ano || caller.membership.is_none();
        consistent.then_some(Self { caller, anonymous: claims.ano })
    }
}

impl Caller {
    /// The company his token is for; the only way to its data.
    pub fn company(&self) -> Company {
        self.company
    }

    /// Who he is.
    pub fn person(&self) -> PersonId {
        self.person
    }

    /// His membership, if any.
    pub fn membership(&self) -> Option<Membership> {
        self.membership
    }

    /// Whom the audit log names; nobody for a visitor, who changes nothing of others'.
    pub fn audit_actor(&self) -> Option<AuditActor> {
        self.membership.map(|membership| AuditActor::Member(membership.member))
    }

    /// Whether the card is his own.
    pub fn owns(&self, card: CardId) -> bool {
        self.membership.is_some_and(|membership| membership.card == Some(card))
    }

    /// Whether he is admin or boss.
    pub fn is_admin(&self) -> bool {
        self.membership.is_some_and(|membership| membership.role >= Role::Admin)
    }

    /// That his radar is on.
    ///
    /// # Errors
    /// `radar_not_active` when it is off.
    pub fn require_radar(&self) -> Result<(), Problem> {
        let on = self.membership.is_some_and(|membership| membership.radar);
        if on { Ok(()) } else { Err(Problem::of(Code::RadarNotActive)) }
    }

    /// His membership.
    ///
    /// # Errors
    /// `role_required` when he is not a member.
    pub fn require_member(&self) -> Result<MemberId, Problem> {
        let member = self.membership.map(|membership| membership.member);
        member.ok_or_else(|| Problem::of(Code::RoleRequired))
    }

    fn from_claims(claims: &TokenClaims) -> Option<Self> {
        let membership = match (claims.mem, claims.role) {
            (Some(member), Some(role)) => Some(Membership { member, role, card: claims.crd, radar: claims.rad }),
            (None, None) => None,
            _ => return None,
        };
        Some(Self { company: Company::granted(claims.com), person: claims.sub, membership })
    }
}

impl Staff {
    /// The company his token is for.
    pub fn company(&self) -> Company {
        self.caller.company
    }

    /// Which member he is.
    pub fn id(&self) -> MemberId {
        self.membership.member
    }

    /// His card, if he has one.
    pub fn card(&self) -> Option<CardId> {
        self.membership.card
    }

    /// Whether he is admin or boss.
    pub fn is_admin(&self) -> bool {
        self.caller.is_admin()
    }
}

impl Admin {
    /// The company his token is for.
    pub fn company(&self) -> Company {
        self.caller.company
    }

    /// Which member he is.
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// Whom the audit log names.
    pub fn audit_actor(&self) -> AuditActor {
        AuditActor::Member(self.member)
    }
}

impl Boss {
    /// The company his token is for.
    pub fn company(&self) -> Company {
        self.0.company()
    }

    /// Which member he is.
    pub fn member(&self) -> MemberId {
        self.0.member()
    }

    /// Whom the audit log names.
    pub fn audit_actor(&self) -> AuditActor {
        self.0.audit_actor()
    }
}

impl Operator {
    /// Any company: the operator serves them all. One that does not exist has no data.
    pub fn company(&self, id: CompanyId) -> Company {
        Company::granted(id)
    }
}

impl Actor for Caller {
    fn actor(&self) -> String {
        format!("{} {}", self.company.id(), self.person)
    }
}

impl Actor for Admin {
    fn actor(&self) -> String {
        self.caller.actor()
    }
}

impl Actor for Operator {
    fn actor(&self) -> String {
        "operator".to_owned()
    }
}

fn gate(parts: &Parts) -> Result<Arc<Authenticator>, Problem> {
    let gate = parts.extensions.get::<Arc<Authenticator>>().cloned();
    gate.ok_or_else(|| Problem::of(Code::Internal).caused_by("the router has no gate"))
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
        if let Some(anyone) = parts.extensions.get::<Self>() {
            return Ok(*anyone);
        }
        let gate = gate(parts)?;
        let claims = bearer(&parts.headers).and_then(|token| gate.tokens.verify(token, gate.clock.now()).ok());
        let anyone = claims.as_ref().and_then(Self::from_claims).ok_or_else(|| Problem::of(Code::Unauthorized))?;
        if let Some(trace) = parts.extensions.get::<Trace>() {
            trace.note_company(anyone.company().id());
        }
        parts.extensions.insert(anyone);
        Ok(anyone)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let TokenHolder { caller, anonymous } = TokenHolder::from_request_parts(parts, state).await?;
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
            Some(Membership { member, role, .. }) if role >= Role::Admin => Ok(Self { caller, member, role }),
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

impl<S: OperatorKeys + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let given = parts.headers.get(OPERATOR_KEY).ok_or_else(|| Problem::of(Code::Unauthorized))?;
        let given = digest(&SHA256, given.as_bytes());
        let keys = state.operator_keys().await?;
        let known = keys.iter().any(|key| verify_slices_are_equal(key, given.as_ref()).is_ok());
        if known { Ok(Self(())) } else { Err(Problem::of(Code::Unauthorized)) }
    }
}
