//! Ends of days and wrong clocks, from the request to the radar: each event is counted once, on the
//! day it happened in Shanghai.

use domain::kernel::day::Day;
use domain::kernel::timestamp::{DAY_MS, SECOND_MS, Timestamp};
use domain::radar::counter::Scope;
use radar_aggregator::Aggregator;
use runtime::clock::Clock;
use serde_json::{Value, json};
use testkit::world::World;
use uuid::Uuid;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, housekeeping, no_stop};
use crate::http::send;
use crate::pipeline::receive;

const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const OFF_MS: i64 = 10 * MINUTE_MS;

/// An ordinary midnight, the ends of months and of a year, 1 March of a common year, and both ends
/// of a leap day; each with the error of the aggregator's clock.
const MIDNIGHTS: [(&str, i64); 7] = [
    ("2026-11-22", 0),
    ("2026-12-01", OFF_MS),
    ("2027-01-01", -OFF_MS),
    ("2027-03-01", OFF_MS),
    ("2028-02-29", -OFF_MS),
    ("2028-03-01", OFF_MS),
    ("2028-12-31", -OFF_MS),
];

/// A world at a chosen instant, and the functions to send and count events.
struct ClockScene {
    world: World,
    functions: Functions,
}

impl ClockScene {
    async fn at(instant: Timestamp) -> Self {
        let world = World::new().await;
        world.clock.advance(instant.millis() - world.clock.now().millis());
        Self { functions: Functions::on(&world).await, world }
    }

    /// A visitor's phone, with this error of its clock, views `lin`'s card at these instants and
    /// sends the batch.
    async fn view(&self, phone_ms: i64, at: &[Timestamp]) -> (u16, Value) {
        let id = batch_id(self.world.clock.now().plus_millis(phone_ms));
        self.view_as(id, at).await
    }

    async fn view_as(&self, id: Uuid, at: &[Timestamp]) -> (u16, Value) {
        let card = self.world.card("lin");
        let event = |at: &Timestamp| json!({"kind": "view_card", "card_id": card, "at": at});
        let body = json!({"batch_id": id, "events": at.iter().map(event).collect::<Vec<_>>()});
        let token = self.world.token("visitor");
        send(self.functions.router("tracking"), ("POST", "/v1/events"), (Some(&token), None), Some(body)).await
    }

    /// The aggregator, with this error of its clock, counts the messages in the queue.
    async fn count(&self, off_ms: i64) {
        let event = receive(&self.functions, &self.functions.queue.1).await;
        assert!(!event.records.is_empty());
        let failed = radar_aggregator::handle(&off(&self.world, off_ms), event, "r").await.batch_item_failures;
        assert!(failed.is_empty());
    }

    /// The radar of `lin`.
    async fn see(&self, what: &str) -> Value {
        let path = format!("/v1/radar/cards/{}/{what}", self.world.card("lin"));
        let token = self.world.token("lin");
        let (status, seen) = send(self.functions.router("radar"), ("GET", &path), (Some(&token), None), None).await;
        assert_eq!(status, 200, "{path}: {seen}");
        seen
    }

    /// Views of yesterday, the last 7 days, the last 30 days and all days.
    async fn views(&self) -> [i64; 4] {
        let windows = &self.see("metrics").await["windows"];
        ["yesterday", "last_7_days", "last_30_days", "total"].map(|name| number(&windows[name]["views"]))
    }

    /// Views of the windows before them.
    async fn previous(&self) -> [i64; 3] {
        let windows = &self.see("metrics").await["windows"];
        ["yesterday", "last_7_days", "last_30_days"].map(|name| number(&windows[name]["previous"]["views"]))
    }

    /// Views of a day and of the next day in the chart, and the lines of each day's feed.
    async fn two_days(&self, first: Day) -> ([i64; 2], [usize; 2]) {
        let days = [first, first.plus(1)];
        let chart = self.see(&format!("days?from={first}&to={}", days[1])).await;
        assert_eq!([&chart["days"][0]["from"], &chart["days"][1]["from"]], days.map(|day| json!(day)).each_ref());
        let mut lines = [0; 2];
        for (lines, day) in lines.iter_mut().zip(days) {
            *lines = self.see(&format!("feed?day={day}")).await["items"].as_array().unwrap().len();
        }
        ([0, 1].map(|day: usize| number(&chart["days"][day]["views"])), lines)
    }
}

