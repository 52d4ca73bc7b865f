//! Who is a member, which card is whose, and who is gone: all members of a company, packed.
//!
//! Housekeeping keeps it. Whoever is not in it yet, a new member for some minutes or one of a company
//! with too many of them, stands as active.

use uuid::Uuid;

use crate::kernel::id::{CardId, DepartmentId, Id, MemberId};

/// Most members of a directory: 390 kilobytes.
pub const DIRECTORY_MAX: usize = 7_900;
/// Bytes of an entry: three ids, and whether they are active.
const ENTRY: usize = 49;

const _: () = assert!(DIRECTORY_MAX * ENTRY < 390_000);

/// What the directory says of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The member.
    pub member: MemberId,
    /// Their card, if they have one.
    pub card: Option<CardId>,
    /// Their department, if they are in one.
    pub department: Option<DepartmentId>,
    /// Whether they have neither left nor been disabled.
    pub active: bool,
}

/// The members of a company.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberDirectory(Vec<[u8; ENTRY]>);

impl MemberDirectory {
    /// The directory of these members, or of as many as fit.
    pub fn of(members: impl IntoIterator<Item = DirectoryEntry>) -> Self {
        Self(members.into_iter().take(DIRECTORY_MAX).map(DirectoryEntry::to_bytes).collect())
    }

    /// The directory of stored bytes; `None` when they are cut off.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.as_chunks::<ENTRY>();
        rest.is_empty().then(|| Self(entries.to_vec()))
    }

    /// The stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// The member whose card it is.
    pub fn owner_of(&self, card: CardId) -> Option<DirectoryEntry> {
        let id = card.uuid().into_bytes();
        let found = self.0.iter().find(|entry| entry[16..32] == id).map(DirectoryEntry::from_bytes);
        found.filter(|entry| entry.card.is_some())
    }

    /// A member.
    pub fn member(&self, member: MemberId) -> Option<DirectoryEntry> {
        let id = member.uuid().into_bytes();
        self.0.iter().find(|entry| entry[..16] == id).map(DirectoryEntry::from_bytes)
    }

    /// Whether a member may still act, as far as is known.
    pub fn is_active(&self, member: MemberId) -> bool {
        self.member(member).is_none_or(|entry| entry.active)
    }
}

impl DirectoryEntry {
    fn to_bytes(self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        let card = self.card.map(|card| card.uuid()).unwrap_or_default();
        let department = self.department.map(|department| department.uuid()).unwrap_or_default();
        bytes[..16].copy_from_slice(self.member.uuid().as_bytes());
        bytes[16..32].copy_from_slice(card.as_bytes());
        bytes[32..48].copy_from_slice(department.as_bytes());
        bytes[48] = u8::from(self.active);
        bytes
    }

    fn from_bytes(bytes: &[u8; ENTRY]) -> Self {
        let id = |from: usize| bytes[from..].first_chunk().map_or_else(Uuid::nil, |id| Uuid::from_bytes(*id));
        Self {
            member: MemberId::from_uuid(id(0)),
            card: Some(id(16)).filter(|id| !id.is_nil()).map(CardId::from_uuid),
            department: Some(id(32)).filter(|id| !id.is_nil()).map(DepartmentId::from_uuid),
            active: bytes[48] != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u128, card: Option<u128>, active: bool) -> DirectoryEntry {
        let card = card.map(|card| CardId::from_uuid(Uuid::from_u128(card)));
        let department = active.then(|| DepartmentId::from_uuid(Uuid::from_u128(n + 100)));
        DirectoryEntry { member: MemberId::from_uuid(Uuid::from_u128(n)), card, department, active }
    }

    #[test]
    fn members_are_found_by_id_and_by_card_and_the_stored_form_is_read_back() {
        let entries = [entry(1, Some(11), true), entry(2, None, false), entry(3, Some(13), false)];
        let directory = MemberDirectory::of(entries);
        let read = MemberDirectory::from_bytes(&directory.to_bytes()).unwrap();
        assert_eq!(read, directory);
        for wanted in entries {
            assert_eq!(read.member(wanted.member), Some(wanted));
            assert_eq!(read.is_active(wanted.member), wanted.active);
            assert_eq!(wanted.card.and_then(|card| read.owner_of(card)), wanted.card.map(|_| wanted));
        }
        assert_eq!(read.owner_of(CardId::from_uuid(Uuid::nil())), None, "whoever has no card owns none");
        assert!(MemberDirectory::from_bytes(&directory.to_bytes()[1..]).is_none());
    }

    #[test]
    fn whoever_is_not_known_yet_stands_as_active_and_there_is_an_end_to_members() {
        assert!(MemberDirectory::default().is_active(entry(1, None, false).member));
        let many = MemberDirectory::of((0..=DIRECTORY_MAX as u128).map(|n| entry(n, Some(n + 1), true)));
        assert_eq!(many.to_bytes().len(), DIRECTORY_MAX * ENTRY);
    }
}
