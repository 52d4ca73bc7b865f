//! A company's rules of automation: one item with the rules and how far they have looked, what each rule has
//! done, and the notices that members got. The rules wait in the due list while one of them is switched on.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Update};
use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::crm::automation::{Automation, AutomationRule};
use domain::crm::automation_run::{AutomationHit, AutomationOutcome};
use domain::crm::custom_field::CustomFieldBook;
use domain::crm::record::KnownCustomer;
use domain::crm::tag::TagBook;
use domain::crm::timeline::TimelineEntry;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{AutomationRuleId, MemberId, PersonId};
use domain::kernel::timestamp::{DAY_MS, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::company::audit::add_entry;
use crate::company::book::{BookName, book_of};
use crate::company::department::take;
use crate::crm::timeline::add_timeline_entry;
use crate::keys::DueList;
use crate::table::batch_get::ReadMode;
use crate::table::due::{WAITS, WAITS_NO_LONGER, no_longer};
use crate::table::item::{LAYOUT, TYPE, expire, number, text};
use crate::table::kinds::{AUTOMATION, AUTOMATION_HIT, AUTOMATION_NOTICE};
use crate::table::read::{Order, Search};
use crate::table::sweep::{Sweep, SweepLimits};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};

/// Part of an update expression after `SET`; see [`evaluated`].
const EVALUATED: &str = "#page = :page, evaluated_on = :night, evaluated_to = :customer";
/// How long a run over the events of a company has them for itself.
const LEASE_MS: i64 = 300_000;
/// How long it is kept what a rule has done.
const HIT_KEPT_MS: i64 = 90 * DAY_MS;
/// How long a notice is kept.
const NOTICE_KEPT_MS: i64 = 30 * DAY_MS;

/// Something that a rule has done, under its id, which orders the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationLogEntry {
    /// The id.
    pub id: Uuid,
    /// What was done.
    #[serde(flatten)]
    pub hit: AutomationHit,
}

/// What the rules make of a customer, to be written.
#[derive(Debug, Clone, Copy)]
pub struct AutomationWrite<'a> {
    /// The identity in whose timeline it stands.
    pub person: PersonId,
    /// The customer as they were read.
    pub read: &'a KnownCustomer,
    /// What changes.
    pub outcome: &'a AutomationOutcome,
    /// Entries of the timeline.
    pub entries: &'a [TimelineEntry],
    /// Entries of the rules' logs.
    pub log: &'a [AutomationLogEntry],
    /// When.
    pub now: Timestamp,
}

impl Store {
    /// The rules, as of the last write, and how far they have looked.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when they cannot be read.
    pub async fn automation(&self, company: Company) -> Result<Automation, Failure> {
        Ok(self.get_latest(company, &keys::automation(company), AUTOMATION).await?.unwrap_or_default())
    }

    /// The rules as [`Store::automation`] reads them, and the company's tags and fields, in one call.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when something cannot be read.
    pub async fn automation_and_books(
        &self,
        company: Company,
    ) -> Result<(Automation, TagBook, CustomFieldBook), Failure> {
        let [tags, fields] = [BookName::Tags, BookName::CustomFields].map(|book| book.key(company.into()));
        let wanted = [keys::automation(company), tags, fields];
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let [automation, tags, fields] = wanted.map(|key| take(&mut items, &key));
        let automation = automation.map(|item| AUTOMATION.decode(item)).transpose()?.unwrap_or_default();
        Ok((automation, book_of(tags)?, book_of(fields)?))
    }

