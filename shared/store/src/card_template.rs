//! The company's card template.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use domain::card_template::{CardTemplate, Locks};
use domain::company::Company;

use crate::error::failure;
use crate::item::{Kind, LAYOUT, TYPE, number, text};
use crate::{Store, keys};
use domain::failure::Failure;

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
    ) -> Result<CardTemplate, Failure> {
        let template = CardTemplate { locks, version: version.saturating_add(1) };
        let locks = serde_dynamo::to_attribute_value(&template.locks).map_err(|error| TEMPLATE.corrupt(error))?;
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::card_template(company).attributes()))
            .update_expression("SET #locks = :locks, version = :next, #type = :type, #layout = :layout")
            .condition_expression(if version == 0 { FIRST } else { SAME_VERSION })
            .expression_attribute_names("#locks", "locks")
            .expression_attribute_names("#type", TYPE)
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_values(":locks", locks)
            .expression_attribute_values(":next", number(template.version))
            .expression_attribute_values(":read", number(version))
            .expression_attribute_values(":type", text(TEMPLATE.name))
            .expression_attribute_values(":layout", number(TEMPLATE.layout))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(template),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Err(Failure::VersionConflict),
                _ => Err(failure(error)),
            },
        }
    }
}
