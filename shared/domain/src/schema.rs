//! How values look in the API document: one JSON schema for each type.
//!
//! Only documents need it, so no shipped binary carries it. Closed sets become schemas of their
//! own; the document writes all other values of this crate where they are used.

use std::borrow::Cow;

use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::card::tag::{TAG_CHARS_MAX, Tag};
use crate::card::{Email, Phone, WechatId};
use crate::close_rate::model::Rate;
use crate::kernel::day::{Day, Window};
use crate::kernel::list::UniqueList;
use crate::kernel::mobile::Mobile;
use crate::kernel::money::Fen;
use crate::kernel::schema::{formatted, one_of, schema, string, text, whole};
use crate::kernel::text::{Line, OpaqueText, OptionalLine, Paragraph};
use crate::kernel::timestamp::Timestamp;
use crate::people::activation::RadarCode;
use crate::people::claim_code::ClaimCode;
use crate::people::invitation::Within;
use crate::tracking::batch::BatchId;
use crate::tracking::event::EventKind;

schema!([const MAX: usize] Line<MAX>, format!("Line{MAX}"), text(1, MAX));
schema!([const MAX: usize] OptionalLine<MAX>, format!("OptionalLine{MAX}"), text(0, MAX));
schema!([const MAX: usize] Paragraph<MAX>, format!("Paragraph{MAX}"), text(0, MAX));
schema!([const MAX: usize] OpaqueText<MAX>, format!("Code{MAX}"), text(1, MAX).pattern(Some("^[0-9A-Za-z_-]+$")));
schema!([] Tag, "Tag", text(1, TAG_CHARS_MAX));
schema!([] Phone, "Phone", text(3, 21).pattern(Some(r"^\+?[0-9 ()-]{3,20}$")));
schema!([] WechatId, "WechatId", text(0, 20));
schema!([] Email, "Email", text(0, 100));
schema!([] Mobile, "Mobile", text(8, 20).examples(["+8613800138000"]));
schema!([] ClaimCode, "ClaimCode", text(16, 19).examples(["0123-4567-89ab-cdef"]));
schema!([] RadarCode, "RadarCode", text(6, 6).pattern(Some("^[0-9]{6}$")).examples(["012345"]));
schema!([] Timestamp, "Timestamp", formatted(KnownFormat::DateTime).examples(["2026-11-21T09:30:00+08:00"]));
schema!([] Day, "Day", formatted(KnownFormat::Date).examples(["2026-11-21"]));
schema!([] BatchId, "BatchId", string().format(Some(SchemaFormat::Custom("uuid".to_owned()))));
schema!([] Rate, "Rate", whole(0, 10_000));
schema!([const MIN: u32, const MAX: u32] Within<MIN, MAX>, format!("From{MIN}To{MAX}"), whole(MIN, MAX));
schema!([] Fen, "Fen", {
    let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
    ObjectBuilder::new().schema_type(Type::Integer).format(Some(format))
});
schema!([] Window, "Window", one_of(Window::ALL.map(Window::name)));
schema!([] EventKind, "EventKind", one_of(EventKind::ALL.iter().map(|kind| kind.name())));

/// A list names the schema of its values, so it must bring it along.
impl<T: ToSchema, const MAX: usize> PartialSchema for UniqueList<T, MAX> {
    fn schema() -> RefOr<Schema> {
        let values = Ref::from_schema_name(T::name());
        RefOr::T(ArrayBuilder::new().items(values).max_items(Some(MAX)).unique_items(true).into())
    }
}

impl<T: ToSchema, const MAX: usize> ToSchema for UniqueList<T, MAX> {
    fn name() -> Cow<'static, str> {
        Cow::from(format!("UniqueList{MAX}Of{}", T::name()))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use crate::kernel::id::{CardId, Id};
    use crate::kernel::text::Line;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn json<T: PartialSchema>() -> String {
        serde_json::to_string(&T::schema()).unwrap()
    }

    #[test]
    fn a_value_names_its_own_bounds() {
        assert_eq!(json::<Line<30>>(), r#"{"type":"string","maxLength":30,"minLength":1}"#);
        assert_eq!(json::<CardId>(), r#"{"type":"string","pattern":"^crd_[0-9a-v]{26}$"}"#);
        assert_eq!(json::<Window>(), r#"{"type":"string","enum":["total","yesterday","last_7_days","last_30_days"]}"#);
    }

    #[test]
    fn a_set_that_serde_names_has_those_names() {
        use crate::people::member::Role;
        for role in Role::ALL {
            assert!(json::<Role>().contains(&format!("\"{}\"", role.name())), "{role:?}");
        }
    }

    proptest! {
        #[test]
        fn an_id_has_the_form_that_its_schema_says(a: u128) {
            let text = CardId::from_uuid(Uuid::from_u128(a)).to_string();
            let (prefix, rest) = text.split_at(4);
            prop_assert_eq!(prefix, "crd_");
            prop_assert!(rest.len() == 26 && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'v')));
        }
    }
}
