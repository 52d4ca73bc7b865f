//! The live radar of a card: one item holds who watches and how far the numbers are, one each
//! holds a message of the last hours. Nothing is written while nobody watches.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::id::{CardId, MemberId, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Member;
use domain::radar::aggregate::{Segment, SegmentKey};
use domain::radar::live::{LiveState, OpenSocket, SOCKETS_MAX, Seq, SocketId};
use domain::tracking::batch::BatchId;
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::table::batch_get::{KEYS_MAX, ReadMode};
use crate::table::error::failure;
use crate::table::item::{EXPIRES_AT, Item, LAYOUT, expire, number, text};
use crate::table::kinds::{LIVE_MARK, LIVE_MESSAGE, LIVE_STATE, MEMBER};
use crate::table::transaction::{Cancelled, Refused, Transaction};
use crate::tracking::log;
use crate::{Store, keys};

/// A card and its company.
pub type CompanyCard = (Company, CardId);

/// A segment with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The number.
    pub seq: Seq,
    /// The events.
    pub segment: Segment,
}

/// Why nothing was numbered.
#[derive(Debug)]
pub enum AppendError {
    /// These segments, by position, have a number already.
    Numbered(Vec<(usize, Seq)>),
    /// Segments were numbered, or a run begun, since the state was read: this one is stored now.
    Stale(Option<LiveState>),
    /// Anything else.
    Store(Failure),
}

#[derive(Debug, Serialize, Deserialize)]
struct MessageItem {
    batch: BatchId,
    person: PersonId,
    fingerprint: String,
    /// Unix milliseconds.
    received_ms: i64,
    /// See [`log::packed`].
    events: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct MarkItem {
    seq: Seq,
}

impl Store {
    /// The states of these cards as of the last write; a card that was never watched has none.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like; a state that cannot be read fails alone.
    pub async fn live_states(
        &self,
        cards: &[CompanyCard],
    ) -> Result<BTreeMap<CompanyCard, Result<LiveState, Failure>>, Failure> {
        let mut states = BTreeMap::new();
        for cards in cards.chunks(KEYS_MAX) {
            let wanted: Vec<_> = cards.iter().map(|(company, card)| keys::live_state(*company, *card)).collect();
            for item in self.read_items(&wanted, ReadMode::Consistent).await? {
                let key = Key::of(&item);
                let position = wanted.iter().position(|wanted| Some(wanted) == key.as_ref());
                if let Some(card) = position.and_then(|position| cards.get(position)) {
                    states.insert(*card, LIVE_STATE.decode(item));
                }
            }
        }
        Ok(states)
    }

    /// The state of a card, and these members, as of the last write, in one call. Nobody acts: whose
    /// socket may be written to is decided by the members.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn live_watch(
        &self,
        company: Company,
        card: CardId,
        members: &BTreeSet<MemberId>,
    ) -> Result<(Option<LiveState>, BTreeMap<MemberId, Member>), Failure> {
        let wanted = members.iter().map(|member| keys::member(company, *member));
        let wanted: Vec<_> = wanted.take(KEYS_MAX - 1).chain([keys::live_state(company, card)]).collect();
        let (mut state, mut found) = (None, BTreeMap::new());
        for item in self.read_items(&wanted, ReadMode::Consistent).await? {
            if LIVE_STATE.is_of(&item) {
                state = Some(LIVE_STATE.decode(item)?);
            } else {
                let member: Member = MEMBER.decode(item)?;
                found.insert(member.id, member);
            }
        }
        Ok((state, found))
    }

    /// The state of a card as of the last write, if it was watched lately; for a member who watches,
    /// only if they may still do what their token says.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when it cannot be read, [`Failure::RightsChanged`].
    pub async fn live_state(&self, company: Company, card: CardId) -> Result<Option<LiveState>, Failure> {
        self.get_latest(company, &keys::live_state(company, card), LIVE_STATE).await
    }

