//! Views by thing and forwards by person, per scope and day: the material of the top lists,
//! which plain counters cannot hold.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::kernel::day::{Day, hour_of};
use crate::kernel::id::{ArticleId, Id, PersonId, ProductId, VideoId};
use crate::kernel::pack::Pack;
use crate::radar::aggregate::Segment;
use crate::radar::counter::Scope;
use crate::radar::rhythm::VisitPages;
use crate::radar::space_saving::{Bounds, SpaceSaving};
use crate::tracking::event::{Event, EventKind, ObjectType, Target};

/// Most things of one type kept of a scope and day: with 22 bytes each (an id, and two numbers below
/// two million) and their titles they are less than an item of 400 KB.
pub const THINGS_MAX: usize = 16_384;
/// Most sharers kept of a scope and day, and as many people who had not logged in.
pub const SHARERS_MAX: usize = 8_192;
/// Most bytes of titles kept of a scope and day, those of the things with the most views: enough for
/// a list of a hundred with the longest titles.
pub const TITLES_BYTES_MAX: usize = 24_576;

/// What a breakdown counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BreakdownKind {
    /// Views of products.
    Products,
    /// Views of articles.
    Articles,
    /// Views of videos.
    Videos,
    /// Forwards by people.
    Sharers,
}

impl BreakdownKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Products, Self::Articles, Self::Videos, Self::Sharers];

    /// The breakdown of views of this type of objects; none for those of which there is one only.
    pub fn of_views(object: ObjectType) -> Option<Self> {
        match object {
            ObjectType::Product => Some(Self::Products),
            ObjectType::Article => Some(Self::Articles),
            ObjectType::Video => Some(Self::Videos),
            ObjectType::Card | ObjectType::Website => None,
        }
    }

    /// The breakdown in which a thing stands, and under which id.
    pub fn of_thing(thing: Target) -> Option<(Self, Uuid)> {
        match thing {
            Target::Product(id) => Some((Self::Products, id.uuid())),
            Target::Article(id) => Some((Self::Articles, id.uuid())),
            Target::Video(id) => Some((Self::Videos, id.uuid())),
            Target::Card | Target::Website => None,
        }
    }

    /// The thing of an id in this breakdown; none among sharers.
    pub fn thing(self, id: Uuid) -> Option<Target> {
        match self {
            Self::Products => Some(Target::Product(ProductId::from_uuid(id))),
            Self::Articles => Some(Target::Article(ArticleId::from_uuid(id))),
            Self::Videos => Some(Target::Video(VideoId::from_uuid(id))),
            Self::Sharers => None,
        }
    }

    fn keys_max(self) -> usize {
        match self {
            Self::Products | Self::Articles | Self::Videos => THINGS_MAX,
            Self::Sharers => SHARERS_MAX,
        }
    }
}

/// Where a breakdown is kept.
pub type BreakdownPlace = (Scope, BreakdownKind, Day);

/// How often each thing of a type was viewed, or each person forwarded: in one scope, on a day or on
/// several days added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breakdown {
    counts: SpaceSaving,
    /// Forwards by people who had not logged in: they stand in no list until they have.
    anonymous: SpaceSaving,
    /// The title of a thing; of a person, the mark of a member who forwarded last.
    titles: BTreeMap<Uuid, Title>,
}

/// The title of a thing. Visitors say it, so no single one of them may turn it: on a day it is the
/// first that somebody said who has logged in, over several days the one of more than half of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Title {
    text: String,
    /// Of the days added up: how many more have it than others. It is not stored.
    votes: u32,
}

impl Title {
    fn of_a_day(text: String) -> Self {
        Self { text, votes: 1 }
    }

    /// The majority vote of Boyer and Moore, of equal ones the later day.
    fn add_day(&mut self, later: &Self) {
        if self.text == later.text {
            self.votes += 1;
        } else if self.votes > 1 {
            self.votes -= 1;
        } else {
            self.clone_from(later);
        }
    }
}

/// A thing in a top list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopThing<'a> {
    /// Its id.
    pub id: Uuid,
    /// How often it was viewed.
    pub views: Bounds,
    /// The title that visitors saw, if it is known.
    pub title: Option<&'a str>,
}

/// A member among the people who forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMark {
    /// The name of their role on the wire.
    pub role: String,
    /// Their name.
    pub name: String,
}

impl StaffMark {
    fn parse(mark: &str) -> Option<Self> {
        let (role, name) = mark.split_once(' ')?;
        Some(Self { role: role.to_owned(), name: name.to_owned() })
    }

    /// As it is stored.
    fn text(&self) -> String {
        format!("{} {}", self.role, self.name)
    }
}

impl Breakdown {
    /// Counts views of a thing.
    pub fn add_views(&mut self, thing: Uuid, views: u64, title: Option<String>) {
        self.counts.add(thing, views);
        if let Some(title) = title {
            self.titles.entry(thing).or_insert(Title::of_a_day(title));
        }
    }