fn off(world: &World, off_ms: i64) -> Aggregator<KeptDeadLetters> {
    let clock = world.clock.clone();
    let clock = Clock::from_fn(move || clock.now().plus_millis(off_ms));
    Aggregator { clock, ..aggregator(world, KeptDeadLetters::default()) }
}

fn batch_id(at: Timestamp) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.millis()).unwrap(), &[5; 10]).into_uuid()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

#[tokio::test]
async fn the_last_and_the_first_millisecond_of_a_day_are_counted_on_their_own_days() {
    for (date, off_ms) in MIDNIGHTS {
        let today: Day = date.parse().unwrap();
        let (midnight, yesterday) = (today.start(), today.plus(-1));
        let scene = ClockScene::at(midnight.plus_millis(HOUR_MS)).await;
        let (status, answer) = scene.view(0, &[midnight.plus_millis(-1), midnight]).await;
        assert_eq!(status, 202, "{date}: {answer}");
        scene.count(off_ms).await;

        let now = scene.see("today").await;
        assert_eq!(
            [&now["day"], &now["views"], &now["visitors"], &now["new_visitors"]],
            [&json!(date), &json!(1), &json!(1), &json!(0)],
            "{date}: seen yesterday for the first time"
        );
        assert_eq!(scene.two_days(yesterday).await, ([1, 1], [1, 1]), "{date}");
        let newest = &scene.see(&format!("feed?day={yesterday}")).await["items"][0]["at"];
        assert_eq!(newest, &json!(midnight.plus_millis(-1)), "{date}");
        let hours = |seen: &Value| [0, 1, 22, 23].map(|hour: usize| number(&seen["active_hours"][hour]));
        assert_eq!(hours(&scene.see("behaviour?window=yesterday").await), [0, 0, 0, 1], "{date}");
        assert_eq!(hours(&scene.see("behaviour?window=last_7_days").await), [1, 0, 0, 1], "{date}");
        let visitors = &scene.see("metrics").await["windows"]["last_7_days"]["visitors"];
        assert_eq!(visitors, &json!(1), "{date}: the same person on both days");
        // Days later: views in yesterday, 7 days, 30 days, all; then in the windows before.
        for (later, views, previous) in [
            (0, [1, 2, 2, 2], [0, 0, 0]),
            (1, [1, 2, 2, 2], [1, 0, 0]),
            (6, [0, 1, 2, 2], [0, 1, 0]),
            (7, [0, 0, 2, 2], [0, 2, 0]),
            (29, [0, 0, 1, 2], [0, 0, 1]),
            (30, [0, 0, 0, 2], [0, 0, 2]),
        ] {
            let then = today.plus(later).start().plus_millis(DAY_MS - 1);
            scene.world.clock.advance(then.millis() - scene.world.clock.now().millis());
            assert_eq!((scene.views().await, scene.previous().await), (views, previous), "{date}, {later} days later");
        }
    }
}

#[tokio::test]
async fn a_phone_whose_clock_is_off_loses_and_doubles_nothing() {
    let midnight = "2028-02-29".parse::<Day>().unwrap().start();
    let (before, after) = (-5 * MINUTE_MS, 5 * MINUTE_MS);
    // Server time from midnight, phone time from server time, views of both days, without the time of
    // sending: a past time is accepted, a batch of the future is moved to now.
    for (server_ms, phone_ms, views) in [
        (after, -OFF_MS, [1, 0]),
        (before, -OFF_MS, [1, 0]),
        (after, after, [0, 1]),
        (before, after, [1, 0]),
        (before, after - 1, [1, 0]),
        (-1, after, [1, 0]),
        (0, after, [0, 1]),
    ] {
        let at = midnight.plus_millis(server_ms);
        let scene = ClockScene::at(at).await;
        let (id, event) = (batch_id(at.plus_millis(phone_ms)), [at.plus_millis(phone_ms)]);
        assert_eq!(scene.view_as(id, &event).await.0, 202);
        scene.count(0).await;
        // Sent again ten minutes later: a new event would get another time.
        scene.world.clock.advance(OFF_MS);
        assert_eq!(scene.view_as(id, &event).await.0, 202);
        scene.count(0).await;
        let case = format!("server {server_ms}, phone {phone_ms}");
        let lines = views.map(|views| usize::try_from(views).unwrap());
        assert_eq!(scene.two_days(Day::of(midnight).plus(-1)).await, (views, lines), "{case}");
    }
}