    /// Begins a run in place of `before`; the table forgets it after `forget_at`.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the state is not `before` any more.
    pub async fn begin_live(
        &self,
        company: Company,
        card: CardId,
        before: Option<&LiveState>,
        begun: &LiveState,
        forget_at: Timestamp,
    ) -> Result<(), Failure> {
        let mut item = LIVE_STATE.encode(&keys::live_state(company, card), begun)?;
        expire(&mut item, forget_at);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(#pk)").expression_attribute_names("#pk", keys::PK),
            Some(before) => put
                .condition_expression("#seq = :seq")
                .expression_attribute_names("#seq", "seq")
                .expression_attribute_values(":seq", number(before.seq)),
        };
        put.send().await.map(drop).map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Failure::Busy,
            _ => failure(error),
        })
    }

    /// Adds a socket to the run that began with `run` and has less than [`SOCKETS_MAX`] sockets, and has
    /// the table forget the state after `forget_at`.
    ///
    /// # Errors
    /// [`Failure::Busy`] when another run has begun or the last place is taken: the caller reads again.
    pub async fn join_live(
        &self,
        company: Company,
        card: CardId,
        run: Seq,
        (socket, open): (&SocketId, OpenSocket),
        forget_at: Timestamp,
    ) -> Result<(), Failure> {
        let open = serde_dynamo::to_attribute_value(open).map_err(|error| LIVE_STATE.corrupt(error))?;
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::live_state(company, card).attributes()))
            .update_expression("SET #sockets.#socket = :open, #layout = :layout, #expires = :forget")
            .condition_expression("#begin = :run AND size(#sockets) < :max")
            .expression_attribute_names("#sockets", "sockets")
            .expression_attribute_names("#socket", socket.as_str())
            .expression_attribute_names("#expires", EXPIRES_AT)
            .expression_attribute_names("#begin", "begin")
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_values(":open", open)
            .expression_attribute_values(":layout", number(LIVE_STATE.layout))
            .expression_attribute_values(":forget", number(forget_at.seconds()))
            .expression_attribute_values(":run", number(run))
            .expression_attribute_values(":max", number(SOCKETS_MAX));
        update.send().await.map(drop).map_err(|error| match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Failure::Busy,
            _ => failure(error),
        })
    }

    /// Removes sockets; the card counts as watched until `lingers_until`. A socket that is not
    /// there changes nothing else.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn leave_live(
        &self,
        company: Company,
        card: CardId,
        sockets: &[SocketId],
        lingers_until: Timestamp,
    ) -> Result<(), Failure> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::live_state(company, card).attributes()))
            .condition_expression("attribute_exists(#sockets)")
            .expression_attribute_names("#sockets", "sockets")
            .expression_attribute_names("#lingers", "lingers_until")
            .expression_attribute_values(":until", number(lingers_until.millis()));
        let mut removed = Vec::with_capacity(sockets.len());
        for (position, socket) in sockets.iter().enumerate() {
            update = update.expression_attribute_names(format!("#s{position}"), socket.as_str());
            removed.push(format!("#sockets.#s{position}"));
        }
        let update = update.update_expression(format!("SET #lingers = :until REMOVE {}", removed.join(", ")));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(failure(error)),
            },
        }
    }

    /// Numbers the segments, all of this card, after `last`, and keeps them until `keep_until`:
    /// all of them or none.
    ///
    /// # Errors
    /// [`AppendError`]; the caller drops what has a number or reads again, and repeats.
    pub async fn append_live(
        &self,
        company: Company,
        card: CardId,
        last: Seq,
        segments: &[&Segment],
        keep_until: Timestamp,
    ) -> Result<(), AppendError> {
        let transaction = self.numbering(company, card, last, segments, keep_until).map_err(AppendError::Store)?;
        let failed = match self.commit(company, transaction).await {
            Ok(()) => return Ok(()),
            Err(Cancelled::Store(error)) => return Err(AppendError::Store(error)),
            Err(Cancelled::Conditions(failed)) => failed,
        };
        let (mut numbered, mut state) = (Vec::new(), None);
        for Refused { position, item, .. } in failed {
            match item {
                Some(item) if LIVE_MARK.is_of(&item) => {
                    let mark: MarkItem = LIVE_MARK.decode(item).map_err(AppendError::Store)?;
                    numbered.push((position, mark.seq));
                }
                Some(item) if LIVE_STATE.is_of(&item) => state = LIVE_STATE.decode(item).map_err(AppendError::Store)?,
                _ => {}
            }
        }
        Err(if numbered.is_empty() { AppendError::Stale(state) } else { AppendError::Numbered(numbered) })
    }

    /// The marks come first: their position is how a cancelled transaction names what
    /// has a number already.
    fn numbering(
        &self,
        company: Company,
        card: CardId,
        last: Seq,
        segments: &[&Segment],
        keep_until: Timestamp,
    ) -> Result<Transaction, Failure> {
        let mut transaction = Transaction::default();
        let mut messages = Vec::with_capacity(segments.len());
        for (position, segment) in segments.iter().enumerate() {
            let seq = last.plus(position + 1);
            let mut mark = LIVE_MARK.encode(&keys::live_mark(company, segment.key), &MarkItem { seq })?;
            expire(&mut mark, keep_until);
            transaction.create(&self.table, mark, Failure::Exists(Thing::LiveMark));
            messages.push(message(company, card, seq, segment, keep_until)?);
        }
        for message in messages {
            transaction.create(&self.table, message, Failure::Busy);
        }
        let update = Update::builder()
            .update_expression("SET #seq = :new")
            .condition_expression("#seq = :last")
            .expression_attribute_names("#seq", "seq")
            .expression_attribute_values(":new", number(last.plus(segments.len())))
            .expression_attribute_values(":last", number(last));
        transaction.update(&self.table, &keys::live_state(company, card), update, Failure::Busy);
        Ok(transaction)
    }

    /// The messages of a card after `last`, at most `limit`, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when one cannot be read.
    pub async fn live_messages(
        &self,
        company: Company,
        card: CardId,
        last: Seq,
        limit: usize,
    ) -> Result<Vec<Numbered>, Failure> {
        let (first, end) = keys::live_after(last);
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :first AND :end")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", text(keys::live(company, card)))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":end", text(end))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(failure)?;
        answer.items.unwrap_or_default().into_iter().map(|item| numbered(card, item)).collect()
    }
}

fn message(
    company: Company,
    card: CardId,
    seq: Seq,
    segment: &Segment,
    keep_until: Timestamp,
) -> Result<Item, Failure> {
    let item = MessageItem {
        batch: segment.key.batch,
        person: segment.key.person,
        fingerprint: segment.fingerprint.clone(),
        received_ms: segment.received_at.millis(),
        events: log::packed(segment)?,
    };
    let mut item = LIVE_MESSAGE.encode(&keys::live_message(company, card, seq), &item)?;
    expire(&mut item, keep_until);
    Ok(item)
}

fn numbered(card: CardId, item: Item) -> Result<Numbered, Failure> {
    let seq = Key::of(&item).and_then(|key| keys::live_seq_of(&key)).ok_or_else(|| LIVE_MESSAGE.corrupt("key"))?;
    let MessageItem { batch, person, fingerprint, received_ms, events } = LIVE_MESSAGE.decode(item)?;
    let key = SegmentKey { card, batch, person };
    Ok(Numbered { seq, segment: log::unpacked(key, fingerprint, received_ms, &events)? })
}
