//! Departments: the tree of one company, at most five deep.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::kernel::id::DepartmentId;
use crate::kernel::text::Line;

/// Most departments of a company.
pub const DEPARTMENTS_MAX: usize = 200;
/// Deepest department: one at the top is 1 deep.
pub const DEPTH_MAX: usize = 5;
/// Most removed departments that are remembered; after that none can be removed.
pub const REMOVED_MAX: usize = 1_000;

/// A department's name.
pub type DepartmentName = Line<30>;

/// A department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Department {
    /// Its name, once among its siblings.
    pub name: DepartmentName,
    /// The department it belongs to; none at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<DepartmentId>,
}

/// All departments of a company. One that nobody has set is empty and has version 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepartmentTree {
    departments: BTreeMap<DepartmentId, Department>,
    /// What was removed, and the living department its members count to. Members are not written
    /// when their department is removed: this map shows where they are.
    removed: BTreeMap<DepartmentId, Option<DepartmentId>>,
    /// Goes up by one with each change.
    pub version: u64,
}

/// The department of a card at some moment, and all above it: what happens on the card
/// then counts for them, whatever becomes of card and tree. Empty when it is in none.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DepartmentPath(Vec<DepartmentId>);

impl DepartmentPath {
    /// Whether it is in no department.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The department first, the one at the top last.
    pub fn iter(&self) -> impl Iterator<Item = DepartmentId> {
        self.0.iter().copied()
    }
}

impl FromIterator<DepartmentId> for DepartmentPath {
    /// Of at most [`DEPTH_MAX`] departments.
    fn from_iter<T: IntoIterator<Item = DepartmentId>>(departments: T) -> Self {
        Self(departments.into_iter().take(DEPTH_MAX).collect())
    }
}

/// Why a change is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DepartmentError {
    /// There is no such department.
    Unknown,
    /// There is no department to belong to.
    UnknownParent,
    /// A sibling has the name.
    NameTaken,
    /// It, or one below it, would be deeper than [`DEPTH_MAX`].
    TooDeep,
    /// It would be below itself.
    BelowItself,
    /// It has departments below it.
    NotEmpty,
    /// There are [`DEPARTMENTS_MAX`] already, or [`REMOVED_MAX`] were removed.
    Limit,
}

impl DepartmentTree {
    /// Every department, the first made first.
    pub fn iter(&self) -> impl Iterator<Item = (DepartmentId, &Department)> {
        self.departments.iter().map(|(id, department)| (*id, department))
    }

    /// A department.
    pub fn get(&self, id: DepartmentId) -> Option<&Department> {
        self.departments.get(&id)
    }

    /// The department that members of `id` are in: that one, or if it was removed the one that it
    /// was below; `None` when there is none left.
    pub fn living(&self, id: DepartmentId) -> Option<DepartmentId> {
        if self.departments.contains_key(&id) { Some(id) } else { self.removed.get(&id).copied().flatten() }
    }

    /// The path of a member who was put into a department, or into none.
    pub fn path_of(&self, department: Option<DepartmentId>) -> DepartmentPath {
        let living = department.and_then(|department| self.living(department));
        living.into_iter().flat_map(|department| self.path(department)).collect()
    }

    /// Whether there is such a department, or was.
    pub fn has_known(&self, id: DepartmentId) -> bool {
        self.departments.contains_key(&id) || self.removed.contains_key(&id)
    }

    /// A department, all below it, and the removed ones whose members count to one of
    /// them; none when there is no such department.
    pub fn below(&self, id: DepartmentId) -> Option<BTreeSet<DepartmentId>> {
        self.get(id)?;
        let within = |department| self.path(department).any(|above| above == id);
        let living = self.departments.keys().copied();
        let removed = self.removed.iter().filter(|(_, heir)| heir.is_some_and(within)).map(|(removed, _)| *removed);
        Some(living.filter(|department| within(*department)).chain(removed).collect())
    }

