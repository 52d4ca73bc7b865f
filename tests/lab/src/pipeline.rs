//! The steps behind the routes: from an accepted batch to the counters.

use domain::kernel::id::{DepartmentId, Id};
use domain::kernel::timestamp::SECOND_MS;
use domain::tracking::batch::AcceptedBatch;
use uuid::Uuid;

use crate::bill::BillTable;
use crate::prices::Prices;
use crate::random::Random;
use crate::stage::Stage;
use crate::usage::{Usage, cells};
use crate::visits::{self, Visit};
use crate::wire::Wire;

/// Messages in one call of the aggregator, events in each, and the number of departments above each
/// card.
const SIZES: [(u32, u32, u32); 11] = [
    (1, 1, 0),
    (1, 20, 0),
    (10, 20, 0),
    (40, 20, 0),
    (100, 20, 0),
    (1, 100, 0),
    (10, 100, 0),
    (40, 100, 0),
    (100, 100, 0),
    (10, 20, 3),
    (100, 20, 3),
];

/// The steps, and the aggregator at several sizes.
pub(crate) async fn tables(wire: &Wire, prices: &Prices) -> (BillTable, BillTable) {
    (Box::pin(steps(wire, prices)).await, Box::pin(batches(wire, prices)).await)
}

async fn steps(wire: &Wire, prices: &Prices) -> BillTable {
    let stage = Stage::empty().await;
    let mut rows = Vec::new();
    for (name, case) in [("ingest, card not remembered", "record_events"), ("ingest, card remembered", "record_events")]
    {
        wire.take_usage();
        let (status, answer) = stage.ask("tracking", case).await;
        assert_eq!(status, 202, "{answer}");
        let usage = wire.take_usage();
        rows.push((name.to_owned(), cells(&usage, prices.of_route(&usage), "")));
    }
    let housekeeping = stage.housekeeping().await;
    for name in ["housekeeping, four members have joined", "housekeeping, nothing to do"] {
        stage.world.clock.advance(10 * 60 * SECOND_MS);
        wire.take_usage();
        housekeeping.run(mingpian_tests::functions::no_stop(), "lab").await.expect("the run ends");
        let usage = wire.take_usage();
        rows.push((name.to_owned(), cells(&usage, prices.of_batch(&usage, 0), "")));
    }
    let stage = Stage::with_past().await;
    wire.take_usage();
    stage.recount().await;
    let usage = wire.take_usage();
    rows.push(("recount of 3,600 events on 14 cards".to_owned(), cells(&usage, prices.of_batch(&usage, 0), "")));
    BillTable {
        of: "Step",
        columns: &["AWS calls", "Read units", "Write units", "Bytes sent", "Bytes received", "$ per million", "Which"],
        rows,
    }
}

async fn batches(wire: &Wire, prices: &Prices) -> BillTable {
    let mut rows = Vec::new();
    for (messages, events, deep) in SIZES {
        let usage = counted(wire, &Stage::with_past().await, messages, events, deep).await;
        eprintln!("  {messages} × {events} events: {} write units", usage.write_units());
        let name = if (messages, events) == (1, 1) {
            "one transaction per event".to_owned()
        } else if deep > 0 {
            format!("{messages} × {events} events, {deep} departments deep")
        } else {
            format!("{messages} × {events} events")
        };
        rows.push((name, per_event(&usage, prices, messages, events)));
    }
    BillTable {
        of: "Messages in one call",
        columns: &[
            "AWS calls",
            "Read units",
            "Write units",
            "Read units per event",
            "Write units per event",
            "$ per million events",
            "Write units by item",
        ],
        rows,
    }
}

/// One call of the aggregator with messages of this many visitors, nine of ten of them new, on
/// three cards, each in a department of its own below shared ones.
async fn counted(wire: &Wire, stage: &Stage, messages: u32, events: u32, deep: u32) -> Usage {
    let world = &stage.world;
    world.clock.advance(60 * SECOND_MS);
    let mut random = Random(u64::from(messages * 1_000 + events));
    let batches: Vec<AcceptedBatch> = (0..messages)
        .map(|nth| {
            let card = world.card(["lin", "chen", "wang"][nth as usize % 3]);
            let person = visits::person(random.below(400));
            let received_at = world.clock.now();
            let visit = Visit { company: world.company.id(), person, card, received_at, events };
            let department = |above: u32| if above == 0 { 10 + nth % 3 } else { above };
            let path = (0..deep).map(|above| DepartmentId::from_uuid(Uuid::from_u128(department(above).into())));
            let departments = (deep > 0).then(|| (card, path.collect())).into_iter().collect();
            AcceptedBatch { departments, ..visits::batch(visit, &mut random) }
        })
        .collect();
    wire.take_usage();
    stage.count(&batches).await;
    wire.take_usage()
}

fn per_event(usage: &Usage, prices: &Prices, messages: u32, events: u32) -> Vec<String> {
    let all = f64::from(messages * events);
    // The cost of delivering the messages: one request each, on top of the batch.
    let brought = prices.of_route(&Usage { queue_requests: 1, ..Usage::default() }) * f64::from(messages);
    let dollars = (prices.of_batch(usage, messages as usize) + brought) / all;
    vec![
        usage.call_count().to_string(),
        format!("{:.1}", usage.read_units),
        format!("{:.1}", usage.write_units()),
        format!("{:.3}", usage.read_units / all),
        format!("{:.3}", usage.write_units() / all),
        format!("{dollars:.3}"),
        usage.written.iter().map(|(kind, units)| format!("{kind} {units}")).collect::<Vec<_>>().join(", "),
    ]
}
