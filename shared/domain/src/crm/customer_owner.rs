//! Who owns a customer, and who may therefore see and change them: the one place that decides it.

use std::collections::BTreeMap;

use crate::crm::command::CustomerError;
use crate::crm::member_directory::DirectoryEntry;
use crate::crm::ownership::{
    COLLABORATORS_MAX, CollaboratorMark, Collaborators, CustomerOwner, CustomerRight, Leaver, Ownership,
    OwnershipReason,
};
use crate::crm::record::{KnownCustomer, Records};
use crate::crm::viewer::Viewer;
use crate::kernel::day::Day;
use crate::kernel::failure::Failure;
use crate::kernel::id::{CardId, MemberId, PersonId};
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::Scope;

impl KnownCustomer {
    /// Whether they are a customer of the company.
    pub fn is_customer(&self) -> bool {
        self.merged().state.is_customer_in(Scope::Company)
    }

    /// The decision in force about who owns them, if there was one.
    pub fn ownership(&self) -> Option<Ownership> {
        self.records.values().filter_map(|record| record.ownership).max()
    }

    /// The owner; `None` in the pool of those whom nobody owns (公海).
    pub fn owner(&self) -> Option<CustomerOwner> {
        self.owner_among(|member| self.directory.is_active(member))
    }

    /// The owner, if these members were active, and no others.
    fn owner_among(&self, is_active: impl Fn(MemberId) -> bool) -> Option<CustomerOwner> {
        match self.ownership() {
            Some(Ownership { owner, .. }) => {
                let member = owner.filter(|owner| is_active(*owner))?;
                Some(CustomerOwner { member: Some(member), card: None })
            }
            None => self.owner_by_behaviour(is_active),
        }
    }

    /// Whether a member owns them, or would if they were active still.
    pub fn is_left_by(&self, Leaver { member, card }: Leaver) -> bool {
        let owner = self.owner_among(|other| other == member || self.directory.is_active(other));
        owner.is_some_and(|owner| match owner.member {
            Some(owner) => owner == member,
            None => owner.card.is_some() && owner.card == card,
        })
    }

    /// The member who would own them if everybody was active still, when that one is gone.
    pub fn former_owner(&self) -> Option<MemberId> {
        let member = self.owner_among(|_| true)?.member?;
        (!self.directory.is_active(member)).then_some(member)
    }

    /// The owner of the card they engaged with first, of those whose owner is active.
    fn owner_by_behaviour(&self, is_active: impl Fn(MemberId) -> bool) -> Option<CustomerOwner> {
        let state = self.merged().state;
        let additions = self.records.values().filter_map(|record| record.addition.as_ref());
        let added: BTreeMap<_, _> = additions.filter_map(|it| Some((it.card?, Day::of(it.at)))).collect();
        // Of the same day the older card; those that they never visited, but liked, last.
        let first = |card: CardId| added.get(&card).copied().into_iter().chain(state.first_day_on(card)).min();
        let cards = state.cards.keys().filter(|card| state.is_customer_in(Scope::Card(**card)));
        let mut cards: Vec<_> = cards.map(|card| (first(*card).map_or(i32::MAX, Day::number), *card)).collect();
        cards.sort_unstable();
        let owned = cards.into_iter().map(|(_, card)| (card, self.directory.owner_of(card)));
        let mut owned = owned.filter(|(_, owner)| owner.is_none_or(|owner| is_active(owner.member)));
        owned.next().map(|(card, owner): (_, Option<DirectoryEntry>)| CustomerOwner {
            member: owner.map(|owner| owner.member),
            card: Some(card),
        })
    }

    /// The collaborators, with what they were allowed last.
    pub fn collaborators(&self) -> Collaborators {
        let mut all = Collaborators::new();
        for (member, mark) in self.records.values().flat_map(|record| &record.collaborators) {
            let last = all.entry(*member).or_insert(*mark);
            *last = (*last).max(*mark);
        }
        all
    }

    /// What a member may do: admins and the boss, and the owner all; who has the card that the customer
    /// has visited, and collaborators who may edit, change them; other collaborators see them, and
    /// everybody sees whom nobody owns.
    pub fn right_of(&self, viewer: Viewer) -> CustomerRight {
        if !self.is_customer() {
            return CustomerRight::None;
        }
        let state = self.merged().state;
        let has_card = viewer.card.is_some_and(|card| state.is_customer_in(Scope::Card(card)));
        let access = self.collaborators().get(&viewer.member).map(|mark| mark.access);
        CustomerRight::of(viewer, self.owner(), has_card, access)
    }

