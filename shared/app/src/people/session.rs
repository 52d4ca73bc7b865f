//! Logging in: who it is, how they come, and which company the session is for.

use std::collections::BTreeMap;

use domain::company::CompanyName;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::company::{Company, CompanyProfile, Link, Person};
use domain::kernel::budget::BudgetName;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CompanyId, PersonId, SessionId};
use domain::kernel::text::{OpenId, UnionId};
use domain::people::invitation::LoginError;
use domain::people::join_request::JoinRequest;
use domain::people::member::MemberStatus;
use domain::people::session::{DeviceLabel, RefreshClaims};
use store::{ClaimRequest, Claimed, LoginContext, MemberLogin};

use crate::Flow;
use crate::people::join::{InvitationUsed, join};
use crate::people::refresh::{self, SessionOfLogin};

/// The way somebody comes.
#[derive(Debug, Clone)]
pub enum LoginMethod {
    /// As whoever they are.
    Plain,
    /// As the member whose claim code has this stored hash.
    Claim(String),
    /// By an invitation.
    Invitation(InvitationUsed),
}

/// A login that WeChat has confirmed.
#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// The company whose mini-program they came through.
    pub company: Company,
    /// Their id inside the mini-program.
    pub openid: OpenId,
    /// Their id across the mini-programs of an account, where WeChat returns it.
    pub unionid: Option<UnionId>,
    /// The way they come.
    pub entry: LoginMethod,
    /// The company they choose; `None` for the one of the mini-program.
    pub chosen: Option<CompanyId>,
    /// The device they come with.
    pub device: DeviceLabel,
    /// What the refresh token says that the device had before: its session is replaced.
    pub before: Option<RefreshClaims>,
}

/// A company to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanyOption {
    /// Its id.
    pub id: CompanyId,
    /// Its name.
    pub name: CompanyName,
    /// Whether the session is for it.
    pub current: bool,
}

/// The person a session is for, and the company.
pub struct LoginOutcome {
    /// The company.
    pub company: Company,
    /// Its profile.
    pub profile: CompanyProfile,
    /// The identity in it.
    pub person: PersonId,
    /// The active member they are; `None` for a visitor.
    pub member: Option<MemberLogin>,
    /// The session of the member.
    pub session: Option<SessionId>,
    /// Every company where they are an active member, as far as WeChat knows.
    pub companies: Vec<CompanyOption>,
    /// Their request to join the company they came through.
    pub join_request: Option<JoinRequest>,
    /// The identity under which they came, in the company of the mini-program.
    pub came_as: PersonId,
    /// Whether what they do as a visitor is not recorded, since they wished so.
    pub paused: bool,
}

/// Somebody who has logged in to the company of the mini-program.
struct LoginVisit<'a> {
    company: Company,
    profile: CompanyProfile,
    /// With their membership there, whatever its status is.
    person: Person,
    entry: LoginMethod,
    unionid: Option<&'a UnionId>,
    /// Where else they were known to be a member.
    links: BTreeMap<Company, Link>,
}

/// Logs somebody in.
///
/// # Errors
/// [`LoginError`]; [`Failure::NotFound`] for a chosen company where they are no active member.
pub async fn login(flow: &Flow<'_>, request: LoginRequest) -> Result<LoginOutcome, LoginError> {
    let LoginRequest { company, openid, unionid, entry, chosen, device, before } = request;
    let (openid, unionid) = (&openid, unionid.as_ref());
    let LoginContext { profile, person, links } = flow.store.login_context(company, openid, unionid).await?;
    if profile.suspended {
        return Err(Failure::CompanySuspended.into());
    }
    let person = match person {
        Some(person) => person,
        None => flow.store.sign_in(company, openid, flow.new_id()?, flow.now).await?,
    };
    if !matches!(entry, LoginMethod::Plain) {
        let guess = BudgetSpend::one(BudgetName::CodeGuesses, BudgetSubject::Person(company, person.id));
        flow.store.spend(&guess, flow.now).await?;
        require_choice(flow, company, &links, chosen).await?;
    }
    let person = match &entry {
        LoginMethod::Plain => person,
        LoginMethod::Claim(hash) => {
            claim(flow, company, ClaimRequest { person, openid, unionid, hash, now: flow.now }).await?
        }
        LoginMethod::Invitation(by) => join(flow, company, person, openid, by).await?,
    };
    let came_as = person.id;
    let outcome = enter(flow, LoginVisit { company, profile, person, entry, unionid, links }, chosen).await?;
    let session = begin_session(flow, &outcome, device, before).await?;
    Ok(LoginOutcome { came_as, session, ..outcome })
}

