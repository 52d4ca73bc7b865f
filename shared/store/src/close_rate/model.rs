//! A company's model of close rates: the report of its last retraining, and when the next is due.

use domain::close_rate::model::Model;
use domain::close_rate::retrain::RetrainReport;
use domain::company::Company;
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::DueList;
use crate::table::batch_get::ReadMode;
use crate::table::due::place_of;
use crate::table::item::{Item, number, text};
use crate::table::kinds::MODEL;
use crate::table::sweep::{Sweep, SweepLimits};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// The report of a retraining, and the model that is in force since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// The model: the default one, unless the company's own was kept.
    pub model: Model,
    /// The report.
    pub report: RetrainReport,
    /// When it ran.
    pub at: Timestamp,
}

/// What is known of a company's model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloseRateModel {
    /// Its last retraining; none before the first.
    pub fitted: Option<Fitted>,
    /// When the next one is due, if that is known.
    pub next_at: Option<Timestamp>,
}

/// Model and report are JSON texts; the default model is left out.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ModelItem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<String>,
    /// Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fitted_ms: Option<i64>,
}

impl ModelItem {
    fn model(&self) -> Result<Model, Failure> {
        let model = self.model.as_deref().map(serde_json::from_str).transpose();
        model.map(Option::unwrap_or_default).map_err(|error| MODEL.corrupt(error))
    }

    fn fitted(&self) -> Result<Option<Fitted>, Failure> {
        let (Some(report), Some(ms)) = (&self.report, self.fitted_ms) else { return Ok(None) };
        let report = serde_json::from_str(report).map_err(|error| MODEL.corrupt(error))?;
        Ok(Some(Fitted { model: self.model()?, report, at: Timestamp::from_millis(ms) }))
    }
}

/// The item by which a company's first retraining is due at `due`.
pub(crate) fn new_model(company: Company, due: Timestamp) -> Result<Item, Failure> {
    let key = keys::close_rate_model(company);
    let mut item = MODEL.encode(&key, &ModelItem::default())?;
    DueList::Retrainings.put(&mut item, company, &key, due);
    Ok(item)
}

/// The model of an item.
pub(crate) fn model_of(item: Item) -> Result<Model, Failure> {
    MODEL.decode::<ModelItem>(item)?.model()
}

impl Store {
    /// Retrains the companies whose turn has come. Each is reserved for this call for `lease_ms`, and
    /// waits for so long when it fails.
    pub async fn sweep_retrainings<F: Future<Output = Result<(), Failure>>>(
        &self,
        limits: &SweepLimits,
        lease_ms: i64,
        retrain: impl Fn(Company) -> F,
    ) -> Sweep {
        self.sweep_companies(DueList::Retrainings, limits, lease_ms, retrain).await
    }

    /// Schedules a company's first retraining for `due`, unless one is scheduled already.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn await_retrain(&self, company: Company, due: Timestamp) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        transaction.create(&self.table, new_model(company, due)?, Failure::Exists(Thing::Model));
        match self.commit(company, transaction).await.map_err(Cancelled::into_failure) {
            Err(Failure::Exists(Thing::Model)) => Ok(()),
            done => done,
        }
    }

    /// Brings a company's model in force; the next retraining is due at `due`.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn set_close_rate_model(&self, company: Company, fitted: &Fitted, due: Timestamp) -> Result<(), Failure> {
        let mut item = new_model(company, due)?;
        let json = |error| MODEL.corrupt(error);
        item.insert("report".to_owned(), text(serde_json::to_string(&fitted.report).map_err(json)?));
        item.insert("fitted_ms".to_owned(), number(fitted.at.millis()));
        if fitted.model != Model::default() {
            item.insert("model".to_owned(), text(serde_json::to_string(&fitted.model).map_err(json)?));
        }
        let mut transaction = Transaction::default();
        transaction.replace(&self.table, item);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// What is known of a company's model.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub async fn close_rate_model(&self, company: Company) -> Result<CloseRateModel, Failure> {
        let found = self.batch_get(company, &[keys::close_rate_model(company)], ReadMode::Eventual).await?;
        let Some(item) = found.into_iter().next() else { return Ok(CloseRateModel::default()) };
        let next_at = place_of(&item).and_then(|place| keys::expiry_of(&place)).map(Timestamp::from_millis);
        Ok(CloseRateModel { fitted: MODEL.decode::<ModelItem>(item)?.fitted()?, next_at })
    }

    /// The model in force, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read.
    pub(crate) async fn model_in_force(&self, company: Company) -> Result<Model, Failure> {
        let found = self.batch_get(company, &[keys::close_rate_model(company)], ReadMode::Consistent).await?;
        found.into_iter().next().map_or_else(|| Ok(Model::default()), model_of)
    }
}
