//! Joining by an invitation: at once, or as a request that an admin decides about.

use aws_sdk_dynamodb::types::Update;
use domain::card::Card;
use domain::company::audit::AuditEntry;
use domain::company::{Company, CompanyProfile};
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::id::JoinRequestId;
use domain::kernel::text::OpenId;
use domain::kernel::timestamp::{DAY_MS, Timestamp};
use domain::people::authority::MemberAct;
use domain::people::invitation::{Invitation, InvitationState, Offer};
use domain::people::join_request::{Decision, JoinRequest, JoinRequestState};
use domain::people::member::Member;

use crate::card::create_card_item;
use crate::card::view::take;
use crate::company::audit::add_entry;
use crate::company::quota::QuotaName;
use crate::people::invitation::use_once;
use crate::people::member::{bind_person, create_member_item};
use crate::people::rights::{Backed, check_backer};
use crate::table::batch_get::ReadMode;
use crate::table::item::{expire, text};
use crate::table::kinds::{COMPANY, INVITATION, INVITATION_CODE, JOIN_REQUEST};
use crate::table::read::{Order, Search};
use crate::table::transaction::{Cancelled, Refused, Transaction};
use crate::{Page, Store, keys};

/// How long a request is kept after its expiry to explain itself; then it is forgotten with
/// the openid in it.
const REQUEST_KEPT_MS: i64 = 30 * DAY_MS;

/// What a code leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinContext {
    /// What the code opens; `None` for an unknown code.
    pub offer: Option<Offer>,
    /// The company.
    pub profile: CompanyProfile,
    /// The person's latest request.
    pub request: Option<JoinRequest>,
}

/// Somebody who becomes a member, with their card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoiningMember {
    /// The member.
    pub member: Member,
    /// Their card.
    pub card: Card,
}

/// Somebody joining by an invitation.
#[derive(Debug, Clone, Copy)]
pub struct Joining<'a> {
    /// What the code of the invitation opens.
    pub offer: Offer,
    /// Their id inside the mini-program.
    pub openid: &'a OpenId,
    /// The member they become.
    pub joining_member: &'a JoiningMember,
    /// The entry of the audit log.
    pub audit: &'a AuditEntry,
}

/// The outcome of an attempt to join by an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinOutcome {
    /// It is done.
    Done,
    /// The same person has just joined or asked in another call.
    Already,
    /// The invitation is not open any more.
    Closed(InvitationState),
}

impl Store {
    /// What the code with this hash leads to, and the person's latest request.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such company.
    pub async fn join_context(
        &self,
        company: Company,
        code_hash: &str,
        asked: Option<JoinRequestId>,
    ) -> Result<JoinContext, Failure> {
        let mut wanted = vec![keys::company(company), keys::invitation_code(company, code_hash)];
        wanted.extend(asked.map(|request| keys::join_request(company, request)));
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        Ok(JoinContext {
            offer: take(&mut items, INVITATION_CODE)?,
            profile: take(&mut items, COMPANY)?.ok_or(Failure::NotFound)?,
            request: take(&mut items, JOIN_REQUEST)?,
        })
    }

    /// Makes somebody a member by an invitation: one of its seats becomes theirs.
    ///
    /// # Errors
    /// [`Failure::Busy`] when others join at the same moment.
    pub async fn join(&self, company: Company, joining: Joining<'_>) -> Result<JoinOutcome, Failure> {
        let Joining { offer, openid, joining_member, audit } = joining;
        let invitation = offer.invitation;
        let (key, now) = (keys::invitation(company, invitation), audit.at);
        let mut transaction = Transaction::default();
        bind_person(&mut transaction, &self.table, company, openid, joining_member.member.id);
        transaction.update(&self.table, &key, use_once(now), Failure::NotFound);
        let seats = self.quota_ref(company, QuotaName::Seats);
        seats.confirm_some(&mut transaction, &invitation.to_string(), 1, now);
        self.add_joining_member(&mut transaction, company, joining_member)?;
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.check_inviter(&mut transaction, company, offer);
        join_outcome(self.commit(company, transaction).await, now)
    }

