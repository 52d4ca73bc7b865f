//! Sessions: logins of members, each of which goes on by refreshing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kernel::failure::Failure;
use crate::kernel::id::{CompanyId, MemberId, PersonId, SessionId};
use crate::kernel::text::OptionalLine;
use crate::kernel::timestamp::{DAY_MS, SECOND_MS, Timestamp};

/// How long a session lasts after its last use.
pub const SESSION_IDLE_MS: i64 = 30 * DAY_MS;
/// How long after a refresh its token gets the same answer again: the answer was lost. Later, somebody
/// else has a copy.
pub const REPEAT_MS: i64 = 60 * SECOND_MS;
/// Most sessions of a member.
pub const SESSIONS_MAX: usize = 20;
/// How old a login by WeChat may be for the actions that ask for a fresh one.
pub const FRESH_LOGIN_MS: i64 = 300 * SECOND_MS;
/// Most characters that are kept of a device's description.
pub const DEVICE_CHARS_MAX: usize = 60;

/// A description of the device of a session, for the person who looks at their sessions.
pub type DeviceLabel = OptionalLine<DEVICE_CHARS_MAX>;

/// The label of the device that sends this `User-Agent`.
pub fn device_label(user_agent: &str) -> DeviceLabel {
    let shown: String = user_agent.chars().filter(|c| !c.is_control()).take(DEVICE_CHARS_MAX).collect();
    DeviceLabel::parse(&shown).unwrap_or_default()
}

/// Whether a login by WeChat is fresh enough for what must not be done from a device that was left
/// lying about.
pub fn is_fresh(logged_in_at: Timestamp, now: Timestamp) -> bool {
    now.seconds() - logged_in_at.seconds() <= FRESH_LOGIN_MS / SECOND_MS
}

/// A session of a member. Its id is the key in [`MemberSessions`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSession {
    /// How often it was refreshed.
    pub counter: u32,
    /// The device.
    pub device: DeviceLabel,
    /// When the member logged in by WeChat.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub logged_in_at: Timestamp,
    /// When it was refreshed last, or begun.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub used_at: Timestamp,
}

/// What a refresh token says: which session it refreshes, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshClaims {
    /// The company.
    pub company: CompanyId,
    /// The member.
    pub member: MemberId,
    /// The person who is this member.
    pub person: PersonId,
    /// The session.
    pub session: SessionId,
    /// How often the session was refreshed before.
    pub counter: u32,
}

/// What a refresh token of a session is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshStep {
    /// It is the current one: the session goes on at this number.
    Next(u32),
    /// It is the one before, whose answer was lost: the answer with this number is given again.
    Repeated(u32),
    /// It was replaced long ago, or twice: somebody else has a copy.
    Reused,
    /// The session never gave it out.
    Unknown,
}

/// Why a session is not refreshed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The session is over, or its member has no rights any more.
    #[error("the session has ended")]
    Ended,
    /// The token was used before by somebody else; the session was ended for it.
    #[error("the refresh token was used before")]
    Reused,
    /// As every action can fail.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Which sessions of a member to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionChoice {
    /// This one.
    One(SessionId),
    /// All but this one.
    AllBut(SessionId),
    /// All.
    All,
}

/// The sessions of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSessions {
    /// How often a session was begun or ended.
    pub version: u64,
    sessions: BTreeMap<SessionId, MemberSession>,
}

impl MemberSession {
    /// A session that begins with a login.
    pub fn begun(device: DeviceLabel, now: Timestamp) -> Self {
        Self { counter: 0, device, logged_in_at: now, used_at: now }
    }

    /// When it ends by itself.
    pub fn expires_at(&self) -> Timestamp {
        self.used_at.plus_millis(SESSION_IDLE_MS)
    }

    /// What a refresh token with this number is worth.
    pub fn step(&self, counter: u32, now: Timestamp) -> RefreshStep {
        match self.counter.checked_sub(counter) {
            Some(0) => RefreshStep::Next(self.counter.saturating_add(1)),
            Some(1) if now <= self.used_at.plus_millis(REPEAT_MS) => RefreshStep::Repeated(self.counter),
            Some(_) => RefreshStep::Reused,
            None => RefreshStep::Unknown,
        }
    }
}

impl MemberSessions {
    /// The first session of a member.
    pub fn first(id: SessionId, session: MemberSession) -> Self {
        Self { version: 1, sessions: BTreeMap::from([(id, session)]) }
    }

    /// A session that is not over.
    pub fn find(&self, id: SessionId, now: Timestamp) -> Option<&MemberSession> {
        self.sessions.get(&id).filter(|session| now < session.expires_at())
    }

    /// Those that are not over, the last begun first.
    pub fn open(&self, now: Timestamp) -> Vec<(SessionId, &MemberSession)> {
        let open = self.sessions.iter().rev().filter(|(_, session)| now < session.expires_at());
        open.map(|(id, session)| (*id, session)).collect()
    }

