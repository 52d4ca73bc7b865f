//! Views of customers (客户视图): filters that were saved, with their order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::company::audit::AuditAction;
use crate::company::book::{BookRefusal, CompanyBook};
use crate::crm::list::{CustomerSort, ListQuery, SortOrder};
use crate::crm::list_filter::CustomerFilter;
use crate::kernel::id::ViewId;
use crate::kernel::text::Line;

/// Most views of a member, and most of the company.
pub const VIEWS_MAX: usize = 30;

const LIMIT: BookRefusal = BookRefusal::Limit("视图已达上限：最多 30 个");
const NAME_TAKEN: BookRefusal = BookRefusal::NameTaken("已有同名视图");

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerView {
    /// Its name, once in a book.
    pub name: Line<20>,
    /// Which customers it has.
    pub filter: CustomerFilter,
    /// What it is sorted by.
    pub sort: CustomerSort,
    /// Which end comes first.
    pub order: SortOrder,
}

/// The views of a member, or of the company.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewBook {
    views: BTreeMap<ViewId, CustomerView>,
    version: u64,
}

impl CustomerView {
    /// The list that it stands for.
    pub fn list(&self) -> ListQuery {
        ListQuery { filter: self.filter.clone(), sort: self.sort, order: self.order }
    }
}

impl CompanyBook for ViewBook {
    type Id = ViewId;
    type Entry = CustomerView;

    const AUDIT: AuditAction = AuditAction::CustomerViews;

    fn version(&self) -> u64 {
        self.version
    }

    fn entry(&self, id: ViewId) -> Option<&CustomerView> {
        self.views.get(&id)
    }

    fn add(&self, id: ViewId, view: CustomerView) -> Result<Self, BookRefusal> {
        if self.views.len() >= VIEWS_MAX {
            return Err(LIMIT);
        }
        self.with(id, Some(view))
    }
}

impl ViewBook {
    /// Every view, the first made first.
    pub fn iter(&self) -> impl Iterator<Item = (ViewId, &CustomerView)> {
        self.views.iter().map(|(id, view)| (*id, view))
    }

    /// The book with a view replaced.
    ///
    /// # Errors
    /// [`BookRefusal::Unknown`] or [`BookRefusal::NameTaken`].
    pub fn change(&self, id: ViewId, view: &CustomerView) -> Result<Self, BookRefusal> {
        let before = self.views.get(&id).ok_or(BookRefusal::Unknown)?;
        if before == view { Ok(self.clone()) } else { self.with(id, Some(view.clone())) }
    }

    /// The book without a view.
    ///
    /// # Errors
    /// [`BookRefusal::Unknown`].
    pub fn remove(&self, id: ViewId) -> Result<Self, BookRefusal> {
        self.entry(id).ok_or(BookRefusal::Unknown)?;
        self.with(id, None)
    }

    fn with(&self, id: ViewId, view: Option<CustomerView>) -> Result<Self, BookRefusal> {
        let mut next = self.clone();
        next.version += 1;
        next.views.remove(&id);
        if let Some(view) = view {
            if next.views.values().any(|known| known.name == view.name) {
                return Err(NAME_TAKEN);
            }
            next.views.insert(id, view);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::close_rate::model::Band;
    use crate::crm::list_kind::CustomerListKind;
    use crate::kernel::id::{Id, TagId};
    use crate::kernel::list::UniqueList;

    fn id(n: u128) -> ViewId {
        ViewId::from_uuid(Uuid::from_u128(n))
    }

    fn view(name: &str) -> CustomerView {
        let filter = CustomerFilter { band: Some(Band::Below80), ..CustomerFilter::default() };
        let name = Line::parse(name).unwrap();
        CustomerView { name, filter, sort: CustomerSort::Rate, order: SortOrder::Descending }
    }

    #[test]
    fn a_name_is_given_once_and_there_are_limits() {
        let book = ViewBook::default().add(id(1), view("甲")).unwrap();
        assert_eq!(book.add(id(2), view("甲")), Err(NAME_TAKEN));
        let book = book.add(id(2), view("乙")).unwrap();
        assert_eq!(
            (book.change(id(2), &view("甲")), book.change(id(3), &view("丙"))),
            (Err(NAME_TAKEN), Err(BookRefusal::Unknown))
        );
        assert_eq!(book.change(id(2), &view("乙")).unwrap().version(), book.version());
        let book = book.remove(id(1)).unwrap();
        assert_eq!((book.remove(id(1)), book.iter().count()), (Err(BookRefusal::Unknown), 1));
        let full = (3..=31).fold(book, |book, n| book.add(id(n), view(&format!("视图{n}"))).unwrap());
        assert_eq!(full.add(id(99), view("多")), Err(LIMIT));
    }

    #[test]
    fn a_full_book_fits_into_an_item() {
        let tags = |from: u128| {
            UniqueList::parse((from..from + 20).map(|n| TagId::from_uuid(Uuid::from_u128(n))).collect()).unwrap()
        };
        let filter = CustomerFilter {
            kind: Some(CustomerListKind::Exclusive),
            tags_any: tags(0),
            tags_all: tags(20),
            tags_none: tags(40),
            q: Some(Line::parse(&"𠮷".repeat(30)).unwrap()),
            ..view("甲").filter
        };
        let full = (0..VIEWS_MAX).fold(ViewBook::default(), |book, n| {
            book.add(id(n as u128), CustomerView { filter: filter.clone(), ..view(&format!("视图{n}")) }).unwrap()
        });
        let bytes = serde_json::to_string(&full).unwrap().len();
        assert!((50_000..200_000).contains(&bytes), "{bytes}");
    }
}
