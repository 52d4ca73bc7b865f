//! People, by their id inside a company's mini-program.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, Update};
use domain::company::{Company, Person};
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::kernel::text::OpenId;
use domain::kernel::timestamp::Timestamp;

use crate::table::error::failure;
use crate::table::item::{LAYOUT, TYPE, number, text};
use crate::table::kinds::PERSON;
use crate::table::transaction::{Cancelled, Transaction};
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

    /// The person with this openid.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when nobody has logged in with it.
    pub async fn person_of(&self, company: Company, openid: &OpenId) -> Result<Person, Failure> {
        self.get_latest(company, &keys::person(company, openid), PERSON).await?.ok_or(Failure::NotFound)
    }

    /// Sets whether what a visitor does is recorded. Their next token says it.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when the account stands for somebody else.
    pub async fn set_paused(
        &self,
        company: Company,
        (openid, person): (&OpenId, PersonId),
        paused: bool,
    ) -> Result<(), Failure> {
        let update = Update::builder()
            .update_expression("SET paused = :paused")
            .condition_expression("id = :own")
            .expression_attribute_values(":paused", AttributeValue::Bool(paused))
            .expression_attribute_values(":own", text(person.to_string()));
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &keys::person(company, openid), update, Failure::NotFound);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}
