//! Companies and the directory of their mini-programs.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use domain::close_rate::retrain::next_retrain;
use domain::company::CompanyName;
use domain::company::audit::AuditEntry;
use domain::company::quota::{Move, Quota};
use domain::company::{Company, CompanyProfile, WeCom};
use domain::kernel::id::CompanyId;
use domain::kernel::idempotency::Idempotency;
use domain::kernel::text::AppId;
use domain::kernel::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::close_rate::model::new_model;
use crate::company::audit::add_entry;
use crate::company::quota::QuotaName;
use crate::people::member::{NewMember, create_member};
use crate::radar::leaderboard::new_leaderboards;
use crate::radar::recount::new_recount;
use crate::table::batch_get::ReadMode;
use crate::table::item::text;
use crate::table::kinds::{APP, COMPANY};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};
use domain::kernel::failure::{Failure, Resource, Thing};

/// The company that an entry of the directory points to.
#[derive(Debug, Serialize, Deserialize)]
struct AppBinding {
    company: CompanyId,
}

/// A company about to be created, with its first boss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCompany {
    /// The company.
    pub profile: CompanyProfile,
    /// Its first boss.
    pub boss: NewMember,
    /// How many seats it starts with; the boss's is one of them.
    pub seats: u32,
}

impl Store {
    /// Creates a company, the directory entry of its mini-program and its first boss.
    ///
    /// # Errors
    /// [`Failure::Exists`] `appid` when the mini-program belongs to a company already.
    pub async fn create_company(
        &self,
        new: NewCompany,
        request: &Idempotency,
        now: Timestamp,
    ) -> Result<NewCompany, Failure> {
        let company = Company::granted(new.profile.id);
        let app = APP.encode(&keys::app(&new.profile.appid), &AppBinding { company: new.profile.id })?;
        let profile = COMPANY.encode(&keys::company(company), &new.profile)?;
        let boss = new.boss.clone();
        let key = keys::operator_idempotency(&request.key);
        let seats = Quota::of(new.seats);
        let (leaderboards, recount) = (new_leaderboards(company, now)?, new_recount(company, now)?);
        let model = new_model(company, next_retrain(now))?;
        self.create_once(company, &key, request, now, new, |transaction| {
            transaction.create(&self.table, app, Failure::Exists(Thing::App));
            transaction.create(&self.table, profile, Failure::Exists(Thing::Company));
            transaction.create(&self.table, leaderboards, Failure::Exists(Thing::Company));
            transaction.create(&self.table, recount, Failure::Exists(Thing::Company));
            transaction.create(&self.table, model, Failure::Exists(Thing::Company));
            // A quota can be acted on once in a transaction: the boss's seat is reserved
            // in the new quota at once.
            let seats = seats.after(Move::Reserve(1)).map_err(|_| Failure::Exhausted(Resource::Seats))?;
            self.quota_ref(company, QuotaName::Seats).create(transaction, seats)?;
            create_member(transaction, self.quota_ref(company, QuotaName::Seats), &boss)
        })
        .await
    }

    /// The company a mini-program belongs to.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn company_of_app(&self, appid: &AppId) -> Result<Company, Failure> {
        let app: AppBinding =
            self.read_item(&keys::app(appid), APP, ReadMode::Eventual).await?.ok_or(Failure::NotFound)?;
        Ok(Company::granted(app.company))
    }

    /// A company's profile, as of the last write.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn company(&self, company: Company) -> Result<CompanyProfile, Failure> {
        self.get_latest(company, &keys::company(company), COMPANY).await?.ok_or(Failure::NotFound)
    }

    /// Renames a company that was read under the name `was`.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when it was renamed since.
    pub async fn rename_company(
        &self,
        company: Company,
        was: &CompanyName,
        name: &CompanyName,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let update = Update::builder()
            .update_expression("SET #name = :name")
            .condition_expression("#name = :was")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":name", text(name.as_str()))
            .expression_attribute_values(":was", text(was.as_str()));
        self.edit_company(company, update, Failure::VersionConflict, audit).await
    }

    /// Sets or removes a company's WeCom.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such company.
    pub async fn set_wecom(&self, company: Company, wecom: Option<&WeCom>, audit: &AuditEntry) -> Result<(), Failure> {
        let update = match wecom {
            Some(wecom) => {
                let wecom = serde_dynamo::to_attribute_value(wecom).map_err(|error| COMPANY.corrupt(error))?;
                Update::builder().update_expression("SET wecom = :wecom").expression_attribute_values(":wecom", wecom)
            }
            None => Update::builder().update_expression("REMOVE wecom"),
        };
        self.edit_company(company, update.condition_expression("attribute_exists(id)"), Failure::NotFound, audit).await
    }

    /// Suspends a company, or ends its suspension.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such company.
    pub async fn set_suspended(&self, company: Company, suspended: bool, audit: &AuditEntry) -> Result<(), Failure> {
        let update = if suspended {
            let on = AttributeValue::Bool(true);
            Update::builder().update_expression("SET suspended = :on").expression_attribute_values(":on", on)
        } else {
            Update::builder().update_expression("REMOVE suspended")
        };
        self.edit_company(company, update.condition_expression("attribute_exists(id)"), Failure::NotFound, audit).await
    }

    async fn edit_company(
        &self,
        company: Company,
        update: UpdateBuilder,
        refused: Failure,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &keys::company(company), update, refused);
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}
