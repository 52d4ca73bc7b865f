//! Erasing what is kept of a person (注销个人数据): nothing is left that tells who they are.
//!
//! What they did stays as an anonymous part of all numbers: events, counters and states name an identity
//! by a random id, and what led from that id to a human being is gone: the openid, the phone number, and
//! all that the company's people wrote. So no number changes, and no event has to be written again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::crm::addition::Addition;
use crate::crm::record::CustomerRecord;
use crate::kernel::id::PersonId;
use crate::kernel::timestamp::Timestamp;

/// An erasure that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The identities of the person.
    pub identities: BTreeSet<PersonId>,
    /// When it began.
    #[serde(rename = "at_ms", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
}

impl CustomerRecord {
    /// What is left of the record: how many follow-ups count on which day and where, and where they were
    /// added.
    #[must_use]
    pub fn erased(&self, at: Timestamp) -> Self {
        let (version, follow_ups) = (self.version, self.follow_ups.clone());
        let addition = self.addition.clone().map(|addition| Addition { mobile: None, ..addition });
        Self { version, follow_ups, addition, erased_at: Some(self.erased_at.unwrap_or(at)), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::crm::field_history::FieldValue;
    use crate::crm::follow_up::FollowUpPlace;
    use crate::crm::profile::ProfileField;
    use crate::kernel::id::{Id, MemberId};

    #[test]
    fn numbers_stay_and_texts_go() {
        let (at, by) = (Timestamp::from_millis(5), MemberId::from_uuid(Uuid::nil()));
        let mut record = CustomerRecord { version: 7, ..CustomerRecord::default() };
        record.profile.set(ProfileField::Name, FieldValue { at, by, text: "王敏".to_owned() });
        record.follow_ups.add(at, &FollowUpPlace::default()).unwrap();
        let erased = record.erased(at);
        assert_eq!((erased.version, erased.follow_ups.len(), erased.erased_at), (7, 1, Some(at)));
        assert!(erased.profile.is_empty());
        assert_eq!(erased.erased(Timestamp::from_millis(9)), erased, "the first erasure stands");
    }
}
