//! Cards on the wire.

use domain::card::{
    Address, Card, CompanyName, Contact, Email, Identity, Introduction, OwnerGone, Phone, SharePhrase, Shortcut, Style,
    Successor, WechatId, WelcomeText,
};
use domain::card_template::CardTemplate;
use domain::counter::Counts;
use domain::field::FieldError;
use domain::id::{CardId, MemberId};
use domain::member::{PersonName, Position};
use domain::metrics::ScopeCounts;
use domain::tag::Tags;
use domain::timestamp::Timestamp;
use edge::problem::{Code, FieldProblem, Problem};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::media::{CardMediaBody, MediaBody};

edge::closed_sets! {
    /// A field that the company's template can lock.
    LockableField = "address" | "introduction" | "style" | "share_phrase" | "welcome_text";
    /// A field for which the company's template can have a default.
    DefaultableField = "share_phrase" | "welcome_text" | "shortcuts";
}

/// A card.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardBody {
    id: CardId,
    /// Whose it is.
    member_id: MemberId,
    /// 姓名
    name: PersonName,
    /// 职位
    position: Position,
    /// 公司
    company: CompanyName,
    /// 个人头像
    avatar: Option<MediaBody>,
    /// 照片, in the order to show.
    photos: Vec<MediaBody>,
    /// 名片视频
    video: Option<MediaBody>,
    phones: Vec<Phone>,
    /// 微信号
    wechat_id: WechatId,
    email: Email,
    address: Address,
    /// 个人介绍
    introduction: Introduction,
    /// 我的标签
    tags: Tags,
    /// 名片样式: `classic`, `business`, `minimal`, `dark` or `festive`.
    style: Style,
    /// Title of a shared card; empty for the client's own.
    share_phrase: SharePhrase,
    /// 欢迎语
    welcome_text: WelcomeText,
    /// The buttons beside the chat: `add_wechat` (only with a WeChat id), `call`, `save_card_code`.
    shortcuts: Vec<Shortcut>,
    #[serde(flatten)]
    owner: OwnerBody,
    /// Fields that the company's template has locked.
    #[schema(value_type = Vec<LockableField>)]
    locked_fields: Vec<&'static str>,
    /// Fields that show the company's default, because the owner has said nothing.
    #[schema(value_type = Vec<DefaultableField>)]
    default_fields: Vec<&'static str>,
    /// Since the beginning.
    counters: CardCounters,
    /// Goes up with each change; an edit names the one it was made from.
    version: u64,
    updated_at: Timestamp,
}

/// Whether the owner is still there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnerBody {
    /// `false` when the owner was disabled or has left.
    owner_active: bool,
    /// Whose card to open instead, once somebody is named.
    successor: Option<SuccessorBody>,
}

/// Who has taken over.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SuccessorBody {
    card_id: CardId,
    /// His name when he was named.
    name: PersonName,
}

impl From<Option<OwnerGone>> for OwnerBody {
    fn from(gone: Option<OwnerGone>) -> Self {
        let owner_active = gone.is_none();
        let successor = gone.and_then(|gone| gone.successor);
        Self {
            owner_active,
            successor: successor.map(|Successor { card, name }| SuccessorBody { card_id: card, name }),
        }
    }
}

/// How the card is received, since the beginning; the same numbers as on the radar.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardCounters {
    /// 浏览
    views: i64,
    /// 访客
    visitors: i64,
    /// 点赞
    likes: i64,
    /// 保存
    saves: i64,
    /// 转发
    forwards: i64,
}

