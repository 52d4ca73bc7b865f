//! Phone numbers: which identity a number belongs to.
//!
//! A number belongs to the identity that granted it last. A number that a member typed when they added
//! a customer leads to the added identity only as long as nobody has granted it: typing is no proof, so
//! it takes a number from nobody, and whoever grants the number becomes one person with the added
//! identity and holds it from then on.

use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::kernel::mobile::Mobile;
use domain::kernel::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::table::batch_get::ReadMode;
use crate::table::item::{Item, text};
use crate::table::kinds::{PHONE, PROFILE};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// The number that an identity has granted.
#[derive(Debug, Serialize, Deserialize)]
struct PhoneProfile {
    phone: Mobile,
    #[serde(with = "domain::kernel::timestamp::as_millis")]
    granted_at: Timestamp,
}

/// The identity that a number belongs to: the one that granted it last.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    person: PersonId,
}

/// An identity and the number it grants, as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneClaim {
    person: PersonId,
    phone: Mobile,
    /// The identity that the number belongs to now.
    pub holder: Option<PersonId>,
    /// The number the identity granted before.
    before: Option<Mobile>,
    /// Whether that number still belongs to the identity.
    held_before: bool,
}

/// The identity in the item of a number.
pub(crate) fn phone_holder(item: Item) -> Result<PersonId, Failure> {
    Ok(PHONE.decode::<Holder>(item)?.person)
}

/// Adds to a transaction that a number leads to an identity that a member adds.
pub(crate) fn add_phone_holder(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    phone: &Mobile,
    person: PersonId,
) -> Result<(), Failure> {
    let item = PHONE.encode(&keys::phone(company, phone), &Holder { person })?;
    transaction.create(table, item, Failure::Busy);
    Ok(())
}

/// Adds to a transaction that a number leads to nobody; it must lead to this identity.
pub(crate) fn release_phone(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    (phone, person): (&Mobile, PersonId),
    refused: Failure,
) {
    let own = Item::from([(":own".to_owned(), text(person.to_string()))]);
    transaction.delete(table, &keys::phone(company, phone), "person = :own", own, refused);
}

/// The number in the profile of an identity that was read, if it was there.
pub(crate) fn granted_number(found: Vec<Item>) -> Result<Option<Mobile>, Failure> {
    let profile = found.into_iter().next().map(|item| PROFILE.decode::<PhoneProfile>(item)).transpose()?;
    Ok(profile.map(|profile| profile.phone))
}

impl Store {
    /// The identities that two numbers lead to, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn phone_holders(
        &self,
        company: Company,
        phones: [Option<&Mobile>; 2],
    ) -> Result<[Option<PersonId>; 2], Failure> {
        let keys = phones.map(|phone| phone.map(|phone| keys::phone(company, phone)));
        let wanted: Vec<_> = keys.iter().flatten().cloned().collect();
        let items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let mut holders = [None; 2];
        for item in items {
            let place = Key::of(&item).and_then(|key| keys.iter().position(|wanted| wanted.as_ref() == Some(&key)));
            let holder = place.and_then(|place| holders.get_mut(place)).ok_or_else(|| PHONE.corrupt("key"))?;
            *holder = Some(phone_holder(item)?);
        }
        Ok(holders)
    }

    /// The person and the number they grant, as they are stored now.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn phone_claim(&self, company: Company, person: PersonId, phone: &Mobile) -> Result<PhoneClaim, Failure> {
        let wanted = [keys::profile(company, person), keys::phone(company, phone)];
        let (mut holder, mut before) = (None, None);
        for item in self.batch_get(company, &wanted, ReadMode::Consistent).await? {
            if Key::of(&item).as_ref() == Some(&wanted[0]) {
                before = Some(PROFILE.decode::<PhoneProfile>(item)?.phone);
            } else {
                holder = Some(phone_holder(item)?);
            }
        }
        let held_before = match &before {
            Some(before) if before != phone => {
                let holder: Option<Holder> = self.get_latest(company, &keys::phone(company, before), PHONE).await?;
                holder.is_some_and(|holder| holder.person == person)
            }
            _ => false,
        };
        Ok(PhoneClaim { person, phone: phone.clone(), holder, before, held_before })
    }

    /// Makes the number belong to the identity that grants it, and no number it granted before.
    ///
    /// # Errors
    /// [`Failure::Busy`] when something has changed since the claim was read.
    pub async fn hold_phone(&self, company: Company, claim: &PhoneClaim, now: Timestamp) -> Result<(), Failure> {
        if claim.holder == Some(claim.person) && claim.before.as_ref() == Some(&claim.phone) {
            return Ok(());
        }
        let mut transaction = Transaction::default();
        let mut put = |item, name: &str, read: Option<&str>| {
            let (condition, values) = match read {
                Some(read) => (
                    format!("attribute_exists(#pk) AND {name} = :read"),
                    Item::from([(":read".to_owned(), text(read))]),
                ),
                None => ("attribute_not_exists(#pk)".to_owned(), Item::new()),
            };
            transaction.put(&self.table, item, &condition, values, Failure::Busy);
        };
        let profile = PhoneProfile { phone: claim.phone.clone(), granted_at: now };
        let profile = PROFILE.encode(&keys::profile(company, claim.person), &profile)?;
        put(profile, "phone", claim.before.as_ref().map(Mobile::reveal));
        let holder = PHONE.encode(&keys::phone(company, &claim.phone), &Holder { person: claim.person })?;
        put(holder, "person", claim.holder.map(|person| person.to_string()).as_deref());
        if let Some(before) = claim.before.as_ref().filter(|_| claim.held_before) {
            let own = Item::from([(":own".to_owned(), text(claim.person.to_string()))]);
            transaction.delete(&self.table, &keys::phone(company, before), "person = :own", own, Failure::Busy);
        }
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Adds to a transaction that no number leads to an identity: neither the one that it has granted nor
    /// the one that it was added with.
    pub(crate) async fn add_phone_erasure(
        &self,
        transaction: &mut Transaction,
        company: Company,
        (person, added_with): (PersonId, Option<Mobile>),
    ) -> Result<(), Failure> {
        let key = keys::profile(company, person);
        let granted = granted_number(self.batch_get(company, std::slice::from_ref(&key), ReadMode::Consistent).await?)?;
        transaction.remove(&self.table, &key);
        for phone in granted.clone().into_iter().chain(added_with.filter(|phone| granted.as_ref() != Some(phone))) {
            let number = [keys::phone(company, &phone)];
            let found = self.batch_get(company, &number, ReadMode::Consistent).await?;
            let holder = found.into_iter().next().map(phone_holder).transpose()?;
            if holder == Some(person) {
                release_phone(transaction, &self.table, company, (&phone, person), Failure::VersionConflict);
            }
        }
        Ok(())
    }
}
