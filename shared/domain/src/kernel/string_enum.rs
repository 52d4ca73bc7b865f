//! Choices out of a fixed set, each with a stable name on the wire and in the table.

/// An enum whose variants have names; another name is rejected with the given code and sentence.
macro_rules! string_enum {
    ($(#[$doc:meta])* $name:ident, $code:literal, $detail:literal {
        $($(#[$each:meta])* $variant:ident = $wire:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$each])* $variant,)*
        }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $wire,)* }
            }

            /// The one with this wire name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.name() == name)
            }
        }

        #[cfg(feature = "schema")]
        $crate::kernel::schema::schema!([] $name, stringify!($name), {
            $crate::kernel::schema::one_of(Self::ALL.iter().map(|choice| choice.name()))
        });

        impl ::std::str::FromStr for $name {
            type Err = $crate::kernel::field::FieldError;
            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::from_name(name).ok_or_else(|| $crate::kernel::field::FieldError::new($code, $detail))
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <::std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                name.parse().map_err(::serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use string_enum;
