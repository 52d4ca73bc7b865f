//! Rows as bytes. Ids that many rows share (cards, departments, tags, members) are written once, before
//! the rows, which point to them by their number.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{CustomerRow, RowCard, RowPlan};
use crate::close_rate::shortlist::RankKey;
use crate::crm::addition::CustomerSource;
use crate::crm::ownership::{CollaboratorAccess, CustomerOwner};
use crate::kernel::day::Day;
use crate::kernel::id::{Id, MemberId, PersonId};
use crate::kernel::money::Fen;
use crate::kernel::pack::Pack;
use crate::kernel::timestamp::Timestamp;

/// The first byte.
const LAYOUT: u8 = 1;
/// The lowest 80 bits of an id, which its time does not tell.
const RANDOM_BYTES: usize = 10;
/// A rank key is below 2^45.
const RANK_BYTES: usize = 6;

/// Which fields of a row follow.
mod flag {
    pub(super) const RANK: u64 = 1;
    pub(super) const DEALS: u64 = 1 << 1;
    pub(super) const NAME: u64 = 1 << 2;
    pub(super) const COMPANY: u64 = 1 << 3;
    pub(super) const MOBILE: u64 = 1 << 4;
    pub(super) const TAGS: u64 = 1 << 5;
    pub(super) const EXPECTED_ON: u64 = 1 << 6;
    pub(super) const AMOUNT: u64 = 1 << 7;
    pub(super) const LAST_VISIT: u64 = 1 << 8;
    pub(super) const LAST_FOLLOW_UP: u64 = 1 << 9;
    pub(super) const NEXT_FOLLOW_UP: u64 = 1 << 10;
    pub(super) const DEPARTMENTS: u64 = 1 << 11;
    pub(super) const SOURCE: u64 = 1 << 12;
    pub(super) const OWNER: u64 = 1 << 13;
    pub(super) const COLLABORATORS: u64 = 1 << 14;
    pub(super) const FORMER_OWNER: u64 = 1 << 15;
    pub(super) const ALL: u64 = (1 << 16) - 1;
}

/// What stands for a card's rank: the company's, none, or one of its own that follows.
const AS_COMPANY: u64 = 0;
const NONE: u64 = 1;
const OWN: u64 = 2;

/// Ids and their numbers, in the order of their first use.
#[derive(Default)]
struct IdTable {
    numbers: BTreeMap<Uuid, usize>,
    all: Vec<Uuid>,
}

impl IdTable {
    fn number(&mut self, id: &impl Id) -> usize {
        let all = &mut self.all;
        *self.numbers.entry(id.uuid()).or_insert_with(|| {
            all.push(id.uuid());
            all.len() - 1
        })
    }

    fn pack_all<T: Id>(&mut self, ids: &[T], bytes: &mut Vec<u8>) {
        ids.len().pack(bytes);
        ids.iter().for_each(|id| self.number(id).pack(bytes));
    }
}

/// Rows as they are stored.
pub fn pack_rows<'a>(rows: impl ExactSizeIterator<Item = &'a CustomerRow>) -> Vec<u8> {
    let (mut ids, mut packed, mut before) = (IdTable::default(), Vec::new(), 0);
    rows.len().pack(&mut packed);
    for row in rows {
        before = pack_person(row.person, before, &mut packed);
        pack_row(row, &mut ids, &mut packed);
    }
    let mut bytes = Vec::with_capacity(1 + ids.all.len() * 16 + packed.len());
    bytes.push(LAYOUT);
    ids.all.len().pack(&mut bytes);
    ids.all.iter().for_each(|id| bytes.extend_from_slice(id.as_bytes()));
    bytes.extend_from_slice(&packed);
    bytes
}

/// Rows that were stored; `None` for other bytes.
pub fn unpack_rows(mut bytes: &[u8]) -> Option<Vec<CustomerRow>> {
    let bytes = &mut bytes;
    if *bytes.split_off_first()? != LAYOUT {
        return None;
    }
    let count = usize::unpack(bytes)?;
    let (ids, rest) = bytes.split_off(..count.checked_mul(16)?)?.as_chunks::<16>();
    debug_assert!(rest.is_empty());
    let count = usize::unpack(bytes)?;
    let (mut rows, mut before) = (Vec::new(), 0);
    for _ in 0..count {
        let person = unpack_person(&mut before, bytes)?;
        rows.push(unpack_row(person, ids, bytes)?);
    }
    bytes.is_empty().then_some(rows)
}

