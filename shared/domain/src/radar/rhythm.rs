//! At which hours of the day a company's customers are there.

use uuid::Uuid;

use crate::kernel::pack::Pack;
use crate::radar::quiet_hours::QuietHours;

/// With more visits all hours are halved: the rhythm follows what has changed.
const VISITS_MAX: u32 = 4_096;

/// Visited hours by hour of the day in Asia/Shanghai: a person and batch count once for each hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rhythm([u16; 24]);

/// A rhythm and the last page of the feed that is in it: no page is added twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PagedRhythm {
    /// The rhythm.
    pub rhythm: Rhythm,
    page: Option<Uuid>,
}

/// Pages of the feed in their order, and for each batch in them the hours of the day with a bit.
pub type VisitPages = Vec<(Uuid, Vec<u32>)>;

impl PagedRhythm {
    /// Adds the pages that are not in it yet.
    pub fn add(&mut self, pages: &VisitPages) {
        for (page, batches) in pages {
            if self.page.is_none_or(|last| last < *page) {
                batches.iter().for_each(|hours| self.rhythm.see(*hours));
                self.page = Some(*page);
            }
        }
    }
}

impl Pack for PagedRhythm {
    fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.page.unwrap_or_default().as_bytes());
        self.rhythm.pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let page = Uuid::from_slice(bytes.split_off(..16)?).ok()?;
        Some(Self { page: (!page.is_nil()).then_some(page), rhythm: Rhythm::unpack(bytes)? })
    }
}

/// Neighbouring free hours, the ones with the most visits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BusyHours {
    /// The hour at which they begin.
    pub from: u8,
    /// How many they are: two, or one if no two free hours stand together.
    pub length: u8,
    /// Their share of all visits.
    pub share: f64,
}

impl Rhythm {
    /// Counts a visit for each hour that has a bit.
    pub fn see(&mut self, hours: u32) {
        for (hour, visits) in self.0.iter_mut().enumerate() {
            *visits += u16::from(hours >> hour & 1 == 1);
        }
        if self.visits() > VISITS_MAX {
            self.0 = self.0.map(|visits| visits / 2);
        }
    }

    /// How many visits it knows.
    pub fn visits(&self) -> u32 {
        self.0.iter().map(|visits| u32::from(*visits)).sum()
    }

    /// The share of an hour of the day; as if each hour had been visited once more than it was.
    pub fn share(&self, hour: u8) -> f64 {
        let visits = self.0.get(usize::from(hour)).copied().unwrap_or_default();
        (f64::from(visits) + 1.0) / (f64::from(self.visits()) + 24.0)
    }

    /// The busiest free hours, the earliest of equals; `None` without visits there.
    pub fn busiest(&self, quiet: QuietHours) -> Option<BusyHours> {
        let free = |from: u8, length: u8| (from..from + length).all(|hour| hour < 24 && quiet.leave_free(hour));
        let visits = |from: u8, length: u8| {
            self.0[usize::from(from)..usize::from(from + length)].iter().map(|visits| u32::from(*visits)).sum::<u32>()
        };
        let best = |length: u8| {
            let found =
                (0..24).filter(|from| free(*from, length)).max_by_key(|from| (visits(*from, length), 24 - from));
            found.map(|from| (from, length, visits(from, length)))
        };
        let (from, length, most) = best(2).or_else(|| best(1)).filter(|(.., most)| *most > 0)?;
        Some(BusyHours { from, length, share: f64::from(most) / f64::from(self.visits()) })
    }
}

/// A number an hour, midnight first.
impl Pack for Rhythm {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.0.iter().for_each(|visits| u64::from(*visits).pack(bytes));
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let mut hours = [0; 24];
        for visits in &mut hours {
            *visits = u64::unpack(bytes)?.try_into().ok()?;
        }
        Some(Self(hours))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rhythm(hours: &[u8]) -> Rhythm {
        let mut rhythm = Rhythm::default();
        hours.iter().for_each(|hour| rhythm.see(1 << hour));
        rhythm
    }

    #[test]
    fn the_busiest_two_free_hours_are_named_with_their_share() {
        let evening = rhythm(&[9, 19, 19, 20, 20, 20, 21, 21, 21, 21]);
        let busy = evening.busiest(QuietHours::default()).unwrap();
        assert_eq!((busy.from, busy.length), (19, 2), "21 o'clock touches the quiet hours");
        assert!((busy.share - 0.5).abs() < 1e-12);
        let alone = evening.busiest("21:00-20:00".parse().unwrap()).unwrap();
        assert_eq!((alone.from, alone.length), (20, 1));
        assert_eq!(rhythm(&[2, 3]).busiest(QuietHours::default()), None);
        assert_eq!(Rhythm::default().busiest(QuietHours::default()), None);
    }

    proptest! {
        #[test]
        fn a_rhythm_stays_small_reads_back_and_its_shares_add_up(visits in prop::collection::vec(0u32..1 << 24, 0..600)) {
            let mut rhythm = Rhythm::default();
            visits.iter().for_each(|hours| rhythm.see(*hours));
            prop_assert!(rhythm.visits() <= VISITS_MAX);
            let mut bytes = Vec::new();
            rhythm.pack(&mut bytes);
            prop_assert_eq!(Rhythm::unpack(&mut bytes.as_slice()), Some(rhythm));
            prop_assert!(((0..24).map(|hour| rhythm.share(hour)).sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn no_page_is_added_twice() {
        let page = |n: u128| Uuid::from_u128(n);
        let (first, both) = (vec![(page(1), vec![1 << 9])], vec![(page(1), vec![1 << 9]), (page(2), vec![1 << 9, 3])]);
        let mut paged = PagedRhythm::default();
        for pages in [&first, &both, &first, &both] {
            paged.add(pages);
        }
        assert_eq!(paged.rhythm.visits(), 4);
        let mut bytes = Vec::new();
        paged.pack(&mut bytes);
        assert_eq!((PagedRhythm::unpack(&mut bytes.as_slice()), bytes.len()), (Some(paged), 40));
    }

    #[test]
    fn what_has_changed_outweighs_what_was() {
        let mut rhythm = Rhythm::default();
        (0..10_000).for_each(|_| rhythm.see(1 << 10));
        (0..10_000).for_each(|_| rhythm.see(1 << 20));
        assert_eq!(rhythm.busiest(QuietHours::default()).map(|busy| busy.from), Some(19));
        assert!(rhythm.share(20) > 0.7);
    }
}
