//! Exports of lists (导出客户): what stands in the file, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::company::Company;
use crate::crm::addition::CustomerSource;
use crate::crm::kind::CustomerKind;
use crate::crm::list::{CustomerSort, ListQuery, SortOrder};
use crate::crm::list_filter::{CustomerFilter, ListContext};
use crate::crm::row::CustomerRow;
use crate::kernel::id::{JobId, MemberId};
use crate::kernel::timestamp::{DAY_MS, SECOND_MS, Timestamp};
use crate::radar::feed::visitor_name;

/// Most customers of an export: 20 megabytes.
pub const EXPORT_ROWS_MAX: usize = 100_000;
/// How long the file of an export can be fetched.
pub const EXPORT_KEPT_MS: i64 = DAY_MS;
/// How long an address of the file is valid.
pub const EXPORT_LINK_MS: i64 = 15 * 60 * SECOND_MS;

/// The mark by which spreadsheets know UTF-8.
const MARK: &str = "\u{feff}";
const COLUMNS: [&str; 15] = [
    "姓名",
    "手机",
    "公司",
    "类型",
    "负责人",
    "来源",
    "标签",
    "成交率(%)",
    "预计成交日期",
    "预计成交金额(元)",
    "成交次数",
    "最近到访",
    "最近跟进",
    "下次跟进",
    "客户编号",
];

/// A list to export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedList {
    /// Which customers.
    pub filter: CustomerFilter,
    /// The order.
    pub sort: CustomerSort,
    /// Which end comes first.
    pub order: SortOrder,
}

impl ExportedList {
    /// The list.
    pub fn list(&self) -> ListQuery {
        ListQuery { filter: self.filter.clone(), sort: self.sort, order: self.order }
    }
}

impl From<ListQuery> for ExportedList {
    fn from(ListQuery { filter, sort, order }: ListQuery) -> Self {
        Self { filter, sort, order }
    }
}

/// Where the file of an export is kept.
pub fn export_key(company: Company, job: JobId) -> String {
    format!("{}{job}.csv", exports_prefix(company))
}

/// Where the files of a company's exports are kept.
pub fn exports_prefix(company: Company) -> String {
    format!("exports/{}/", company.id())
}

/// The members whom rows name as owners.
pub fn owners(rows: &[CustomerRow]) -> impl Iterator<Item = MemberId> {
    rows.iter().filter_map(|row| row.owner?.member)
}

/// Customers as a CSV file that spreadsheets open: no cell of it is a formula.
pub fn csv(rows: &[CustomerRow], context: ListContext<'_>, members: &BTreeMap<MemberId, String>) -> Vec<u8> {
    let mut file = String::from(MARK);
    line(&mut file, COLUMNS.map(str::to_owned));
    for row in rows {
        line(&mut file, cells(row, context, members));
    }
    file.into_bytes()
}

fn cells(row: &CustomerRow, context: ListContext<'_>, members: &BTreeMap<MemberId, String>) -> [String; 15] {
    let ListContext { model, tags, today, .. } = context;
    let given = row.tags_in(tags);
    let names: Vec<_> = tags.iter().filter(|(id, _)| given.contains(id)).map(|(_, tag)| tag.name.as_str()).collect();
    let owner = row.owner.and_then(|owner| members.get(&owner.member?).cloned());
    let kinds: Vec<_> = row.kinds().into_iter().map(kind).collect();
    let shown = |at: Option<Timestamp>| at.map(minute).unwrap_or_default();
    [
        if row.name.is_empty() { visitor_name(row.person) } else { row.name.clone() },
        if context.shows_contacts(row) { row.mobile.clone() } else { String::new() },
        row.company.clone(),
        kinds.join("、"),
        owner.unwrap_or_default(),
        source(row.source).to_owned(),
        names.join("、"),
        row.rate(model, today).0.percent().to_string(),
        row.expected_on.map(|day| day.to_string()).unwrap_or_default(),
        row.amount.map(|amount| yuan(amount.0)).unwrap_or_default(),
        row.deals.to_string(),
        shown(row.last_visit),
        shown(row.last_follow_up),
        shown(row.next_follow_up.map(|plan| plan.at)),
        row.person.to_string(),
    ]
}

fn kind(kind: CustomerKind) -> &'static str {
    match kind {
        CustomerKind::Exclusive => "独占",
        CustomerKind::Shared => "共享",
        CustomerKind::Closed => "成单",
    }
}

fn source(source: CustomerSource) -> &'static str {
    match source {
        CustomerSource::Visit => "到访",
        CustomerSource::ByHand => "手动添加",
        CustomerSource::Import => "导入",
    }
}

/// A time as people read it, in Asia/Shanghai: `2026-11-27 12:30`.
fn minute(at: Timestamp) -> String {
    at.to_string().chars().take("2026-11-27T12:30".len()).collect::<String>().replace('T', " ")
}

fn yuan(fen: i64) -> String {
    format!("{}{}.{:02}", if fen < 0 { "-" } else { "" }, fen.unsigned_abs() / 100, fen.unsigned_abs() % 100)
}

fn line(file: &mut String, cells: [String; 15]) {
    for (place, cell) in cells.iter().enumerate() {
        file.push_str(if place == 0 { "\"" } else { ",\"" });
        if begins_formula(cell) {
            file.push('\'');
        }
        file.push_str(&cell.replace('"', "\"\""));
        file.push('"');
    }
    file.push_str("\r\n");
}

/// Whether a spreadsheet takes a cell for a formula: by its first character, in half or full width.
pub(crate) fn begins_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
