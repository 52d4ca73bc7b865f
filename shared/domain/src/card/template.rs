//! The company's card template: which fields owners cannot change and what they show, and
//! what a field shows that its owner left empty.

use serde::{Deserialize, Serialize};

use crate::card::{Address, Contact, Introduction, SharePhrase, Shortcuts, Style, WelcomeText};

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

            /// What is stored of an edit: a locked field keeps the card's own value, which is
            /// shown again when the lock is removed.
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

/// The values that a card shows where its owner has set nothing. Unlike locked values, owners can
/// replace them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// 转发设置
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_phrase: Option<SharePhrase>,
    /// 欢迎语
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub welcome_text: Option<WelcomeText>,
    /// 快捷按钮
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortcuts: Option<Shortcuts>,
}

/// A company's template. One that was never set locks nothing and has version 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardTemplate {
    /// What is locked.
    pub locks: Locks,
    /// The defaults, shown where the owner has set nothing.
    #[serde(default)]
    pub defaults: Defaults,
    /// Goes up by one with each change.
    pub version: u64,
}

impl CardTemplate {
    /// What a card shows of its contact: the locked values, its own, and the defaults
    /// where it has none.
    pub fn shown(&self, own: Contact) -> Contact {
        let Defaults { share_phrase, welcome_text, shortcuts } = &self.defaults;
        self.locks.shown(Contact {
            share_phrase: own_or(own.share_phrase, share_phrase.as_ref()),
            welcome_text: own_or(own.welcome_text, welcome_text.as_ref()),
            shortcuts: own.shortcuts.or_else(|| shortcuts.clone()),
            ..own
        })
    }

    /// The names of the fields that show a default.
    pub fn defaulted(&self, own: &Contact) -> Vec<&'static str> {
        let shown = self.shown(own.clone());
        let all = [
            ("share_phrase", shown.share_phrase != own.share_phrase && self.locks.share_phrase.is_none()),
            ("welcome_text", shown.welcome_text != own.welcome_text && self.locks.welcome_text.is_none()),
            ("shortcuts", shown.shortcuts != own.shortcuts),
        ];
        all.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect()
    }

    /// What is stored of an edit. A default that is sent back as it is shown does not become the
    /// card's own, so that the card follows when the default changes.
    ///
    /// # Errors
    /// Pointers to the locked fields that the edit would change.
    pub fn edited(&self, own: &Contact, edit: Contact) -> Result<Contact, Vec<&'static str>> {
        let mut edited = self.locks.edited(own, edit)?;
        let Defaults { share_phrase, welcome_text, .. } = &self.defaults;
        if self.locks.share_phrase.is_none() && share_phrase.as_ref() == Some(&edited.share_phrase) {
            edited.share_phrase = SharePhrase::default();
        }
        if self.locks.welcome_text.is_none() && welcome_text.as_ref() == Some(&edited.welcome_text) {
            edited.welcome_text = WelcomeText::default();
        }
        Ok(edited)
    }
}

/// The own value, or the default where the own one is empty.
fn own_or<T: Clone + Default + PartialEq>(own: T, default: Option<&T>) -> T {
    match default {
        Some(default) if own == T::default() => default.clone(),
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::Shortcut;

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
    fn an_edit_that_changes_locked_fields_is_rejected_at_each() {
        let own = contact("家里", "懂茶");
        assert_eq!(locks().edited(&own, own.clone()), Err(vec!["/address", "/style"]));
        let edit = Contact { style: Style::Festive, ..locks().shown(own.clone()) };
        assert_eq!(locks().edited(&own, edit), Err(vec!["/style"]));
    }

    fn texts(share: &str, welcome: &str) -> Contact {
        let (share_phrase, welcome_text) = (SharePhrase::parse(share).unwrap(), WelcomeText::parse(welcome).unwrap());
        Contact { share_phrase, welcome_text, ..Contact::default() }
    }

    fn with_defaults() -> CardTemplate {
        let Contact { share_phrase, welcome_text, .. } = texts("您好", "欢迎");
        let shortcuts = Shortcuts::parse(vec![Shortcut::Call]).unwrap();
        let defaults =
            Defaults { share_phrase: Some(share_phrase), welcome_text: Some(welcome_text), shortcuts: Some(shortcuts) };
        CardTemplate { defaults, ..CardTemplate::default() }
    }

    #[test]
    fn a_default_shows_where_the_owner_has_set_nothing() {
        let template = with_defaults();
        let shown = template.shown(texts("", "我的"));
        assert_eq!((shown.share_phrase.as_str(), shown.welcome_text.as_str()), ("您好", "我的"));
        assert_eq!(shown.shown_shortcuts(), [Shortcut::Call]);
        assert_eq!(template.defaulted(&texts("", "我的")), ["share_phrase", "shortcuts"]);
        let own = Contact { shortcuts: Some(Shortcuts::default()), ..texts("", "") };
        assert_eq!(template.shown(own.clone()).shortcuts, own.shortcuts, "no button is a choice too");
    }

    #[test]
    fn a_lock_is_stronger_than_a_default() {
        let locked = SharePhrase::parse("统一").unwrap();
        let locks = Locks { share_phrase: Some(locked.clone()), ..Locks::default() };
        let template = CardTemplate { locks, ..with_defaults() };
        assert_eq!(template.shown(texts("", "")).share_phrase, locked);
        assert_eq!(template.defaulted(&texts("", "我的")), ["shortcuts"]);
    }

    #[test]
    fn a_default_that_is_sent_back_does_not_become_the_own_value() {
        let template = with_defaults();
        let own = texts("", "我的");
        let edit = template.shown(own.clone());
        assert_eq!(template.edited(&own, edit), Ok(own.clone()));
        assert_eq!(template.edited(&own, texts("另一句", "欢迎")), Ok(texts("另一句", "")));
    }
}
