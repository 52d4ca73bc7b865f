//! Lists of customers.

use domain::close_rate::model::Model;
use domain::company::Company;
use domain::crm::list::{
    CustomerListKind, CustomerPage, CustomerSort, ListContext, ListPosition, ListQuery, SortOrder,
};
use domain::crm::list_filter::CustomerFilter;
use domain::crm::tag::TagBook;
use domain::crm::viewer::Viewer;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use store::CustomerList;

use crate::Flow;

/// The customers of a company, as a member sees them.
#[derive(Debug, Clone, Copy)]
pub struct CustomerLister {
    /// The company.
    pub company: Company,
    /// The member.
    pub viewer: Viewer,
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
}

impl CustomerLister {
    /// A page of a list after a position. Two calls.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn page(
        &self,
        flow: &Flow<'_>,
        query: &ListQuery,
        after: Option<&ListPosition>,
        limit: u32,
    ) -> Result<ListedPage, Failure> {
        let today = after.map_or_else(|| Day::of(flow.now), |after| after.today);
        if self.is_plain(query) {
            return self.newest(flow, after, (limit, today)).await;
        }
        let CustomerList { rows, model, tags, .. } = flow.store.customer_list(self.company).await?;
        let context = ListContext { viewer: self.viewer, model: &model, tags: &tags, today };
        let page = query.page(rows, context, after, limit as usize);
        Ok(ListedPage { page, model, tags, today })
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
        let CustomerList { rows, counts, model, tags } = list;
        let total = counts.0.get(&CustomerListKind::All).copied().unwrap_or_default();
        let next = rows.last().filter(|_| more).map(|row| ListPosition::of_newest(row.person, today));
        Ok(ListedPage { page: CustomerPage { rows, counts, total, next }, model, tags, today })
    }
}
