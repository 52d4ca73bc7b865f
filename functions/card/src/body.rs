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

/// A card.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardBody {
    #[schema(value_type = String)]
    id: CardId,
    /// Whose it is.
    #[schema(value_type = String)]
    member_id: MemberId,
    /// 姓名
    #[schema(value_type = String)]
    name: PersonName,
    /// 职位
    #[schema(value_type = String)]
    position: Position,
    /// 公司
    #[schema(value_type = String)]
    company: CompanyName,
    /// 个人头像
    avatar: Option<MediaBody>,
    /// 照片, in the order to show.
    photos: Vec<MediaBody>,
    /// 名片视频
    video: Option<MediaBody>,
    #[schema(value_type = Vec<String>)]
    phones: Vec<Phone>,
    /// 微信号
    #[schema(value_type = String)]
    wechat_id: WechatId,
    #[schema(value_type = String)]
    email: Email,
    #[schema(value_type = String)]
    address: Address,
    /// 个人介绍
    #[schema(value_type = String)]
    introduction: Introduction,
    /// 我的标签
    #[schema(value_type = Vec<String>)]
    tags: Tags,
    /// 名片样式: `classic`, `business`, `minimal`, `dark` or `festive`.
    #[schema(value_type = String, example = "classic")]
    style: Style,
    /// Title of a shared card; empty for the client's own.
    #[schema(value_type = String)]
    share_phrase: SharePhrase,
    /// 欢迎语
    #[schema(value_type = String)]
    welcome_text: WelcomeText,
    /// The buttons beside the chat: `add_wechat` (only with a WeChat id), `call`, `save_card_code`.
    #[schema(value_type = Vec<String>)]
    shortcuts: Vec<Shortcut>,
    #[serde(flatten)]
    owner: OwnerBody,
    /// Fields that the company's template has locked.
    locked_fields: Vec<&'static str>,
    /// Fields that show the company's default, because the owner has said nothing.
    default_fields: Vec<&'static str>,
    /// Since the beginning.
    counters: CardCounters,
    /// Goes up with each change; an edit names the one it was made from.
    version: u64,
    #[schema(value_type = String, format = DateTime)]
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
    #[schema(value_type = String)]
    card_id: CardId,
    /// His name when he was named.
    #[schema(value_type = String)]
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
    #[schema(value_type = Vec<String>, max_items = 3)]
    phones: Vec<Phone>,
    /// Empty for none.
    #[schema(value_type = String)]
    wechat_id: WechatId,
    /// Empty for none.
    #[schema(value_type = String)]
    email: Email,
    /// Empty for none, at most 200 characters.
    #[schema(value_type = String, max_length = 200)]
    address: Address,
    /// Empty for none, at most 2,000 characters.
    #[schema(value_type = String, max_length = 2000)]
    introduction: Introduction,
    /// At most 10, none twice, each of 1 to 7 characters as people see them: an emoji is one.
    #[schema(value_type = Vec<String>, max_items = 10)]
    tags: Tags,
    /// `classic`, `business`, `minimal`, `dark` or `festive`.
    #[schema(value_type = String, example = "classic")]
    style: Style,
    /// Empty for none, at most 60 characters.
    #[schema(value_type = String, max_length = 60)]
    share_phrase: SharePhrase,
    /// Empty for none, at most 200 characters.
    #[schema(value_type = String, max_length = 200)]
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
    #[schema(value_type = String, min_length = 1, max_length = 30)]
    name: PersonName,
    /// 职位, at most 30 characters, empty for none.
    #[schema(value_type = String, max_length = 30)]
    position: Position,
    /// 公司, 1 to 60 characters.
    #[schema(value_type = String, min_length = 1, max_length = 60)]
    company: CompanyName,
}

impl IdentityUpdate {
    pub(crate) fn identity(self) -> Identity {
        let Self { name, position, company, .. } = self;
        Identity { name, position, company }
    }
}
