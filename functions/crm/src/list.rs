//! `/v1/customers`: the lists of customers (客户列表).

use std::collections::BTreeMap;

use app::crm::list::{CustomerLister, ListedPage, WantedList};
use axum::Json;
use axum::extract::State;
use domain::close_rate::model::{Band, Source};
use domain::crm::addition::CustomerSource;
use domain::crm::kind::CustomerKind;
use domain::crm::list::{CustomerSort, ListQuery, SortOrder};
use domain::crm::list_filter::{CustomerFilter, FilterTags};
use domain::crm::list_kind::CustomerListKind;
use domain::crm::row::CustomerRow;
use domain::crm::tag::{CustomerTag, TagName};
use domain::crm::viewer::Viewer;
use domain::kernel::day::Day;
use domain::kernel::id::{CardId, DepartmentId, MemberId, PersonId, TagId, ViewId};
use domain::kernel::money::Fen;
use domain::kernel::text::Line;
use domain::kernel::timestamp::Timestamp;
use domain::radar::feed::visitor_name;
use edge::auth::Staff;
use edge::page::{PageParams, Paging};
use edge::problem::{Code, Problem};
use edge::radar_on::RadarOn;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Which customers, and in which order. Days are those of Asia/Shanghai, both ends included.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CustomersQuery {
    /// `exclusive` (独占), `shared` (共享), `closed` (成单), `unowned` (公海) or `all` (总客户池, the default).
    #[param(inline)]
    kind: Option<CustomerListKind>,
    /// Customers whom this member owns.
    owner_id: Option<MemberId>,
    /// How they came: `visit`, `by_hand` or `import`.
    #[param(inline)]
    source: Option<CustomerSource>,
    /// Customers of this card.
    card_id: Option<CardId>,
    /// Customers of this department.
    department_id: Option<DepartmentId>,
    /// The band of the funnel they are in: of the card with `card_id`, else of the company.
    #[param(inline)]
    band: Option<Band>,
    /// At least one of these tags: ids with commas between them, at most 20.
    tags_any: Option<String>,
    /// All of these tags.
    tags_all: Option<String>,
    /// None of these tags.
    tags_none: Option<String>,
    /// A deal is expected on this day or later.
    expected_from: Option<Day>,
    /// A deal is expected on this day or earlier.
    expected_to: Option<Day>,
    /// The last visit was on this day or later.
    last_visit_from: Option<Day>,
    /// The last visit was on this day or earlier.
    last_visit_to: Option<Day>,
    /// The last follow-up was on this day or later.
    last_follow_up_from: Option<Day>,
    /// The last follow-up was on this day or earlier.
    last_follow_up_to: Option<Day>,
    /// The next follow-up is planned for this day or later.
    next_follow_up_from: Option<Day>,
    /// The next follow-up is planned for this day or earlier.
    next_follow_up_to: Option<Day>,
    /// A part of the name, in characters, pinyin or the first letters of pinyin; a part of their company; a
    /// mobile number or its last four digits.
    q: Option<Line<30>>,
    /// What the list is sorted by: `added`, when they came first, if absent. Customers without the value
    /// come last.
    #[param(inline)]
    sort: Option<CustomerSort>,
    /// Which end comes first: `desc` if absent.
    #[param(inline)]
    order: Option<SortOrder>,
    /// The list that was saved as this view. It stands alone: no filter and no order beside it.
    view: Option<ViewId>,
}

/// A page of customers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerPageBody {
    /// How many customers the caller sees of each kind, whatever the filter.
    counts: BTreeMap<CustomerListKind, u64>,
    /// How many of them pass the filter.
    total: u64,
    /// The customers.
    items: Vec<ListedCustomer>,
    /// The cursor of the next page. `null` on the last page.
    next_cursor: Option<String>,
}

/// A customer in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedCustomer {
    /// The person.
    person_id: PersonId,
    /// The name to show: of the profile, else `访客` and four characters.
    name: String,
    /// `exclusive` (独占) for a customer of one card, `shared` (共享) of several; `closed` (成单) with a
    /// closed deal.
    kinds: Vec<CustomerKind>,
    /// The cards whose customer they are.
    card_ids: Vec<CardId>,
    /// The company they work for; empty if it is not known.
    company: String,
    /// How they came.
    source: CustomerSource,
    /// The member who owns them (负责人). `null` in the pool (公海), and for the owner of a card who is not
    /// known yet.
    owner_id: Option<MemberId>,
    /// The mobile number; empty if it is not known, and for whom nobody owns where the company hides it.
    mobile: String,
    /// The tags.
    tags: Vec<ListedTag>,
    /// The close rate in the company, in percent.
    rate: f64,
    /// Where the rate comes from.
    rate_source: Source,
    /// The day on which a deal is expected. `null` if none is.
    expected_on: Option<Day>,
    /// The amount of that deal, in fen. `null` if none is set.
    amount_fen: Option<Fen>,
    /// How many deals they have closed.
    deals: usize,
    /// When they were there last. `null` if that is not known any more.
    last_visit_at: Option<Timestamp>,
    /// When members followed up last. `null` if never.
    last_follow_up_at: Option<Timestamp>,
    /// When a member wants to follow up next. `null` without a plan.
    next_follow_up_at: Option<Timestamp>,
    /// The member who will. `null` without a plan.
    next_follow_up_by: Option<MemberId>,
}

