//! A visitor's events as Chinese sentences without a subject.

use crate::kernel::id::{Id, PersonId};
use crate::kernel::timestamp::{SECOND_MS, Timestamp};
use crate::tracking::event::{Event, EventKind, Object, Target};

/// The feed's sentence for an event, for example `查看了商品《智能门锁》`.
pub fn describe_event(event: &Event) -> String {
    let object = describe(&event.object);
    match event.kind {
        EventKind::ViewCard | EventKind::ViewProduct | EventKind::ViewArticle => format!("查看了{object}"),
        EventKind::ViewVideo => format!("观看了{object}"),
        EventKind::ViewWebsite => format!("浏览了{object}"),
        EventKind::Forward => format!("转发了{object}"),
        EventKind::SavePhone => "保存了电话".to_owned(),
        EventKind::Like => "点赞了名片".to_owned(),
        EventKind::Unlike => "取消了点赞".to_owned(),
        EventKind::CopyWechatId => "复制了微信号".to_owned(),
        EventKind::Call => "拨打了电话".to_owned(),
        EventKind::OpenChat => "打开了聊天".to_owned(),
        EventKind::GrantPhone => "授权了手机号".to_owned(),
        EventKind::Dwell => format!("在{object}停留了 {} 秒", event.duration_ms.unwrap_or(0).div_ceil(1_000)),
    }
}

fn describe(object: &Object) -> String {
    let noun = match object.target {
        Target::Card => "名片",
        Target::Product(_) => "商品",
        Target::Article(_) => "文章",
        Target::Video(_) => "视频",
        Target::Website => "官网",
    };
    match &object.title {
        // Quotes in quotes are single ones: a title does not end the sentence's own.
        Some(title) => format!("{noun}《{}》", title.as_str().replace('《', "〈").replace('》', "〉")),
        None => noun.to_owned(),
    }
}

/// How long after it was done an event may arrive before it is late, in milliseconds: a mini-program
/// sends what it has every few seconds, and when it is left.
const LATE_MS: i64 = 300 * SECOND_MS;

/// Whether an event arrived so late that its line in the feed says so: the phone was offline.
pub fn is_late(at: Timestamp, received: Timestamp) -> bool {
    received.millis() - at.millis() > LATE_MS
}

/// What visitors are called until their name is known: `访客` and the end of their id.
pub fn visitor_name(person: PersonId) -> String {
    format!("访客{:04X}", person.uuid().as_u128() & 0xFFFF)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::{CardId, ProductId};
    use crate::kernel::text::Line;

    #[test]
    fn a_sentence_names_the_object() {
        let product = Target::Product(ProductId::from_uuid(Uuid::nil()));
        let event = |kind, title: Option<&str>, duration_ms| Event {
            kind,
            card: CardId::from_uuid(Uuid::nil()),
            object: Object { target: product, title: title.map(|title| Line::parse(title).unwrap()) },
            share_code: None,
            at: Timestamp::from_millis(0),
            duration_ms,
            filtered: None,
        };
        assert_eq!(describe_event(&event(EventKind::ViewProduct, Some("智能门锁"), None)), "查看了商品《智能门锁》");
        let broken = describe_event(&event(EventKind::ViewProduct, Some("茶》，并拨打了电话《"), None));
        assert_eq!(broken, "查看了商品《茶〉，并拨打了电话〈》");
        assert_eq!(describe_event(&event(EventKind::Dwell, None, Some(1_200))), "在商品停留了 2 秒");
    }

    #[test]
    fn what_arrives_more_than_five_minutes_later_is_late() {
        let received = Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap();
        for (ms, late) in [(0, false), (LATE_MS, false), (LATE_MS + 1, true), (24 * 3_600 * SECOND_MS, true)] {
            assert_eq!(is_late(received.plus_millis(-ms), received), late, "{ms}");
        }
    }

    #[test]
    fn visitors_are_distinguished_by_the_end_of_their_id() {
        assert_eq!(visitor_name(PersonId::from_uuid(Uuid::from_u128(0x1_0AFE))), "访客0AFE");
    }
}