    /// Those that go when another one begins: those that are over, the one it `replaces`, and the
    /// longest unused while there are too many.
    pub fn displaced(&self, replaces: Option<SessionId>, now: Timestamp) -> Vec<SessionId> {
        let mut by_use = self.open(now);
        by_use.retain(|(id, _)| Some(*id) != replaces);
        by_use.sort_by_key(|(id, session)| (std::cmp::Reverse(session.used_at), std::cmp::Reverse(*id)));
        let kept: Vec<_> = by_use.into_iter().take(SESSIONS_MAX - 1).map(|(id, _)| id).collect();
        self.sessions.keys().copied().filter(|id| !kept.contains(id)).collect()
    }

    /// The sessions of a choice.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for one that is over or never was.
    pub fn chosen(&self, choice: SessionChoice, now: Timestamp) -> Result<Vec<SessionId>, Failure> {
        match choice {
            SessionChoice::One(id) => self.find(id, now).map(|_| vec![id]).ok_or(Failure::NotFound),
            SessionChoice::AllBut(kept) => Ok(self.sessions.keys().copied().filter(|id| *id != kept).collect()),
            SessionChoice::All => Ok(self.sessions.keys().copied().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::Id;

    fn id(number: u128) -> SessionId {
        SessionId::from_uuid(Uuid::from_u128(number))
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap().plus_millis(millis)
    }

    /// Sessions with the ids from 1 on, last used at these times.
    fn used(times: &[i64]) -> MemberSessions {
        let session = |time: &i64| MemberSession::begun(DeviceLabel::default(), at(*time));
        let sessions = (1..).map(id).zip(times.iter().map(session)).collect();
        MemberSessions { version: 1, sessions }
    }

    #[test]
    fn a_refresh_token_is_worth_what_its_number_says() {
        let session = MemberSession { counter: 7, ..MemberSession::begun(DeviceLabel::default(), at(0)) };
        let steps = [8, 7, 6, 5, 0].map(|counter| session.step(counter, at(0)));
        let wanted = [
            RefreshStep::Unknown,
            RefreshStep::Next(8),
            RefreshStep::Repeated(7),
            RefreshStep::Reused,
            RefreshStep::Reused,
        ];
        assert_eq!(steps, wanted);
    }

    #[test]
    fn a_session_is_over_thirty_days_after_its_last_use() {
        let sessions = used(&[0, 5]);
        assert_eq!(sessions.open(at(SESSION_IDLE_MS - 1)).len(), 2);
        let open = sessions.open(at(SESSION_IDLE_MS));
        assert_eq!(open.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id(2)]);
        assert!(
            sessions.find(id(1), at(SESSION_IDLE_MS)).is_none() && sessions.find(id(2), at(SESSION_IDLE_MS)).is_some()
        );
    }

    #[test]
    fn the_longest_unused_session_goes_when_the_twenty_first_begins() {
        let mut times: Vec<_> = (1..=20).map(|n| n * 10).collect();
        assert_eq!(used(&times[..19]).displaced(None, at(300)), []);
        assert_eq!(used(&times).displaced(None, at(300)), [id(1)]);
        times[0] = 205;
        assert_eq!(used(&times).displaced(None, at(300)), [id(2)]);
    }

    #[test]
    fn what_is_over_or_replaced_goes_before_what_is_used() {
        let times: Vec<_> = (1..=20).map(|n| n * 10).collect();
        assert_eq!(used(&times).displaced(Some(id(9)), at(300)), [id(9)]);
        assert_eq!(used(&times).displaced(None, at(SESSION_IDLE_MS + 20)), [id(1), id(2)]);
    }

    #[test]
    fn one_all_or_all_but_one_are_chosen() {
        let sessions = used(&[1, 2, 3]);
        assert_eq!(sessions.chosen(SessionChoice::One(id(2)), at(9)), Ok(vec![id(2)]));
        assert_eq!(sessions.chosen(SessionChoice::One(id(4)), at(9)), Err(Failure::NotFound));
        assert_eq!(sessions.chosen(SessionChoice::One(id(1)), at(SESSION_IDLE_MS + 1)), Err(Failure::NotFound));
        assert_eq!(sessions.chosen(SessionChoice::AllBut(id(2)), at(9)), Ok(vec![id(1), id(3)]));
        assert_eq!(sessions.chosen(SessionChoice::All, at(9)), Ok(vec![id(1), id(2), id(3)]));
    }

    #[test]
    fn a_device_is_called_by_the_beginning_of_its_user_agent() {
        assert_eq!(device_label("MicroMessenger/8.0").as_str(), "MicroMessenger/8.0");
        assert_eq!(device_label("a\u{7}b\n").as_str(), "ab");
        assert_eq!(device_label(&"机".repeat(100)).as_str().chars().count(), DEVICE_CHARS_MAX);
        assert_eq!(device_label("").as_str(), "");
    }
}
