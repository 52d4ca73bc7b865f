use uuid::Uuid;

use super::*;
use crate::company::book::CompanyBook;
use crate::crm::custom_field::OptionDraft;
use crate::crm::table::TableBuilder;
use crate::kernel::id::Id;
use crate::kernel::text::Line;

fn field_id(n: u128) -> CustomFieldId {
    CustomFieldId::from_uuid(Uuid::from_u128(n))
}

fn fields() -> CustomFieldBook {
    let option = |name: &str| OptionDraft { number: None, name: Line::parse(name).unwrap() };
    let kinds = [CustomFieldKind::Date, CustomFieldKind::Number, CustomFieldKind::SomeOf, CustomFieldKind::Phone];
    (1..).zip(kinds).fold(CustomFieldBook::default(), |book, (n, kind)| {
        let options: &[_] = if kind.has_options() { &[option("红"), option("蓝")] } else { &[] };
        let name = Line::parse(kind.name()).unwrap();
        book.add(field_id(n), CustomField::new(name, kind, options).unwrap()).unwrap()
    })
}

fn mapped(column: u32, field: ColumnField, custom: Option<u128>) -> MappedColumn {
    MappedColumn { column, field, custom_field: custom.map(field_id) }
}

fn file(columns: Vec<MappedColumn>, rows: RowNumbers) -> ImportFile {
    ImportFile {
        preview: JobId::from_uuid(Uuid::nil()),
        upload: UploadId::from_uuid(Uuid::nil()),
        sheet: 0,
        columns,
        rows,
    }
}

fn all() -> ImportFile {
    let mut columns = vec![mapped(2, ColumnField::Name, None), mapped(1, ColumnField::Mobile, None)];
    columns.push(mapped(3, ColumnField::Tags, None));
    columns.extend((4..).zip(1..=4).map(|(column, field)| mapped(column, ColumnField::Custom, Some(field))));
    file(columns, RowNumbers::default())
}

fn read(cells: &[&str]) -> Result<FileRow, Vec<RowError>> {
    let row = TableRow { number: 9, cells: cells.iter().map(|cell| (*cell).to_owned()).collect() };
    all().read(&row, &fields(), &TagBook::default())
}

#[test]
fn a_row_is_read_by_its_columns() {
    let row =
        read(&["1.3800138E+10", "'=王敏", "高意向、老客户", "2026年3月1日", "1,234.50", "蓝;红", "(138)00138000"])
            .unwrap();
    assert_eq!(row.texts[&ProfileField::Name], "=王敏");
    assert_eq!(row.texts[&ProfileField::Mobile], "+8613800138000");
    assert_eq!(row.tags.len(), 2);
    let custom: Vec<_> = row.custom.values().map(String::as_str).collect();
    assert_eq!(custom, ["2026-03-01", "1234.5", "1;2", "+8613800138000"]);
    let short = read(&["", "王敏"]).unwrap();
    assert_eq!((short.texts.len(), short.custom.len(), short.tags.len()), (1, 0, 0));
}

#[test]
fn days_are_read_as_spreadsheets_and_people_write_them() {
    let day = |text: &str| read(&["", "王敏", "", text]).map(|row| row.custom[&field_id(1)].clone());
    for text in ["2026-03-01", "2026/3/1", "2026.03.01", "2026年3月1日", "2026-03-01 13:30", "2026/3/1 00:00:00"] {
        assert_eq!(day(text).as_deref(), Ok("2026-03-01"), "{text}");
    }
    for text in ["2026-13-01", "3/1/2026", "2026", "46082", "2026年3月"] {
        assert_eq!(day(text).unwrap_err()[0].code, "invalid_day", "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_with_row_column_and_field_and_without_the_text() {
    let wrong = read(&["12", "", "秘密", "昨天", "x", "绿", "1"]).unwrap_err();
    let found: Vec<_> = wrong.iter().map(|error| (error.row, error.column, error.code.as_str())).collect();
    let expected = [
        (9, Some(1), "invalid_mobile"),
        (9, Some(2), "required"),
        (9, Some(3), "unknown_tag"),
        (9, Some(4), "invalid_day"),
        (9, Some(5), "invalid_number"),
        (9, Some(6), "unknown_option"),
        (9, Some(7), "invalid_mobile"),
    ];
    assert_eq!(found, expected);
    assert_eq!(wrong[1].field, Some(ProfileField::Name));
    assert!(!wrong.iter().any(|error| ["秘密", "昨天", "绿"].iter().any(|text| error.detail.contains(text))));
    let columns = (2..=20).map(|column| mapped(column, ColumnField::Custom, Some(2))).collect();
    let row = TableRow { number: 1, cells: vec!["x".to_owned(); 20] };
    let many = file(columns, RowNumbers::default()).read(&row, &fields(), &TagBook::default());
    assert_eq!(many.unwrap_err().len(), ROW_ERRORS_MAX);
}

#[test]
fn columns_are_checked() {
    let check = |columns: &[MappedColumn]| check_columns(columns, &fields()).map_err(|error| error.code);
    let name = mapped(1, ColumnField::Name, None);
    assert_eq!(check(&all().columns), Ok(()));
    assert_eq!(check(&[]), Err("required"));
    assert_eq!(check(&[mapped(1, ColumnField::Mobile, None)]), Err("required"));
    assert_eq!(check(&[name, mapped(1, ColumnField::Mobile, None)]), Err("invalid_column"));
    assert_eq!(check(&[name, mapped(2, ColumnField::Name, None)]), Err("duplicate"));
    for column in [0, 61, u32::MAX] {
        assert_eq!(check(&[mapped(column, ColumnField::Name, None)]), Err("invalid_column"));
    }
    for wrong in [
        mapped(2, ColumnField::Custom, None),
        mapped(2, ColumnField::Custom, Some(9)),
        mapped(2, ColumnField::Tags, Some(1)),
    ] {
        assert_eq!(check(&[name, wrong]), Err("unknown_field"));
    }
}

#[test]
fn rows_keep_their_numbers() {
    let numbers = RowNumbers::of([2, 3, 7, 8, 20]);
    assert_eq!((numbers.len(), numbers.iter().collect::<Vec<_>>()), (5, vec![2, 3, 7, 8, 20]));
    assert_eq!(serde_json::to_string(&numbers).unwrap(), "[[2,2],[7,2],[20,1]]");
    assert!(RowNumbers::default().is_empty());
    let mut table = TableBuilder::default();
    for row in [0, 1, 2, 6, 7, 19] {
        table.add(row, 0, "甲").unwrap();
    }
    let table = FileTable { rows: table.rows(), ..FileTable::default() };
    let file = file(Vec::new(), numbers);
    assert_eq!(file.rows_from(&table, 3).map(|row| row.number).collect::<Vec<_>>(), [8, 20]);
}
