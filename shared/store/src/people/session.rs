//! Sessions of members: one item each member, so that a login and a refresh read it with the member
//! and the limit on sessions holds under parallel logins.
//!
//! A refresh writes its own session only; beginning and ending sessions counts the item's version.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, Update};
use domain::company::audit::AuditEntry;
use domain::company::{Company, CompanyProfile};
use domain::kernel::failure::Failure;
use domain::kernel::id::{MemberId, SessionId};
use domain::kernel::timestamp::Timestamp;
use domain::people::activation::Activation;
use domain::people::member::Member;
use domain::people::session::{MemberSession, MemberSessions, SESSION_IDLE_MS};

use crate::company::audit::add_entry;
use crate::keys::Key;
use crate::people::rights::end_tokens;
use crate::table::batch_get::ReadMode;
use crate::table::error::failure;
use crate::table::item::{EXPIRES_AT, Item, expire, number};
use crate::table::kinds::{ACTIVATION, COMPANY, MEMBER, SESSIONS};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// What a refresh reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshContext {
    /// The member; `None` if there is none.
    pub member: Option<Member>,
    /// The state of their radar's activation.
    pub activation: Activation,
    /// Their sessions.
    pub sessions: MemberSessions,
    /// Whether their company is suspended.
    pub suspended: bool,
}

/// A session that begins, and those that go for it.
#[derive(Debug, Clone)]
pub struct SessionStart<'a> {
    /// The member.
    pub member: MemberId,
    /// The id.
    pub id: SessionId,
    /// The session.
    pub session: &'a MemberSession,
    /// Those that go.
    pub displaced: Vec<SessionId>,
}

/// A refresh of a session.
#[derive(Debug, Clone, Copy)]
pub struct SessionRefresh {
    /// The member.
    pub member: MemberId,
    /// The session.
    pub id: SessionId,
    /// The number that it goes on at.
    pub next: u32,
    /// When.
    pub now: Timestamp,
}

/// Why sessions were not written.
#[derive(Debug)]
pub enum SessionError {
    /// They have changed since they were read: these are stored now.
    Changed(MemberSessions),
    /// Anything else.
    Store(Failure),
}

