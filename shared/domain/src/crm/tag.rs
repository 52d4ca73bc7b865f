//! Tags of customers (客户标签): the company's book of them, and what a customer has.
//!
//! Customers name tags by id. Renaming or merging a tag changes the book alone: what a customer has
//! is read through it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::company::audit::AuditAction;
use crate::company::book::{BookRefusal, CompanyBook};
use crate::crm::command::CustomerError;
use crate::kernel::field::FieldError;
use crate::kernel::id::{Id, MemberId, TagId};
use crate::kernel::list::UniqueList;
use crate::kernel::text::Line;
use crate::kernel::timestamp::Timestamp;

/// Most tags of a company.
pub const TAGS_MAX: usize = 200;
/// Most tags that were deleted or merged and are remembered; after that none can be.
pub const GONE_MAX: usize = 1_000;
/// There are as many tags as there may be, in force or gone.
const LIMIT: BookRefusal = BookRefusal::Limit("标签数量已达上限：最多 200 个，最多删除或合并 1000 个");
/// Most tags of a customer.
pub const CUSTOMER_TAGS_MAX: usize = 50;

/// A tag's name, or that of a group of tags.
pub type TagName = Line<12>;

/// Tags to give to a customer, or to take.
pub type TagIds = UniqueList<TagId, CUSTOMER_TAGS_MAX>;

/// A tag. A name is given once in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerTag {
    /// Its name.
    pub name: TagName,
    /// The group it stands in.
    pub group: TagName,
}

/// The tags of a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagBook {
    tags: BTreeMap<TagId, CustomerTag>,
    /// What was deleted, and what was merged into another one.
    gone: BTreeMap<TagId, Option<TagId>>,
    version: u64,
}

/// Who gave a customer a tag, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagMark {
    /// When.
    #[serde(rename = "t", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member.
    #[serde(rename = "b")]
    pub by: MemberId,
}

/// The tags of an identity, as they were given.
pub type TagMarks = BTreeMap<TagId, TagMark>;

/// The tags that every company begins with (系统默认标签).
const DEFAULTS: [(&str, &[&str]); 3] = [
    ("客户意向", &["高意向", "中意向", "低意向"]),
    ("跟进阶段", &["初次接触", "需求确认", "已报价", "谈判中"]),
    ("客户类型", &["新客户", "老客户", "代理商", "终端客户"]),
];

impl Default for TagBook {
    fn default() -> Self {
        let all = DEFAULTS.iter().flat_map(|(group, names)| names.iter().map(move |name| (group, name)));
        let tag = |(number, (group, name)): (u128, (&&str, &&str))| {
            // A custom UUID (version 8): the same in every company.
            let id = TagId::from_uuid(Uuid::from_u128(0x8000_8000_0000_0000_0000 | number));
            Some((id, CustomerTag { name: Line::parse(name).ok()?, group: Line::parse(group).ok()? }))
        };
        Self { tags: (1..).zip(all).filter_map(tag).collect(), gone: BTreeMap::new(), version: 0 }
    }
}

impl CompanyBook for TagBook {
    type Id = TagId;
    type Entry = CustomerTag;

    const AUDIT: AuditAction = AuditAction::CustomerTags;

    fn version(&self) -> u64 {
        self.version
    }

    fn entry(&self, id: TagId) -> Option<&CustomerTag> {
        self.tags.get(&id)
    }

    fn add(&self, id: TagId, tag: CustomerTag) -> Result<Self, BookRefusal> {
        if self.tags.len() >= TAGS_MAX {
            return Err(LIMIT);
        }
        self.with(id, tag)
    }
}

impl TagBook {
    /// Every tag, the first made first.
    pub fn iter(&self) -> impl Iterator<Item = (TagId, &CustomerTag)> {
        self.tags.iter().map(|(id, tag)| (*id, tag))
    }

    /// The tag that an id stands for by now: of a merged one the other.
    pub fn resolve(&self, id: TagId) -> Option<TagId> {
        if self.tags.contains_key(&id) { Some(id) } else { self.gone.get(&id).copied().flatten() }
    }

    /// The book with a tag renamed, put into another group, or both.
    ///
    /// # Errors
    /// [`BookRefusal::Unknown`] or [`BookRefusal::NameTaken`].
    pub fn change(&self, id: TagId, tag: CustomerTag) -> Result<Self, BookRefusal> {
        match self.tags.get(&id) {
            None => Err(BookRefusal::Unknown),
            Some(before) if *before == tag => Ok(self.clone()),
            Some(_) => self.with(id, tag),
        }
    }

    /// The book without a tag, or with it merged into another one: who has it then has the other. The
    /// same book when that was done before.
    ///
    /// # Errors
    /// [`BookRefusal::Unknown`] or [`BookRefusal::Limit`].
    pub fn remove(&self, id: TagId, into: Option<TagId>) -> Result<Self, BookRefusal> {
        if into.is_some_and(|into| into == id || !self.tags.contains_key(&into)) {
            return Err(BookRefusal::Unknown);
        }
        if let Some(heir) = self.gone.get(&id) {
            return if *heir == into { Ok(self.clone()) } else { Err(BookRefusal::Unknown) };
        }
        if !self.tags.contains_key(&id) {
            return Err(BookRefusal::Unknown);
        }
        if self.gone.len() >= GONE_MAX {
            return Err(LIMIT);
        }
        let mut next = self.clone();
        next.version += 1;
        next.tags.remove(&id);
        for heir in next.gone.values_mut().filter(|heir| **heir == Some(id)) {
            *heir = into;
        }
        next.gone.insert(id, into);
        Ok(next)
    }

    fn with(&self, id: TagId, tag: CustomerTag) -> Result<Self, BookRefusal> {
        if self.tags.iter().any(|(other, known)| *other != id && *known == tag) {
            return Err(BookRefusal::NameTaken("该分组中已有同名标签"));
        }
        let mut next = self.clone();
        next.version += 1;
        next.tags.insert(id, tag);
        Ok(next)
    }

    /// What a customer has by now, of the marks of all of their identities; of a tag that was given
    /// twice, the first time.
    pub fn of_customer<'a>(&self, marks: impl IntoIterator<Item = &'a TagMarks>) -> TagMarks {
        let mut tags = TagMarks::new();
        for (id, mark) in marks.into_iter().flatten() {
            let Some(id) = self.resolve(*id) else { continue };
            let known = tags.entry(id).or_insert(*mark);
            *known = if mark.at < known.at { *mark } else { *known };
        }
        tags
    }

    /// The tags of these ids.
    ///
    /// # Errors
    /// `unknown_tag` for an id that stands for none.
    pub fn resolve_all(&self, ids: &[TagId]) -> Result<Vec<TagId>, FieldError> {
        let tags = ids.iter().map(|id| self.resolve(*id)).collect::<Option<Vec<_>>>();
        tags.ok_or_else(|| FieldError::new("unknown_tag", "标签不存在或已删除"))
    }
}

/// Succeeds if a customer may have so many tags.
///
/// # Errors
/// [`CustomerError::LimitReached`].
pub fn check_count(tags: usize) -> Result<(), CustomerError> {
    let refused = CustomerError::LimitReached("该客户的标签已达上限：最多 50 个");
    if tags <= CUSTOMER_TAGS_MAX { Ok(()) } else { Err(refused) }
}

#[cfg(test)]
#[path = "tag_tests.rs"]
mod tests;
