//! What the table's stream tells of members.

use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::people::member::Member;
use serde::Deserialize;

use crate::keys::{self, Key};
use crate::table::item::Item;
use crate::table::kinds::MEMBER;

/// An item before and after a change, as a record of the table's stream has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ItemImages {
    old_image: serde_dynamo::Item,
    new_image: serde_dynamo::Item,
}

/// A member before and after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedMember {
    /// Their company. Nobody acts.
    pub company: Company,
    /// As they were.
    pub before: Member,
    /// As they were right after the change.
    pub after: Member,
}

impl TryFrom<ItemImages> for ChangedMember {
    type Error = Failure;

    fn try_from(images: ItemImages) -> Result<Self, Failure> {
        let (before, after) = (Item::from(images.old_image), Item::from(images.new_image));
        let company = Key::of(&after).and_then(|key| keys::company_of(&key)).ok_or_else(|| MEMBER.corrupt("key"))?;
        Ok(Self { company: Company::granted(company), before: MEMBER.decode(before)?, after: MEMBER.decode(after)? })
    }
}
