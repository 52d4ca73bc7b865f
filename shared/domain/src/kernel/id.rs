//! Typed identifiers.
//!
//! An id is a UUIDv7. On the wire it is a prefix and 26 characters of lower-case
//! base32hex, whose order is the order of the bytes: later ids sort later.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_DNSSEC;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::kernel::field::FieldError;

/// Length of every prefix.
const PREFIX_LEN: usize = 4;
/// Length of the encoded 128 bits.
const ENCODED_LEN: usize = 26;

/// What every id type offers.
pub trait Id: Sized {
    /// Prefix on the wire, with its underscore.
    const PREFIX: &'static str;
    /// The id of this UUID.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The UUID inside.
    fn uuid(&self) -> Uuid;
}

fn parse(prefix: &str, text: &str) -> Option<Uuid> {
    let encoded = text.strip_prefix(prefix)?.as_bytes();
    // The decoder takes upper case too; one id has one spelling.
    if encoded.len() != ENCODED_LEN || encoded.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut bytes = [0; 16];
    BASE32_DNSSEC.decode_mut(encoded, &mut bytes).ok()?;
    Some(Uuid::from_bytes(bytes))
}

/// Calls `with` the text of an id, which is made in place: ids are most of what is written.
fn with_text<T>(prefix: &str, uuid: Uuid, with: impl FnOnce(&str) -> T) -> T {
    let mut text = [0; PREFIX_LEN + ENCODED_LEN];
    let (head, encoded) = text.split_at_mut(PREFIX_LEN);
    head.copy_from_slice(prefix.as_bytes());
    BASE32_DNSSEC.encode_mut(uuid.as_bytes(), encoded);
    // Prefix and code are ASCII.
    with(std::str::from_utf8(&text).unwrap_or_default())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        const _: () = assert!($prefix.len() == PREFIX_LEN);

        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
            fn uuid(&self) -> Uuid {
                self.0
            }
        }

        #[cfg(feature = "schema")]
        crate::kernel::schema::schema!([] $name, stringify!($name), crate::kernel::schema::id($prefix));

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                with_text($prefix, self.0, |text| f.write_str(text))
            }
        }

        impl FromStr for $name {
            type Err = FieldError;
            fn from_str(text: &str) -> Result<Self, FieldError> {
                parse($prefix, text).map(Self).ok_or_else(|| {
                    FieldError::new("invalid_id", concat!("编号格式不正确，应以 ", $prefix, " 开头"))
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                with_text($prefix, self.0, |text| serializer.serialize_str(text))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A company, the tenant (企业).
    CompanyId = "com_";
    /// A person as one company's mini-program knows them: visitor or member.
    PersonId = "per_";
    /// A member of a company (成员).
    MemberId = "mem_";
    /// A merge of two identities (合并).
    MergeId = "mrg_";
    /// A department (部门).
    DepartmentId = "dep_";
    /// A business card (名片).
    CardId = "crd_";
    /// A product of the shop (商品).
    ProductId = "prd_";
    /// A variant of a product with a price and a stock of its own (规格).
    SkuId = "sku_";
    /// A category of products (商品分类).
    CategoryId = "cat_";
    /// A template of freight (运费模板).
    FreightTemplateId = "frt_";
    /// An order (订单).
    OrderId = "ord_";
    /// A parcel of an order (包裹).
    ParcelId = "pcl_";
    /// A request after the sale (售后).
    AfterSaleId = "afs_";
    /// A payment (支付).
    PaymentId = "pay_";
    /// A refund (退款).
    RefundId = "rfd_";
    /// An article (文章).
    ArticleId = "art_";
    /// A video (视频).
    VideoId = "vid_";
    /// An uploaded file (上传文件).
    UploadId = "upl_";
    /// An invitation (邀请).
    InvitationId = "inv_";
    /// A request to join (加入申请).
    JoinRequestId = "jrq_";
    /// A closed deal (成交).
    DealId = "dea_";
    /// A follow-up of a customer (跟进).
    FollowUpId = "flw_";
    /// A tag of customers (客户标签).
    TagId = "tag_";
    /// A field that a company has added to its customers (自定义字段).
    CustomFieldId = "fld_";
    /// A view of customers (客户视图).
    ViewId = "viw_";
    /// A rule by which customers go back to the pool.
    RecycleRuleId = "rrl_";
    /// A rule that does something when customers have done something (自动化规则).
    AutomationRuleId = "aru_";
    /// A job for many customers (批量任务).
    JobId = "job_";
    /// A handover of what a member leaves behind (工作交接).
    HandoverId = "hov_";
    /// A session of a member (登录设备).
    SessionId = "ses_";
}

/// Milliseconds since the Unix epoch that a UUIDv7 carries; `None` for other versions.
pub fn uuid_v7_millis(uuid: Uuid) -> Option<i64> {
    if uuid.get_version_num() != 7 {
        return None;
    }
    i64::try_from(uuid.as_u128() >> 80).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_reads_back_and_keeps_the_order(a: u128, b: u128) {
            let (a, b) = (CardId(Uuid::from_u128(a)), CardId(Uuid::from_u128(b)));
            prop_assert_eq!(a.to_string().parse::<CardId>(), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn any_text_is_parsed_without_panic_and_has_one_spelling(text in "\\PC{0,40}") {
            if let Ok(id) = text.parse::<CardId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn an_id_of_another_kind_or_spelling_is_rejected() {
        let id = CardId(Uuid::from_u128(7)).to_string();
        assert!(id.parse::<MemberId>().is_err());
        assert!(id.to_uppercase().parse::<CardId>().is_err());
        assert!(id.replace("crd_", "crd_0").parse::<CardId>().is_err());
    }

    #[test]
    fn a_version_7_uuid_holds_its_time() {
        let uuid = uuid::Builder::from_unix_timestamp_millis(1_795_000_000_123, &[9; 10]).into_uuid();
        assert_eq!(uuid_v7_millis(uuid), Some(1_795_000_000_123));
        assert_eq!(uuid_v7_millis(Uuid::nil()), None);
    }
}
