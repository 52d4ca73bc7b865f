//! Recounts: which companies are due for one, what it repairs, and its report.

use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::crm::identities::Customer;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Member;
use domain::radar::counter::{Counts, Period, Scope};
use domain::radar::recount::RecountReport;
use serde::{Deserialize, Serialize};

use crate::crm::customer::put_customer;
use crate::keys::DueList;
use crate::radar::counter::addition;
use crate::table::aside::PutAside;
use crate::table::due::{DuePage, WAITS};
use crate::table::item::{Item, LAYOUT, TYPE, number, text};
use crate::table::kinds::{MEMBER, RECOUNT};
use crate::table::sweep::{Sweep, SweepLimits};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// Most counters of a repair in one update: an expression has at most four kilobytes. What is left
/// is missing still, and repaired by the next update or, when somebody comes between, the next round.
const REPAIRED_AT_ONCE: usize = 200;

/// The report is one JSON text, absent before the first recount.
#[derive(Debug, Serialize, Deserialize)]
struct RecountItem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<String>,
}

/// The item by which a new company's recount is due at once.
pub(crate) fn new_recount(company: Company, now: Timestamp) -> Result<Item, Failure> {
    let key = keys::recount(company);
    let mut item = RECOUNT.encode(&key, &RecountItem { report: None })?;
    DueList::Recounts.put(&mut item, company, &key, now);
    Ok(item)
}

impl Store {
    /// At most `limit` companies whose recount is due by `now`, the longest waiting first; only
    /// those after `after`.
    pub async fn recounts_due(&self, now: Timestamp, after: Option<&str>, limit: u32) -> DuePage<Company> {
        let DuePage { items, next, failed } = self.due(DueList::Recounts, after, now, limit).await;
        DuePage { items: items.into_iter().map(|due| due.company).collect(), next, failed }
    }

    /// Recounts the companies whose turn has come. Each is reserved for this call for `lease_ms`, and
    /// waits for so long when it fails.
    pub async fn sweep_recounts<F: Future<Output = Result<(), Failure>>>(
        &self,
        limits: &SweepLimits,
        lease_ms: i64,
        recount: impl Fn(Company) -> F,
    ) -> Sweep {
        self.sweep_companies(DueList::Recounts, limits, lease_ms, recount).await
    }

    /// Stores the report of a company's recount; the next one is due at `due`.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn end_recount(&self, company: Company, report: &RecountReport, due: Timestamp) -> Result<(), Failure> {
        let key = keys::recount(company);
        let report = serde_json::to_string(report).map_err(|error| RECOUNT.corrupt(error))?;
        let update = Update::builder()
            .update_expression(format!("SET #type = :type, #layout = :layout, report = :report, {WAITS}"))
            .expression_attribute_names("#type", TYPE)
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_values(":type", text(RECOUNT.name))
            .expression_attribute_values(":layout", number(RECOUNT.layout))
            .expression_attribute_values(":report", text(report));
        let update = DueList::Recounts.set(update, company, &key, due);
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &key, update, Failure::Busy);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The report of a company's last recount; none before the first.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn recount_report(&self, company: Company) -> Result<Option<RecountReport>, Failure> {
        let item = self.get::<RecountItem>(company, &keys::recount(company), RECOUNT).await?;
        let report = item.and_then(|item| item.report);
        report.map(|report| serde_json::from_str(&report).map_err(|error| RECOUNT.corrupt(error))).transpose()
    }

    /// Every card of a company, as of the last write, but for those of members who are put aside.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn every_card(&self, company: Company, aside: &mut PutAside) -> Result<Vec<CardId>, Failure> {
        let members = self.all_latest(&keys::members(company)).await?;
        let members = aside.read_all(members, |item| MEMBER.decode::<Member>(item))?;
        Ok(members.into_iter().filter_map(|member| member.card).collect())
    }

    /// Adds what is missing to the counters of a scope and period.
    ///
    /// # Errors
    /// [`Failure::Busy`] when they have changed since they were at this revision.
    pub async fn repair_counters(
        &self,
        company: Company,
        (scope, period): (Scope, Period),
        missing: &Counts,
        revision: u64,
    ) -> Result<(), Failure> {
        let missing = Vec::from_iter(missing.iter().map(|(counter, by)| (*counter, *by)));
        for (read, part) in (revision..).zip(missing.chunks(REPAIRED_AT_ONCE)) {
            let update = addition(&part.iter().copied().collect());
            let update = match read {
                0 => update.condition_expression("attribute_not_exists(#rev)"),
                read => update.condition_expression("#rev = :read").expression_attribute_values(":read", number(read)),
            };
            let mut transaction = Transaction::default();
            transaction.update(&self.table, &keys::counter(company, scope, period), update, Failure::Busy);
            self.commit(company, transaction).await.map_err(Cancelled::into_failure)?;
        }
        Ok(())
    }

    /// Replaces an identity's state.
    ///
    /// # Errors
    /// [`Failure::Busy`] when it has changed since it was at the customer's version.
    pub async fn repair_customer(&self, company: Company, person: PersonId, right: &Customer) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        put_customer(&mut transaction, &self.table, company, person, right)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}
