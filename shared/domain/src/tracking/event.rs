//! What a visitor did: kinds, objects, and the rules that join them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::kernel::field::FieldError;
use crate::kernel::id::{ArticleId, CardId, ProductId, VideoId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::{Line, ShareCode};
use crate::kernel::timestamp::{DAY_MS, Timestamp};
use crate::tracking::filter_reason::FilterReason;

/// Longest dwell one event may report: an hour, in milliseconds.
pub const DWELL_MS_MAX: u32 = 3_600_000;
/// How far back the times of a batch are believed; an older batch is moved up to this.
pub const LATE_MS_MAX: i64 = 7 * DAY_MS;
/// Longest object title, in characters.
pub const TITLE_CHARS_MAX: usize = 60;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $wire:literal;)*) => {
        /// What a visitor did. The codes are stored: never renumber.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// The stored number.
            pub fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

kinds! {
    /// 查看名片
    ViewCard = 1, "view_card";
    /// 查看商品
    ViewProduct = 2, "view_product";
    /// 查看文章
    ViewArticle = 3, "view_article";
    /// 查看视频
    ViewVideo = 4, "view_video";
    /// 查看官网
    ViewWebsite = 5, "view_website";
    /// 转发
    Forward = 6, "forward";
    /// 保存电话
    SavePhone = 7, "save_phone";
    /// 点赞
    Like = 8, "like";
    /// 取消点赞
    Unlike = 9, "unlike";
    /// 复制微信号
    CopyWechatId = 10, "copy_wechat_id";
    /// 拨打电话
    Call = 11, "call";
    /// 打开聊天
    OpenChat = 12, "open_chat";
    /// 授权手机号
    GrantPhone = 13, "grant_phone";
    /// 停留
    Dwell = 14, "dwell";
}

impl EventKind {
    /// The kind with this wire name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The kind with this stored number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// Whether it counts as a view (浏览).
    pub fn is_view(self) -> bool {
        use EventKind::{ViewArticle, ViewCard, ViewProduct, ViewVideo, ViewWebsite};
        matches!(self, ViewCard | ViewProduct | ViewArticle | ViewVideo | ViewWebsite)
    }

    /// Whether it claims a strong intent to buy. Who has not logged in can claim it at no cost.
    pub fn is_strong_intent(self) -> bool {
        match self {
            Self::Call | Self::GrantPhone | Self::SavePhone | Self::CopyWechatId | Self::OpenChat => true,
            Self::ViewCard | Self::ViewProduct | Self::ViewArticle | Self::ViewVideo | Self::ViewWebsite => false,
            Self::Forward | Self::Like | Self::Unlike | Self::Dwell => false,
        }
    }

    /// Whether an event of this kind may be about `target`.
    pub fn accepts(self, target: Target) -> bool {
        match self {
            Self::ViewProduct => matches!(target, Target::Product(_)),
            Self::ViewArticle => matches!(target, Target::Article(_)),
            Self::ViewVideo => matches!(target, Target::Video(_)),
            Self::ViewWebsite => matches!(target, Target::Website),
            Self::Forward | Self::Dwell => true,
            Self::ViewCard | Self::SavePhone | Self::Like | Self::Unlike => matches!(target, Target::Card),
            Self::CopyWechatId | Self::Call | Self::OpenChat | Self::GrantPhone => matches!(target, Target::Card),
        }
    }

    /// The object meant when an event names none.
    fn implied_target(self) -> Option<Target> {
        match self {
            Self::ViewProduct | Self::ViewArticle | Self::ViewVideo => None,
            Self::ViewWebsite => Some(Target::Website),
            Self::ViewCard | Self::Forward | Self::SavePhone | Self::Like | Self::Unlike => Some(Target::Card),
            Self::CopyWechatId | Self::Call | Self::OpenChat | Self::GrantPhone | Self::Dwell => Some(Target::Card),
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
            de::Error::custom(FieldError::new("unknown_kind", format!("未知的事件类型，可用的有 {}", known.join("、"))))
        })
    }
}

string_enum! {
    /// What sort of thing an event is about.
    ObjectType, "unknown_type", "对象类型只能是 card、product、article、video 或 website" {
        /// 名片
        Card = "card",
        /// 商品
        Product = "product",
        /// 文章
        Article = "article",
        /// 视频
        Video = "video",
        /// 官网
        Website = "website",
    }
}

impl ObjectType {
    /// The stored letter; never change one.
    pub fn letter(self) -> char {
        match self {
            Self::Card => 'c',
            Self::Product => 'p',
            Self::Article => 'a',
            Self::Video => 'v',
            Self::Website => 'w',
        }
    }

    /// The type stored under this letter.
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.iter().copied().find(|object| object.letter() == letter)
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum Target {
    /// The card the event happened on.
    Card,
    /// A product of the shop.
    Product(ProductId),
    /// An article.
    Article(ArticleId),
    /// A video.
    Video(VideoId),
    /// The company's website.
    Website,
}

impl Target {
    /// Its type.
    pub fn object_type(self) -> ObjectType {
        match self {
            Self::Card => ObjectType::Card,
            Self::Product(_) => ObjectType::Product,
            Self::Article(_) => ObjectType::Article,
            Self::Video(_) => ObjectType::Video,
            Self::Website => ObjectType::Website,
        }
    }

    /// The name of its type on the wire.
    pub fn type_name(self) -> &'static str {
        self.object_type().name()
    }

