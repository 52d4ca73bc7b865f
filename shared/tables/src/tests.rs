mod hostile;

use proptest::prelude::*;

use super::*;

macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("../samples/", $name)).as_slice()
    };
}

const SAMPLES: [&[u8]; 10] = [
    sample!("excel.xlsx"),
    sample!("excel_1904.xlsx"),
    sample!("openpyxl.xlsx"),
    sample!("wps.xlsx"),
    sample!("numbers.xlsx"),
    sample!("poi.xlsx"),
    sample!("gbk.csv"),
    sample!("utf8_bom.csv"),
    sample!("semicolons.csv"),
    sample!("unicode.txt"),
];

/// The rows with their numbers, cells with `|` between them.
fn rows(bytes: &[u8]) -> Vec<(u32, String)> {
    read(bytes, None).unwrap().rows.iter().map(|row| (row.number, row.cells.join("|"))).collect()
}

fn expected(rows: &[(u32, &str)]) -> Vec<(u32, String)> {
    rows.iter().map(|(number, cells)| (*number, (*cells).to_owned())).collect()
}

const HEADER: &str = "姓名|手机号|公司|职位|备注|生日|标签";
const FIRST: &str = "王敏|13812345678|青岛云岭贸易有限公司|总监|第一行\n第二行, 含\"引号\"|2026-03-01|展会";

#[test]
fn workbooks_of_excel_are_read_with_titles_empty_rows_numbers_and_days_of_both_calendars() {
    let second = "Anna Smith|+86 139-0000-0002|Smith; Sons|CEO|2|2026-03-01";
    let all = [(1, "2026年客户名单"), (3, HEADER), (4, FIRST), (5, second), (6, "李四|13700000003|||||展会、老客户")];
    for name in [sample!("excel.xlsx"), sample!("excel_1904.xlsx")] {
        assert_eq!(rows(name), expected(&all));
        let table = read(name, None).unwrap();
        assert_eq!((table.sheets, table.sheet), (vec!["说明".to_owned(), "客户".to_owned()], 1), "the first with data");
        assert_eq!(read(name, Some(0)), Err(TableError::Empty));
        assert_eq!(read(name, Some(2)), Err(TableError::UnknownSheet));
    }
}

#[test]
fn workbooks_of_other_programs_are_read() {
    let wps = "王敏|13812345678|青岛云岭贸易 有限公司|||2026-03-01";
    assert_eq!(rows(sample!("wps.xlsx")), expected(&[(1, HEADER), (2, wps), (9, "李四")]));
    let numbers = "王敏|13812345678||||2026-03-01";
    assert_eq!(rows(sample!("numbers.xlsx")), expected(&[(1, HEADER), (2, numbers)]));
    assert_eq!(rows(sample!("poi.xlsx")), expected(&[(1, "王敏|13812345678|青岛||TRUE|0.3"), (2, "王敏")]));
    assert_eq!(rows(sample!("openpyxl.xlsx"))[1], (2, FIRST.to_owned()));
}

#[test]
fn texts_are_read_in_each_encoding_and_with_each_delimiter() {
    let second = "Anna Smith|+86 139-0000-0002|Smith; Sons|CEO|=1+1|2026-03-01|";
    let all = [(1, HEADER), (2, FIRST), (3, second.trim_end_matches('|')), (4, "李四|13700000003|||||展会、老客户")];
    for name in [sample!("gbk.csv"), sample!("utf8_bom.csv"), sample!("semicolons.csv"), sample!("unicode.txt")] {
        assert_eq!(rows(name), expected(&all));
    }
    let utf16: Vec<u8> = [0xfe, 0xff].into_iter().chain("姓名\t甲".encode_utf16().flat_map(u16::to_be_bytes)).collect();
    assert_eq!(rows(&utf16), expected(&[(1, "姓名|甲")]));
    // A rare character, in four bytes.
    assert_eq!(rows(b"\x81\x39\xee\x39,1"), expected(&[(1, "㐀|1")]));
    assert_eq!(rows(b"sep=;\r\na;b,c\r\n"), expected(&[(2, "a|b,c")]));
    assert_eq!(rows(b"\n\na,\"b\n\nc\"\r\n\r\n\r\nd\r\n"), expected(&[(3, "a|b\n\nc"), (6, "d")]));
    assert_eq!(rows(b"a\n\n \n b "), expected(&[(1, "a"), (4, "b")]));
}