/// Begins the session of a member; a visitor has none, since no right of theirs could end.
async fn begin_session(
    flow: &Flow<'_>,
    outcome: &LoginOutcome,
    device: DeviceLabel,
    before: Option<RefreshClaims>,
) -> Result<Option<SessionId>, Failure> {
    let Some(MemberLogin { company, member, sessions, .. }) = &outcome.member else { return Ok(None) };
    let before = before.filter(|before| before.company == company.id() && before.member == member.id);
    let start = SessionOfLogin { device, replaces: before.map(|before| before.session) };
    refresh::begin(flow, *company, (member.id, sessions.clone()), start).await.map(Some)
}

/// Rejects another company that they cannot choose, before a code is used.
async fn require_choice(
    flow: &Flow<'_>,
    company: Company,
    links: &BTreeMap<Company, Link>,
    chosen: Option<CompanyId>,
) -> Result<(), Failure> {
    let Some(chosen) = chosen.filter(|chosen| *chosen != company.id()) else { return Ok(()) };
    let link = links.iter().find(|(company, _)| company.id() == chosen);
    let (other, link) = link.ok_or(Failure::NotFound)?;
    let (found, _) = flow.store.member_logins(&[(*other, link.member)], None).await?;
    if found.iter().any(|found| is_active(found, Some(link))) { Ok(()) } else { Err(Failure::NotFound) }
}

/// Returns the person with the membership they claim.
async fn claim(flow: &Flow<'_>, company: Company, claiming: ClaimRequest<'_>) -> Result<Person, LoginError> {
    let person = claiming.person;
    match flow.store.claim_membership(company, claiming).await? {
        Claimed::Member(member) => Ok(Person { member: Some(member), ..person }),
        Claimed::Refused => Err(LoginError::ClaimCodeInvalid),
        Claimed::OtherMember => Err(LoginError::AlreadyMember),
    }
}

/// Enters the chosen company, or else the one of the mini-program.
async fn enter(flow: &Flow<'_>, visit: LoginVisit<'_>, chosen: Option<CompanyId>) -> Result<LoginOutcome, LoginError> {
    let chosen = chosen.unwrap_or_else(|| visit.company.id());
    let mut links = visit.links;
    let own = visit.person.member.map(|member| Link { person: visit.person.id, member });
    let noted = links.remove(&visit.company);
    links.extend(own.map(|own| (visit.company, own)));
    let mut wanted: Vec<_> = links.iter().map(|(company, link)| (*company, link.member)).collect();
    // Those that matter first: there may be more than one call can read.
    wanted.sort_by_key(|(company, _)| (company.id() != chosen, *company != visit.company));
    let asked = visit.person.join_request.map(|request| (visit.company, request));
    let (mut active, join_request) = flow.store.member_logins(&wanted, asked).await?;
    active.retain(|found| is_active(found, links.get(&found.company)) && !found.profile.suspended);
    let (claimed, invited) =
        (matches!(visit.entry, LoginMethod::Claim(_)), matches!(visit.entry, LoginMethod::Invitation(_)));
    // A disabled or former member is a visitor, and does not come back by an invitation.
    if invited && own.is_some() && !active.iter().any(|found| found.company == visit.company) {
        return Err(LoginError::MemberInactive);
    }
    // A claim has noted the link itself.
    if let (Some(unionid), Some(own)) = (visit.unionid, own)
        && !claimed
        && noted != Some(own)
    {
        flow.store.link_membership(unionid, visit.company, own).await?;
    }
    active.sort_by_key(|found| found.company);
    let option = |found: &MemberLogin| CompanyOption {
        id: found.company.id(),
        name: found.profile.name.clone(),
        current: found.company.id() == chosen,
    };
    let companies = active.iter().map(option).collect();
    let member = active.into_iter().find(|found| found.company.id() == chosen);
    let came_as = visit.person.id;
    if chosen == visit.company.id() {
        let (company, profile) = (visit.company, visit.profile);
        let session = None;
        return Ok(LoginOutcome {
            company,
            profile,
            person: came_as,
            member,
            session,
            companies,
            join_request,
            came_as,
            paused: visit.person.paused,
        });
    }
    let member = member.ok_or(Failure::NotFound)?;
    let (company, profile) = (member.company, member.profile.clone());
    let person = links.get(&company).ok_or(Failure::NotFound)?.person;
    let (member, session, join_request) = (Some(member), None, None);
    Ok(LoginOutcome { company, profile, person, member, session, companies, join_request, came_as, paused: false })
}

/// Whether they are an active member there, and the member is still theirs.
fn is_active(found: &MemberLogin, link: Option<&Link>) -> bool {
    found.member.status() == MemberStatus::Active && link.is_some_and(|link| found.member.person == Some(link.person))
}
