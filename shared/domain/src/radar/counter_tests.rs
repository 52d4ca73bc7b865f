use super::*;

#[test]
fn every_counter_has_its_own_place_and_code_and_reads_back() {
    let placed: Vec<_> = Counter::placed().collect();
    assert_eq!(placed.len(), PLACES);
    assert!(placed.iter().enumerate().all(|(place, counter)| counter.place() == Some(place)));
    let all: Vec<_> = Counter::all().collect();
    assert_eq!(all.len() - PLACES, 2 * 370, "long gaps of visitors and of people who opened a chat");
    let mut codes: Vec<_> = all.iter().map(|counter| counter.code()).collect();
    for counter in &all {
        assert_eq!(Counter::from_code(counter.code()), Some(*counter));
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all.len());
}

#[test]
fn foreign_codes_are_no_counters() {
    for code in ["", "e", "e99", "v0", "v5", "V0", "V30", "V99", "AS", "V", "x", "nv1", "维", "n"] {
        assert_eq!(Counter::from_code(code), None, "{code}");
    }
}

#[test]
fn gaps_of_the_first_layout_are_read_with_their_length() {
    assert_eq!(Counter::gap_before("v5"), Some((5, Counter::Gap(Audience::Visitors, 5))));
    assert_eq!(Counter::gap_before("t29"), Some((29, Counter::Gap(Audience::ChatStarters, 29))));
    for code in ["v", "V5", "v0", "v30", "e1", "h3", "x1", ""] {
        assert_eq!(Counter::gap_before(code), None, "{code}");
    }
}

#[test]
fn changes_that_cancel_out_are_not_written() {
    let mut deltas = CounterDeltas::default();
    deltas.add_on(Scope::Company, Day::from_number(1), Counter::Likes, 1);
    deltas.add_on(Scope::Company, Day::from_number(1), Counter::Likes, -1);
    assert_eq!(deltas.changes().count(), 0);
}

#[test]
fn long_gaps_add_up_beside_the_others_and_shoppers_have_none() {
    let (mut deltas, day) = (CounterDeltas::default(), Day::from_number(20_000));
    for (audience, gap, by) in [
        (Audience::Visitors, 29, 1),
        (Audience::Visitors, 30, 2),
        (Audience::ChatStarters, 399, 3),
        (Audience::Shoppers, 29, 4),
        (Audience::Shoppers, 30, 5),
    ] {
        deltas.add_gap_change(Scope::Company, audience, GapChange::Gap(day, gap, by));
    }
    let mut twice = deltas.clone();
    twice.add_all(&deltas);
    let expected = Counts::from([
        (Counter::Gap(Audience::Visitors, 29), 2),
        (Counter::Gap(Audience::Visitors, 30), 4),
        (Counter::Gap(Audience::ChatStarters, 399), 6),
        (Counter::Gap(Audience::Shoppers, 29), 8),
    ]);
    assert_eq!(twice.changes().collect::<Vec<_>>(), [(Scope::Company, Period::Day(day), expected)]);
    twice.subtract_all(&deltas);
    twice.subtract_all(&deltas);
    assert_eq!((twice.changed(), twice.changes().count()), (0, 0));
}
