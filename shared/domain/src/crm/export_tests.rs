use super::*;
use crate::close_rate::model::Model;
use crate::crm::ownership::CustomerOwner;
use crate::crm::row::RowPlan;
use crate::crm::row::tests::plain;
use crate::crm::tag::TagBook;
use crate::crm::viewer::Viewer;
use crate::kernel::day::Day;
use crate::kernel::id::Id;
use crate::kernel::money::Fen;

fn member() -> MemberId {
    MemberId::from_uuid(uuid::Uuid::from_u128(7))
}

/// The lines of a file, each with its cells as a spreadsheet reads them.
fn read(rows: &[CustomerRow], owner: &str, contacts_hidden: bool) -> Vec<Vec<String>> {
    let (model, tags) = (Model::default(), TagBook::default());
    let viewer = Viewer { member: member(), card: None, admin: false };
    let today = Day::of(Timestamp::from_millis(1_795_000_000_000));
    let context = ListContext { viewer, model: &model, tags: &tags, today, contacts_hidden };
    let text = String::from_utf8(csv(rows, context, &BTreeMap::from([(member(), owner.to_owned())]))).unwrap();
    let text = text.strip_prefix(MARK).unwrap();
    let cells = |line: &str| {
        let line = line.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        line.split("\",\"").map(|cell| cell.replace("\"\"", "\"")).collect()
    };
    text.strip_suffix("\r\n").unwrap().split("\r\n").map(cells).collect()
}

fn row(text: &str) -> CustomerRow {
    let text = text.to_owned();
    let owner = Some(CustomerOwner { member: Some(member()), card: None });
    CustomerRow { name: text.clone(), company: text.clone(), mobile: text, owner, ..plain(1) }
}

#[test]
fn no_cell_of_any_column_is_a_formula() {
    for text in
        ["=1+1", "+86138", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠1", "=\"a\",\"b\""]
    {
        let lines = read(&[row(text)], text, false);
        // A quotation mark within a cell takes no part in it.
        assert_eq!(lines.len(), 2, "{text}");
        for (name, cell) in lines[0].iter().zip(&lines[1]) {
            assert!(!begins_formula(cell), "{name} {cell}");
        }
        assert!(lines[1].iter().any(|cell| cell.starts_with('\'')), "{text}");
    }
    let amount = CustomerRow { amount: Some(Fen(-150)), ..row("王敏") };
    assert_eq!(read(&[amount], "", false)[1][9], "'-1.50");
}

#[test]
fn a_line_says_what_the_list_shows() {
    let at = Timestamp::from_millis(1_795_000_000_000);
    let (tags, _) = TagBook::default().iter().map(|(id, _)| id).take(2).partition::<Vec<_>, _>(|_| true);
    let full = CustomerRow {
        tags,
        expected_on: Some(Day::of(at)),
        amount: Some(Fen(123_405)),
        last_visit: Some(at),
        next_follow_up: Some(RowPlan { at, by: member() }),
        mobile: "+8613800138000".to_owned(),
        ..row("王\"敏\"")
    };
    let lines = read(&[full, plain(2)], "林", false);
    assert_eq!(lines[0], COLUMNS);
    let expected = ["王\"敏\"", "'+8613800138000", "王\"敏\""];
    assert_eq!(lines[1][..3], expected);
    assert_eq!(lines[1][4..7], ["林", "到访", "高意向、中意向"]);
    assert_eq!(lines[1][8..11], ["2026-11-18", "1234.05", "0"]);
    assert_eq!(lines[1][11], lines[1][13]);
    assert_eq!(lines[1][13].len(), "2026-11-18 13:06".len());
    assert!(lines[2][0].starts_with("访客") && lines[2][9..10] == [""], "{:?}", lines[2]);
}

#[test]
fn contacts_of_whom_nobody_owns_are_hidden_where_the_company_hides_them() {
    let unowned = CustomerRow { owner: None, ..row("13800138000") };
    assert_eq!(read(std::slice::from_ref(&unowned), "", true)[1][1], "");
    assert_eq!(read(&[unowned], "", false)[1][1], "13800138000");
}
