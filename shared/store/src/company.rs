//! Companies and the directory of their mini-programs.

use domain::company::{Company, CompanyProfile};
use domain::id::CompanyId;
use domain::idempotency::Idempotency;
use domain::quota::{Move, Quota};
use domain::text::AppId;
use domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::board::new_boards;
use crate::item::Kind;
use crate::member::{NewMember, create_member};
use crate::quota::QuotaName;
use crate::{Store, keys};
use domain::failure::Failure;

pub(crate) const COMPANY: Kind = Kind::new("company", 1);
const APP: Kind = Kind::new("app", 1);

/// Where the directory points.
#[derive(Debug, Serialize, Deserialize)]
struct App {
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
        let app = APP.encode(&keys::app(&new.profile.appid), &App { company: new.profile.id })?;
        let profile = COMPANY.encode(&keys::company(company), &new.profile)?;
        let boss = new.boss.clone();
        let key = keys::operator_idempotency(&request.key);
        let seats = Quota::of(new.seats);
        let boards = new_boards(company, now)?;
        self.create_once(&key, request, now, new, |transaction| {
            transaction.create(&self.table, app, Failure::Exists("appid"));
            transaction.create(&self.table, profile, Failure::Exists("company"));
            transaction.create(&self.table, boards, Failure::Exists("company"));
            // A quota can be acted on once in a transaction: the boss's seat is reserved
            // in the new quota at once.
            let seats = seats.after(Move::Reserve(1)).map_err(|_| Failure::Exhausted("seats"))?;
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
        let app: App = self.get(&keys::app(appid), APP).await?.ok_or(Failure::NotFound)?;
        Ok(Company::granted(app.company))
    }

    /// A company's profile.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn company(&self, company: Company) -> Result<CompanyProfile, Failure> {
        self.get(&keys::company(company), COMPANY).await?.ok_or(Failure::NotFound)
    }
}
