//! People, by their id inside a company's mini-program.

use aws_sdk_dynamodb::types::ReturnValue;
use domain::company::{Company, Person};
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::kernel::text::OpenId;
use domain::kernel::timestamp::Timestamp;

use crate::table::error::failure;
use crate::table::item::{LAYOUT, TYPE, number, text};
use crate::table::kinds::PERSON;
use crate::{Store, keys};

impl Store {
    /// The person with this openid; a new one, `fresh`, at their first login.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn sign_in(
        &self,
        company: Company,
        openid: &OpenId,
        fresh: PersonId,
        now: Timestamp,
    ) -> Result<Person, Failure> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::person(company, openid).attributes()))
            .update_expression(
                "SET id = if_not_exists(id, :id), created_at = if_not_exists(created_at, :now), #type = :type, #layout = :layout",
            )
            .expression_attribute_names("#type", TYPE)
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_values(":id", text(fresh.to_string()))
            .expression_attribute_values(":now", number(now.millis()))
            .expression_attribute_values(":type", text(PERSON.name))
            .expression_attribute_values(":layout", number(PERSON.layout))
            .return_values(ReturnValue::AllNew)
            .send()
            .await.map_err(failure)?;
        PERSON.decode(answer.attributes.unwrap_or_default())
    }
}