    /// Stores a request to join; `before` is the person's latest request. The seat that was held
    /// for the invitation is held for the request from now on.
    ///
    /// # Errors
    /// [`Failure::Busy`] when others join at the same moment.
    pub async fn ask_to_join(
        &self,
        company: Company,
        request: &JoinRequest,
        (offer, before): (Offer, Option<JoinRequestId>),
    ) -> Result<JoinOutcome, Failure> {
        let (invitation, now) = (request.invitation, request.created_at);
        let mut transaction = Transaction::default();
        let asks = Update::builder()
            .update_expression("SET join_request = :request")
            .expression_attribute_names("#member", "member")
            .expression_attribute_values(":request", text(request.id.to_string()));
        let none_yet = "attribute_exists(id) AND attribute_not_exists(#member) AND";
        let asks = match before {
            Some(before) => asks
                .condition_expression(format!("{none_yet} join_request = :before"))
                .expression_attribute_values(":before", text(before.to_string())),
            None => asks.condition_expression(format!("{none_yet} attribute_not_exists(join_request)")),
        };
        transaction.update(&self.table, &keys::person(company, &request.openid), asks, Failure::Busy);
        let key = keys::invitation(company, invitation);
        transaction.update(&self.table, &key, use_once(now), Failure::NotFound);
        let (from, to) = (invitation.to_string(), request.id.to_string());
        let seats = self.quota_ref(company, QuotaName::Seats);
        seats.pass_on(&mut transaction, (&from, &to), 1, now, request.expires_at())?;
        let mut item = JOIN_REQUEST.encode(&keys::join_request(company, request.id), request)?;
        expire(&mut item, request.expires_at().plus_millis(REQUEST_KEPT_MS));
        transaction.create(&self.table, item, Failure::Exists(Thing::JoinRequest));
        self.check_inviter(&mut transaction, company, offer);
        join_outcome(self.commit(company, transaction).await, now)
    }

