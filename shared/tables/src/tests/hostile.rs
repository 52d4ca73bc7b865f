//! Workbooks that are made to break what reads them.

use super::*;

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const CELL: &str = r#"<c t="inlineStr"><is><t>a</t></is></c>"#;

/// An archive of parts in their order; what has no bytes of its own is what the one before it has.
fn zip(parts: &[(&str, Option<&str>)]) -> Vec<u8> {
    let (mut archive, mut directory, mut last) = (Vec::new(), Vec::new(), (Vec::new(), [0; 4]));
    for (name, text) in parts {
        let name_len = u16::try_from(name.len()).unwrap().to_le_bytes();
        if let Some(text) = text {
            let packed = miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 1);
            let sizes = [len_of(&packed), len_of(text.as_bytes())].concat();
            last = ([&[0, 0, 8, 0, 0, 0, 33, 0, 0, 0, 0, 0], &sizes[..]].concat(), len_of(&archive));
            archive.extend([b"PK\x03\x04\x14\0", &last.0[..], &name_len, &[0, 0], name.as_bytes(), &packed].concat());
        }
        let entry = [b"PK\x01\x02\x14\0\x14\0", &last.0[..], &name_len, &[0; 12], &last.1, name.as_bytes()];
        directory.extend(entry.concat());
    }
    let count = u16::try_from(parts.len()).unwrap().to_le_bytes();
    let (at, size) = (len_of(&archive), len_of(&directory));
    [&archive[..], &directory, b"PK\x05\x06\0\0\0\0", &count, &count, &size, &at, &[0, 0]].concat()
}

