//! Members of a company and what their role lets them do.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::kernel::failure::Failure;
use crate::kernel::field::FieldError;
use crate::kernel::id::{CardId, DepartmentId, MemberId, PersonId};
use crate::kernel::text::{Line, OptionalLine};
use crate::kernel::timestamp::Timestamp;

/// A person's name, as shown on their card.
pub type PersonName = Line<30>;
/// A job title.
pub type Position = OptionalLine<30>;

/// The role of a member. Each role includes the rights of the roles before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 员工: has a card and the radar of that card.
    Staff,
    /// 管理员: manages members and content.
    Admin,
    /// Boss 账号: everything, money and billing included.
    Boss,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Staff, Self::Admin, Self::Boss];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Admin => "admin",
            Self::Boss => "boss",
        }
    }

    /// The role with this wire name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| de::Error::custom(FieldError::new("unknown_role", "角色只能是 staff、admin 或 boss")))
    }
}

/// The status of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MemberStatus {
    /// 待加入: has not claimed the membership yet; the seat is reserved.
    Invited,
    /// 在职: uses a seat.
    Active,
    /// 停用: may come back; uses no seat.
    Disabled,
    /// 离职: has left; uses no seat.
    Left,
}

/// How a membership ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// 停用
    Disabled,
    /// 离职
    Left,
}

impl Ended {
    /// The name on the wire and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Left => "left",
        }
    }
}

/// What a change of status does to the member's seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatChange {
    /// Nothing: the status is the same, or neither of them uses a seat.
    Keep,
    /// They need one again.
    Take,
    /// They give it back.
    GiveBack,
    /// The one that was reserved for them is free again.
    Release,
}

impl MemberStatus {
    /// The status with this wire name, of those that can be set.
    pub fn settable(name: &str) -> Option<Self> {
        match name {
            "active" => Some(Self::Active),
            "disabled" => Some(Self::Disabled),
            "left" => Some(Self::Left),
            _ => None,
        }
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Left => "left",
        }
    }
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Their id.
    pub id: MemberId,
    /// Their name.
    pub name: PersonName,
    /// Their job title.
    pub position: Position,
    /// What they may do.
    pub role: Role,
    /// Their card, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardId>,
    /// The person who claimed the membership; `None` while invited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// How the membership ended; `None` while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// Who has taken over from them since the membership ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<MemberId>,
    /// The number of the claim code that counts: 0 is the first.
    #[serde(default)]
    pub claim_number: u32,
    /// The department they were put into; it may be removed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentId>,
    /// How often what they may do has changed: their role, their status, their radar taken away. A
    /// token of before no longer counts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rights: u32,
    /// Since when they have had the rights of an admin without a break, in Unix milliseconds; 0 from the
    /// beginning. What they made before that lets nobody in any more.
    #[serde(default, skip_serializing_if = "is_from_the_beginning")]
    pub admin_since_ms: i64,
    /// The same for the rights of the boss.
    #[serde(default, skip_serializing_if = "is_from_the_beginning")]
    pub boss_since_ms: i64,
    /// When they were added.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub created_at: Timestamp,
}

/// Whether rights have never changed: such an item has no attribute for it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(rights: &u32) -> bool {
    *rights == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_from_the_beginning(since_ms: &i64) -> bool {
    *since_ms == 0
}

impl Member {
    /// Somebody who has not joined yet, and has no card.
    pub fn invited(id: MemberId, name: PersonName, position: Position, role: Role, created_at: Timestamp) -> Self {
        let (card, person, ended, successor) = (None, None, None, None);
        let (claim_number, department, rights) = (0, None, 0);
        let (admin_since_ms, boss_since_ms) = (0, 0);
        Self {
            id,
            name,
            position,
            role,
            card,
            person,
            ended,
            successor,
            claim_number,
            department,
            rights,
            admin_since_ms,
            boss_since_ms,
            created_at,
        }
    }

    /// Name and job title in one text.
    pub fn called(&self) -> String {
        match self.position.as_str() {
            "" => self.name.to_string(),
            position => format!("{}（{position}）", self.name),
        }
    }

    /// The status of the membership.
    pub fn status(&self) -> MemberStatus {
        match (self.ended, self.person) {
            (Some(Ended::Disabled), _) => MemberStatus::Disabled,
            (Some(Ended::Left), _) => MemberStatus::Left,
            (None, Some(_)) => MemberStatus::Active,
            (None, None) => MemberStatus::Invited,
        }
    }

    /// Their role while they are active.
    pub fn active_role(&self) -> Option<Role> {
        (self.status() == MemberStatus::Active).then_some(self.role)
    }

    /// Since when they have had, without a break, the rights of this role.
    pub fn has_had_rights_since(&self, role: Role) -> Timestamp {
        Timestamp::from_millis(match role {
            Role::Staff => 0,
            Role::Admin => self.admin_since_ms,
            Role::Boss => self.boss_since_ms,
        })
    }

    /// Whether they may watch the card live, by a socket that was opened when what they may do had
    /// changed so often.
    pub fn may_watch(&self, card: CardId, rights: u32) -> bool {
        self.status() == MemberStatus::Active && self.card == Some(card) && self.rights == rights
    }

