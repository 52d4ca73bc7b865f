//! A card as a vCard 3.0 (RFC 2426), for the phone's address book.

use std::fmt::Write;

use crate::card::{Card, Contact, Identity, OwnerInactive};

/// Longest line, in octets, without its line break.
const LINE_OCTETS_MAX: usize = 75;

/// The vCard of a card, as it is shown, with the address of its picture.
pub fn vcard(card: &Card, photo: Option<&str>) -> String {
    let Identity { name, position, company } = &card.identity;
    let Contact { phones, wechat_id, email, address, introduction, tags, .. } = &card.contact;
    let name = escaped(name.as_str());
    let mut lines = vec!["BEGIN:VCARD".to_owned(), "VERSION:3.0".to_owned()];
    // Nobody knows which part of a Chinese name is the family's: the whole name stands there.
    lines.push(format!("N:{name};;;;"));
    lines.push(format!("FN:{name}"));
    lines.push(format!("ORG:{}", escaped(company.as_str())));
    let mut optional = |property: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("{property}{}", escaped(text)));
        }
    };
    optional("TITLE:", position.as_str());
    for phone in phones {
        optional("TEL;TYPE=WORK,VOICE:", phone.as_str());
    }
    optional("EMAIL;TYPE=INTERNET:", email.as_str());
    // Post box and suite stay empty; town, region, code and country are not separated.
    optional("ADR;TYPE=WORK:;;", address.as_str());
    optional("X-WECHAT:", wechat_id.as_str());
    optional("NOTE:", &note(card.owner_gone.as_ref(), introduction.as_str()));
    let tags: Vec<_> = tags.as_slice().iter().map(|tag| escaped(tag.as_str())).collect();
    if !tags.is_empty() {
        lines.push(format!("CATEGORIES:{}", tags.join(",")));
    }
    // An address is no text: nothing in it is escaped.
    lines.extend(photo.map(|url| format!("PHOTO;VALUE=uri:{url}")));
    lines.push(format!("UID:{}", card.id));
    lines.push("END:VCARD".to_owned());
    lines.iter().map(|line| folded(line)).collect()
}

/// The introduction, below a line that shows that the owner is gone, and who has taken over.
fn note(gone: Option<&OwnerInactive>, introduction: &str) -> String {
    let Some(OwnerInactive { successor }) = gone else { return introduction.to_owned() };
    let line = match successor {
        Some(successor) => format!("名片主人已不在职，请联系接任者：{}", successor.name),
        None => "名片主人已不在职".to_owned(),
    };
    if introduction.is_empty() { line } else { format!("{line}\n{introduction}") }
}

/// `Content-Disposition` of the file: an ASCII name for old clients, the card's name in
/// percent-encoded UTF-8 (RFC 6266) for the others. Nothing of the name is left bare.
pub fn disposition(card: &Card) -> String {
    let mut encoded = String::new();
    for byte in card.identity.name.as_str().bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    format!("attachment; filename=\"{}.vcf\"; filename*=UTF-8''{encoded}.vcf", card.id)
}

/// A value with what separates values and lines escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ',' | ';' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A line with its line break, folded so that no part is too long and no character is cut.
fn folded(line: &str) -> String {
    let (mut folded, mut octets) = (String::with_capacity(line.len() + 8), 0);
    for c in line.chars() {
        if octets + c.len_utf8() > LINE_OCTETS_MAX {
            folded.push_str("\r\n ");
            octets = 1;
        }
        folded.push(c);
        octets += c.len_utf8();
    }
    folded + "\r\n"
}

#[cfg(test)]
#[path = "vcard_tests.rs"]
mod tests;