/// The time of the id as the distance to the one before, and the rest of it. Returns the time.
fn pack_person(person: PersonId, before: i64, bytes: &mut Vec<u8>) -> i64 {
    let id = person.uuid().as_u128();
    let time = i64::try_from(id >> (8 * RANDOM_BYTES)).unwrap_or_default();
    (time - before).pack(bytes);
    bytes.extend_from_slice(&id.to_be_bytes()[16 - RANDOM_BYTES..]);
    time
}

fn unpack_person(before: &mut i64, bytes: &mut &[u8]) -> Option<PersonId> {
    let time = before.checked_add(i64::unpack(bytes)?)?;
    *before = time;
    let random = bytes.split_off(..RANDOM_BYTES)?;
    let mut id = [0; 16];
    let (high, low) = id.split_at_mut(16 - RANDOM_BYTES);
    high.copy_from_slice(&u64::try_from(time).ok()?.to_be_bytes()[2..]);
    low.copy_from_slice(random);
    Some(PersonId::from_uuid(Uuid::from_bytes(id)))
}

fn pack_rank(rank: RankKey, bytes: &mut Vec<u8>) {
    let number = rank.number().to_be_bytes();
    bytes.extend_from_slice(&number[number.len() - RANK_BYTES..]);
}

fn unpack_rank(bytes: &mut &[u8]) -> Option<RankKey> {
    let number = bytes.split_off(..RANK_BYTES)?;
    RankKey::from_number(number.iter().fold(0, |number, byte| number << 8 | i64::from(*byte)))
}

fn pack_row(row: &CustomerRow, ids: &mut IdTable, bytes: &mut Vec<u8>) {
    let fields = [
        (flag::RANK, row.rank.is_some()),
        (flag::DEALS, row.deals > 0),
        (flag::NAME, !row.name.is_empty()),
        (flag::COMPANY, !row.company.is_empty()),
        (flag::MOBILE, !row.mobile.is_empty()),
        (flag::TAGS, !row.tags.is_empty()),
        (flag::EXPECTED_ON, row.expected_on.is_some()),
        (flag::AMOUNT, row.amount.is_some()),
        (flag::LAST_VISIT, row.last_visit.is_some()),
        (flag::LAST_FOLLOW_UP, row.last_follow_up.is_some()),
        (flag::NEXT_FOLLOW_UP, row.next_follow_up.is_some()),
        (flag::DEPARTMENTS, !row.departments.is_empty()),
        (flag::SOURCE, row.source != CustomerSource::Visit),
        (flag::OWNER, row.owner.is_some()),
        (flag::COLLABORATORS, !row.collaborators.is_empty()),
        (flag::FORMER_OWNER, row.former_owner.is_some()),
    ];
    fields.iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| *flag).sum::<u64>().pack(bytes);
    row.rank.iter().for_each(|rank| pack_rank(*rank, bytes));
    row.cards.len().pack(bytes);
    for RowCard { card, rank } in &row.cards {
        ids.number(card).pack(bytes);
        match rank {
            rank if *rank == row.rank => AS_COMPANY.pack(bytes),
            None => NONE.pack(bytes),
            Some(rank) => {
                OWN.pack(bytes);
                pack_rank(*rank, bytes);
            }
        }
    }
    if !row.departments.is_empty() {
        ids.pack_all(&row.departments, bytes);
    }
    if row.deals > 0 {
        row.deals.pack(bytes);
    }
    for text in [&row.name, &row.company, &row.mobile] {
        if !text.is_empty() {
            text.pack(bytes);
        }
    }
    if !row.tags.is_empty() {
        ids.pack_all(&row.tags, bytes);
    }
    row.expected_on.iter().for_each(|day| i64::from(day.number()).pack(bytes));
    row.amount.iter().for_each(|amount| amount.0.pack(bytes));
    for at in [row.last_visit, row.last_follow_up, row.next_follow_up.map(|plan| plan.at)].into_iter().flatten() {
        at.millis().pack(bytes);
    }
    row.next_follow_up.iter().for_each(|plan| ids.number(&plan.by).pack(bytes));
    if row.source != CustomerSource::Visit {
        (row.source as u64).pack(bytes);
    }
    if let Some(CustomerOwner { member, card }) = row.owner {
        member.map(|member| ids.number(&member)).pack(bytes);
        card.map(|card| ids.number(&card)).pack(bytes);
    }
    if !row.collaborators.is_empty() {
        row.collaborators.len().pack(bytes);
        for (member, access) in &row.collaborators {
            ids.number(member).pack(bytes);
            (*access as u64).pack(bytes);
        }
    }
    row.former_owner.iter().for_each(|member| ids.number(member).pack(bytes));
}

/// Reads the fields that a row has.
struct Fields<'a, 'b> {
    has: u64,
    ids: &'a [[u8; 16]],
    bytes: &'a mut &'b [u8],
}

