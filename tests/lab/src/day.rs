//! A few days of a small company, as requests to tracking, and the numbers that the radar must show
//! for them by an independent count.

use std::process::Command;

use domain::kernel::timestamp::{DAY_MS, Timestamp};
use domain::tracking::batch::AcceptedBatch;
use domain::tracking::event::Event;
use serde_json::{Map, Value, json};
use testkit::world::World;

use crate::compare::Comparison;
use crate::meter::repository;
use crate::random::Random;
use crate::stage::Stage;
use crate::visits::{self, Visit};

const CARDS: [&str; 3] = ["lin", "chen", "wang"];

/// The requests, and the expected numbers.
#[derive(Debug)]
pub(crate) struct Days {
    /// The batches, as tracking accepts them.
    pub(crate) batches: Vec<AcceptedBatch>,
    /// The recount: by scope.
    pub(crate) expected: Value,
}

impl Days {
    /// This many batches of several events each, of the last six days until `now`.
    pub(crate) fn new(world: &World, now: Timestamp, count: u64, seed: u64) -> Self {
        let mut random = Random(seed);
        let mut visit = |nth: u64| {
            let days_ago = i64::try_from(nth % 6).unwrap_or_default();
            let visit = Visit {
                company: world.company.id(),
                person: visits::person(random.below(count / 2)),
                card: world.card(CARDS[usize::try_from(nth % 3).unwrap_or_default()]),
                received_at: now.plus_millis(-days_ago * DAY_MS),
                events: u32::try_from(1 + random.below(20)).unwrap_or_default(),
            };
            visits::batch(visit, &mut random)
        };
        let batches: Vec<_> = (0..count).map(&mut visit).collect();
        let expected = recount(&batches, now);
        Self { batches, expected }
    }

    /// The differences of the radar, one line each; empty if every number is right.
    pub(crate) async fn wrong(&self, stage: &Stage) -> Vec<String> {
        let mut comparison = Comparison::default();
        for (name, card) in CARDS.map(|name| (name, stage.world.card(name).to_string())) {
            let seen = scope(stage, &format!("cards/{card}")).await;
            comparison.add(&format!("card of {name}"), &self.expected["cards"][&card], &seen);
        }
        comparison.add("company", &self.expected["company"], &scope(stage, "company").await);
        comparison.wrong
    }
}

/// The radar of one scope, in the shape of the recount.
async fn scope(stage: &Stage, path: &str) -> Value {
    let mut parts = Map::new();
    for (operation, part) in [("metrics", "windows"), ("today", "today")] {
        let mut answer = stage.radar(path, operation, "").await;
        let part_of = if part == "windows" { answer["windows"].take() } else { answer };
        parts.insert(part.to_owned(), part_of);
    }
    if let Some(kinds) = parts.get_mut("today").and_then(|today| today["by_kind"].as_object_mut()) {
        // The recount leaves out kinds without events.
        kinds.retain(|_, count| *count != 0);
    }
    Value::Object(parts)
}

/// The body of the request that sends a batch.
pub(crate) fn body(batch: &AcceptedBatch) -> Value {
    let event = |event: &Event| {
        let mut object = json!({"type": event.object.target.type_name()});
        object.as_object_mut().into_iter().for_each(|object| {
            object.extend(event.object.target.id().map(|id| ("id".to_owned(), json!(id))));
            object.extend(event.object.title.as_ref().map(|title| ("title".to_owned(), json!(title))));
        });
        let mut fields = json!({"kind": event.kind, "card_id": event.card, "at": event.at, "object": object});
        fields.as_object_mut().into_iter().for_each(|fields| {
            fields.extend(event.share_code.as_ref().map(|code| ("share_code".to_owned(), json!(code))));
            fields.extend(event.duration_ms.map(|ms| ("duration_ms".to_owned(), json!(ms))));
        });
        fields
    };
    json!({"batch_id": batch.batch, "events": batch.events.iter().map(event).collect::<Vec<_>>()})
}

/// The counts of an independent program, which reads only the requests.
fn recount(batches: &[AcceptedBatch], now: Timestamp) -> Value {
    let line = |batch: &AcceptedBatch| json!({"person": batch.person, "batch": body(batch)}).to_string() + "\n";
    let file = std::env::temp_dir().join(format!("mingpian-lab-{}.jsonl", std::process::id()));
    std::fs::write(&file, batches.iter().map(line).collect::<String>()).expect("the input file can be written");
    let counted = Command::new("python3")
        .arg(repository("tests/demo/recount.py"))
        .arg(&file)
        .args(["--now", &now.to_string()])
        .output()
        .expect("python3 is on the path");
    assert!(counted.status.success(), "{}", String::from_utf8_lossy(&counted.stderr));
    std::fs::remove_file(&file).expect("the input file can be removed");
    serde_json::from_slice(&counted.stdout).expect("the recount answers JSON")
}