#[test]
fn what_is_no_table_is_refused() {
    for bytes in [&b"\x89PNG\r\n\x1a\n\0\0"[..], b"PK\x03\x04", b"\x50\x4b", b"\xff\xfe\0", b"a,\"b\xff\xff"] {
        assert_eq!(read(bytes, None), Err(TableError::Unreadable), "{bytes:?}");
    }
    for bytes in [&b""[..], b",,\n,", b"\xef\xbb\xbf", b" \r\n\t"] {
        assert_eq!(read(bytes, None), Err(TableError::Empty), "{bytes:?}");
    }
    assert_eq!(read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", None), Err(TableError::OldFormat));
    let open = format!("a,b\n\"{}", "c\n".repeat(2_000));
    assert_eq!(read(open.as_bytes(), None), Err(TableError::Unreadable), "a quotation without an end");
}

#[test]
fn tables_are_read_up_to_their_bounds() {
    let lines = |count: usize| "a\n".repeat(count);
    assert_eq!(read(lines(10_020).as_bytes(), None).unwrap().rows.len(), 10_020);
    assert_eq!(read(lines(10_021).as_bytes(), None), Err(TableError::TooManyRows));
    let columns = |count: usize| vec!["a"; count].join(",");
    assert_eq!(read(columns(60).as_bytes(), None).unwrap().rows[0].cells.len(), 60);
    assert_eq!(read(columns(61).as_bytes(), None), Err(TableError::TooManyColumns));
    assert_eq!(rows((columns(60) + ",,,").as_bytes()).len(), 1, "empty columns are none");
    let long = "王".repeat(2_001);
    assert_eq!(read(long.as_bytes(), None).unwrap().rows[0].cells[0].chars().count(), 2_000);
    assert_eq!(read(&vec![b'a'; 5 * 1024 * 1024 + 1], None), Err(TableError::TooLarge));
    assert!(read(&vec![b'a'; 5 * 1024 * 1024], None).is_ok());
}

fn len_of(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap().to_le_bytes()
}

/// An archive with one part that is packed.
fn archive(name: &str, packed: &[u8], unpacked: u32, method: u8) -> Vec<u8> {
    let (len, name_len) = (len_of(packed), u16::try_from(name.len()).unwrap().to_le_bytes());
    let fields =
        [&[0, 0, method, 0, 0, 0, 33, 0, 0, 0, 0, 0], &len[..], &unpacked.to_le_bytes(), &name_len, &[0, 0]].concat();
    let local = [b"PK\x03\x04\x14\0", &fields[..], name.as_bytes(), packed].concat();
    let entry = [b"PK\x01\x02\x14\0\x14\0", &fields[..], &[0; 14], name.as_bytes()].concat();
    let (at, size) = (len_of(&local), len_of(&entry));
    [&local[..], &entry, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &size, &at, &[0, 0]].concat()
}

#[test]
fn a_small_file_that_unpacks_to_much_is_refused_whatever_it_promises() {
    let packed = miniz_oxide::deflate::compress_to_vec(&vec![b' '; 49 << 20], 6);
    assert!(packed.len() < 100_000);
    for promised in [10, 49 << 20, u32::MAX] {
        let bomb = archive("xl/workbook.xml", &packed, promised, 8);
        assert_eq!(read(&bomb, None), Err(TableError::TooLarge));
    }
    // What cells do not need is not even unpacked.
    assert_eq!(read(&archive("xl/media/1.xml", &packed, 1, 8), None), Err(TableError::Unreadable));
    assert_eq!(read(&archive("xl/workbook.xml", b"a", 1, 99), None), Err(TableError::Unreadable));
    // A cell of 20 MB is unpacked, and cut.
    let cut = read(sample!("bomb.xlsx"), None).unwrap();
    assert_eq!(cut.rows[0].cells[0].len(), 2_000);
}

/// The sample with its bytes changed in some places and cut.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let flips = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12);
    (0..SAMPLES.len(), flips, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(sample, flips, end, is_cut)| {
        let mut bytes = SAMPLES[sample].to_vec();
        for (place, byte) in flips {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if is_cut {
            bytes.truncate(end.index(bytes.len()));
        }
        bytes
    })
}

/// The parts of a workbook, damaged where they are read: below the compression.
fn damaged_parts() -> impl Strategy<Value = Vec<u8>> {
    let flips = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12);
    (0..6_usize, flips).prop_map(|(sample, flips)| {
        let mut bytes = archive::unpacked(SAMPLES[sample]).unwrap();
        for (place, byte) in flips {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    })
}

fn is_within_bounds(bytes: &[u8]) -> bool {
    read(bytes, None).is_ok_and(|table| {
        table.rows.iter().zip(table.rows.iter().skip(1)).all(|(row, next)| row.number < next.number)
            && table
                .rows
                .iter()
                .all(|row| row.cells.len() <= 60 && row.cells.last().is_some_and(|cell| !cell.is_empty()))
    }) || read(bytes, None).is_err()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_damage_breaks_the_reader(bytes in damaged()) {
        prop_assert!(is_within_bounds(&bytes));
    }

    #[test]
    fn no_damage_below_the_compression_breaks_it(bytes in damaged_parts()) {
        prop_assert!(is_within_bounds(&bytes));
    }

    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..400), is_archive: bool) {
        let bytes = if is_archive { [b"PK\x03\x04", &bytes[..], b"PK\x05\x06", &[0; 18]].concat() } else { bytes };
        prop_assert!(is_within_bounds(&bytes));
    }
}