    /// Replaces the rules. Those that are switched on look at once; when none was before, they begin with what
    /// happens from now on.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when they have changed since they were read.
    pub async fn set_automation(
        &self,
        company: Company,
        read: &Automation,
        rules: &[AutomationRule],
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let (key, mut transaction) = (keys::automation(company), Transaction::default());
        let runs = rules.iter().any(|rule| rule.enabled);
        // The first rule begins with the events, and the first one about time with the night, that come next.
        let page = read.page.filter(|_| read.enabled().next().is_some()).unwrap_or_else(|| feed_page_at(audit.at));
        let night = read.evaluated_on.filter(|_| read.has_night_rules());
        let night = night.unwrap_or_else(|| Automation::night_of(audit.at));
        let sets = format!("SET #type = :type, #layout = :layout, #rules = :rules, version = :next, {EVALUATED}");
        let update = Update::builder();
        let update = if runs {
            DueList::Automation.set(update.update_expression(format!("{sets}, {WAITS}")), company, &key, audit.at)
        } else {
            no_longer(update.update_expression(format!("{sets} REMOVE {WAITS_NO_LONGER}")))
        };
        let first = "attribute_not_exists(version) OR version = :read";
        let condition = if read.version == 0 { first } else { "version = :read" };
        let stored = attribute(rules)?;
        let update = update
            .condition_expression(condition)
            .expression_attribute_names("#type", TYPE)
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_names("#rules", "rules")
            .expression_attribute_values(":type", text(AUTOMATION.name))
            .expression_attribute_values(":layout", number(AUTOMATION.layout))
            .expression_attribute_values(":rules", stored)
            .expression_attribute_values(":next", number(read.version + 1))
            .expression_attribute_values(":read", number(read.version));
        let update = evaluated(update, page, night, read.evaluated_to.filter(|_| read.has_night_rules()))?;
        transaction.update(&self.table, &key, update, Failure::VersionConflict);
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Lets the rules of the companies whose turn has come look at what has happened; `run` ends with
    /// [`Store::end_automation`].
    pub async fn sweep_automation<F: Future<Output = Result<(), Failure>>>(
        &self,
        limits: &SweepLimits,
        run: impl Fn(Company) -> F,
    ) -> Sweep {
        self.sweep_companies(DueList::Automation, limits, LEASE_MS, run).await
    }

    /// Stores what the rules make of a customer, and counts the hits of the day. Returns the rules with their
    /// hits.
    ///
    /// # Errors
    /// [`Failure::Busy`] when one of the records has changed since it was read, [`Failure::VersionConflict`] when
    /// the rules have, or another run has counted hits.
    pub async fn apply_automation(
        &self,
        company: Company,
        automation: &Automation,
        write: AutomationWrite<'_>,
    ) -> Result<Automation, Failure> {
        let AutomationWrite { person, read, outcome, entries, log, now } = write;
        let (mut transaction, mut after) = (Transaction::default(), automation.clone());
        self.add_plans(&mut transaction, company, read, &outcome.changed)?;
        if !log.is_empty() {
            self.add_list_row(&mut transaction, company, read, &outcome.changed, Day::of(now))?;
            after.count(u32::try_from(log.len()).unwrap_or(u32::MAX), now);
            let count = counted(automation, &after)?;
            transaction.update(&self.table, &keys::automation(company), count, Failure::VersionConflict);
        } else {
            let check = ConditionCheck::builder()
                .condition_expression("version = :read")
                .expression_attribute_values(":read", number(automation.version));
            transaction.check(&self.table, &keys::automation(company), check, Failure::VersionConflict);
        }
        for entry in entries {
            add_timeline_entry(&mut transaction, &self.table, company, person, entry)?;
        }
        for entry in log {
            let mut item = AUTOMATION_HIT.encode(&keys::automation_hit(company, entry.hit.rule, entry.id), entry)?;
            expire(&mut item, now.plus_millis(HIT_KEPT_MS));
            transaction.create(&self.table, item, Failure::Busy);
            if let Some(owner) = entry.hit.notified {
                let mut item = AUTOMATION_NOTICE.encode(&keys::automation_notice(company, owner, entry.id), entry)?;
                expire(&mut item, now.plus_millis(NOTICE_KEPT_MS));
                transaction.create(&self.table, item, Failure::Busy);
            }
        }
        self.commit_once(company, transaction).await.map_err(Cancelled::into_failure)?;
        Ok(after)
    }

    /// Notes how far the rules have looked, and makes them due again, if they are still those that looked.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn end_automation(
        &self,
        company: Company,
        automation: &Automation,
        due: Timestamp,
    ) -> Result<(), Failure> {
        let Automation { version, page, evaluated_on, evaluated_to, .. } = automation;
        let (Some(page), Some(night)) = (page, evaluated_on) else { return Ok(()) };
        let (key, mut transaction) = (keys::automation(company), Transaction::default());
        let update = Update::builder()
            .update_expression(format!("SET {EVALUATED}, {WAITS}"))
            .condition_expression("version = :read")
            .expression_attribute_values(":read", number(*version));
        let update = DueList::Automation.set(update, company, &key, due);
        let update = evaluated(update, *page, *night, *evaluated_to)?;
        transaction.update(&self.table, &key, update, Failure::Busy);
        match self.commit(company, transaction).await.map_err(Cancelled::into_failure) {
            // Other rules are due at once.
            Err(Failure::Busy) => Ok(()),
            done => done,
        }
    }

    /// What a rule has done, the latest first.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when something of it cannot be read.
    pub async fn automation_log(
        &self,
        company: Company,
        rule: AutomationRuleId,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Page<AutomationLogEntry, Uuid>, Failure> {
        let start = after.map(|id| keys::automation_hit(company, rule, id));
        let partition = keys::automation_hits(company, rule);
        let search = Search { kind: AUTOMATION_HIT, partition: &partition, start, order: Order::NewestFirst, limit };
        self.search(search, None::<fn(&AutomationLogEntry) -> bool>, |entry| entry.id).await
    }

    /// The notices of a member, the latest first.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn automation_notices(
        &self,
        company: Company,
        member: MemberId,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Page<AutomationLogEntry, Uuid>, Failure> {
        let start = after.map(|id| keys::automation_notice(company, member, id));
        let partition = keys::automation_notices(company, member);
        let search = Search { kind: AUTOMATION_NOTICE, partition: &partition, start, order: Order::NewestFirst, limit };
        self.search(search, None::<fn(&AutomationLogEntry) -> bool>, |entry| entry.id).await
    }
}

/// The page of the feed before all that are written from a moment on.
pub fn feed_page_at(at: Timestamp) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(at.millis().max(0).unsigned_abs(), &[0; 10]).into_uuid()
}

/// Notes how far the rules have evaluated events, and customers in the night.
fn evaluated(
    update: UpdateBuilder,
    page: Uuid,
    night: Day,
    customer: Option<PersonId>,
) -> Result<UpdateBuilder, Failure> {
    Ok(update
        .expression_attribute_names("#page", "page")
        .expression_attribute_values(":page", attribute(page)?)
        .expression_attribute_values(":night", attribute(night)?)
        .expression_attribute_values(":customer", attribute(customer)?))
}

/// The update of the hits, on condition that nobody else has counted some.
fn counted(before: &Automation, after: &Automation) -> Result<UpdateBuilder, Failure> {
    Ok(Update::builder()
        .update_expression("SET hit_on = :day, hits = :hits")
        .condition_expression("version = :read AND (attribute_not_exists(hits) OR hits = :before)")
        .expression_attribute_values(":before", number(before.hits))
        .expression_attribute_values(":day", attribute(after.hit_on)?)
        .expression_attribute_values(":hits", number(after.hits))
        .expression_attribute_values(":read", number(after.version)))
}

fn attribute(value: impl Serialize) -> Result<AttributeValue, Failure> {
    serde_dynamo::to_attribute_value(value).map_err(|error| AUTOMATION.corrupt(error))
}