    /// Counts forwards of a person.
    pub fn add_forwards(&mut self, person: PersonId, forwards: u64, is_anonymous: bool) {
        let counts = if is_anonymous { &mut self.anonymous } else { &mut self.counts };
        counts.add(person.uuid(), forwards);
    }

    /// Adds what came later on the same day. The first title stays; of a person, the last mark.
    pub fn add_page(&mut self, kind: BreakdownKind, later: &Self) {
        self.add_counts(later);
        for (id, title) in &later.titles {
            match kind {
                BreakdownKind::Sharers => drop(self.titles.insert(*id, title.clone())),
                BreakdownKind::Products | BreakdownKind::Articles | BreakdownKind::Videos => {
                    self.titles.entry(*id).or_insert_with(|| title.clone());
                }
            }
        }
    }

    /// Adds a later day. Each day has a vote on the title; of a person, the last mark stays.
    pub fn add_day(&mut self, kind: BreakdownKind, later: &Self) {
        self.add_counts(later);
        for (id, title) in &later.titles {
            match self.titles.get_mut(id).filter(|_| kind != BreakdownKind::Sharers) {
                Some(before) => before.add_day(title),
                None => drop(self.titles.insert(*id, title.clone())),
            }
        }
    }

    fn add_counts(&mut self, later: &Self) {
        self.counts.add_all(&later.counts);
        self.anonymous.add_all(&later.anonymous);
    }

    /// Forgets what does not fit into its item.
    pub fn cut(&mut self, kind: BreakdownKind) {
        self.counts.cut(kind.keys_max());
        self.anonymous.cut(kind.keys_max());
        let counts = &self.counts;
        self.titles.retain(|thing, _| counts.has(*thing));
        if self.titles.values().map(|title| title.text.len()).sum::<usize>() > TITLES_BYTES_MAX {
            let (mut titles, mut bytes) = (std::mem::take(&mut self.titles), 0);
            let greatest = self.counts.top(usize::MAX).into_iter();
            let greatest = greatest.filter_map(|(thing, _)| titles.remove_entry(&thing));
            self.titles = greatest
                .take_while(|(_, title)| {
                    bytes += title.text.len();
                    bytes <= TITLES_BYTES_MAX
                })
                .collect();
        }
    }

    /// Those with the most forwards of the people who had not logged in.
    pub fn top_anonymous(&self, most: usize) -> Vec<PersonId> {
        self.anonymous.top(most).into_iter().map(|(person, _)| PersonId::from_uuid(person)).collect()
    }

    /// Lists a person who has logged in since.
    pub fn has_logged_in(&mut self, person: PersonId) {
        if let Some(forwards) = self.anonymous.remove(person.uuid()) {
            self.counts.insert(person.uuid(), forwards);
        }
    }

    /// The things with the most views first; of equal ones the older thing.
    pub fn top_things(&self, most: usize) -> Vec<TopThing<'_>> {
        let title = |thing: &Uuid| self.titles.get(thing).map(|title| title.text.as_str());
        self.counts.top(most).into_iter().map(|(id, views)| TopThing { id, views, title: title(&id) }).collect()
    }

    /// The persons with the most forwards first; of equal ones the earliest.
    pub fn top_sharers(&self, most: usize) -> Vec<(PersonId, Bounds)> {
        self.counts.top(most).into_iter().map(|(person, forwards)| (PersonId::from_uuid(person), forwards)).collect()
    }

    /// The mark of a person who was a member of the company when they forwarded last.
    pub fn staff(&self, person: PersonId) -> Option<StaffMark> {
        self.titles.get(&person.uuid()).and_then(|mark| StaffMark::parse(&mark.text))
    }

    /// Leaves out the people who were members.
    pub fn remove_staff(&mut self) {
        for person in std::mem::take(&mut self.titles).into_keys() {
            self.counts.remove(person);
        }
    }

    /// Counts the identities of a person together; leaves out a member's.
    pub fn unite_sharer(&mut self, identities: &BTreeSet<PersonId>, is_member: bool) {
        let forwards = identities.iter().filter_map(|person| self.counts.remove(person.uuid()));
        let forwards = forwards.map(|forwards| forwards.at_least).sum();
        if let (Some(first), true, false) = (identities.first(), forwards > 0, is_member) {
            self.counts.add(first.uuid(), forwards);
        }
    }

    /// The counts of things, or of people who have logged in.
    pub fn counts(&self) -> &SpaceSaving {
        &self.counts
    }
}

/// The counts, and each title after how many ids come before its own.
impl Pack for Breakdown {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.counts.pack(bytes);
        self.anonymous.pack(bytes);
        self.titles.len().pack(bytes);
        let mut passed = 0;
        for (place, thing) in self.counts.keys().enumerate() {
            let Some(title) = self.titles.get(&thing) else { continue };
            (place - passed).pack(bytes);
            title.text.pack(bytes);
            passed = place;
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let (counts, anonymous) = (SpaceSaving::unpack(bytes)?, SpaceSaving::unpack(bytes)?);
        let titles = unpack_titles(&counts, bytes)?;
        Some(Self { counts, anonymous, titles })
    }
}