impl Store {
    /// A member with what their token says, and their sessions, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn refresh_context(&self, company: Company, member: MemberId) -> Result<RefreshContext, Failure> {
        let wanted = [
            keys::member(company, member),
            keys::activation(company, member),
            keys::sessions(company, member),
            keys::company(company),
        ];
        // Nobody acts yet: the sessions decide about the token that was sent.
        let mut items = self.read_items(&wanted, ReadMode::Consistent).await?;
        let mut take = |key: &Key| {
            let position = items.iter().position(|item| Key::of(item).as_ref() == Some(key));
            position.map(|position| items.swap_remove(position))
        };
        let activation = take(&wanted[1]).map(|item| ACTIVATION.decode(item)).transpose()?;
        let profile: Option<CompanyProfile> = take(&wanted[3]).map(|item| COMPANY.decode(item)).transpose()?;
        Ok(RefreshContext {
            member: take(&wanted[0]).map(|item| MEMBER.decode(item)).transpose()?,
            activation: activation.unwrap_or_else(|| Activation::none(member)),
            sessions: decode(take(&wanted[2]))?,
            suspended: profile.is_some_and(|profile| profile.suspended),
        })
    }

    /// A member and their sessions, as of the last write.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such member.
    pub async fn member_and_sessions(
        &self,
        company: Company,
        member: MemberId,
    ) -> Result<(Member, MemberSessions), Failure> {
        let wanted = [keys::member(company, member), keys::sessions(company, member)];
        let items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let (mut found, mut sessions) = (None, None);
        for item in items {
            if MEMBER.is_of(&item) { found = Some(item) } else { sessions = Some(item) }
        }
        Ok((MEMBER.decode(found.ok_or(Failure::NotFound)?)?, decode(sessions)?))
    }

    /// Begins a session of a member whose sessions are still those that were `read`.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn begin_session(
        &self,
        company: Company,
        read: &MemberSessions,
        start: &SessionStart<'_>,
    ) -> Result<(), SessionError> {
        let key = keys::sessions(company, start.member);
        if read.version == 0 {
            return self.begin_first(&key, start).await;
        }
        let session = serde_dynamo::to_attribute_value(start.session).map_err(|error| SESSIONS.corrupt(error));
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .condition_expression("version = :read")
            .expression_attribute_names("#sessions", "sessions")
            .expression_attribute_names("#begun", start.id.to_string())
            .expression_attribute_names("#expires", EXPIRES_AT)
            .expression_attribute_values(":session", session.map_err(SessionError::Store)?)
            .expression_attribute_values(":read", number(read.version))
            .expression_attribute_values(":next", number(read.version + 1))
            .expression_attribute_values(":expires", number(start.session.expires_at().seconds()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let (names, removed) = removal(&start.displaced);
        for (name, id) in names {
            update = update.expression_attribute_names(name, id);
        }
        let begun = "SET #sessions.#begun = :session, version = :next, #expires = :expires";
        let update = update.update_expression(format!("{begun}{removed}"));
        update.send().await.map(drop).map_err(changed)
    }

    async fn begin_first(&self, key: &Key, start: &SessionStart<'_>) -> Result<(), SessionError> {
        let first = MemberSessions::first(start.id, start.session.clone());
        let mut item = SESSIONS.encode(key, &first).map_err(SessionError::Store)?;
        expire(&mut item, start.session.expires_at());
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PK)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        put.send().await.map(drop).map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => stored(failed.item().cloned()),
            _ => SessionError::Store(failure(error)),
        })
    }

    /// Has a session go on at its next number.
    ///
    /// # Errors
    /// [`SessionError`]: [`SessionError::Changed`] when the session is not at the number before.
    pub async fn refresh_session(
        &self,
        company: Company,
        SessionRefresh { member, id, next, now }: SessionRefresh,
    ) -> Result<(), SessionError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::sessions(company, member).attributes()))
            .update_expression("SET #sessions.#id.#counter = :next, #sessions.#id.used_at = :now, #expires = :expires")
            .condition_expression("#sessions.#id.#counter = :before")
            .expression_attribute_names("#sessions", "sessions")
            .expression_attribute_names("#id", id.to_string())
            .expression_attribute_names("#counter", "counter")
            .expression_attribute_names("#expires", EXPIRES_AT)
            .expression_attribute_values(":before", number(next.saturating_sub(1)))
            .expression_attribute_values(":next", number(next))
            .expression_attribute_values(":now", number(now.millis()))
            .expression_attribute_values(":expires", number(now.plus_millis(SESSION_IDLE_MS).seconds()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        update.send().await.map(drop).map_err(changed)
    }

    /// Ends these sessions of a member, and with them every token of the member: the other sessions
    /// go on by refreshing.
    ///
    /// # Errors
    /// [`Failure::Busy`] when a session was begun or ended since they were `read`, or the member has
    /// got another role since.
    pub async fn end_sessions(
        &self,
        company: Company,
        member: &Member,
        (read, ended): (&MemberSessions, &[SessionId]),
        audit: Option<&AuditEntry>,
    ) -> Result<(), Failure> {
        let (names, removed) = removal(ended);
        let mut update = Update::builder()
            .update_expression(format!("SET version = :next{removed}"))
            .condition_expression("version = :read")
            .expression_attribute_values(":read", number(read.version))
            .expression_attribute_values(":next", number(read.version + 1));
        if !names.is_empty() {
            update = update.expression_attribute_names("#sessions", "sessions");
        }
        for (name, id) in names {
            update = update.expression_attribute_names(name, id);
        }
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &keys::sessions(company, member.id), update, Failure::Busy);
        end_tokens(&mut transaction, &self.table, company, member);
        if let Some(audit) = audit {
            add_entry(&mut transaction, &self.table, company, audit)?;
        }
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}

/// The sessions of an item; none without an item.
pub(crate) fn decode(item: Option<Item>) -> Result<MemberSessions, Failure> {
    item.map_or_else(|| Ok(MemberSessions::default()), |item| SESSIONS.decode(item))
}

/// The names of sessions in an update, and the part of its expression that removes them.
fn removal(sessions: &[SessionId]) -> (Vec<(String, String)>, String) {
    let name = |position: usize| format!("#s{position}");
    let names = sessions.iter().enumerate().map(|(position, id)| (name(position), id.to_string())).collect();
    let paths: Vec<_> = (0..sessions.len()).map(|position| format!("#sessions.{}", name(position))).collect();
    let removed = if paths.is_empty() { String::new() } else { format!(" REMOVE {}", paths.join(", ")) };
    (names, removed)
}

fn changed(error: aws_sdk_dynamodb::error::SdkError<UpdateItemError>) -> SessionError {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => stored(failed.item().cloned()),
        _ => SessionError::Store(failure(error)),
    }
}

fn stored(item: Option<Item>) -> SessionError {
    decode(item).map_or_else(SessionError::Store, SessionError::Changed)
}