    /// The tree with a new department.
    ///
    /// # Errors
    /// [`DepartmentError::UnknownParent`], [`DepartmentError::NameTaken`], [`DepartmentError::TooDeep`] or
    /// [`DepartmentError::Limit`].
    pub fn add(&self, id: DepartmentId, department: Department) -> Result<Self, DepartmentError> {
        if self.departments.len() >= DEPARTMENTS_MAX {
            return Err(DepartmentError::Limit);
        }
        self.fits(id, &department, 1)?;
        Ok(self.next(|tree| {
            tree.departments.insert(id, department);
        }))
    }

    /// The tree with a department renamed, moved with all below it, or both.
    ///
    /// # Errors
    /// [`DepartmentError::Unknown`], [`DepartmentError::BelowItself`], and those of [`Self::add`].
    pub fn change(&self, id: DepartmentId, department: Department) -> Result<Self, DepartmentError> {
        let before = self.get(id).ok_or(DepartmentError::Unknown)?;
        if *before == department {
            return Ok(self.clone());
        }
        if department.parent.is_some_and(|parent| self.path(parent).any(|above| above == id)) {
            return Err(DepartmentError::BelowItself);
        }
        self.fits(id, &department, self.height(id))?;
        Ok(self.next(|tree| {
            tree.departments.insert(id, department);
        }))
    }

    /// The tree without a department that has none below it; the same tree when it was
    /// removed before.
    ///
    /// # Errors
    /// [`DepartmentError::Unknown`], [`DepartmentError::NotEmpty`] or [`DepartmentError::Limit`].
    pub fn remove(&self, id: DepartmentId) -> Result<Self, DepartmentError> {
        if self.removed.contains_key(&id) {
            return Ok(self.clone());
        }
        let heir = self.get(id).ok_or(DepartmentError::Unknown)?.parent;
        if self.departments.values().any(|department| department.parent == Some(id)) {
            return Err(DepartmentError::NotEmpty);
        }
        if self.removed.len() >= REMOVED_MAX {
            return Err(DepartmentError::Limit);
        }
        Ok(self.next(|tree| {
            tree.departments.remove(&id);
            for former in tree.removed.values_mut().filter(|former| **former == Some(id)) {
                *former = heir;
            }
            tree.removed.insert(id, heir);
        }))
    }

    fn next(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut tree = Self { version: self.version.saturating_add(1), ..self.clone() };
        change(&mut tree);
        tree
    }

    /// Whether a department, `height` deep with what is below it, can stand where it says.
    fn fits(&self, id: DepartmentId, department: &Department, height: usize) -> Result<(), DepartmentError> {
        let above = match department.parent {
            Some(parent) if self.get(parent).is_none() => return Err(DepartmentError::UnknownParent),
            Some(parent) => self.path(parent).count(),
            None => 0,
        };
        let sibling = |(other, found): (&DepartmentId, &Department)| {
            *other != id && found.parent == department.parent && found.name == department.name
        };
        if self.departments.iter().any(sibling) {
            return Err(DepartmentError::NameTaken);
        }
        if above + height > DEPTH_MAX { Err(DepartmentError::TooDeep) } else { Ok(()) }
    }

    /// A department and all above it.
    fn path(&self, id: DepartmentId) -> impl Iterator<Item = DepartmentId> {
        let parent = |id: &DepartmentId| self.get(*id)?.parent;
        // Never endless, whatever the table holds.
        std::iter::successors(self.get(id).map(|_| id), parent).take(DEPTH_MAX + 1)
    }

    /// How many departments deep a department is, with the deepest below it.
    fn height(&self, id: DepartmentId) -> usize {
        let up_to = |other| self.path(other).position(|above| above == id);
        self.departments.keys().filter_map(|other| up_to(*other)).max().unwrap_or(0) + 1
    }
}

#[cfg(test)]
#[path = "department_tests.rs"]
mod tests;
