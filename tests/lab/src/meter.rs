//! `lab meter`: every route and every step of the pipeline once, and the units it used.

use std::path::PathBuf;
use std::process::ExitCode;

use mingpian_tests::functions::Functions;
use serde_json::Value;
use testkit::events::prepared;
use testkit::world::World;

use crate::bill::{self, BillTable};
use crate::pipeline;
use crate::prices::Prices;
use crate::routes::{RouteLine, line, others};
use crate::stage::Stage;
use crate::usage::{Usage, cells};
use crate::wire::Wire;

/// Reads that sum over days are also measured in a company with this many days of history.
const LONG_PAST_DAYS: i64 = 300;
/// Each with its query, and what the bill calls it.
const OF_A_LONG_PAST: [(&str, &str, &str); 5] = [
    ("get_company_metrics", "", ""),
    ("get_company_days", "", ""),
    ("get_company_days", "from=2025-10-18", ", of 400 days"),
    ("get_company_range", "from=2025-10-18", ", of 400 days"),
    ("get_company_heat_map", "from=2025-10-18", ", of 400 days"),
];

/// Measures; writes the bill, or with `check` compares it with the one that is checked in.
pub(crate) async fn run(wire: &Wire, check: bool) -> ExitCode {
    let prices = Prices::load().expect("tests/lab/prices.toml has every price");
    let measured = Box::pin(document(wire, &prices)).await;
    let path = repository("docs/UNIT-BILL.md");
    if !check {
        std::fs::write(&path, measured).expect("docs/UNIT-BILL.md can be written");
        println!("docs/UNIT-BILL.md written: look at what changed, then commit it");
        return ExitCode::SUCCESS;
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    let worse = bill::worse(&checked_in, &measured);
    if worse.is_empty() {
        println!("nothing costs more than docs/UNIT-BILL.md says");
        if checked_in != measured {
            println!("some numbers are lower or new: scripts/lab meter writes them");
        }
        return ExitCode::SUCCESS;
    }
    for line in &worse {
        eprintln!("error: {line}");
    }
    eprintln!("next: make it cheaper, or run scripts/lab meter and say in the commit why docs/UNIT-BILL.md changes");
    ExitCode::FAILURE
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

async fn document(wire: &Wire, prices: &Prices) -> String {
    let routes = Box::pin(routes(wire, prices)).await;
    let (steps, batches) = Box::pin(pipeline::tables(wire, prices)).await;
    let sources = BillTable {
        of: "Price",
        columns: &["Amount", "Source", "Date"],
        rows: prices
            .list()
            .map(|(name, price)| (name.to_owned(), vec![price.text(), price.source.clone(), price.date.to_string()]))
            .into(),
    };
    include_str!("bill.txt")
        .replace("{routes}", &routes.text())
        .replace("{steps}", &steps.text())
        .replace("{batches}", &batches.text())
        .replace("{prices}", &sources.text())
}

/// A route of the API document.
#[derive(Debug)]
pub(crate) struct Route {
    /// Method and path.
    pub(crate) name: String,
    /// Whether it only reads.
    pub(crate) reads: bool,
    /// How the route is called.
    pub(crate) line: RouteLine,
}

impl Route {
    /// Whether it is called in a company with history: no preparation is needed.
    pub(crate) fn needs_a_past(&self) -> bool {
        self.reads && self.line.row.before.is_empty()
    }

    /// Sends the requests that it needs; returns its payload.
    pub(crate) async fn prepared(&self, world: &World, functions: &Functions) -> String {
        Box::pin(prepared(&self.line.case, world, &|function| functions.router(function).clone())).await
    }

    /// Whether the answer is the expected one.
    pub(crate) fn is_fine(&self, status: u16) -> bool {
        status == self.line.row.status
    }
}

/// Every route of the API document.
pub(crate) fn all_routes() -> Vec<Route> {
    let text = std::fs::read_to_string(repository("infra/openapi.json")).expect("infra/openapi.json is there");
    let document: Value = serde_json::from_str(&text).expect("infra/openapi.json is JSON");
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("the document has paths") {
        for (method, operation) in methods.as_object().expect("a path has methods") {
            let Some(id) = operation["operationId"].as_str() else { continue };
            let name = format!("`{} {path}`", method.to_uppercase());
            routes.push(Route { name, reads: method == "get", line: line(id) });
        }
    }
    routes
}

/// The other cases of a route.
pub(crate) fn other_ways() -> impl Iterator<Item = Route> {
    others().into_iter().map(|line| Route { name: line.operation.clone(), reads: false, line })
}

async fn routes(wire: &Wire, prices: &Prices) -> BillTable {
    // Reads are called in one shared company with history; writes, each in a company of its own.
    let mut shared = Stage::with_past().await;
    let mut rows = Vec::new();
    for route in all_routes() {
        let usage = if route.needs_a_past() {
            shared = shared.afresh().await;
            ask(wire, &shared, &route).await
        } else {
            let own = Stage::empty().await;
            if route.line.row.visited {
                own.be_visited().await;
            }
            ask(wire, &own, &route).await
        };
        eprintln!("  {}: {} calls", route.name, usage.call_count());
        rows.push(row(&route.name, &usage, prices, &route.line.row.note));
    }
    for (route, what, usage) in Box::pin(of_a_long_past(wire)).await.into_iter().rev() {
        let name = format!("{} after {LONG_PAST_DAYS} days{what}", route.name);
        let beside = rows.iter().position(|(known, _)| *known == route.name).map_or(rows.len(), |at| at + 1);
        rows.insert(beside, row(&name, &usage, prices, &route.line.row.note));
    }
    BillTable {
        of: "Route",
        columns: &["AWS calls", "Read units", "Write units", "Bytes sent", "Bytes received", "$ per million", "Which"],
        rows,
    }
}

async fn of_a_long_past(wire: &Wire) -> Vec<(Route, &'static str, Usage)> {
    let mut stage = Stage::with_past_of(LONG_PAST_DAYS).await;
    let mut asked = Vec::new();
    for (operation, query, what) in OF_A_LONG_PAST {
        let mut routes = all_routes().into_iter();
        let route = routes.find(|route| route.line.operation == operation).expect("a route of the document");
        stage = stage.afresh().await;
        let payload = route.prepared(&stage.world, &stage.functions).await;
        let mut payload: Value = serde_json::from_str(&payload).expect("an event file is JSON");
        payload["rawQueryString"] = query.into();
        let usage = send(wire, &stage, &route, &payload.to_string()).await;
        asked.push((route, what, usage));
    }
    asked
}

fn row(name: &str, usage: &Usage, prices: &Prices, note: &str) -> (String, Vec<String>) {
    eprintln!("  {name}: {} calls", usage.call_count());
    (name.to_owned(), cells(usage, prices.of_route(usage), note))
}

async fn ask(wire: &Wire, stage: &Stage, route: &Route) -> Usage {
    let payload = route.prepared(&stage.world, &stage.functions).await;
    send(wire, stage, route, &payload).await
}

async fn send(wire: &Wire, stage: &Stage, route: &Route, payload: &str) -> Usage {
    // A process asks for it once a minute.
    Box::pin(stage.functions.store.is_suspended(stage.world.company)).await.expect("the table answers");
    wire.take_usage();
    let (status, answer) = stage.send(&route.line.function, payload).await;
    assert!(route.is_fine(status), "{} answered {status} {answer}: its row says {}", route.name, route.line.row.status);
    wire.take_usage()
}
