//! Lists of customers (客户列表): which ones a member sees, in which order, and how many there are of each
//! kind.

use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::str::FromStr;

use crate::crm::list_filter::{CustomerFilter, ListContext};
use crate::crm::list_kind::KindCounts;
use crate::crm::row::CustomerRow;
use crate::crm::search::{NameSearch, pinyin_of};
use crate::kernel::day::Day;
use crate::kernel::id::PersonId;
use crate::kernel::string_enum::string_enum;

string_enum! {
    /// What a list of customers is sorted by.
    CustomerSort, "unknown_sort", "没有这种排序方式" {
        /// 首次出现时间
        Added = "added",
        /// 成交率
        Rate = "rate",
        /// 预计成交日期
        ExpectedClose = "expected_close",
        /// 预计成交金额
        Amount = "amount",
        /// 最近到访
        LastVisit = "last_visit",
        /// 最近跟进
        LastFollowUp = "last_follow_up",
        /// 下次跟进
        NextFollowUp = "next_follow_up",
        /// 姓名
        Name = "name",
    }
}

string_enum! {
    /// Which end of a list comes first.
    SortOrder, "unknown_order", "排序方向只有 asc 和 desc" {
        /// 升序
        Ascending = "asc",
        /// 降序
        Descending = "desc",
    }
}

/// What a member asks for.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Which customers.
    pub filter: CustomerFilter,
    /// The order.
    pub sort: CustomerSort,
    /// Which end comes first. Customers without a value come last in any case.
    pub order: SortOrder,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerPage {
    /// The customers.
    pub rows: Vec<CustomerRow>,
    /// How many customers the member sees of each kind, whatever the filter.
    pub counts: KindCounts,
    /// How many of them pass the filter.
    pub total: u64,
    /// The place of the last one, when there are more.
    pub next: Option<ListPosition>,
}

/// What a customer is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum SortValue {
    Number(i64),
    Text(String),
}

/// The place of a customer in a list, and the day of its rates: a list that is read over midnight stays in
/// its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPosition {
    /// The day.
    pub today: Day,
    value: Option<SortValue>,
    /// The customer.
    pub person: PersonId,
}

impl ListQuery {
    /// How many customers of all rows of the company the list has.
    pub fn count<'a>(&self, rows: impl IntoIterator<Item = &'a CustomerRow>, context: ListContext<'_>) -> usize {
        let search = self.filter.q.as_ref().map(|text| NameSearch::new(text.as_str()));
        let wanted = self.filter.prepared(context.tags);
        let visible = rows.into_iter().filter(|row| row.is_visible_to(context.viewer));
        let passing = visible.filter(|row| wanted.passes(row, context));
        passing
            .filter(|row| search.as_ref().is_none_or(|search| search.finds(row, context.shows_contacts(row))))
            .count()
    }

    /// The page after a place, of all rows of the company.
    pub fn page(
        &self,
        rows: impl IntoIterator<Item = CustomerRow>,
        context: ListContext<'_>,
        after: Option<&ListPosition>,
        limit: usize,
    ) -> CustomerPage {
        let (mut counts, mut total, mut found) = (KindCounts::default(), 0, Vec::new());
        let search = self.filter.q.as_ref().map(|text| NameSearch::new(text.as_str()));
        let wanted = self.filter.prepared(context.tags);
        for row in rows.into_iter().filter(|row| row.is_visible_to(context.viewer)) {
            counts.add(&row);
            if !wanted.passes(&row, context)
                || !search.as_ref().is_none_or(|search| search.finds(&row, context.shows_contacts(&row)))
            {
                continue;
            }
            total += 1;
            let position = self.position(&row, context);
            if after.is_none_or(|after| self.compare(&position, after) == Ordering::Greater) {
                found.push((position, row));
            }
        }
        let more = found.len() > limit;
        if more {
            found.select_nth_unstable_by(limit, |(a, _), (b, _)| self.compare(a, b));
            found.truncate(limit);
        }
        found.sort_unstable_by(|(a, _), (b, _)| self.compare(a, b));
        let next = found.last().filter(|_| more).map(|(position, _)| position.clone());
        CustomerPage { rows: found.into_iter().map(|(_, row)| row).collect(), counts, total, next }
    }

    fn position(&self, row: &CustomerRow, ListContext { model, today, .. }: ListContext<'_>) -> ListPosition {
        let number = |value: Option<i64>| value.map(SortValue::Number);
        let value = match self.sort {
            CustomerSort::Added => None,
            CustomerSort::Rate => number(Some(row.rate(model, today).0.basis_points().into())),
            CustomerSort::ExpectedClose => number(row.expected_on.map(|day| day.number().into())),
            CustomerSort::Amount => number(row.amount.map(|amount| amount.0)),
            CustomerSort::LastVisit => number(row.last_visit.map(|at| at.millis())),
            CustomerSort::LastFollowUp => number(row.last_follow_up.map(|at| at.millis())),
            CustomerSort::NextFollowUp => number(row.next_follow_up.map(|plan| plan.at.millis())),
            CustomerSort::Name => (!row.name.is_empty()).then(|| SortValue::Text(pinyin_of(&row.name))),
        };
        ListPosition { today, value, person: row.person }
    }

    /// By value, those without one last; of equal ones the newest customer first, but for the list that is
    /// sorted by that.
    fn compare(&self, a: &ListPosition, b: &ListPosition) -> Ordering {
        let is_ascending = self.order == SortOrder::Ascending;
        let values = a.value.is_none().cmp(&b.value.is_none()).then_with(|| {
            let ascending = a.value.cmp(&b.value);
            if is_ascending { ascending } else { ascending.reverse() }
        });
        let by_age = if self.sort == CustomerSort::Added && is_ascending {
            a.person.cmp(&b.person)
        } else {
            Reverse(a.person).cmp(&Reverse(b.person))
        };
        values.then(by_age)
    }
}

impl ListPosition {
    /// The place of a customer in the list of the newest.
    pub fn of_newest(person: PersonId, today: Day) -> Self {
        Self { today, value: None, person }
    }
}

impl fmt::Display for ListPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.today, self.person)?;
        match &self.value {
            None => Ok(()),
            Some(SortValue::Number(number)) => write!(f, " n{number}"),
            Some(SortValue::Text(text)) => write!(f, " t{text}"),
        }
    }
}

impl FromStr for ListPosition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, ' ');
        let today = parts.next().and_then(|day| day.parse().ok()).ok_or(())?;
        let person = parts.next().and_then(|person| person.parse().ok()).ok_or(())?;
        let value = match parts.next() {
            None => None,
            Some(value) => Some(match value.split_at_checked(1) {
                Some(("n", number)) => SortValue::Number(number.parse().map_err(drop)?),
                Some(("t", text)) => SortValue::Text(text.to_owned()),
                _ => return Err(()),
            }),
        };
        Ok(Self { today, value, person })
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
