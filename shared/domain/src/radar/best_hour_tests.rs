use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn visits(times: &[&str]) -> VisitHours {
    let mut hours = VisitHours::default();
    times.iter().for_each(|time| hours.see(at(time)));
    hours
}

/// Six Tuesdays of the eight before 21 November 2026 at 20 o'clock, and two other evenings.
fn tuesdays() -> VisitHours {
    visits(&[
        "2026-09-29T20:10:00+08:00",
        "2026-10-06T20:59:59.999+08:00",
        "2026-10-13T20:00:00+08:00",
        "2026-10-27T20:20:00+08:00",
        "2026-11-03T20:05:00+08:00",
        "2026-11-17T20:30:00+08:00",
        "2026-10-15T12:30:00+08:00",
        "2026-11-06T18:30:00+08:00",
    ])
}

/// Advice for somebody of whose company nothing is known.
fn advise(hours: &VisitHours, now: &str) -> Option<Advice> {
    hours.advise(at(now), QuietHours::default(), &Rhythm::default())
}

/// A company whose customers are there at noon and in the evening.
fn rhythm() -> Rhythm {
    let mut rhythm = Rhythm::default();
    for _ in 0..40 {
        [12, 19, 20, 20, 21, 21, 22].iter().for_each(|hour| rhythm.see(1 << hour));
    }
    rhythm
}

/// A fixed sequence of numbers that look like chance.
struct HourRandom(u64);

