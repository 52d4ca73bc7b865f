//! Which customers a list has.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::close_rate::model::{Band, Model};
use crate::crm::addition::CustomerSource;
use crate::crm::list_kind::{CustomerListKind, KindCounts};
use crate::crm::ownership::CustomerRight;
use crate::crm::row::CustomerRow;
use crate::crm::tag::TagBook;
use crate::crm::viewer::Viewer;
use crate::kernel::day::Day;
use crate::kernel::field::FieldError;
use crate::kernel::id::{CardId, DepartmentId, MemberId, TagId};
use crate::kernel::list::UniqueList;
use crate::kernel::text::Line;
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::Scope;

/// What a list needs to know beside its rows.
#[derive(Debug, Clone, Copy)]
pub struct ListContext<'a> {
    /// Who looks.
    pub viewer: Viewer,
    /// The model of the ranks.
    pub model: &'a Model,
    /// The company's tags.
    pub tags: &'a TagBook,
    /// The day on which rates are shown.
    pub today: Day,
    /// Whether the contacts of those whom nobody owns are hidden.
    pub contacts_hidden: bool,
}

/// Tags of a filter.
pub type FilterTags = UniqueList<TagId, 20>;

/// A filter: what is absent lets everybody pass. Days are those of Asia/Shanghai, both ends included; a
/// customer without the value does not pass a range of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CustomerFilter {
    /// One of the five lists; all customers if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CustomerListKind>,
    /// Customers whom this member owns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<MemberId>,
    /// How they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<CustomerSource>,
    /// Customers of this card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_id: Option<CardId>,
    /// Customers of this department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_id: Option<DepartmentId>,
    /// The band of the funnel they are in: of the card with `card_id`, else of the company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<Band>,
    /// At least one of these tags.
    #[serde(default, skip_serializing_if = "is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub tags_any: FilterTags,
    /// All of these tags.
    #[serde(default, skip_serializing_if = "is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub tags_all: FilterTags,
    /// None of these tags.
    #[serde(default, skip_serializing_if = "is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub tags_none: FilterTags,
    /// A deal is expected on this day or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_from: Option<Day>,
    /// A deal is expected on this day or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_to: Option<Day>,
    /// The last visit was on this day or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_visit_from: Option<Day>,
    /// The last visit was on this day or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_visit_to: Option<Day>,
    /// The last follow-up was on this day or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_follow_up_from: Option<Day>,
    /// The last follow-up was on this day or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_follow_up_to: Option<Day>,
    /// The next follow-up is planned for this day or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_follow_up_from: Option<Day>,
    /// The next follow-up is planned for this day or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_follow_up_to: Option<Day>,
    /// A part of the name, in characters, pinyin or the first letters of pinyin; a part of their company; a
    /// mobile number or its last four digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<Line<30>>,
}

fn is_empty(tags: &FilterTags) -> bool {
    tags.as_slice().is_empty()
}

/// A filter with its tags as they stand by now.
#[derive(Debug)]
pub(super) struct PreparedFilter<'a> {
    filter: &'a CustomerFilter,
    any: BTreeSet<TagId>,
    all: Option<BTreeSet<TagId>>,
    none: BTreeSet<TagId>,
}

impl CustomerFilter {
    /// Whether everybody passes.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// The filter, if it can be.
    ///
    /// # Errors
    /// `out_of_order` for a range that ends before it begins.
    pub fn check(self) -> Result<Self, FieldError> {
        let ranges = [
            (self.expected_from, self.expected_to, "/expected_to"),
            (self.last_visit_from, self.last_visit_to, "/last_visit_to"),
            (self.last_follow_up_from, self.last_follow_up_to, "/last_follow_up_to"),
            (self.next_follow_up_from, self.next_follow_up_to, "/next_follow_up_to"),
        ];
        for (from, to, pointer) in ranges {
            if from.zip(to).is_some_and(|(from, to)| from > to) {
                return Err(FieldError::new("out_of_order", "结束日期不能早于开始日期").at(pointer));
            }
        }
        Ok(self)
    }

    pub(super) fn prepared(&self, book: &TagBook) -> PreparedFilter<'_> {
        let resolve = |tags: &FilterTags| tags.as_slice().iter().filter_map(|tag| book.resolve(*tag)).collect();
        let all: BTreeSet<_> = resolve(&self.tags_all);
        // Nobody has a tag that is gone.
        let has_gone = self.tags_all.as_slice().iter().any(|tag| book.resolve(*tag).is_none());
        PreparedFilter {
            filter: self,
            any: resolve(&self.tags_any),
            all: (!has_gone).then_some(all),
            none: resolve(&self.tags_none),
        }
    }

    /// The scope that card or department name; the company without.
    fn scope(&self) -> Scope {
        self.card_id.map_or(Scope::Company, Scope::Card)
    }
}

impl PreparedFilter<'_> {
    pub(super) fn passes(&self, row: &CustomerRow, context: ListContext<'_>) -> bool {
        let filter = self.filter;
        let day = |at: Option<Timestamp>| at.map(Day::of);
        let next = row.next_follow_up.map(|plan| plan.at);
        filter.kind.is_none_or(|kind| self.is_of_kind(row, kind))
            && filter.owner_id.is_none_or(|member| row.owner.and_then(|owner| owner.member) == Some(member))
            && filter.source.is_none_or(|source| row.source == source)
            && row.is_in(filter.scope())
            && filter.department_id.is_none_or(|department| row.is_in(Scope::Department(department)))
            && filter.band.is_none_or(|band| row.band_in(filter.scope(), context.model, context.today) == Some(band))
            && is_within(row.expected_on, (filter.expected_from, filter.expected_to))
            && is_within(day(row.last_visit), (filter.last_visit_from, filter.last_visit_to))
            && is_within(day(row.last_follow_up), (filter.last_follow_up_from, filter.last_follow_up_to))
            && is_within(day(next), (filter.next_follow_up_from, filter.next_follow_up_to))
            && self.passes_tags(row, context.tags)
    }

    /// With a card, its closed customers are those who have closed a deal there.
    fn is_of_kind(&self, row: &CustomerRow, kind: CustomerListKind) -> bool {
        match (kind, self.filter.card_id) {
            (CustomerListKind::Closed, Some(card)) => row.is_closed_in(Scope::Card(card)),
            _ => KindCounts::kinds_of(row).any(|of| of == kind),
        }
    }

    fn passes_tags(&self, row: &CustomerRow, book: &TagBook) -> bool {
        let filter = self.filter;
        if [&filter.tags_any, &filter.tags_all, &filter.tags_none].into_iter().all(is_empty) {
            return true;
        }
        let tags = row.tags_in(book);
        (is_empty(&filter.tags_any) || !self.any.is_disjoint(&tags))
            && self.all.as_ref().is_some_and(|all| all.is_subset(&tags))
            && self.none.is_disjoint(&tags)
    }
}

impl ListContext<'_> {
    /// Whether the member sees the contacts of a customer.
    pub fn shows_contacts(&self, row: &CustomerRow) -> bool {
        !self.contacts_hidden || row.right_of(self.viewer) > CustomerRight::Unowned
    }
}

impl CustomerRow {
    /// The tags by now: those that were merged count as the other one, and those that are gone not.
    pub fn tags_in(&self, book: &TagBook) -> BTreeSet<TagId> {
        self.tags.iter().filter_map(|tag| book.resolve(*tag)).collect()
    }
}

fn is_within(day: Option<Day>, (from, to): (Option<Day>, Option<Day>)) -> bool {
    if from.is_none() && to.is_none() {
        return true;
    }
    day.is_some_and(|day| from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to))
}
