use uuid::Uuid;

use super::*;
use crate::company::book::CompanyBook;
use crate::crm::custom_field::{CustomField, CustomFieldKind};
use crate::kernel::id::{CustomFieldId, Id};
use crate::kernel::text::Line;

fn table(rows: &[(u32, &[&str])]) -> FileTable {
    let row = |(number, cells): &(u32, &[&str])| TableRow {
        number: *number,
        cells: cells.iter().map(|cell| (*cell).to_owned()).collect(),
    };
    FileTable { sheets: vec!["客户".to_owned()], sheet: 0, rows: rows.iter().map(row).collect() }
}

fn book() -> (CustomFieldBook, CustomFieldId) {
    let id = CustomFieldId::from_uuid(Uuid::from_u128(7));
    let field = CustomField::new(Line::parse("微信号").unwrap(), CustomFieldKind::Text, &[]).unwrap();
    (CustomFieldBook::default().add(id, field).unwrap(), id)
}

fn preview(table: &FileTable, header_row: Option<u32>) -> Result<TablePreview, TableError> {
    let wanted = TableToPreview { upload: UploadId::from_uuid(Uuid::nil()), sheet: None, header_row };
    wanted.preview(table, &book().0, |rows| rows.len().to_string())
}

fn guesses(names: &[&str]) -> Vec<Option<&'static str>> {
    let found = preview(&table(&[(1, names), (2, &["王敏"])]), Some(1)).unwrap();
    found.columns.iter().map(|column| column.guess.map(|guess| guess.field.name())).collect()
}

#[test]
fn columns_are_guessed_by_their_names_in_two_languages() {
    assert_eq!(
        guesses(&[
            "序号",
            "* 客户姓名",
            "手机号（必填）",
            "E-Mail",
            "Job Title",
            "公司名称：",
            "标签",
            "微信号",
            "备注"
        ]),
        [
            None,
            Some("name"),
            Some("mobile"),
            Some("email"),
            Some("position"),
            Some("company"),
            Some("tags"),
            Some("custom"),
            Some("remark")
        ]
    );
    assert_eq!(guesses(&["电话", "手机", "", "Name"]), [Some("mobile"), None, None, Some("name")], "each field once");
    let found = preview(&table(&[(1, &["姓名", "微信号"]), (2, &["王敏"])]), None).unwrap();
    assert_eq!(found.columns[1].guess.unwrap().custom_field, Some(book().1));
}

#[test]
fn the_head_is_found_below_a_title_and_missed_where_there_is_none() {
    let titled =
        table(&[(1, &["2026年客户名单"]), (3, &["姓名", "电话"]), (4, &["王敏", "13800138000"]), (9, &["李四"])]);
    let found = preview(&titled, None).unwrap();
    assert_eq!((found.header_row, found.rows.iter().collect::<Vec<_>>()), (3, vec![4, 9]));
    assert_eq!(found.first_rows[1], PreviewRow { row: 9, cells: vec!["李四".to_owned()] });
    assert_eq!(found.digest, "2");
    let bare = table(&[(1, &["王敏", "13800138000"]), (2, &["李四"])]);
    assert_eq!((preview(&bare, None).unwrap().header_row, preview(&bare, None).unwrap().rows.len()), (0, 2));
    let foreign = table(&[(1, &["氏名"]), (2, &["王敏"])]);
    assert_eq!(preview(&foreign, None).unwrap().header_row, 1);
    assert_eq!(preview(&foreign, Some(2)), Err(TableError::Empty));
}

#[test]
fn a_preview_is_small_and_counts_all_rows() {
    let long = "王".repeat(2_000);
    let row = |number| TableRow { number, cells: vec![long.clone(); if number < 99 { 60 } else { 1 }] };
    let mut table =
        FileTable { sheets: vec![long.clone(); 50], sheet: 0, rows: (1..=10_001).map(|n| row(2 * n)).collect() };
    let found = preview(&table, Some(2)).unwrap();
    assert_eq!((found.rows.len(), found.first_rows.len()), (10_000, 20));
    assert!(serde_json::to_string(&found).unwrap().len() < 350_000);
    table.rows.push(row(30_000));
    assert_eq!(preview(&table, Some(2)), Err(TableError::TooManyRows));
}