fn unpack_titles(counts: &SpaceSaving, bytes: &mut &[u8]) -> Option<BTreeMap<Uuid, Title>> {
    let (mut titles, mut keys, mut passed) = (BTreeMap::new(), counts.keys().enumerate(), 0_usize);
    for _ in 0..usize::unpack(bytes)? {
        let place = passed.checked_add(usize::unpack(bytes)?)?;
        let (_, thing) = keys.find(|(at, _)| *at == place)?;
        titles.insert(thing, Title::of_a_day(String::unpack(bytes)?));
        passed = place;
    }
    Some(titles)
}

/// What pages of the feed add to the leaderboards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// What was counted, broken down by page, in their order.
    pub breakdowns: BTreeMap<BreakdownPlace, Vec<(Uuid, Breakdown)>>,
    /// The people whose close rate may have changed.
    pub people: BTreeMap<Scope, BTreeSet<PersonId>>,
    /// When people who have logged in were there.
    pub visits: BTreeMap<Scope, VisitPages>,
}

impl Additions {
    /// Adds the counted events of a page that comes after all that were added.
    pub fn add(&mut self, page: Uuid, segments: &[Segment]) {
        for segment in segments {
            self.add_visits(page, segment);
            for event in segment.events.iter().filter(|event| event.counts()) {
                for scope in [Scope::Card(segment.key.card), Scope::Company] {
                    self.people.entry(scope).or_default().insert(segment.key.person);
                    self.add_event(page, scope, segment, event);
                }
            }
        }
    }

    fn add_visits(&mut self, page: Uuid, segment: &Segment) {
        let counted = segment.events.iter().filter(|event| event.counts() && !segment.anonymous);
        let hours = counted.fold(0, |hours, event| hours | 1 << hour_of(event.at));
        for scope in [Scope::Card(segment.key.card), Scope::Company] {
            let pages = self.visits.entry(scope).or_default();
            match pages.last_mut().filter(|(last, _)| *last == page) {
                Some((_, batches)) => batches.push(hours),
                None => pages.push((page, vec![hours])),
            }
        }
    }

    fn add_event(&mut self, page: Uuid, scope: Scope, segment: &Segment, event: &Event) {
        let day = Day::of(event.at);
        if event.kind == EventKind::Forward {
            let sharers = self.of_page(page, (scope, BreakdownKind::Sharers, day));
            sharers.add_forwards(segment.key.person, 1, segment.anonymous);
        }
        if let Some((kind, thing)) = BreakdownKind::of_thing(event.object.target).filter(|_| event.kind.is_view()) {
            // Who has not logged in may be anybody, and many: they say no title.
            let title = event.object.title.as_ref().filter(|_| !segment.anonymous).map(ToString::to_string);
            self.of_page(page, (scope, kind, day)).add_views(thing, 1, title);
        }
    }

    /// Marks the people who are members.
    pub fn mark_staff(&mut self, staff: &BTreeMap<PersonId, StaffMark>) {
        let sharers = self.breakdowns.iter_mut().filter(|((_, kind, _), _)| *kind == BreakdownKind::Sharers);
        for (_, breakdown) in sharers.flat_map(|(_, pages)| pages) {
            let people: Vec<_> = breakdown.counts.keys().collect();
            let marks = people
                .into_iter()
                .filter_map(|id| Some((id, Title::of_a_day(staff.get(&PersonId::from_uuid(id))?.text()))));
            breakdown.titles.extend(marks);
        }
    }

    fn of_page(&mut self, page: Uuid, place: BreakdownPlace) -> &mut Breakdown {
        let pages = self.breakdowns.entry(place).or_default();
        if pages.last().is_none_or(|(last, _)| *last != page) {
            pages.push((page, Breakdown::default()));
        }
        let last = pages.len() - 1;
        &mut pages[last].1
    }
}

/// Shares of a whole in basis points: they add up to exactly 10,000, or are all 0 when
/// there is nothing. What rounding leaves over goes to the largest remainders, of equal
/// ones to the first.
pub fn basis_points(parts: &[i64]) -> Vec<i64> {
    let whole: i128 = parts.iter().map(|part| i128::from(*part)).sum();
    if whole <= 0 {
        return vec![0; parts.len()];
    }
    let scaled = |part: &i64| i128::from(*part) * 10_000;
    let mut shares: Vec<i64> =
        parts.iter().map(|part| i64::try_from(scaled(part) / whole).unwrap_or(i64::MAX)).collect();
    let mut by_remainder: Vec<_> = (0..parts.len()).collect();
    by_remainder.sort_by_key(|position| std::cmp::Reverse(scaled(&parts[*position]) % whole));
    let missing = usize::try_from(10_000 - shares.iter().sum::<i64>()).unwrap_or(0);
    for position in by_remainder.into_iter().take(missing) {
        shares[position] += 1;
    }
    shares
}

#[cfg(test)]
#[path = "breakdown_tests.rs"]
mod tests;