    /// Its id on the wire, if its type has ids.
    pub fn id(self) -> Option<String> {
        match self {
            Self::Card | Self::Website => None,
            Self::Product(id) => Some(id.to_string()),
            Self::Article(id) => Some(id.to_string()),
            Self::Video(id) => Some(id.to_string()),
        }
    }

    /// The object of this type and id.
    ///
    /// # Errors
    /// `unknown_type`, `required`, `not_allowed` or `invalid_id`, with a pointer.
    pub fn parse(type_name: &str, id: Option<&str>) -> Result<Self, FieldError> {
        let required = || id.ok_or_else(|| FieldError::new("required", "此类对象必须带编号").at("/id"));
        match type_name {
            "product" => Ok(Self::Product(required()?.parse().map_err(at_id)?)),
            "article" => Ok(Self::Article(required()?.parse().map_err(at_id)?)),
            "video" => Ok(Self::Video(required()?.parse().map_err(at_id)?)),
            "card" | "website" if id.is_some() => Err(FieldError::new("not_allowed", "此类对象不带编号").at("/id")),
            "card" => Ok(Self::Card),
            "website" => Ok(Self::Website),
            _ => {
                Err(FieldError::new("unknown_type", "未知的对象类型，可用的有 card、product、article、video、website")
                    .at("/type"))
            }
        }
    }
}

fn at_id(error: FieldError) -> FieldError {
    error.at("/id")
}

/// An object with the title the visitor saw.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Object {
    /// What it is.
    #[serde(flatten)]
    pub target: Target,
    /// Its title at that moment.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub title: Option<Line<TITLE_CHARS_MAX>>,
}

/// Field by field: a flattened choice would be gathered first and read afterwards, which
/// takes half of the time of reading a whole message.
impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, rename = "type")]
            type_name: Cow<'a, str>,
            id: Option<String>,
            t: Option<Cow<'a, str>>,
        }
        let Fields { type_name, id, t } = Fields::deserialize(deserializer)?;
        let target = Target::parse(&type_name, id.as_deref()).map_err(de::Error::custom)?;
        Ok(Self { target, title: t.and_then(|title| Line::parse(&title).ok()) })
    }
}

/// One thing a visitor did on a card. Short names: it travels in a queue message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The kind of change.
    #[serde(rename = "k")]
    pub kind: EventKind,
    /// The card it was done on.
    #[serde(rename = "c")]
    pub card: CardId,
    /// What it was about.
    #[serde(rename = "o")]
    pub object: Object,
    /// The share that led the visitor here.
    #[serde(default, rename = "s", skip_serializing_if = "Option::is_none")]
    pub share_code: Option<ShareCode>,
    /// When, see [`server_times`](crate::tracking::client_time::server_times).
    #[serde(rename = "a", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// How long, in milliseconds; for `dwell` only.
    #[serde(default, rename = "d", skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u32>,
    /// Why it is held back, if it is; see [`FilterReason::counts`].
    #[serde(default, rename = "f", skip_serializing_if = "Option::is_none")]
    pub filtered: Option<FilterReason>,
}

impl Event {
    /// Whether it is counted.
    pub fn counts(&self) -> bool {
        self.filtered.is_none_or(FilterReason::counts)
    }

    /// Checks the rules that join kind, object and duration.
    ///
    /// # Errors
    /// `required`, `not_allowed` or `out_of_range`, with a pointer.
    pub fn checked(
        kind: EventKind,
        card: CardId,
        object: Option<Object>,
        share_code: Option<ShareCode>,
        at: Timestamp,
        duration_ms: Option<u64>,
    ) -> Result<Self, FieldError> {
        let implied = || kind.implied_target().map(|target| Object { target, title: None });
        let object =
            object.or_else(implied).ok_or_else(|| FieldError::new("required", "此类事件必须带对象").at("/object"))?;
        if !kind.accepts(object.target) {
            return Err(FieldError::new("not_allowed", "此类事件不能用于这种对象").at("/object/type"));
        }
        let duration_ms = match (kind, duration_ms) {
            (EventKind::Dwell, None) => {
                return Err(FieldError::new("required", "停留事件必须带停留毫秒数").at("/duration_ms"));
            }
            (EventKind::Dwell, Some(ms)) => Some(dwell_ms(ms)?),
            (_, Some(_)) => {
                return Err(FieldError::new("not_allowed", "只有停留事件可以带停留毫秒数").at("/duration_ms"));
            }
            (_, None) => None,
        };
        Ok(Self { kind, card, object, share_code, at, duration_ms, filtered: None })
    }
}

fn dwell_ms(ms: u64) -> Result<u32, FieldError> {
    u32::try_from(ms).ok().filter(|ms| *ms <= DWELL_MS_MAX).ok_or_else(|| {
        FieldError::new("out_of_range", format!("停留毫秒数应在 0 到 {DWELL_MS_MAX} 之间")).at("/duration_ms")
    })
}

/// Leaves each object the first title it has in a batch: a title is what was seen, not a place to
/// write.
pub fn one_title_each(events: &mut [Event]) {
    let mut titles = BTreeMap::new();
    for event in events {
        let title = event.object.title.take();
        let place = (event.card, event.object.target);
        event.object.title = match titles.get(&place) {
            Some(first) => Option::clone(first),
            None => title.inspect(|title| drop(titles.insert(place, Some(title.clone())))),
        };
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
