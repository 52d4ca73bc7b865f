//! Request and answer bodies of cards.

use domain::card::tag::Tags;
use domain::card::template::CardTemplate;
use domain::card::{
    Address, Card, Contact, Email, Identity, Introduction, OwnerInactive, Phone, SharePhrase, Shortcut, Style,
    Successor, WechatId, WelcomeText,
};
use domain::company::CompanyName;
use domain::kernel::field::FieldError;
use domain::kernel::id::{CardId, MemberId};
use domain::kernel::timestamp::Timestamp;
use domain::people::member::{PersonName, Position};
use domain::radar::counter::Counts;
use domain::radar::metrics::ScopeCounts;
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

/// A card as visitors see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardBody {
    /// The id.
    id: CardId,
    /// The owner of the card.
    member_id: MemberId,
    /// The name of the owner (姓名).
    name: PersonName,
    /// The job title of the owner (职位). Empty if there is none.
    position: Position,
    /// The name of the company (公司).
    company: CompanyName,
    /// The avatar (个人头像). `null` if there is none.
    avatar: Option<MediaBody>,
    /// The photos (照片), in the order to show.
    photos: Vec<MediaBody>,
    /// The video (名片视频). `null` if there is none.
    video: Option<MediaBody>,
    /// The phone numbers.
    phones: Vec<Phone>,
    /// The WeChat id (微信号). Empty if there is none.
    wechat_id: WechatId,
    /// The e-mail address. Empty if there is none.
    email: Email,
    /// The postal address. Empty if there is none.
    address: Address,
    /// The introduction (个人介绍). Can hold line breaks.
    introduction: Introduction,
    /// The tags (我的标签).
    tags: Tags,
    /// The style of the card (名片样式).
    style: Style,
    /// The title of a shared card. If it is empty, use a title of the client.
    share_phrase: SharePhrase,
    /// The text that welcomes a visitor (欢迎语). Can hold line breaks.
    welcome_text: WelcomeText,
    /// The buttons beside the chat, in the order to show. `add_wechat` appears only if there is a
    /// WeChat id.
    shortcuts: Vec<Shortcut>,
    #[serde(flatten)]
    owner: OwnerBody,
    /// The fields that the template of the company locks. The owner cannot change them.
    #[schema(value_type = Vec<LockableField>)]
    locked_fields: Vec<&'static str>,
    /// The fields that show the default of the company, because the owner has set nothing.
    #[schema(value_type = Vec<DefaultableField>)]
    default_fields: Vec<&'static str>,
    /// Numbers since the card was created.
    counters: CardCounters,
    /// The version of the card. It grows with each change. Send it with an edit.
    version: u64,
    /// When it was last changed.
    updated_at: Timestamp,
}

/// Whether the owner of a card still works for the company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnerBody {
    /// `false` if the owner is disabled or has left.
    owner_active: bool,
    /// The card to open instead. `null` if no successor is set.
    successor: Option<SuccessorBody>,
}

/// The colleague who has taken over.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SuccessorBody {
    /// The card of the successor.
    card_id: CardId,
    /// The name of the successor at the time when they were set.
    name: PersonName,
}

impl From<Option<OwnerInactive>> for OwnerBody {
    fn from(gone: Option<OwnerInactive>) -> Self {
        let owner_active = gone.is_none();
        let successor = gone.and_then(|gone| gone.successor);
        Self {
            owner_active,
            successor: successor.map(|Successor { card, name }| SuccessorBody { card_id: card, name }),
        }
    }
}

/// Numbers of a card since it was created. They equal the numbers of the radar.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardCounters {
    /// How often the card was viewed (浏览).
    views: i64,
    /// How many distinct people viewed the card (访客).
    visitors: i64,
    /// How many people like the card (点赞).
    likes: i64,
    /// How many people saved the phone number (保存).
    saves: i64,
    /// How often the card was forwarded (转发).
    forwards: i64,
}

impl CardBody {
    /// A card under the company's template, as visitors see it.
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
        let domain::radar::metrics::Metrics { views, visitors, likes, saves, forwards, .. } = metrics;
        Self { views, visitors, likes, saves, forwards }
    }
}

/// The contact fields of a card. All of them are replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardUpdate {
    /// The version of the card that was edited.
    version: u64,
    /// The phone numbers, at most 3.
    phones: Vec<Phone>,
    /// The WeChat id, 5 to 20 characters. Empty for none.
    wechat_id: WechatId,
    /// The e-mail address. Empty for none.
    email: Email,
    /// The postal address. Empty for none.
    address: Address,
    /// The introduction. Can hold line breaks. Empty for none.
    introduction: Introduction,
    /// The tags, at most 10. Each has 1 to 7 characters as people see them: an emoji counts as one.
    tags: Tags,
    /// The style of the card.
    style: Style,
    /// The title of a shared card. Empty for none.
    share_phrase: SharePhrase,
    /// The text that welcomes a visitor. Can hold line breaks. Empty for none.
    welcome_text: WelcomeText,
    // Listed only to be rejected by name: owners cannot change 公司、职位、姓名.
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

/// Name, position and company on a card. All of them are replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityUpdate {
    /// The version of the card that was edited.
    pub(crate) version: u64,
    /// The name of the owner (姓名).
    name: PersonName,
    /// The job title of the owner (职位). Empty for none.
    position: Position,
    /// The name of the company (公司).
    company: CompanyName,
}

impl IdentityUpdate {
    pub(crate) fn identity(self) -> Identity {
        let Self { name, position, company, .. } = self;
        Identity { name, position, company }
    }
}