    /// How the membership stands after a change of status, and what the change does to the seat.
    ///
    /// # Errors
    /// `not_allowed` for somebody who never joined: they can only be withdrawn (`left`) and
    /// invited anew.
    pub fn with_status(&self, to: MemberStatus) -> Result<(Option<Ended>, SeatChange), FieldError> {
        use MemberStatus::{Active, Disabled, Invited, Left};
        let refused = || FieldError::new("not_allowed", "该成员尚未加入，只能撤销邀请").at("/status");
        match (self.status(), to) {
            (Active, Active) => Ok((None, SeatChange::Keep)),
            (Active, Disabled) => Ok((Some(Ended::Disabled), SeatChange::GiveBack)),
            (Active, Left) => Ok((Some(Ended::Left), SeatChange::GiveBack)),
            (Invited, Left) => Ok((Some(Ended::Left), SeatChange::Release)),
            (Disabled | Left, Active) if self.person.is_some() => Ok((None, SeatChange::Take)),
            (Disabled | Left, Disabled) if self.person.is_some() => Ok((Some(Ended::Disabled), SeatChange::Keep)),
            (Disabled | Left, Left) => Ok((Some(Ended::Left), SeatChange::Keep)),
            (_, Invited | Active | Disabled) => Err(refused()),
        }
    }
}

/// Why a member is not added or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    /// The acting member's role is not enough.
    #[error("another role is required")]
    RoleRequired,
    /// The member was disabled or has left.
    #[error("the member is inactive")]
    Inactive,
    /// The member is here: only a disabled or former one has a successor.
    #[error("the member is active")]
    Active,
    /// There is no such department.
    #[error("there is no such department")]
    UnknownDepartment,
    /// The member has joined already.
    #[error("the member has joined already")]
    AlreadyMember,
    /// The member has no card.
    #[error("the member has no card")]
    NoCard,
    /// A value cannot be.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// As every action can fail.
    #[error(transparent)]
    Failed(#[from] Failure),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(joined: bool, ended: Option<Ended>) -> Member {
        use crate::kernel::id::Id;
        let id = uuid::Uuid::nil();
        Member {
            id: MemberId::from_uuid(id),
            name: PersonName::parse("林悦").unwrap(),
            position: Position::default(),
            role: Role::Staff,
            card: None,
            person: joined.then(|| PersonId::from_uuid(id)),
            ended,
            successor: None,
            claim_number: 0,
            department: None,
            rights: 0,
            admin_since_ms: 0,
            boss_since_ms: 0,
            created_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn each_change_of_status_moves_the_seat_it_must() {
        use MemberStatus::{Active, Disabled, Invited, Left};
        let (active, disabled, left) =
            (member(true, None), member(true, Some(Ended::Disabled)), member(true, Some(Ended::Left)));
        let (invited, withdrawn) = (member(false, None), member(false, Some(Ended::Left)));
        let seat = |member: &Member, to| member.with_status(to).map(|(_, seat)| seat).map_err(|error| error.code);
        for (from, to, expected) in [
            (&active, Disabled, Ok(SeatChange::GiveBack)),
            (&active, Left, Ok(SeatChange::GiveBack)),
            (&active, Active, Ok(SeatChange::Keep)),
            (&disabled, Active, Ok(SeatChange::Take)),
            (&disabled, Left, Ok(SeatChange::Keep)),
            (&left, Active, Ok(SeatChange::Take)),
            (&left, Disabled, Ok(SeatChange::Keep)),
            (&invited, Left, Ok(SeatChange::Release)),
            (&invited, Active, Err("not_allowed")),
            (&invited, Disabled, Err("not_allowed")),
            (&withdrawn, Active, Err("not_allowed")),
            (&withdrawn, Left, Ok(SeatChange::Keep)),
            (&active, Invited, Err("not_allowed")),
        ] {
            assert_eq!(seat(from, to), expected, "{:?} to {to:?}", from.status());
        }
    }

    #[test]
    fn who_is_active_and_has_the_card_watches_it_until_their_rights_change() {
        use crate::kernel::id::Id;
        let [card, other] = [1, 2].map(|number| CardId::from_uuid(uuid::Uuid::from_u128(number)));
        let active = Member { card: Some(card), rights: 3, ..member(true, None) };
        assert!(active.may_watch(card, 3));
        assert!(!active.may_watch(card, 2) && !active.may_watch(other, 3));
        for ended in [Ended::Disabled, Ended::Left] {
            assert!(!Member { ended: Some(ended), ..active.clone() }.may_watch(card, 3));
        }
        assert!(!Member { card: None, ..active }.may_watch(card, 3));
    }

    #[test]
    fn a_member_without_a_job_title_is_called_by_the_name_alone() {
        let untitled = member(true, None);
        let titled = Member { position: Position::parse("茶艺师").unwrap(), ..untitled.clone() };
        assert_eq!((untitled.called(), titled.called()), ("林悦".to_owned(), "林悦（茶艺师）".to_owned()));
    }
}
