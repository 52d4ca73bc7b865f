//! The companies a person may choose from at a login: those where the same unionid is an
//! active member.

use std::collections::BTreeMap;

use domain::card::CompanyName;
use domain::company::{Company, CompanyProfile, Link, Person};
use domain::failure::Failure;
use domain::id::{CompanyId, PersonId};
use domain::join_request::JoinRequest;
use domain::member::MemberStatus;
use domain::text::UnionId;
use edge::problem::{Code, Problem};
use serde::Serialize;
use store::Standing;
use utoipa::ToSchema;

use crate::App;

/// A company that the person can choose at login.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyChoice {
    /// The company.
    company_id: CompanyId,
    /// The name.
    name: CompanyName,
    /// Whether the session is for this company.
    current: bool,
}

/// Somebody at the door of the company whose mini-program he came through.
pub(crate) struct Visit<'a> {
    pub(crate) company: Company,
    pub(crate) profile: CompanyProfile,
    /// With his membership there, whatever became of it.
    pub(crate) person: Person,
    /// Whether that was claimed in this very login, and noted with it.
    pub(crate) claimed: bool,
    /// Whether he comes by an invitation.
    pub(crate) invited: bool,
    pub(crate) unionid: Option<&'a UnionId>,
    /// Where else he was known to be a member.
    pub(crate) links: BTreeMap<Company, Link>,
}

/// What a session is for.
pub(crate) struct Entered {
    pub(crate) company: Company,
    pub(crate) profile: CompanyProfile,
    pub(crate) person: PersonId,
    /// None for a visitor: who was disabled or has left is one.
    pub(crate) member: Option<Standing>,
    pub(crate) companies: Vec<CompanyChoice>,
    /// What he has asked for in the company he came through.
    pub(crate) join_request: Option<JoinRequest>,
}

/// Lets somebody in to the company he chooses, or else to the one he came through.
pub(crate) async fn enter(app: &App, visit: Visit<'_>, chosen: Option<CompanyId>) -> Result<Entered, Problem> {
    let chosen = chosen.unwrap_or_else(|| visit.company.id());
    let mut links = visit.links;
    let own = visit.person.member.map(|member| Link { person: visit.person.id, member });
    let noted = links.remove(&visit.company);
    links.extend(own.map(|own| (visit.company, own)));
    let mut wanted: Vec<_> = links.iter().map(|(company, link)| (*company, link.member)).collect();
    // Those that matter first: there may be more than one call can read.
    wanted.sort_by_key(|(company, _)| (company.id() != chosen, *company != visit.company));
    let asked = visit.person.join_request.map(|request| (visit.company, request));
    let (mut active, join_request) = app.store.standings(&wanted, asked).await?;
    active.retain(|found| is_active(found, links.get(&found.company)));
    // Who was disabled or has left is a visitor, and does not come back by an invitation.
    if visit.invited && own.is_some() && !active.iter().any(|found| found.company == visit.company) {
        return Err(Problem::of(Code::MemberInactive));
    }
    if let (Some(unionid), Some(own)) = (visit.unionid, own)
        && !visit.claimed
        && noted != Some(own)
    {
        app.store.link_membership(unionid, visit.company, own).await?;
    }
    active.sort_by_key(|found| found.company);
    let choice = |found: &Standing| CompanyChoice {
        company_id: found.company.id(),
        name: found.profile.name.clone(),
        current: found.company.id() == chosen,
    };
    let companies = active.iter().map(choice).collect();
    let member = active.into_iter().find(|found| found.company.id() == chosen);
    if chosen == visit.company.id() {
        let (company, profile, person) = (visit.company, visit.profile, visit.person.id);
        return Ok(Entered { company, profile, person, member, companies, join_request });
    }
    let member = member.ok_or(Failure::NotFound)?;
    let (company, profile) = (member.company, member.profile.clone());
    let person = links.get(&company).ok_or(Failure::NotFound)?.person;
    Ok(Entered { company, profile, person, member: Some(member), companies, join_request: None })
}

/// Whether he is an active member there, and the member is still his.
fn is_active(found: &Standing, link: Option<&Link>) -> bool {
    found.member.status() == MemberStatus::Active && link.is_some_and(|link| found.member.person == Some(link.person))
}
