//! The people of public streams, as `scripts/lib/public_events.py` writes them.

use std::collections::BTreeMap;

use domain::close_rate::default_model::PublicStream;
use domain::kernel::day::Day;
use domain::kernel::id::{CardId, Id};
use domain::kernel::timestamp::Timestamp;
use domain::tracking::event::{Event, EventKind, Object, Target};
use uuid::Uuid;

/// The events of one person, the first first.
#[derive(Debug)]
pub(crate) struct StreamPerson {
    pub(crate) stream: PublicStream,
    pub(crate) name: String,
    pub(crate) events: Vec<Event>,
}

impl StreamPerson {
    /// Whether the fits may not see them: their results are the published ones. Half of all people.
    pub(crate) fn is_held_out(&self) -> bool {
        self.number("held out").is_multiple_of(2)
    }

    /// A number that looks like chance, always the same for a person and a purpose.
    pub(crate) fn number(&self, purpose: &str) -> u64 {
        let bytes = [self.stream.name(), "/", &self.name, "/", purpose].into_iter().flat_map(str::bytes);
        let hash =
            bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20
    }

    /// The days on which they were there.
    pub(crate) fn days(&self) -> Vec<Day> {
        let mut days: Vec<_> = self.events.iter().map(|event| Day::of(event.at)).collect();
        days.dedup();
        days
    }
}

/// The people of a file, by stream and name.
pub(crate) fn read(file: &str) -> Vec<StreamPerson> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut people = BTreeMap::<(PublicStream, &str), Vec<Event>>::new();
    for line in text.lines() {
        let [stream, person, kind, at, stay] = *line.split('\t').collect::<Vec<_>>() else { panic!("{line}") };
        let number = |text: &str| text.parse::<i64>().unwrap_or_else(|error| panic!("{line}: {error}"));
        let stay = u32::try_from(number(stay)).unwrap_or(u32::MAX);
        let event = Event {
            kind: EventKind::from_name(kind).unwrap_or_else(|| panic!("{line}")),
            card: CardId::from_uuid(Uuid::nil()),
            object: Object { target: Target::Card, title: None },
            share_code: None,
            at: Timestamp::from_millis(number(at)),
            duration_ms: (kind == "dwell").then_some(stay),
            filtered: None,
        };
        people.entry((stream.parse().unwrap_or_else(|_| panic!("{line}")), person)).or_default().push(event);
    }
    let person = |((stream, name), mut events): ((PublicStream, &str), Vec<Event>)| {
        events.sort_by_key(|event| event.at);
        StreamPerson { stream, name: name.to_owned(), events }
    };
    people.into_iter().map(person).collect()
}
