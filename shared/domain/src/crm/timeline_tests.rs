use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn hours_that_follow_each_other_are_one_visit_over_midnight_too() {
    let mut hours = VisitHours::default();
    for seen in [
        "2026-11-21T22:10:00+08:00",
        "2026-11-21T23:59:00+08:00",
        "2026-11-22T00:05:00+08:00",
        "2026-11-22T02:00:00+08:00",
        "2026-11-22T00:55:00+08:00",
    ] {
        hours.see(at(seen));
    }
    let visit = |from, to| CustomerVisit { from: at(from), to: at(to) };
    assert_eq!(
        visits(&hours),
        [
            visit("2026-11-21T22:00:00+08:00", "2026-11-22T01:00:00+08:00"),
            visit("2026-11-22T02:00:00+08:00", "2026-11-22T03:00:00+08:00"),
        ]
    );
}

#[test]
fn positions_follow_time_whatever_the_kind() {
    let visit =
        |ms| TimelineItem::Visit(CustomerVisit { from: Timestamp::from_millis(ms), to: Timestamp::from_millis(ms) });
    let change = |ms: i64| {
        let id = uuid::Builder::from_unix_timestamp_millis(ms.unsigned_abs(), &[0; 10]).into_uuid();
        let (at, by) = (Timestamp::from_millis(ms), MemberId::from_uuid(Uuid::nil()));
        TimelineItem::Change(TimelineEntry { id, at, by: Some(by), change: CustomerChange::NoNextFollowUp })
    };
    let items = [
        visit(1_795_000_001_000),
        change(1_795_000_001_000),
        visit(1_795_000_001_001),
        change(1_795_000_001_002),
        visit(1_795_000_001_003),
    ];
    assert!(items.windows(2).all(|pair| pair[0].position() < pair[1].position()));
    assert!(items.iter().all(|item| uuid_v7_millis(change(item.at().millis()).position().uuid()).is_some()));
}