#[tokio::test]
async fn a_phone_ten_minutes_ahead_is_told_and_sends_again() {
    let midnight = "2027-03-01".parse::<Day>().unwrap().start();
    let scene = ClockScene::at(midnight.plus_millis(-MINUTE_MS)).await;
    let event = [scene.world.clock.now().plus_millis(OFF_MS)];
    let (status, problem) = scene.view(OFF_MS, &event).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"], &problem["errors"][0]["code"]),
        (422, &json!("/batch_id"), &json!("batch_id_out_of_range")),
        "{problem}"
    );
    assert_eq!(scene.view(0, &event).await.0, 202, "under an id of the right time");
    scene.count(OFF_MS).await;
    scene.world.clock.advance(OFF_MS);
    assert_eq!(scene.two_days(Day::of(midnight).plus(-1)).await, ([1, 0], [1, 0]), "when it was accepted");
}

#[tokio::test]
async fn aggregators_whose_clocks_are_twenty_minutes_apart_count_the_same() {
    let midnight = "2026-12-01".parse::<Day>().unwrap().start();
    let scene = ClockScene::at(midnight.plus_millis(MINUTE_MS)).await;
    for off_ms in [OFF_MS, -OFF_MS] {
        scene.world.clock.advance(SECOND_MS);
        assert_eq!(scene.view(0, &[midnight.plus_millis(-1), midnight]).await.0, 202);
        scene.count(off_ms).await;
    }
    // A message that one has counted is delivered to the other again.
    let again = delivered(&[&batch(&scene.world, 1, 1, &[0])], 2);
    for off_ms in [-OFF_MS, OFF_MS, 0] {
        radar_aggregator::handle(&off(&scene.world, off_ms), again.clone(), "r").await;
    }
    assert_eq!(scene.two_days(Day::of(midnight).plus(-1)).await, ([2, 2], [2, 2]));
    let company = scene.world.store.counters(scene.world.company, Scope::Company, Day::of(midnight));
    let views = company.await.unwrap().between(None, Day::of(midnight)).views;
    assert_eq!(views, 5, "four of the visitor and one of another person, once");
}

#[tokio::test]
async fn leaderboards_show_what_an_aggregator_ahead_of_them_has_counted_once_its_time_has_come() {
    const LAG_S: u32 = 60;
    for off_ms in [OFF_MS, 0, -OFF_MS] {
        let scene = ClockScene::at("2027-01-01".parse::<Day>().unwrap().start()).await;
        let housekeeping = housekeeping(&scene.world, LAG_S).await;
        for number in 1..=3 {
            let event = delivered(&[&batch(&scene.world, 1, number, &[0])], 1);
            radar_aggregator::handle(&off(&scene.world, off_ms), event, "r").await;
            scene.world.clock.advance(5 * MINUTE_MS);
            housekeeping.run(no_stop(), "r").await.unwrap();
        }
        scene.world.clock.advance(OFF_MS);
        housekeeping.run(no_stop(), "r").await.unwrap();
        let today = Day::of(scene.world.clock.now());
        let days = (today.plus(-1), today);
        let board = scene.world.store.sharers(scene.world.company, Scope::Company, days);
        assert_eq!(board.await.unwrap().sum.counts().sum(), 3, "{off_ms}");
    }
}
