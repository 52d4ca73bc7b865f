//! Lists of customers.

use domain::close_rate::model::Model;
use domain::company::Company;
use domain::company::book::CompanyBook;
use domain::crm::list::{CustomerPage, CustomerSort, ListPosition, ListQuery, SortOrder};
use domain::crm::list_filter::{CustomerFilter, ListContext};
use domain::crm::list_kind::CustomerListKind;
use domain::crm::row::CustomerRow;
use domain::crm::tag::TagBook;
use domain::crm::view::{CustomerView, ViewBook};
use domain::crm::viewer::Viewer;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::ViewId;
use store::{BookPlace, CustomerList, RecordRead};

use crate::Flow;
use crate::company::book::BookEditor;

/// The customers of a company, as a member sees them.
#[derive(Debug, Clone, Copy)]
pub struct CustomerLister {
    /// The company.
    pub company: Company,
    /// The member.
    pub viewer: Viewer,
}

/// What a member asks for.
#[derive(Debug, Clone)]
pub enum WantedList {
    /// A list by filter and order.
    Query(Box<ListQuery>),
    /// One that was saved.
    View(ViewId),
}

/// A view that a member may use.
#[derive(Debug)]
pub struct CountedView {
    /// Its id.
    pub id: ViewId,
    /// Whether it is the member's own; else it is the company's.
    pub is_own: bool,
    /// The view.
    pub view: CustomerView,
    /// How many customers it has for them.
    pub customers: usize,
}

/// A page, with what its rates and tags are read by.
#[derive(Debug)]
pub struct ListedPage {
    /// The page.
    pub page: CustomerPage,
    /// The model of the rates.
    pub model: Model,
    /// The company's tags.
    pub tags: TagBook,
    /// The day of the rates.
    pub today: Day,
    viewer: Viewer,
    contacts_hidden: bool,
}

impl ListedPage {
    /// Whether the member sees the contacts of a customer of the page.
    pub fn shows_contacts(&self, row: &CustomerRow) -> bool {
        let Self { model, tags, today, viewer, contacts_hidden, .. } = self;
        let (viewer, today, contacts_hidden) = (*viewer, *today, *contacts_hidden);
        ListContext { viewer, model, tags, today, contacts_hidden }.shows_contacts(row)
    }
}

impl CustomerLister {
    /// A page of a list after a position. Two calls.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for a view that the member may not use, and those of the table.
    pub async fn page(
        &self,
        flow: &Flow<'_>,
        wanted: &WantedList,
        after: Option<&ListPosition>,
        limit: u32,
    ) -> Result<ListedPage, Failure> {
        let today = after.map_or_else(|| Day::of(flow.now), |after| after.today);
        let views_of = match wanted {
            WantedList::Query(query) if self.is_plain(query) => {
                return self.newest(flow, after, (limit, today)).await;
            }
            WantedList::Query(_) => None,
            WantedList::View(_) => Some(self.viewer.member),
        };
        let CustomerList { rows, model, tags, views, contacts_hidden, .. } =
            flow.store.customer_list(self.company, views_of).await?;
        let query = match wanted {
            WantedList::Query(query) => ListQuery::clone(query),
            WantedList::View(id) => views.iter().find_map(|book| book.entry(*id)).ok_or(Failure::NotFound)?.list(),
        };
        let context = ListContext { viewer: self.viewer, model: &model, tags: &tags, today, contacts_hidden };
        let page = query.page(rows, context, after, limit as usize);
        Ok(ListedPage { page, model, tags, today, viewer: self.viewer, contacts_hidden })
    }

    /// The list that a member asks for.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for a view that the member may not use, and those of the table.
    pub(crate) async fn wanted_list(&self, flow: &Flow<'_>, wanted: &WantedList) -> Result<ListQuery, Failure> {
        let id = match wanted {
            WantedList::Query(query) => return Ok(ListQuery::clone(query)),
            WantedList::View(id) => *id,
        };
        let own = BookPlace { company: self.company, member: Some(self.viewer.member) };
        for place in [own, self.company.into()] {
            let book: ViewBook = flow.store.book(place, RecordRead::ToShow).await?;
            if let Some(view) = book.entry(id) {
                return Ok(view.list());
            }
        }
        Err(Failure::NotFound)
    }

    /// The views that the member may use, their own first, each with the number of its customers. Two calls.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn views(&self, flow: &Flow<'_>) -> Result<Vec<CountedView>, Failure> {
        let list = flow.store.customer_list(self.company, Some(self.viewer.member)).await?;
        let CustomerList { rows, model, tags, views: [own, of_company], contacts_hidden, .. } = list;
        let today = Day::of(flow.now);
        let context = ListContext { viewer: self.viewer, model: &model, tags: &tags, today, contacts_hidden };
        let counted = |is_own, (id, view): (ViewId, &CustomerView)| CountedView {
            id,
            is_own,
            view: view.clone(),
            customers: view.list().count(&rows, context),
        };
        let own = own.iter().map(|view| counted(true, view));
        Ok(own.chain(of_company.iter().map(|view| counted(false, view))).collect())
    }

    /// The editor of the book that has a view.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for a view that the member may not use, [`Failure::RoleRequired`] for one of the
    /// company, unless they are an admin or the boss.
    pub async fn editor_of(&self, flow: &Flow<'_>, id: ViewId) -> Result<BookEditor<ViewBook>, Failure> {
        let member = self.viewer.member;
        let own = BookPlace { company: self.company, member: Some(member) };
        let own: ViewBook = flow.store.book(own, RecordRead::ToChange).await?;
        if own.entry(id).is_some() {
            return Ok(BookEditor::own(self.company, member));
        }
        let of_company: ViewBook = flow.store.book(self.company, RecordRead::ToChange).await?;
        of_company.entry(id).ok_or(Failure::NotFound)?;
        if self.viewer.admin { Ok(BookEditor::new(self.company, member)) } else { Err(Failure::RoleRequired) }
    }

    /// Whether it is the list of everybody as it is stored: then no more is read than the page.
    fn is_plain(&self, ListQuery { filter, sort, order }: &ListQuery) -> bool {
        let kind = filter.kind.filter(|kind| *kind != CustomerListKind::All);
        let is_everybody = self.viewer.admin && CustomerFilter { kind, ..filter.clone() }.is_open();
        is_everybody && (*sort, *order) == (CustomerSort::Added, SortOrder::Descending)
    }

    async fn newest(
        &self,
        flow: &Flow<'_>,
        after: Option<&ListPosition>,
        (limit, today): (u32, Day),
    ) -> Result<ListedPage, Failure> {
        let after = after.map(|after| after.person);
        let (list, more) = flow.store.newest_customers(self.company, after, limit).await?;
        let CustomerList { rows, counts, model, tags, contacts_hidden, .. } = list;
        let total = counts.0.get(&CustomerListKind::All).copied().unwrap_or_default();
        let next = rows.last().filter(|_| more).map(|row| ListPosition::of_newest(row.person, today));
        let page = CustomerPage { rows, counts, total, next };
        Ok(ListedPage { page, model, tags, today, viewer: self.viewer, contacts_hidden })
    }
}
