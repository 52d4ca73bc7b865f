use super::*;

fn row(values: &[(ProfileField, &str)]) -> ImportRow {
    ImportRow(values.iter().map(|(field, text)| (*field, (*text).to_owned())).collect())
}

fn mobile(text: &str) -> Result<String, &'static str> {
    let checked = row(&[(ProfileField::Name, "王敏"), (ProfileField::Mobile, text)]).check();
    checked.map(|texts| texts[&ProfileField::Mobile].clone()).map_err(|wrong| wrong[0].1.code)
}

#[test]
fn phones_are_read_as_spreadsheets_write_them() {
    for text in [
        "13800138000",
        " 138 0013 8000 ",
        "138-0013-8000",
        "+86 13800138000",
        "13800138000.0",
        "1.3800138E+10",
        "1.3800138e10",
        "'13800138000",
        "１３８００１３８０００",
        "(138)00138000",
        "（＋86）13800138000",
    ] {
        assert_eq!(mobile(text).as_deref(), Ok("+8613800138000"), "{text}");
    }
    for text in ["1.3800138001E+9", "1.5", "1e99", "12", "电话", "13800138000.5", "=1+1", "1E", "."] {
        assert_eq!(mobile(text), Err("invalid_mobile"), "{text}");
    }
}

#[test]
fn a_row_needs_a_name_and_says_all_that_is_wrong() {
    let wrong = |values: &[(ProfileField, &str)]| {
        let wrong = row(values).check().unwrap_err();
        wrong.iter().map(|(field, error)| (*field, error.code)).collect::<Vec<_>>()
    };
    assert_eq!(wrong(&[(ProfileField::Name, "  ")]), [(ProfileField::Name, "required")]);
    let long = "王".repeat(31);
    let two = [(ProfileField::Name, long.as_str()), (ProfileField::Mobile, "12")];
    assert_eq!(wrong(&two), [(ProfileField::Name, "too_long"), (ProfileField::Mobile, "invalid_mobile")]);
    let texts = row(&[(ProfileField::Name, "王敏"), (ProfileField::Company, " ")]).check().unwrap();
    assert_eq!(texts.into_iter().collect::<Vec<_>>(), [(ProfileField::Name, "王敏".to_owned())]);
}
