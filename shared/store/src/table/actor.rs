//! The member who acts: what they may do is read from their item, in the call that is made anyway.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{ConditionCheck, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use domain::company::{Acting, Company};

use crate::keys;
use crate::keys::Key;
use crate::table::item::{Item, number, text};

/// The attributes that decide whether rights stand.
pub(crate) const ATTRIBUTES: [&str; 4] = ["person", "ended", "role", "rights"];

/// The condition of [`ActingMember::stands`] on the stored item.
const STANDS: &str =
    "#actor_person = :actor_person AND attribute_not_exists(#actor_ended) AND #actor_role = :actor_role";
const NEVER_CHANGED: &str = "(attribute_not_exists(#actor_rights) OR #actor_rights = :actor_rights)";
const UNCHANGED: &str = "#actor_rights = :actor_rights";

/// A member who acts, and the key of their item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ActingMember {
    acting: Acting,
    pub(crate) key: Key,
}

impl ActingMember {
    /// The actor of a handle; `None` for one without.
    pub(crate) fn of(company: Company) -> Option<Self> {
        let acting = company.actor()?;
        Some(Self { acting, key: keys::member(company, acting.member) })
    }

    /// Whether they may still do what their token says: the item has the person, role and rights of
    /// the token, and the membership lasts.
    pub(crate) fn stands(&self, item: Option<&Item>) -> bool {
        let Some(item) = item else { return false };
        let is = |name: &str, value: &str| item.get(name).and_then(|it| it.as_s().ok()).is_some_and(|it| it == value);
        let rights = match item.get("rights") {
            None => Some(0),
            Some(rights) => rights.as_n().ok().and_then(|rights| rights.parse().ok()),
        };
        is("person", &self.acting.person.to_string())
            && !item.contains_key("ended")
            && is("role", self.acting.role.name())
            && rights == Some(self.acting.rights)
    }

    /// A check of [`Self::stands`] beside the actions of a transaction.
    pub(crate) fn check(&self, table: &str) -> Option<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(table)
            .set_key(Some(self.key.attributes()))
            .condition_expression(self.condition(None))
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(self.values()));
        Some(TransactWriteItem::builder().condition_check(check.build().ok()?).build())
    }

    /// Adds [`Self::stands`] to the condition of an action on the actor's own item, and has the
    /// action return the item it meets.
    pub(crate) fn join(&self, action: &mut TransactWriteItem) {
        let old = Some(ReturnValuesOnConditionCheckFailure::AllOld);
        macro_rules! join {
            ($action:expr, $condition:expr) => {{
                $action.return_values_on_condition_check_failure = old.clone();
                $action.expression_attribute_names.get_or_insert_default().extend(names());
                $action.expression_attribute_values.get_or_insert_default().extend(self.values());
                $condition
            }};
        }
        if let Some(put) = &mut action.put {
            put.condition_expression = join!(put, Some(self.condition(put.condition_expression.as_deref())));
        }
        if let Some(update) = &mut action.update {
            update.condition_expression = join!(update, Some(self.condition(update.condition_expression.as_deref())));
        }
        if let Some(delete) = &mut action.delete {
            delete.condition_expression = join!(delete, Some(self.condition(delete.condition_expression.as_deref())));
        }
        if let Some(check) = &mut action.condition_check {
            check.condition_expression = join!(check, self.condition(Some(check.condition_expression.as_str())));
        }
    }

    fn condition(&self, beside: Option<&str>) -> String {
        let rights = if self.acting.rights == 0 { NEVER_CHANGED } else { UNCHANGED };
        match beside {
            Some(beside) => format!("({beside}) AND {STANDS} AND {rights}"),
            None => format!("{STANDS} AND {rights}"),
        }
    }

    fn values(&self) -> Item {
        let Acting { person, role, rights, .. } = self.acting;
        let values = [
            (":actor_person", text(person.to_string())),
            (":actor_role", text(role.name())),
            (":actor_rights", number(rights)),
        ];
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn names() -> HashMap<String, String> {
    ATTRIBUTES.map(|name| (format!("#actor_{name}"), name.to_owned())).into()
}

/// The key of the item that an action is about.
pub(crate) fn key_of(action: &TransactWriteItem) -> Option<Key> {
    let put = action.put.as_ref().map(|put| &put.item);
    let update = action.update.as_ref().map(|update| &update.key);
    let delete = action.delete.as_ref().map(|delete| &delete.key);
    let check = action.condition_check.as_ref().map(|check| &check.key);
    put.or(update).or(delete).or(check).and_then(Key::of)
}
