//! Members of a company and what their role lets them do.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::field::FieldError;
use crate::id::{CardId, MemberId, PersonId};
use crate::text::{Line, OptionalLine};
use crate::timestamp::Timestamp;

/// A person's name, as shown on his card.
pub type PersonName = Line<30>;
/// A job title.
pub type Position = OptionalLine<30>;

/// What a member may do; each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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

    /// Whether a member of this role may add one of `other`: admins add staff, the
    /// boss adds staff and admins.
    pub fn may_add(self, other: Self) -> bool {
        match other {
            Self::Staff => self >= Self::Admin,
            Self::Admin => self == Self::Boss,
            Self::Boss => false,
        }
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| de::Error::custom(FieldError::new("unknown_role", "角色只能是 staff、admin 或 boss")))
    }
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub id: MemberId,
    /// His name.
    pub name: PersonName,
    /// His job title.
    pub position: Position,
    /// What he may do.
    pub role: Role,
    /// His card, if he has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardId>,
    /// The person who claimed the membership; `None` while invited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// When he was added.
    #[serde(with = "crate::timestamp::as_millis")]
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_adds_a_boss_and_only_the_boss_adds_admins() {
        let table: Vec<_> = Role::ALL.iter().map(|role| Role::ALL.map(|other| role.may_add(other))).collect();
        assert_eq!(table, [[false, false, false], [true, false, false], [true, true, false]]);
    }
}