impl CardBody {
    /// What is shown of a card under the company's template.
    pub(crate) fn new(card: Card, media: CardMediaBody, template: &CardTemplate, lifetime: Counts) -> Self {
        let Card { id, member, identity, contact, owner_gone, version, updated_at, .. } = card;
        let CardMediaBody { avatar, photos, video } = media;
        let Identity { name, position, company } = identity;
        let default_fields = template.defaulted(&contact);
        let contact = template.shown(contact);
        let shortcuts = contact.shown_shortcuts();
        let Contact { phones, wechat_id, email, address, introduction, tags, style, share_phrase, .. } = contact;
        Self {
            id,
            member_id: member,
            name,
            position,
            company,
            avatar,
            photos,
            video,
            phones,
            wechat_id,
            email,
            address,
            introduction,
            tags,
            style,
            share_phrase,
            welcome_text: contact.welcome_text,
            shortcuts,
            owner: owner_gone.into(),
            locked_fields: template.locks.names(),
            default_fields,
            counters: CardCounters::new(lifetime),
            version,
            updated_at,
        }
    }
}

impl CardCounters {
    fn new(lifetime: Counts) -> Self {
        let metrics = ScopeCounts::of_lifetime(lifetime);
        let domain::metrics::Metrics { views, visitors, likes, saves, forwards, .. } = metrics;
        Self { views, visitors, likes, saves, forwards }
    }
}

/// What the owner may change. All of it is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardUpdate {
    /// The version the edit was made from.
    version: u64,
    /// At most 3.
    phones: Vec<Phone>,
    /// Empty for none.
    wechat_id: WechatId,
    /// Empty for none.
    email: Email,
    /// Empty for none, at most 200 characters.
    address: Address,
    /// Empty for none, at most 2,000 characters.
    introduction: Introduction,
    /// At most 10, none twice, each of 1 to 7 characters as people see them: an emoji is one.
    tags: Tags,
    /// `classic`, `business`, `minimal`, `dark` or `festive`.
    style: Style,
    /// Empty for none, at most 60 characters.
    share_phrase: SharePhrase,
    /// Empty for none, at most 200 characters.
    welcome_text: WelcomeText,
    // Known here only to be refused by name: 公司、职位、姓名 are not the owner's to change.
    #[schema(ignore)]
    name: Option<IgnoredAny>,
    #[schema(ignore)]
    position: Option<IgnoredAny>,
    #[schema(ignore)]
    company: Option<IgnoredAny>,
}

impl CardUpdate {
    /// The version and the new contact.
    pub(crate) fn checked(self) -> Result<(u64, Contact), Problem> {
        let identity = [("/name", self.name), ("/position", self.position), ("/company", self.company)];
        let sent: Vec<_> =
            identity.into_iter().filter(|(_, sent)| sent.is_some()).map(|(pointer, _)| pointer).collect();
        if !sent.is_empty() {
            return Err(locked(sent));
        }
        let Self { version, phones, wechat_id, email, address, introduction, tags, style, .. } = self;
        let Self { share_phrase, welcome_text, .. } = self;
        let contact = Contact {
            phones,
            wechat_id,
            email,
            address,
            introduction,
            tags,
            style,
            share_phrase,
            welcome_text,
            shortcuts: None,
        };
        Ok((version, contact.checked().map_err(|error| Problem::field("", &error))?))
    }
}

/// The problem of an edit that would change locked fields.
pub(crate) fn locked(pointers: Vec<&'static str>) -> Problem {
    let error = |pointer| FieldError::new("field_locked", "已由企业统一设置，不能自行修改，请联系管理员").at(pointer);
    let errors = pointers.into_iter().map(|pointer| FieldProblem::new("", &error(pointer))).collect();
    Problem::of(Code::FieldLocked).with_errors(errors)
}

/// What admins may change. All of it is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityUpdate {
    /// The version the edit was made from.
    pub(crate) version: u64,
    /// 姓名, 1 to 30 characters.
    name: PersonName,
    /// 职位, at most 30 characters, empty for none.
    position: Position,
    /// 公司, 1 to 60 characters.
    company: CompanyName,
}

impl IdentityUpdate {
    pub(crate) fn identity(self) -> Identity {
        let Self { name, position, company, .. } = self;
        Identity { name, position, company }
    }
}
