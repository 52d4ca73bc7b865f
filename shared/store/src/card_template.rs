//! The company's card template.

use aws_sdk_dynamodb::types::Update;
use domain::audit::AuditEntry;
use domain::card_template::{CardTemplate, Locks};
use domain::company::Company;
use domain::failure::Failure;

use crate::audit::add_entry;
use crate::item::{Kind, LAYOUT, TYPE, number, text};
use crate::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

pub(crate) const TEMPLATE: Kind = Kind::new("card_template", 1);

const FIRST: &str = "attribute_not_exists(version) OR version = :read";
const SAME_VERSION: &str = "version = :read";

impl Store {
    /// The template; one that was never set locks nothing.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn card_template(&self, company: Company) -> Result<CardTemplate, Failure> {
        Ok(self.get(&keys::card_template(company), TEMPLATE).await?.unwrap_or_default())
    }

    /// Changes what is locked.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when the template is not at `version` any more.
    pub async fn edit_card_template(
        &self,
        company: Company,
        version: u64,
        locks: Locks,
        audit: &AuditEntry,
    ) -> Result<CardTemplate, Failure> {
        let template = CardTemplate { locks, version: version.saturating_add(1) };
        let locks = serde_dynamo::to_attribute_value(&template.locks).map_err(|error| TEMPLATE.corrupt(error))?;
        let update = Update::builder()
            .update_expression("SET #locks = :locks, version = :next, #type = :type, #layout = :layout")
            .condition_expression(if version == 0 { FIRST } else { SAME_VERSION })
            .expression_attribute_names("#locks", "locks")
            .expression_attribute_names("#type", TYPE)
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_values(":locks", locks)
            .expression_attribute_values(":next", number(template.version))
            .expression_attribute_values(":read", number(version))
            .expression_attribute_values(":type", text(TEMPLATE.name))
            .expression_attribute_values(":layout", number(TEMPLATE.layout));
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &keys::card_template(company), update, Failure::VersionConflict);
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(transaction).await.map_err(Cancelled::into_failure)?;
        Ok(template)
    }
}
