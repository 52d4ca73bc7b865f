//! What a login reads: who it is, and the memberships they may choose from.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use domain::company::{Company, CompanyProfile, Link, Person};
use domain::kernel::failure::Failure;
use domain::kernel::id::{CompanyId, JoinRequestId, MemberId};
use domain::kernel::text::{OpenId, UnionId};
use domain::people::activation::Activation;
use domain::people::join_request::JoinRequest;
use domain::people::member::Member;
use domain::people::session::MemberSessions;

use crate::keys::Key;
use crate::people::session;
use crate::table::batch_get::ReadMode;
use crate::table::item::{Item, LAYOUT, TYPE, number, text};
use crate::table::kinds::{ACTIVATION, COMPANY, JOIN_REQUEST, MEMBER, PERSON, UNION};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// Most memberships looked at in a login: four items each, below the 100 of one call.
const MEMBERSHIPS_MAX: usize = 24;

/// What a login reads of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginContext {
    /// The company of the mini-program they come through.
    pub profile: CompanyProfile,
    /// The person, unless it is their first login there.
    pub person: Option<Person>,
    /// Where the same human is known to have memberships.
    pub links: BTreeMap<Company, Link>,
}

/// A member as a login finds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberLogin {
    /// The company.
    pub company: Company,
    /// Its profile.
    pub profile: CompanyProfile,
    /// The member.
    pub member: Member,
    /// The state of their radar's activation.
    pub activation: Activation,
    /// Their sessions.
    pub sessions: MemberSessions,
}

impl Store {
    /// What a login reads, as of the last write: the person may have claimed a membership a moment
    /// ago.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such company.
    pub async fn login_context(
        &self,
        company: Company,
        openid: &OpenId,
        unionid: Option<&UnionId>,
    ) -> Result<LoginContext, Failure> {
        let (profile, person) = (keys::company(company), keys::person(company, openid));
        let union = unionid.map(keys::union);
        let wanted: Vec<_> = [profile.clone(), person.clone()].into_iter().chain(union.clone()).collect();
        let mut items = self.by_key(&wanted).await?;
        let links = union.and_then(|union| items.remove(&union)).map(|item| UNION.decode(item)).transpose()?;
        let links: BTreeMap<CompanyId, Link> = links.unwrap_or_default();
        Ok(LoginContext {
            profile: COMPANY.decode(items.remove(&profile).ok_or(Failure::NotFound)?)?,
            person: items.remove(&person).map(|item| PERSON.decode(item)).transpose()?,
            // WeChat has confirmed that all of them belong to the same human.
            links: links.into_iter().map(|(company, link)| (Company::granted(company), link)).collect(),
        })
    }

    /// The memberships that exist, of the first 24, in the order asked for, and the request to
    /// join that was `asked`, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn member_logins(
        &self,
        wanted: &[(Company, MemberId)],
        asked: Option<(Company, JoinRequestId)>,
    ) -> Result<(Vec<MemberLogin>, Option<JoinRequest>), Failure> {
        let wanted = wanted.get(..MEMBERSHIPS_MAX).unwrap_or(wanted);
        let keys = |(company, member): &(Company, MemberId)| {
            let (activation, sessions) = (keys::activation(*company, *member), keys::sessions(*company, *member));
            [keys::company(*company), keys::member(*company, *member), activation, sessions]
        };
        let asked = asked.map(|(company, request)| keys::join_request(company, request));
        let mut items = self.by_key(&wanted.iter().flat_map(keys).chain(asked.clone()).collect::<Vec<_>>()).await?;
        let asked = asked.and_then(|asked| items.remove(&asked)).map(|item| JOIN_REQUEST.decode(item)).transpose()?;
        let mut member_logins = Vec::with_capacity(wanted.len());
        for (company, id) in wanted {
            let [profile, member, activation, sessions] = keys(&(*company, *id));
            let (Some(profile), Some(member)) = (items.remove(&profile), items.remove(&member)) else { continue };
            let activation = items.remove(&activation).map(|item| ACTIVATION.decode(item)).transpose()?;
            member_logins.push(MemberLogin {
                company: *company,
                profile: COMPANY.decode(profile)?,
                member: MEMBER.decode(member)?,
                activation: activation.unwrap_or_else(|| Activation::none(*id)),
                sessions: session::decode(items.remove(&sessions))?,
            });
        }
        Ok((member_logins, asked))
    }

    /// Notes a membership of the human with this unionid.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else notes one at the same moment.
    pub async fn link_membership(&self, unionid: &UnionId, company: Company, link: Link) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        note_link(&mut transaction, &self.table, unionid, company, link);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    async fn by_key(&self, wanted: &[Key]) -> Result<BTreeMap<Key, Item>, Failure> {
        // Nobody acts yet.
        let items = self.read_items(wanted, ReadMode::Consistent).await?;
        Ok(items.into_iter().filter_map(|item| Some((Key::of(&item)?, item))).collect())
    }
}

/// Adds the note of a membership to the transaction that makes it.
pub(crate) fn note_link(transaction: &mut Transaction, table: &str, unionid: &UnionId, company: Company, link: Link) {
    let ids = [("person", link.person.to_string()), ("member", link.member.to_string())];
    let link = ids.into_iter().map(|(name, id)| (name.to_owned(), text(id))).collect();
    let update = Update::builder()
        .update_expression("SET #company = :link, #type = :type, #layout = :layout")
        .expression_attribute_names("#company", company.id().to_string())
        .expression_attribute_names("#type", TYPE)
        .expression_attribute_names("#layout", LAYOUT)
        .expression_attribute_values(":link", AttributeValue::M(link))
        .expression_attribute_values(":type", text(UNION.name))
        .expression_attribute_values(":layout", number(UNION.layout));
    transaction.update(table, &keys::union(unionid), update, Failure::Busy);
}
