//! Tests of the vCard.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::card::media::CardMedia;
use crate::card::tag::{Tag, Tags};
use crate::card::{Address, Email, Introduction, Phone, Successor, WechatId};
use crate::company::CompanyName;
use crate::kernel::id::{CardId, Id, MemberId};
use crate::kernel::timestamp::Timestamp;
use crate::people::member::{PersonName, Position};

fn card(name: &str, introduction: &str) -> Card {
    let tags = ["懂茶", "a,b"].map(|tag| Tag::parse(tag).unwrap());
    Card {
        id: CardId::from_uuid(Uuid::from_u128(1)),
        member: MemberId::from_uuid(Uuid::from_u128(2)),
        identity: Identity {
            name: PersonName::parse(name).unwrap(),
            position: Position::parse("").unwrap(),
            company: CompanyName::parse("云杉;茶业").unwrap(),
        },
        contact: Contact {
            phones: vec![Phone::parse("+86 138-0013-8000").unwrap(), Phone::parse("110").unwrap()],
            wechat_id: WechatId::parse("lin_yue").unwrap(),
            email: Email::parse("lin@example.com").unwrap(),
            address: Address::parse("上海市, 徐汇区").unwrap(),
            introduction: Introduction::parse(introduction).unwrap(),
            tags: Tags::parse(tags.into()).unwrap(),
            ..Contact::default()
        },
        media: CardMedia::default(),
        owner_gone: None,
        department: None,
        version: 1,
        updated_at: Timestamp::from_millis(0),
    }
}

/// The logical lines: folding undone as a reader does it.
fn unfolded(vcard: &str) -> Vec<String> {
    vcard.replace("\r\n ", "").split_terminator("\r\n").map(ToOwned::to_owned).collect()
}

#[test]
fn a_card_becomes_a_vcard_of_version_three() {
    let lines = unfolded(&vcard(&card("林晓", "十年茶龄\n反斜线 \\ 与 🍵"), None));
    let expected = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "N:林晓;;;;",
        "FN:林晓",
        "ORG:云杉\\;茶业",
        "TEL;TYPE=WORK,VOICE:+86 138-0013-8000",
        "TEL;TYPE=WORK,VOICE:110",
        "EMAIL;TYPE=INTERNET:lin@example.com",
        "ADR;TYPE=WORK:;;上海市\\, 徐汇区",
        "X-WECHAT:lin_yue",
        "NOTE:十年茶龄\\n反斜线 \\\\ 与 🍵",
        "CATEGORIES:懂茶,a\\,b",
        "UID:crd_00000000000000000000000004",
        "END:VCARD",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_file_name_is_safe_whatever_the_name() {
    let disposition = disposition(&card("林\"; x=../\\晓 🍵", ""));
    let expected = "attachment; filename=\"crd_00000000000000000000000004.vcf\"; \
                    filename*=UTF-8''%E6%9E%97%22%3B%20x%3D%2E%2E%2F%5C%E6%99%93%20%F0%9F%8D%B5.vcf";
    assert_eq!(disposition, expected);
}

#[test]
fn the_card_of_an_inactive_owner_shows_it_and_names_the_successor() {
    let note = |introduction: &str, successor| {
        let card = Card { owner_gone: Some(OwnerInactive { successor }), ..card("林晓", introduction) };
        unfolded(&vcard(&card, None)).into_iter().find(|line| line.starts_with("NOTE:")).unwrap()
    };
    let chen = Successor { card: CardId::from_uuid(Uuid::from_u128(3)), name: PersonName::parse("陈嘉").unwrap() };
    assert_eq!(note("", None), "NOTE:名片主人已不在职");
    assert_eq!(note("懂茶", Some(chen)), "NOTE:名片主人已不在职，请联系接任者：陈嘉\\n懂茶");
}

/// A value as a reader takes it.
fn unescaped(text: &str) -> String {
    let (mut plain, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

proptest! {
    #[test]
    fn no_line_is_too_long_and_no_text_adds_a_property(name in "[^\\p{C}]{1,30}", note in "([^\\p{C}]|\\n){0,400}") {
        // What nobody sees is taken out of both.
        let Ok(seen) = PersonName::parse(&name) else { return Ok(()) };
        let is_blank = Introduction::parse(&note).unwrap().as_str().is_empty();
        let vcard = vcard(&card(&name, &note), None);
        for line in vcard.split("\r\n") {
            prop_assert!(line.len() <= LINE_OCTETS_MAX, "{}", line);
            prop_assert!(!line.contains(['\r', '\n']));
        }
        let lines = unfolded(&vcard);
        let properties = if is_blank { 13 } else { 14 };
        prop_assert_eq!(lines.len(), properties);
        let shown = format!("FN:{seen}");
        prop_assert_eq!(unescaped(&lines[3]), shown);
    }
}
