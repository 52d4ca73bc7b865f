//! The answers of a company's radar, in the shape of the recount.

use domain::kernel::day::Day;
use domain::kernel::id::CardId;
use domain::kernel::timestamp::DAY_MS;
use serde_json::{Map, Value, json};

use crate::stage::Stage;

/// The windows that are not the lifetime.
const WINDOWS: [&str; 3] = ["yesterday", "last_7_days", "last_30_days"];

/// How far back a late batch may reach.
const LATE_DAYS: i32 = 7;
/// The last days, each of which is compared.
const LAST_DAYS: i32 = 7;

/// The days for which the radar is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AskedDays {
    /// The first day with events.
    pub(crate) first: Day,
    /// The last day.
    pub(crate) last: Day,
    /// The interval of the other days.
    pub(crate) every: i32,
}

impl AskedDays {
    /// Whether this day is compared.
    pub(crate) fn is_on(&self, day: Day) -> bool {
        let left = self.last.number() - day.number();
        left < LAST_DAYS || left % self.every == 0
    }
}

/// Names and paths of the scopes: the cards and the company.
fn scopes(cards: &[CardId]) -> Vec<(String, String)> {
    let cards = cards.iter().map(|card| (card.to_string(), format!("cards/{card}")));
    cards.chain([("company".to_owned(), "company".to_owned())]).collect()
}

/// The radar's numbers on the day of the stage's clock.
pub(crate) async fn on_this_day(stage: &Stage, cards: &[CardId]) -> Value {
    let mut answers = Map::new();
    for (name, path) in scopes(cards) {
        let windows = stage.radar(&path, "metrics", "").await["windows"].take();
        let today = stage.radar(&path, "today", "").await;
        let filtered = stage.radar(&path, "filtered", "").await["windows"].take();
        answers.insert(name, json!({"metrics": windows, "today": today, "filtered": filtered}));
    }
    Value::Object(answers)
}

/// The radar's numbers of each day after all events have arrived. The stage's clock is on the last
/// day.
pub(crate) async fn afterwards(mut stage: Stage, cards: &[CardId], asked: &AskedDays) -> Map<String, Value> {
    let (first, last) = (asked.first.plus(-LATE_DAYS), asked.last);
    let (mut days, mut behaviour) = (Map::new(), Map::new());
    for (name, path) in scopes(cards) {
        let rows = stage.radar(&path, "days", &format!("from={first}&to={last}")).await["days"].take();
        days.insert(name.clone(), rows);
        let mut of = Map::new();
        for window in WINDOWS {
            of.insert(window.to_owned(), behaved(stage.radar(&path, "behaviour", &format!("window={window}")).await));
        }
        behaviour.insert(name, Value::Object(of));
    }
    let mut by_day = Map::new();
    for back in 0..=last.number() - first.number() {
        let day = last.plus(-back);
        let mut answers = if asked.is_on(day) { on_this_day(&stage, cards).await } else { Value::Null };
        for scope in answers.as_object_mut().into_iter().flat_map(|scopes| scopes.values_mut()) {
            // The lifetime always ends today, for each of the days.
            for part in ["metrics", "filtered"] {
                scope[part].as_object_mut().map(|windows| windows.remove("total"));
            }
        }
        if !answers.is_null() {
            by_day.insert(day.to_string(), answers);
        }
        stage.world.clock.advance(-DAY_MS);
        // Budgets in the memory of the functions are of the day after.
        stage = stage.afresh().await;
    }
    let parts = [("afterwards", by_day), ("days", days), ("behaviour", behaviour)];
    parts.map(|(name, part)| (name.to_owned(), Value::Object(part))).into_iter().collect()
}

/// The numbers of an analysis; shares of a whole follow from them.
fn behaved(mut answer: Value) -> Value {
    let counts = |parts: &Value| -> Map<String, Value> {
        let parts = parts.as_array().into_iter().flatten();
        parts.filter_map(|part| Some((part["type"].as_str()?.to_owned(), part["count"].clone()))).collect()
    };
    let (shares, interests) = (counts(&answer["shares"]), counts(&answer["interests"]));
    json!({"shares": shares, "interests": interests, "active_hours": answer["active_hours"].take()})
}