impl HourRandom {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

const NOW: &str = "2026-11-21T15:00:00+08:00";

#[test]
fn regular_visitors_are_best_met_in_their_usual_hour() {
    let advice = advise(&tuesdays(), NOW).unwrap();
    assert_eq!((advice.basis, advice.weekday, advice.hour), (AdviceBasis::Customer, Some(Weekday::Tuesday), 20));
    assert_eq!((advice.seen, advice.of), (6, 8));
    let expected = advice.expected.unwrap();
    assert!(expected.of == 4 && expected.mean > 0.5 && expected.high >= 2, "{expected:?}");
    assert_eq!(advice.next, at("2026-11-24T20:00:00+08:00"));
    assert!(advice.text().starts_with("周二 20–21 点联系较合适：8 个周二中有 6 个来访"), "{}", advice.text());
}

/// The advice that was once given with 98 % confidence.
#[test]
fn two_of_eight_saturdays_are_no_habit() {
    let mut hours = visits(&["2026-10-10T10:00:00+08:00", "2026-11-14T10:00:00+08:00"]);
    for day in ["2026-09-28T13", "2026-10-20T15", "2026-11-05T17"] {
        hours.see(at(&format!("{day}:00:00+08:00")));
    }
    let advice = hours.advise(at(NOW), QuietHours::default(), &rhythm()).unwrap();
    assert_eq!(advice.weekday, None);
    let expected = advice.expected.unwrap();
    assert!(expected.mean < 1.5 && expected.low == 0, "{expected:?}");
}

#[test]
fn someone_who_comes_every_day_at_noon_is_met_every_day() {
    let mut hours = VisitHours::default();
    for day in (0..40).filter(|day| day % 3 != 1) {
        hours.see(at(NOW).plus_millis(-day * DAY_MS - 3 * HOUR_MS));
    }
    for rhythm in [Rhythm::default(), rhythm()] {
        let advice = hours.advise(at(NOW), QuietHours::default(), &rhythm).unwrap();
        assert_eq!((advice.weekday, advice.hour, advice.seen, advice.of), (None, 12, 27, 40));
        let expected = advice.expected.unwrap();
        assert!(expected.mean > 5.0 && expected.high >= 15 && expected.of == 28, "{expected:?}");
        assert_eq!(advice.next, at("2026-11-22T12:00:00+08:00"));
    }
}

#[test]
fn of_whom_little_is_known_the_hours_of_the_companys_customers_are_said() {
    let two_days = ["10", "11", "12", "13", "14"]
        .map(|hour| ["2026-11-10", "2026-11-17"].map(|day| format!("{day}T{hour}:00:00+08:00")));
    let two_days: Vec<_> = two_days.iter().flatten().map(String::as_str).collect();
    let (few, none) = (visits(&two_days), VisitHours::default());
    for hours in [&few, &none] {
        assert_eq!(advise(hours, NOW), None, "nothing is known of anybody");
        let advice = hours.advise(at(NOW), QuietHours::default(), &rhythm()).unwrap();
        assert_eq!((advice.basis, advice.hour, advice.length), (AdviceBasis::Company, 19, 2));
        assert_eq!(advice.share, Some(3.0 / 7.0));
        assert!(advice.text().contains("19–21 点来访最多（占 43%）"), "{}", advice.text());
        assert_eq!(advice.expected.is_some(), !hours.is_empty());
        assert_eq!(advice.next, at("2026-11-21T19:00:00+08:00"));
    }
}

#[test]
fn who_is_there_is_best_met_now_but_not_in_quiet_hours() {
    let hours = visits(&[
        "2026-11-21T15:20:00+08:00",
        "2026-11-21T07:10:00+08:00",
        "2026-11-20T09:00:00+08:00",
        "2026-11-20T10:00:00+08:00",
    ]);
    let now = at("2026-11-21T15:40:00+08:00");
    let advice = hours.advise(now, QuietHours::default(), &rhythm()).unwrap();
    assert_eq!((advice.basis, advice.hour, advice.next), (AdviceBasis::Now, 15, now));
    assert_eq!((advice.seen, advice.of), (1, 3), "after one of three visits they were there in the next hour");
    let expected = advice.expected.unwrap();
    assert!((expected.mean - 2.0 / 11.0).abs() < 1e-12 && expected.of == 1);
    for later in ["2026-11-21T16:00:00+08:00", "2026-11-21T07:40:00+08:00"] {
        let advice = hours.advise(at(later), QuietHours::default(), &rhythm()).unwrap();
        assert_eq!(advice.basis, AdviceBasis::Company);
    }
}

#[test]
fn many_events_of_one_hour_are_one_visit() {
    let mut hours = visits(&["2026-11-17T20:00:00+08:00"]);
    let before = hours.clone();
    for minute in 0..60 {
        hours.see(at("2026-11-17T20:00:00+08:00").plus_millis(minute * 60_000));
    }
    assert_eq!(hours, before);
}

#[test]
fn quiet_hours_are_never_advised_and_can_be_moved() {
    let mut hours = VisitHours::default();
    for week in 0..7 {
        hours.see(at("2026-11-18T23:30:00+08:00").plus_millis(-week * 7 * DAY_MS));
    }
    assert_eq!(advise(&hours, NOW), None);
    let advice = hours.advise(at(NOW), "01:00-08:30".parse().unwrap(), &rhythm()).unwrap();
    assert_eq!((advice.weekday, advice.hour), (Some(Weekday::Wednesday), 23));
    assert_eq!(hours.advise(at(NOW), "00:01-00:00".parse().unwrap(), &rhythm()), None);
}

#[test]
fn the_next_time_is_later_than_now_over_midnight_and_the_turn_of_the_week() {
    let hours = tuesdays();
    let next = |now: &str| advise(&hours, now).unwrap().next;
    let (this, following) = (at("2026-11-24T20:00:00+08:00"), at("2026-12-01T20:00:00+08:00"));
    assert_eq!(next("2026-11-22T23:59:59.999+08:00"), this);
    assert_eq!(next("2026-11-23T00:00:00+08:00"), this);
    assert_eq!(next("2026-11-24T19:59:59.999+08:00"), this);
    assert_eq!(next("2026-11-24T20:00:00+08:00"), following);
    assert_eq!(next("2026-11-24T16:00:00Z"), following);
}

#[test]
fn hours_fall_on_the_day_of_shanghai_over_month_ends_and_the_leap_day() {
    // 29 February 2028 was a Tuesday in Shanghai, and still Monday 16:00 in Greenwich when it began.
    let hours =
        visits(&["2028-02-28T15:59:59Z", "2028-02-28T16:00:00Z", "2028-02-29T15:59:59Z", "2028-02-29T16:00:00Z"]);
    let counters = hours.histogram("2028-03-01".parse().unwrap());
    let visited: Vec<_> = (0..168).filter(|slot| counters[*slot] == 1).collect();
    assert_eq!(visited, [23, 24, 24 + 23, 48]);
    assert_eq!(counters.iter().map(|count| u32::from(*count)).sum::<u32>(), 4);

    let mut leap = VisitHours::default();
    for week in 0..6 {
        leap.see(at("2028-02-22T10:00:00+08:00").plus_millis(-week * 7 * DAY_MS));
    }
    assert_eq!(advise(&leap, "2028-02-28T12:00:00+08:00").unwrap().next, at("2028-02-29T10:00:00+08:00"));
    assert_eq!(advise(&leap, "2028-02-29T12:00:00+08:00").unwrap().next, at("2028-03-07T10:00:00+08:00"));
}

#[test]
fn advice_ends_when_the_visitor_stays_away() {
    assert!(advise(&tuesdays(), "2026-11-25T12:00:00+08:00").is_some());
    assert_eq!(advise(&tuesdays(), "2027-01-05T12:00:00+08:00"), None);
}

/// Visitors whose habits are as the priors say: nine of ten of what comes must be within the interval, or
/// "with 95 %" is an empty word; and the means must be those of what comes.
#[test]
fn intervals_cover_at_their_rate_and_means_come_true() {
    let (mut chance, rhythm) = (HourRandom(11), rhythm());
    let share = |chance: &mut HourRandom| (chance.below(1_000_000) as f64 + 0.5) / 1e6;
    let (mut asked, mut within, mut expected, mut came) = (0, 0, 0.0, 0);
    for _ in 0..6_000 {
        // A number of the beta distribution WEEKS: those that a coin refuses are drawn again.
        let weekly = loop {
            let drawn = share(&mut chance).powf(1.0 / WEEKS.yes);
            if share(&mut chance) < (1.0 - drawn).powf(WEEKS.no - 1.0) {
                break drawn;
            }
        };
        let level = 0.3 + 1.2 * share(&mut chance);
        let varied = |chance: &mut HourRandom| -(share(chance).ln() + share(chance).ln()) / 2.0;
        let hours: Vec<f64> = (0..24).map(|hour| (level * rhythm.share(hour) * varied(&mut chance)).min(0.9)).collect();
        let (first, mut there) = (i64::try_from(chance.below(8)).unwrap(), Vec::new());
        for week in first..12 {
            let active = week == first || share(&mut chance) < weekly;
            for day in week * 7..week * 7 + 7 {
                let comes = |hour: &i64| active && share(&mut chance) < hours[usize::try_from(*hour).unwrap()];
                there.extend((0..24_i64).filter(comes).map(|hour| day * 24 + hour));
            }
        }
        let begin = at("2026-09-27T00:00:00+08:00");
        let mut seen = VisitHours::default();
        there.iter().filter(|hour| **hour < 56 * 24).for_each(|hour| seen.see(begin.plus_millis(hour * HOUR_MS)));
        let now = begin.plus_millis(56 * DAY_MS - 1);
        let Some(advice) = seen.advise(now, QuietHours::default(), &rhythm) else { continue };
        let Some(ahead) = advice.expected.filter(|expected| expected.of == 28) else { continue };
        let days = there.iter().filter(|hour| **hour >= 56 * 24 && **hour % 24 == i64::from(advice.hour)).count();
        asked += 1;
        within += u32::from((ahead.low..=ahead.high).contains(&u32::try_from(days).unwrap()));
        expected += ahead.mean;
        came += days;
    }
    let covered = f64::from(within) / f64::from(asked);
    assert!(asked > 3_000 && covered >= 0.9, "{covered} of {asked}");
    let ratio = expected / came as f64;
    assert!((0.75..=1.35).contains(&ratio), "{ratio} times as much promised as came");
}

proptest! {
    #[test]
    fn parts_and_order_do_not_matter(times in prop::collection::vec(0i64..80 * 24, 0..60), cut in 0usize..60) {
        let instant = |hour: &i64| at("2026-02-20T00:00:00+08:00").plus_millis(hour * HOUR_MS);
        let of = |times: &[i64]| {
            let mut hours = VisitHours::default();
            times.iter().for_each(|time| hours.see(instant(time)));
            hours
        };
        let (left, right) = times.split_at(cut.min(times.len()));
        let mut merged = of(right);
        merged.add_all(&of(left));
        prop_assert_eq!(&merged, &of(&times));
    }

    #[test]
    fn advice_is_never_quiet_never_past_and_within_a_week(
        times in prop::collection::vec((0i64..56, 0i64..24), 0..80), minutes in 0i64..7 * 24 * 60, from in 0u16..24, until in 0u16..24,
        busy in prop::collection::vec(0u32..1 << 24, 0..30),
    ) {
        let (mut hours, mut rhythm) = (VisitHours::default(), Rhythm::default());
        for (day, hour) in times {
            hours.see(at("2026-09-27T00:00:00+08:00").plus_millis(day * DAY_MS + hour * HOUR_MS));
        }
        busy.iter().for_each(|hours| rhythm.see(*hours));
        let now = at("2026-11-21T00:00:00+08:00").plus_millis(minutes * 60_000);
        let quiet: QuietHours = format!("{from:02}:30-{until:02}:30").parse().unwrap();
        if let Some(advice) = hours.advise(now, quiet, &rhythm) {
            prop_assert!((advice.hour..advice.hour + advice.length).all(|hour| quiet.leave_free(hour)));
            let is_now = advice.basis == AdviceBasis::Now;
            prop_assert_eq!(is_now, advice.next == now);
            prop_assert!(advice.next >= now && advice.next <= now.plus_millis(7 * DAY_MS));
            prop_assert!(advice.seen <= advice.of);
            prop_assert_eq!(advice.share.is_some(), advice.basis == AdviceBasis::Company);
            if let Some(expected) = advice.expected {
                prop_assert!(expected.low <= expected.high && expected.high <= expected.of);
                prop_assert!(0.0 < expected.mean && expected.mean < f64::from(expected.of));
                prop_assert_eq!(expected.of, if is_now { 1 } else if advice.weekday.is_some() { 4 } else { 28 });
            }
        }
    }

    /// The posterior lies between the rhythm and what was seen, nearer to what was seen the more that is.
    #[test]
    fn what_is_expected_is_held_to_the_rhythm_and_less_firmly_the_more_was_seen(days in 3i64..=50, hour in 9u8..=20) {
        let share = |days: i64, hour: u8| {
            let mut hours = VisitHours::default();
            (0..days).for_each(|day| hours.see(at("2026-11-20T00:00:00+08:00").plus_millis(-day * DAY_MS + i64::from(hour) * HOUR_MS)));
            let rhythm = rhythm();
            let habits = Habits::of(Seen::of(&hours, "2026-11-20".parse().unwrap()), &rhythm);
            let seen = f64::from(habits.seen.visits) / f64::from(7 * habits.seen.active_weeks());
            (habits.chance(hour), seen * rhythm.share(hour), seen)
        };
        let (chance, by_rhythm, seen) = share(days, hour);
        prop_assert!(by_rhythm < chance && chance < seen);
        let nearness = |(chance, by_rhythm, seen): (f64, f64, f64)| (chance - by_rhythm) / (seen - by_rhythm);
        prop_assert!(nearness(share(days + 5, hour)) > nearness(share(days, hour)) - 0.05);
    }
}
