//! Cards on the wire.

use domain::card::{Address, Card, CompanyName, Contact, Email, Identity, Introduction, Phone, WechatId};
use domain::field::FieldError;
use domain::id::{CardId, MemberId};
use domain::member::{PersonName, Position};
use domain::timestamp::Timestamp;
use edge::problem::{Code, FieldProblem, Problem};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// Goes up with each change; an edit names the one it was made from.
    version: u64,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Card> for CardBody {
    fn from(card: Card) -> Self {
        let Card { id, member, identity, contact, version, updated_at } = card;
        let Identity { name, position, company } = identity;
        let Contact { phones, wechat_id, email, address, introduction } = contact;
        Self {
            id,
            member_id: member,
            name,
            position,
            company,
            phones,
            wechat_id,
            email,
            address,
            introduction,
            version,
            updated_at,
        }
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
        let locked = [("/name", self.name), ("/position", self.position), ("/company", self.company)];
        let error =
            |pointer| FieldProblem::new("", &FieldError::new("field_locked", "不能自行修改，请联系管理员").at(pointer));
        let errors: Vec<_> =
            locked.into_iter().filter(|(_, sent)| sent.is_some()).map(|(pointer, _)| error(pointer)).collect();
        if !errors.is_empty() {
            return Err(Problem::of(Code::FieldLocked).with_errors(errors));
        }
        let Self { version, phones, wechat_id, email, address, introduction, .. } = self;
        let contact = Contact { phones, wechat_id, email, address, introduction };
        Ok((version, contact.checked().map_err(|error| Problem::field("", &error))?))
    }
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
