//! The parts that schemas of values are made of. Only documents need them.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

/// Implements the two traits of a schema for a type.
macro_rules! schema {
    ([$($generics:tt)*] $type:ty, $name:expr, $schema:expr) => {
        impl<$($generics)*> ::utoipa::PartialSchema for $type {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::schema::Schema> {
                ::utoipa::openapi::RefOr::T(::utoipa::openapi::schema::Schema::from($schema))
            }
        }

        impl<$($generics)*> ::utoipa::ToSchema for $type {
            fn name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::from($name)
            }
        }
    };
}

pub(crate) use schema;

/// A closed set of names.
pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    string().enum_values(Some(names))
}

/// An id with this prefix.
pub(crate) fn id(prefix: &str) -> ObjectBuilder {
    string().pattern(Some(format!("^{prefix}[0-9a-v]{{26}}$")))
}

pub(crate) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(crate) fn text(min: usize, max: usize) -> ObjectBuilder {
    string().min_length((min > 0).then_some(min)).max_length(Some(max))
}

pub(crate) fn formatted(format: KnownFormat) -> ObjectBuilder {
    string().format(Some(SchemaFormat::KnownFormat(format)))
}

pub(crate) fn whole(min: u32, max: u32) -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Int32);
    ObjectBuilder::new().schema_type(Type::Integer).format(Some(format)).minimum(Some(min)).maximum(Some(max))
}
