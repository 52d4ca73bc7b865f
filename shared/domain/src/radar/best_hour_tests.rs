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

fn advise(hours: &VisitHours, now: &str) -> Option<Advice> {
    hours.advise(at(now), QuietHours::default())
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
    assert_eq!((advice.weekday, advice.hour), (Some(Weekday::Tuesday), 20));
    assert_eq!((advice.seen, advice.of), (6, 8));
    assert!(advice.confidence > 0.999);
    assert_eq!(advice.next, at("2026-11-24T20:00:00+08:00"));
}

#[test]
fn someone_who_comes_every_day_at_noon_is_met_every_day() {
    let mut hours = VisitHours::default();
    for day in (0..40).filter(|day| day % 3 != 1) {
        hours.see(at(NOW).plus_millis(-day * DAY_MS - 3 * HOUR_MS));
    }
    let advice = advise(&hours, NOW).unwrap();
    assert_eq!((advice.weekday, advice.hour, advice.seen, advice.of), (None, 12, 27, 40));
    assert_eq!(advice.next, at("2026-11-22T12:00:00+08:00"));
}

#[test]
fn below_the_written_minimum_there_is_no_advice() {
    let four = [
        "2026-11-03T20:00:00+08:00",
        "2026-11-10T20:00:00+08:00",
        "2026-11-17T20:00:00+08:00",
        "2026-11-17T19:00:00+08:00",
    ];
    assert_eq!(advise(&visits(&four), NOW), None);
    let mut five = visits(&four);
    five.see(at("2026-11-10T19:00:00+08:00"));
    assert!(advise(&five, NOW).is_some());
    let two_days = ["10", "11", "12", "13", "14"]
        .map(|hour| ["2026-11-10", "2026-11-17"].map(|day| format!("{day}T{hour}:00:00+08:00")));
    let two_days: Vec<_> = two_days.iter().flatten().map(String::as_str).collect();
    assert_eq!(advise(&visits(&two_days), NOW), None);
    assert_eq!(advise(&VisitHours::default(), NOW), None);
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
    let advice = hours.advise(at(NOW), "01:00-08:30".parse().unwrap()).unwrap();
    assert_eq!((advice.weekday, advice.hour), (Some(Weekday::Wednesday), 23));
    assert_eq!(hours.advise(at(NOW), "00:01-00:00".parse().unwrap()), None);
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

/// Visitors without habits: hardly any may get advice, or the word "confidence" is empty.
#[test]
fn visitors_at_random_hours_get_no_advice() {
    let mut chance = HourRandom(7);
    let mut advised = 0;
    for visitor in 0..400 {
        let mut hours = VisitHours::default();
        for _ in 0..5 + visitor % 40 {
            let (day, hour) = (chance.below(56), 9 + chance.below(12));
            hours.see(
                at("2026-11-21T00:00:00+08:00").plus_millis((hour.cast_signed() - 24 * day.cast_signed()) * HOUR_MS),
            );
        }
        advised += u32::from(advise(&hours, "2026-11-21T22:00:00+08:00").is_some());
    }
    assert!(advised <= 20, "{advised} of 400");
}

#[test]
fn the_tail_and_the_bound_are_those_of_the_books() {
    assert!((at_least(0, 8, 0.3) - 1.0).abs() < 1e-12);
    assert!((at_least(8, 8, 0.5) - 1.0 / 256.0).abs() < 1e-12);
    assert!((at_least(3, 8, 0.25) - 0.321_456_9).abs() < 1e-6);
    assert!((at_least(2, 2, 1.0) - 1.0).abs() < 1e-12);
    assert!((surely(6, 8) - 0.409_3).abs() < 1e-3);
    assert!(surely(0, 8).abs() < 1e-12);
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
        times in prop::collection::vec((0i64..56, 0i64..24), 5..80), minutes in 0i64..7 * 24 * 60, from in 0u16..24, until in 0u16..24,
    ) {
        let mut hours = VisitHours::default();
        for (day, hour) in times {
            hours.see(at("2026-09-27T00:00:00+08:00").plus_millis(day * DAY_MS + hour * HOUR_MS));
        }
        let now = at("2026-11-21T00:00:00+08:00").plus_millis(minutes * 60_000);
        let quiet: QuietHours = format!("{from:02}:30-{until:02}:30").parse().unwrap();
        if let Some(advice) = hours.advise(now, quiet) {
            prop_assert!(quiet.leave_free(advice.hour));
            prop_assert!(advice.next > now && advice.next <= now.plus_millis(7 * DAY_MS));
            prop_assert!(0 < advice.seen && advice.seen <= advice.of);
            let most = if advice.weekday.is_some() { 8 } else { 56 };
            prop_assert!(advice.of <= most);
            prop_assert!((CONFIDENCE_MIN..=1.0).contains(&advice.confidence));
        }
    }
}
