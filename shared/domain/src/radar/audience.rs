//! The profile of a group of people (用户画像): what they do, when they come, how likely
//! they are to buy.

use crate::close_rate::evidence::{Evidence, FEATURES, Feature};
use crate::close_rate::model::{Band, Model};
use crate::kernel::day::Day;
use crate::radar::best_hour::VisitHours;

/// What a group has in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AudienceProfile {
    /// How many people it has.
    pub people: usize,
    /// By [`Feature::ALL`]: how many of them have such evidence.
    pub did: [usize; FEATURES],
    /// By [`Band::ALL`]: how many of them have such a rate.
    pub bands: [usize; Band::ALL.len()],
    /// Their visited hours of the last eight weeks, by hour of the day.
    pub hours: [u32; 24],
}

impl AudienceProfile {
    /// The profile of people, each with the evidence for a deal and the hours they were there.
    pub fn of<'a>(people: impl IntoIterator<Item = (Evidence, &'a VisitHours)>, model: &Model, today: Day) -> Self {
        let mut profile = Self::default();
        for (evidence, hours) in people {
            let decayed = evidence.on(today);
            profile.people += 1;
            for (count, feature) in profile.did.iter_mut().zip(Feature::ALL) {
                *count += usize::from(decayed.newest(*feature).is_some());
            }
            profile.bands[Band::of(model.rate(&decayed)) as usize] += 1;
            for (place, visits) in hours.histogram(today).into_iter().enumerate() {
                profile.hours[place % 24] += u32::from(visits);
            }
        }
        profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::timestamp::Timestamp;

    #[test]
    fn each_person_counts_once_by_their_events_and_their_band() {
        let now = Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap();
        let today = Day::of(now);
        let (mut hot, mut hours) = (Evidence::default(), VisitHours::default());
        for feature in [Feature::GrantPhone, Feature::GrantPhone, Feature::GrantPhone, Feature::Chat] {
            hot.see(feature, today);
        }
        hours.see(now);
        hours.see(now.plus_millis(-24 * 3_600_000));
        let nobody = (Evidence::default(), VisitHours::default());
        let people = [(hot, &hours), (nobody.0, &nobody.1)];
        let model = Model::new(-3_892, [150, 300, 150, 250, 400, 300, 600, 900, 800, 3_000]);
        let profile = AudienceProfile::of(people, &model, today);
        assert_eq!(profile.people, 2);
        assert_eq!(profile.did.iter().sum::<usize>(), 2, "a phone number and a chat, each once");
        assert_eq!(profile.bands, [1, 0, 1, 0], "{:?}", profile.bands);
        assert_eq!((profile.hours[12], profile.hours.iter().sum::<u32>()), (2, 2));
    }
}