impl Fields<'_, '_> {
    /// A field; its default one when the row has none.
    fn read<T: Default>(&mut self, flag: u64, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.has & flag == 0 { Some(T::default()) } else { read(self) }
    }

    fn id<T: Id>(&mut self) -> Option<T> {
        let id = self.ids.get(usize::unpack(self.bytes)?)?;
        Some(T::from_uuid(Uuid::from_bytes(*id)))
    }

    fn maybe_id<T: Id>(&mut self) -> Option<Option<T>> {
        if bool::unpack(self.bytes)? { Some(Some(self.id()?)) } else { Some(None) }
    }

    fn owner(&mut self) -> Option<Option<CustomerOwner>> {
        self.read(flag::OWNER, |fields| {
            Some(Some(CustomerOwner { member: fields.maybe_id()?, card: fields.maybe_id()? }))
        })
    }

    fn collaborators(&mut self) -> Option<Vec<(MemberId, CollaboratorAccess)>> {
        self.read(flag::COLLABORATORS, |fields| {
            (0..usize::unpack(fields.bytes)?)
                .map(|_| Some((fields.id()?, nth(CollaboratorAccess::ALL, fields.bytes)?)))
                .collect()
        })
    }

    fn all<T: Id>(&mut self) -> Option<Vec<T>> {
        (0..usize::unpack(self.bytes)?).map(|_| self.id()).collect()
    }

    fn text(&mut self, flag: u64) -> Option<String> {
        self.read(flag, |fields| String::unpack(fields.bytes))
    }

    fn at(&mut self, flag: u64) -> Option<Option<Timestamp>> {
        self.read(flag, |fields| Some(Some(Timestamp::from_millis(i64::unpack(fields.bytes)?))))
    }

    fn cards(&mut self, company: Option<RankKey>) -> Option<Vec<RowCard>> {
        let card = |fields: &mut Self| {
            let card = fields.id()?;
            let rank = match u64::unpack(fields.bytes)? {
                AS_COMPANY => company,
                NONE => None,
                OWN => Some(unpack_rank(fields.bytes)?),
                _ => return None,
            };
            Some(RowCard { card, rank })
        };
        (0..usize::unpack(self.bytes)?).map(|_| card(self)).collect()
    }
}

/// The value of this number.
fn nth<T: Copy>(all: &[T], bytes: &mut &[u8]) -> Option<T> {
    all.get(usize::unpack(bytes)?).copied()
}

fn unpack_row(person: PersonId, ids: &[[u8; 16]], bytes: &mut &[u8]) -> Option<CustomerRow> {
    let has = u64::unpack(bytes).filter(|has| has & !flag::ALL == 0)?;
    let mut fields = Fields { has, ids, bytes };
    let rank = fields.read(flag::RANK, |fields| Some(Some(unpack_rank(fields.bytes)?)))?;
    let cards = fields.cards(rank)?;
    let departments = fields.read(flag::DEPARTMENTS, Fields::all)?;
    let deals = fields.read(flag::DEALS, |fields| usize::unpack(fields.bytes))?;
    let (name, company, mobile) = (fields.text(flag::NAME)?, fields.text(flag::COMPANY)?, fields.text(flag::MOBILE)?);
    let tags = fields.read(flag::TAGS, Fields::all)?;
    let day = |fields: &mut Fields<'_, '_>| Some(Some(Day::from_number(i64::unpack(fields.bytes)?.try_into().ok()?)));
    let expected_on = fields.read(flag::EXPECTED_ON, day)?;
    let amount = fields.read(flag::AMOUNT, |fields| Some(Some(Fen(i64::unpack(fields.bytes)?))))?;
    let (last_visit, last_follow_up) = (fields.at(flag::LAST_VISIT)?, fields.at(flag::LAST_FOLLOW_UP)?);
    let next_follow_up = match fields.at(flag::NEXT_FOLLOW_UP)? {
        Some(at) => Some(RowPlan { at, by: fields.id()? }),
        None => None,
    };
    let source = match has & flag::SOURCE {
        0 => CustomerSource::Visit,
        _ => nth(CustomerSource::ALL, fields.bytes)?,
    };
    let (owner, collaborators) = (fields.owner()?, fields.collaborators()?);
    let former_owner = fields.read(flag::FORMER_OWNER, |fields| Some(Some(fields.id()?)))?;
    Some(CustomerRow {
        person,
        cards,
        departments,
        rank,
        deals,
        name,
        company,
        mobile,
        source,
        owner,
        former_owner,
        collaborators,
        tags,
        expected_on,
        amount,
        last_visit,
        last_follow_up,
        next_follow_up,
    })
}