    /// Whether a member may see them.
    pub fn is_visible_to(&self, viewer: Viewer) -> bool {
        self.right_of(viewer) > CustomerRight::None
    }

    /// Whether a member may change what is kept of them.
    pub fn may_be_edited_by(&self, viewer: Viewer) -> bool {
        self.right_of(viewer) >= CustomerRight::Edit
    }

    /// Succeeds if a member may take them over from nobody.
    ///
    /// # Errors
    /// [`CustomerError::Erased`]; [`CustomerError::AlreadyOwned`] for whom somebody owns, if the member may know: they see the
    /// customer, or saw them before a colleague took them over.
    pub fn check_claim(&self, viewer: Viewer) -> Result<(), CustomerError> {
        let was_claimed = || self.ownership().is_some_and(|it| it.reason == OwnershipReason::Claimed);
        if self.is_customer() && self.owner().is_none() {
            // Nothing is kept of whoever had it erased, nor who owns them.
            self.erased_at().map_or(Ok(()), |_| Err(CustomerError::Erased))
        } else if self.is_visible_to(viewer) || (self.is_customer() && was_claimed()) {
            Err(CustomerError::AlreadyOwned)
        } else {
            Err(Failure::NotFound.into())
        }
    }

    /// The identity under which decisions about the person stand: the first one of all.
    pub fn leading_identity(&self, person: PersonId) -> PersonId {
        let groups = self.identities.values().flat_map(|customer| customer.links.group.members());
        let known = self.identities.keys().chain(self.records.keys()).copied();
        known.chain(groups).chain([person]).min().unwrap_or(person)
    }

    /// The decision that `by` makes now, later than all before whatever the clocks show, and the records
    /// that change by it: it replaces those of all identities.
    pub fn with_owner(
        &self,
        person: PersonId,
        owner: Option<MemberId>,
        by: Option<MemberId>,
        (reason, now): (OwnershipReason, Timestamp),
    ) -> (Ownership, Records) {
        let at = self.ownership().map_or(now, |before| now.max(before.at.plus_millis(1)));
        let decision = Ownership { at, by, owner, reason };
        let leading = self.leading_identity(person);
        let changed = self.changed(leading, |records| {
            for (identity, record) in records {
                record.ownership = (*identity == leading).then_some(decision);
            }
        });
        (decision, changed)
    }

    /// The records that change when a member collaborates like this from now on, or no more.
    ///
    /// # Errors
    /// [`CustomerError::LimitReached`] with [`COLLABORATORS_MAX`] others.
    pub fn with_collaborator(
        &self,
        person: PersonId,
        member: MemberId,
        mark: Option<CollaboratorMark>,
    ) -> Result<Records, CustomerError> {
        let before = self.collaborators();
        if before.get(&member).map(|mark| mark.access) == mark.map(|mark| mark.access) {
            return Ok(Records::new());
        }
        if mark.is_some() && !before.contains_key(&member) && before.len() >= COLLABORATORS_MAX {
            return Err(CustomerError::LimitReached("该客户的协作人已达上限：最多 20 人"));
        }
        let leading = self.leading_identity(person);
        Ok(self.changed(leading, |records| {
            for (identity, record) in records {
                record.collaborators.remove(&member);
                record.collaborators.extend(mark.filter(|_| *identity == leading).map(|mark| (member, mark)));
            }
        }))
    }

    /// How many identities each member holds more or less by decisions, once these records have changed.
    pub fn holding_changes(&self, changed: &Records) -> BTreeMap<MemberId, i64> {
        let mut changes = BTreeMap::<_, i64>::new();
        for (person, after) in changed {
            let before = self.records.get(person).and_then(|record| record.ownership);
            for (decision, by) in [(before, -1), (after.ownership, 1)] {
                if let Some(owner) = decision.and_then(|decision| decision.owner) {
                    *changes.entry(owner).or_default() += by;
                }
            }
        }
        changes.retain(|_, by| *by != 0);
        changes
    }
}

#[cfg(test)]
#[path = "customer_owner_tests.rs"]
mod tests;