    /// A request to join, and the company it is for.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn join_request(
        &self,
        company: Company,
        request: JoinRequestId,
    ) -> Result<(JoinRequest, CompanyProfile), Failure> {
        let wanted = [keys::join_request(company, request), keys::company(company)];
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let request = take(&mut items, JOIN_REQUEST)?.ok_or(Failure::NotFound)?;
        Ok((request, take(&mut items, COMPANY)?.ok_or(Failure::NotFound)?))
    }

    /// Decides about a request that was read while it waited: makes the person the member that
    /// comes with it, or frees the seat. Returns the request as it stands afterwards; if somebody
    /// else decided first, with their decision.
    ///
    /// # Errors
    /// [`Failure::Exists`] `membership` when the person has become a member otherwise.
    pub async fn decide_join_request(
        &self,
        company: Company,
        read: JoinRequest,
        joining_member: Option<&JoiningMember>,
        audit: &AuditEntry,
    ) -> Result<JoinRequest, Failure> {
        let (id, now) = (read.id.to_string(), audit.at);
        let seats = self.quota_ref(company, QuotaName::Seats);
        let mut transaction = Transaction::default();
        let decision = if joining_member.is_some() { Decision::Approve } else { Decision::Reject };
        let update = Update::builder()
            .condition_expression("attribute_exists(id) AND attribute_not_exists(decision)")
            .expression_attribute_values(":decision", text(decision.name()));
        let update = match joining_member {
            Some(joining_member) => update
                .update_expression("SET decision = :decision, #member = :member")
                .expression_attribute_names("#member", "member")
                .expression_attribute_values(":member", text(joining_member.member.id.to_string())),
            None => update.update_expression("SET decision = :decision"),
        };
        transaction.update(&self.table, &keys::join_request(company, read.id), update, Failure::Busy);
        if let Some(joining_member) = joining_member {
            bind_person(&mut transaction, &self.table, company, &read.openid, joining_member.member.id);
            self.add_joining_member(&mut transaction, company, joining_member)?;
            seats.confirm(&mut transaction, &id, 1, now);
        } else {
            seats.release(&mut transaction, &id, 1);
        }
        add_entry(&mut transaction, &self.table, company, audit)?;
        match self.commit(company, transaction).await {
            Ok(()) => {
                let member = joining_member.map(|joining_member| joining_member.member.id);
                Ok(JoinRequest { decision: Some(decision), member, ..read })
            }
            Err(Cancelled::Conditions(failed)) => match failed.into_iter().next() {
                Some(Refused { position: 0, item: Some(item), .. }) => JOIN_REQUEST.decode(item),
                // A sweep has freed the seat a moment ago.
                Some(Refused { failure: Failure::NotFound, .. }) | None => Err(Failure::Busy),
                Some(refused) => Err(refused.failure),
            },
            Err(Cancelled::Store(failure)) => Err(failure),
        }
    }

    /// The requests in this state at `now`, the latest first. A filter looks through as many as
    /// one call reads, so a page may be short and not the last.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn list_join_requests(
        &self,
        company: Company,
        (state, now): (Option<JoinRequestState>, Timestamp),
        after: Option<JoinRequestId>,
        limit: u32,
    ) -> Result<Page<JoinRequest, JoinRequestId>, Failure> {
        let partition = keys::join_requests(company);
        let start = after.map(|request| keys::join_request(company, request));
        let search = Search { kind: JOIN_REQUEST, partition: &partition, start, order: Order::NewestFirst, limit };
        let passes = state.map(|state| move |request: &JoinRequest| request.state(now) == state);
        self.search(search, passes, |request| request.id).await
    }

    /// Adds to a transaction that the member who made an invitation may still let such people in.
    fn check_inviter(&self, transaction: &mut Transaction, company: Company, offer: Offer) {
        if let Some(by) = offer.created_by {
            let backed = Backed { by, act: MemberAct::Admit, to: offer.role, made_at: offer.created_at };
            check_backer(transaction, &self.table, company, backed, Failure::RoleRequired);
        }
    }

    fn add_joining_member(
        &self,
        transaction: &mut Transaction,
        company: Company,
        JoiningMember { member, card }: &JoiningMember,
    ) -> Result<(), Failure> {
        create_member_item(transaction, &self.table, company, member)?;
        create_card_item(transaction, &self.table, company, card)
    }
}

/// The outcome of a transaction whose first action is on the person and whose second is on the
/// invitation.
fn join_outcome(done: Result<(), Cancelled>, now: Timestamp) -> Result<JoinOutcome, Failure> {
    let failed = match done {
        Ok(()) => return Ok(JoinOutcome::Done),
        Err(Cancelled::Store(failure)) => return Err(failure),
        Err(Cancelled::Conditions(failed)) => failed,
    };
    match failed.into_iter().next() {
        Some(Refused { position: 0, .. }) => Ok(JoinOutcome::Already),
        Some(Refused { position: 1, item: Some(item), .. }) => {
            match INVITATION.decode::<Invitation>(item)?.state(now) {
                InvitationState::Open => Err(Failure::Busy),
                state @ (InvitationState::UsedUp
                | InvitationState::Expired
                | InvitationState::Revoked
                | InvitationState::Ended) => Ok(JoinOutcome::Closed(state)),
            }
        }
        Some(Refused { failure: Failure::RoleRequired, .. }) => Ok(JoinOutcome::Closed(InvitationState::Ended)),
        // Its seats were swept by a clock that is ahead of ours.
        Some(Refused { failure: Failure::NotFound, .. }) => Ok(JoinOutcome::Closed(InvitationState::Expired)),
        Some(refused) => Err(refused.failure),
        None => Err(Failure::Busy),
    }
}