/// A workbook of one sheet and one cell, with some parts in the place of its own and some more.
fn parts<'a>(others: &[(&'a str, &'a str)]) -> Vec<(&'a str, Option<String>)> {
    let relation =
        |id, kind, target| format!(r#"<Relationship Id="{id}" Type="{RELATIONS}/{kind}" Target="{target}"/>"#);
    let relations = |relation| format!("<Relationships>{relation}</Relationships>");
    let mut parts = vec![
        ("_rels/.rels", Some(relations(relation("r", "officeDocument", "xl/workbook.xml")))),
        ("xl/_rels/workbook.xml.rels", Some(relations(relation("r", "worksheet", "sheet.xml")))),
        ("xl/workbook.xml", Some(r#"<workbook><sheet name="a" r:id="r"/></workbook>"#.to_owned())),
        ("xl/sheet.xml", Some(format!("<worksheet><sheetData><row>{CELL}</row></sheetData></worksheet>"))),
    ];
    for (name, text) in others {
        parts.retain(|(own, _)| own != name);
        parts.push((name, Some((*text).to_owned())));
    }
    parts
}

fn book(others: &[(&str, &str)]) -> Vec<u8> {
    let parts = parts(others);
    let parts: Vec<_> = parts.iter().map(|(name, text)| (*name, text.as_deref())).collect();
    zip(&parts)
}

fn sheet(rows: &str) -> String {
    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
}

#[test]
fn texts_that_are_promised_are_not_believed() {
    let promising = |head: &str| format!("<{head}><si><t>a</t></si></sst>");
    for head in [
        "sst uniqueCount=\"9000000000000000\"",
        "sst uniqueCount=\"4000000000\"",
        "x:sst count=\"1\" a='<' uniqueCount\n=\t'0600001'",
        "sst uniqueCount='99999999999999999999999999'",
    ] {
        for name in ["xl/sharedStrings.xml", "XL/SHAREDSTRINGS.XML", "xl\\sharedStrings.xml"] {
            assert_eq!(read(&book(&[(name, &promising(head))]), None), Err(TableError::TooLarge), "{head}");
        }
    }
    let cell = sheet(r#"<row><c t="s"><v>0</v></c></row>"#);
    for head in ["sst", "sst uniqueCount='1'", "sst uniqueCount=''"] {
        let honest = book(&[("xl/sharedStrings.xml", &promising(head)), ("xl/sheet.xml", &cell)]);
        assert_eq!(rows(&honest), expected(&[(1, "a")]));
    }
    let many = |count: usize| format!("<sst>{}</sst>", "<si/>".repeat(count));
    assert_eq!(rows(&book(&[("xl/sharedStrings.xml", &many(600_000))])), expected(&[(1, "a")]));
    assert_eq!(read(&book(&[("xl/sharedStrings.xml", &many(600_001))]), None), Err(TableError::TooLarge));
}

#[test]
fn one_text_in_many_cells_is_looked_at_within_bounds() {
    let shared = |text: &str| format!(r#"<sst><si><t xml:space="preserve">{text}</t></si></sst>"#);
    let cells = |count: usize| sheet(&format!("<row>{}</row>", r#"<c r="A1" t="s"><v>0</v></c>"#.repeat(count)));
    let read = |text: &str, count| {
        read(&book(&[("xl/sharedStrings.xml", &shared(text)), ("xl/sheet.xml", &cells(count))]), None)
    };
    // 48 MB are 6,144 cells of as much as is looked at.
    let blank = " ".repeat(100_000);
    assert_eq!(read(&blank, 6_144), Err(TableError::Empty));
    assert_eq!(read(&blank, 6_145), Err(TableError::TooLarge));
    // The cut is between characters, and keeps what a cell keeps.
    let long = format!("   {}", "\u{1f600}".repeat(1_000_000));
    assert_eq!(read(&long, 2_000).unwrap().rows[0].cells[0].chars().count(), 2_000);
}

#[test]
fn styles_are_handed_on_as_formats_alone() {
    let day = |styles: &str| {
        let cells = sheet(r#"<row><c s="1"><v>46082</v></c><c s="0"><v>46082</v></c></row>"#);
        book(&[("xl/styles.xml", styles), ("xl/sheet.xml", &cells)])
    };
    let formats = "<x:numFmts count='1'><x:numFmt formatCode = 'yyyy\"年\"m\"月\"' numFmtId = '176' /></x:numFmts>";
    let fonts = format!("<x:fonts><x:font><x:name val='{}'/></x:font></x:fonts>", "F".repeat(1 << 20));
    let others = "<numFmts/><x:cellStyleXfs><x:xf numFmtId='176'/></x:cellStyleXfs>";
    let styles = "<x:cellXfs><x:xf fontId='0'/><x:xf fontId='0' numFmtId='176'><x:alignment/></x:xf></x:cellXfs>";
    let book = day(&format!("<x:styleSheet>{formats}{fonts}{others}{styles}</x:styleSheet>"));
    assert_eq!(rows(&book), expected(&[(1, "2026-03-01|46082")]));
    let handed_on = archive::unpacked(&book).unwrap();
    assert!(!handed_on.windows(4).any(|bytes| bytes == b"FFFF" || bytes == b"font"));
    assert!(handed_on.len() < 3_000);

    let many = |count: usize, code: &str| {
        let formats = format!(r#"<numFmts><numFmt numFmtId="176" formatCode="{code}"/></numFmts>"#);
        let styles = "<xf numFmtId='176'/>".repeat(count);
        day(&format!("<styleSheet>{formats}<cellXfs>{styles}</cellXfs></styleSheet>"))
    };
    assert_eq!(rows(&many(65_490, "yyyy/m/d")), expected(&[(1, "2026-03-01|2026-03-01")]));
    assert_eq!(read(&many(65_491, "yyyy/m/d"), None), Err(TableError::TooLarge));
    assert!(read(&many(2, &"&quot;".repeat(255)), None).is_ok());
    assert_eq!(read(&many(2, &"&quot;".repeat(256)), None), Err(TableError::TooLarge));
    assert_eq!(read(&many(20_000, &"y".repeat(1_000)), None), Err(TableError::TooLarge), "20 MB of copies");
}

#[test]
fn parts_that_overlap_or_have_one_name_are_refused() {
    let own = parts(&[]);
    let mut parts: Vec<_> = own.iter().map(|(name, text)| (*name, text.as_deref())).collect();
    let nothing = " ".repeat(4_000_000);
    parts.extend([("1.xml", Some(nothing.as_str())), ("2.png", None), ("xl/media/3.xml", None)]);
    assert_eq!(rows(&zip(&parts)), expected(&[(1, "a")]), "what is not needed is not unpacked");
    parts.push(("4.xml", None));
    assert_eq!(read(&zip(&parts), None), Err(TableError::Unreadable), "longer than the archive");
    parts.pop();
    for name in ["1.xml", "1.XML"] {
        parts.push((name, Some("")));
        assert_eq!(read(&zip(&parts), None), Err(TableError::Unreadable), "{name}");
        parts.pop();
    }
    assert_eq!(read(&book(&[("xl\\sheet.xml", "")]), None), Err(TableError::Unreadable));
}

#[test]
fn sheets_of_one_part_are_read_within_bounds() {
    let sheets: String = (0..50).map(|number| format!(r#"<sheet name="{number}" r:id="r"/>"#)).collect();
    let workbook = format!("<workbook>{sheets}</workbook>");
    let blank = |len: usize| book(&[("xl/workbook.xml", &workbook), ("xl/sheet.xml", &sheet(&" ".repeat(len)))]);
    assert_eq!(read(&blank(1_000), None), Err(TableError::Empty));
    assert_eq!(read(&blank(2_000_000), None), Err(TableError::TooLarge));
    assert_eq!(read(&blank(2_000_000), Some(49)), Err(TableError::Empty));
}

#[test]
fn parts_that_say_where_others_are_have_bounds() {
    let long = |part: &str, len: usize| format!("{part}{}", " ".repeat(len - part.len()));
    for name in ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", "_rels/.rels", "_RELS/OTHER.RELS"] {
        let own = parts(&[]).into_iter().find(|(own, _)| *own == name).and_then(|(_, text)| text).unwrap_or_default();
        // The spaces behind it are fewer than a place may have: its length alone is refused.
        let text = format!("{}{own}", "<a/>\n".repeat((1 << 20) / 5 - own.len()));
        assert!(read(&book(&[(name, &text)]), None).is_ok(), "{name}");
        assert_eq!(read(&book(&[(name, &long(&text, (1 << 20) + 1))]), None), Err(TableError::TooLarge), "{name}");
    }
    let place = format!(r#"<Relationships><Relationship Id="x" Target="{}"/></Relationships>"#, "x".repeat(5_000));
    assert_eq!(read(&book(&[("xl/_rels/sheet.xml.rels", &place)]), None), Err(TableError::TooLarge));
    // A workbook can have any name.
    for (element, most) in [("<sheet/>", 1_000), ("<definedName></definedName>", 100_000)] {
        assert!(read(&book(&[("xl/other.xml", &element.repeat(most))]), None).is_ok());
        assert_eq!(read(&book(&[("xl/other.xml", &element.repeat(most + 1))]), None), Err(TableError::TooLarge));
    }
    // An encoding in which signs of tags are hidden.
    for hidden in ["<\0s\0s\0t\0", "<sst unique\u{1b}(BCount='9'>"] {
        assert_eq!(read(&book(&[("xl/sharedStrings.xml", hidden)]), None), Err(TableError::Unreadable));
    }
}
