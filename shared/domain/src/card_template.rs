//! The company's card template: which fields owners cannot change, and what they show.

use serde::{Deserialize, Serialize};

use crate::card::{Address, Contact, Introduction, SharePhrase, Style, WelcomeText};

macro_rules! lockable {
    ($($(#[$doc:meta])* $field:ident: $type:ty, $name:literal, $pointer:literal;)*) => {
        /// The fields that can be locked, each with the value that every card then shows.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Locks {
            $($(#[$doc])*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<$type>,)*
        }

        impl Locks {
            /// The names of the locked fields.
            pub fn names(&self) -> Vec<&'static str> {
                let all = [$(self.$field.as_ref().map(|_| $name),)*];
                all.into_iter().flatten().collect()
            }

            /// What a card shows of its contact.
            pub fn shown(&self, own: Contact) -> Contact {
                Contact { $($field: self.$field.clone().unwrap_or(own.$field),)* ..own }
            }

            /// What an edit leaves to be stored: a locked field keeps the card's own value,
            /// which is shown again when the lock is taken away.
            ///
            /// # Errors
            /// Pointers to the locked fields that the edit would change.
            pub fn edited(&self, own: &Contact, edit: Contact) -> Result<Contact, Vec<&'static str>> {
                let changes = [$(self.$field.as_ref().filter(|locked| **locked != edit.$field).map(|_| $pointer),)*];
                let changes: Vec<_> = changes.into_iter().flatten().collect();
                if !changes.is_empty() {
                    return Err(changes);
                }
                Ok(Contact {
                    $($field: if self.$field.is_some() { own.$field.clone() } else { edit.$field },)*
                    shortcuts: own.shortcuts.clone(),
                    ..edit
                })
            }
        }
    };
}

lockable! {
    /// 地址
    address: Address, "address", "/address";
    /// 个人介绍
    introduction: Introduction, "introduction", "/introduction";
    /// 名片样式
    style: Style, "style", "/style";
    /// 转发设置
    share_phrase: SharePhrase, "share_phrase", "/share_phrase";
    /// 欢迎语
    welcome_text: WelcomeText, "welcome_text", "/welcome_text";
}

/// A company's template. One that was never set locks nothing and has version 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardTemplate {
    /// What is locked.
    pub locks: Locks,
    /// Goes up by one with each change.
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(address: &str, introduction: &str) -> Contact {
        Contact {
            address: Address::parse(address).unwrap(),
            introduction: Introduction::parse(introduction).unwrap(),
            ..Contact::default()
        }
    }

    fn locks() -> Locks {
        let address = Some(Address::parse("总部").unwrap());
        Locks { address, style: Some(Style::Dark), ..Locks::default() }
    }

    #[test]
    fn a_card_shows_the_locked_values_and_its_own_others() {
        let shown = locks().shown(contact("家里", "懂茶"));
        assert_eq!(shown, Contact { style: Style::Dark, ..contact("总部", "懂茶") });
        assert_eq!(locks().names(), ["address", "style"]);
        assert_eq!(Locks::default().shown(contact("家里", "")), contact("家里", ""));
    }

    #[test]
    fn an_edit_that_repeats_what_is_shown_keeps_the_own_value() {
        let own = contact("家里", "懂茶");
        let edit = Contact { introduction: Introduction::parse("更懂茶").unwrap(), ..locks().shown(own.clone()) };
        assert_eq!(locks().edited(&own, edit), Ok(contact("家里", "更懂茶")));
    }

    #[test]
    fn an_edit_that_changes_locked_fields_is_refused_at_each() {
        let own = contact("家里", "懂茶");
        assert_eq!(locks().edited(&own, own.clone()), Err(vec!["/address", "/style"]));
        let edit = Contact { style: Style::Festive, ..locks().shown(own.clone()) };
        assert_eq!(locks().edited(&own, edit), Err(vec!["/style"]));
    }
}
