use super::*;

#[test]
fn each_field_checks_its_text() {
    assert!(ProfileField::Name.parse(&"王".repeat(31)).is_err());
    assert!(ProfileField::Name.parse("王\n敏").is_err());
    assert_eq!(ProfileField::Remark.parse("一\n二").unwrap(), "一\n二");
    assert_eq!(ProfileField::Mobile.parse("138 0013 8000").ok(), ProfileField::Mobile.parse("+8613800138000").ok());
    assert!(ProfileField::Mobile.parse("12").is_err());
    assert_eq!(ProfileField::Mobile.parse(" ").unwrap(), "");
}