/// A tag of a customer in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedTag {
    /// The tag.
    tag_id: TagId,
    /// Its name.
    name: TagName,
    /// The name of its group.
    group: TagName,
}

impl CustomersQuery {
    /// What is asked for.
    fn wanted(&self) -> Result<WantedList, Problem> {
        let filter = CustomerFilter {
            kind: self.kind,
            owner_id: self.owner_id,
            source: self.source,
            card_id: self.card_id,
            department_id: self.department_id,
            band: self.band,
            tags_any: tags(self.tags_any.as_deref())?,
            tags_all: tags(self.tags_all.as_deref())?,
            tags_none: tags(self.tags_none.as_deref())?,
            expected_from: self.expected_from,
            expected_to: self.expected_to,
            last_visit_from: self.last_visit_from,
            last_visit_to: self.last_visit_to,
            last_follow_up_from: self.last_follow_up_from,
            last_follow_up_to: self.last_follow_up_to,
            next_follow_up_from: self.next_follow_up_from,
            next_follow_up_to: self.next_follow_up_to,
            q: self.q.clone(),
        };
        let filter = filter.check().map_err(|_| Problem::of(Code::InvalidQuery))?;
        if let Some(view) = self.view {
            let is_alone = filter.is_open() && self.sort.is_none() && self.order.is_none();
            return is_alone.then_some(WantedList::View(view)).ok_or_else(|| Problem::of(Code::InvalidQuery));
        }
        let order = self.order.unwrap_or(SortOrder::Descending);
        let sort = self.sort.unwrap_or(CustomerSort::Added);
        Ok(WantedList::Query(Box::new(ListQuery { filter, sort, order })))
    }
}

/// Ids with commas between them.
fn tags(text: Option<&str>) -> Result<FilterTags, Problem> {
    let ids = text.into_iter().flat_map(|text| text.split(',')).map(str::parse).collect::<Result<Vec<TagId>, _>>();
    ids.and_then(FilterTags::parse).map_err(|_| Problem::of(Code::InvalidQuery))
}

/// List the customers
///
/// Returns the customers whom the caller sees, and how many there are of each kind: members see those of
/// their card, admins and the boss all of the company. Filters combine. What the caller has changed shows at
/// once; visits show within minutes. A list that is walked over midnight keeps the rates of its first day.
/// Callers: members, while their radar is on. Idempotent. Errors: 403 `role_required` for visitors; 403
/// `radar_not_active` while the radar of the caller is off; 404 `not_found` for a view that the caller may
/// not use.
#[utoipa::path(get, path = "/v1/customers", tag = "crm", params(PageParams, CustomersQuery),
    responses((status = 200, body = CustomerPageBody)))]
pub(crate) async fn list_customers(
    State(app): State<App>,
    RadarOn(staff): RadarOn<Staff>,
    paging: Paging<CustomersQuery>,
) -> Result<Json<CustomerPageBody>, Problem> {
    let (wanted, after) = (paging.filter.wanted()?, paging.position()?);
    let listed = lister(&staff).page(&app.flow(), &wanted, after.as_ref(), paging.limit).await?;
    Ok(Json(body(listed, &paging)))
}

/// What a member sees of the customers.
pub(crate) fn lister(staff: &Staff) -> CustomerLister {
    let viewer = Viewer { member: staff.id(), card: staff.card(), admin: staff.is_admin() };
    CustomerLister { company: staff.company(), viewer }
}

fn body<F>(listed: ListedPage, paging: &Paging<F>) -> CustomerPageBody {
    let items = listed.page.rows.iter().map(|row| item(row, &listed)).collect();
    let counts = CustomerListKind::ALL.iter();
    let counts = counts.map(|kind| (*kind, listed.page.counts.0.get(kind).copied().unwrap_or_default())).collect();
    let page = paging.page(items, listed.page.next);
    CustomerPageBody { counts, total: listed.page.total, items: page.items, next_cursor: page.next_cursor }
}

fn item(row: &CustomerRow, listed: &ListedPage) -> ListedCustomer {
    let ListedPage { model, tags, today, .. } = listed;
    let (rate, rate_source) = row.rate(model, *today);
    let given = row.tags_in(tags);
    let tag = |(id, tag): (TagId, &CustomerTag)| {
        let (name, group) = (tag.name.clone(), tag.group.clone());
        given.contains(&id).then_some(ListedTag { tag_id: id, name, group })
    };
    ListedCustomer {
        person_id: row.person,
        name: if row.name.is_empty() { visitor_name(row.person) } else { row.name.clone() },
        kinds: row.kinds(),
        card_ids: row.cards.iter().map(|of| of.card).collect(),
        company: row.company.clone(),
        source: row.source,
        owner_id: row.owner.and_then(|owner| owner.member),
        mobile: if listed.shows_contacts(row) { row.mobile.clone() } else { String::new() },
        tags: tags.iter().filter_map(tag).collect(),
        rate: rate.percent(),
        rate_source,
        expected_on: row.expected_on,
        amount_fen: row.amount,
        deals: row.deals,
        last_visit_at: row.last_visit,
        last_follow_up_at: row.last_follow_up,
        next_follow_up_at: row.next_follow_up.map(|plan| plan.at),
        next_follow_up_by: row.next_follow_up.map(|plan| plan.by),
    }
}
