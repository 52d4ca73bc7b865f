//! The laboratory: the costs of the product, and its correctness under faults. Started by
//! `scripts/lab`, which starts the emulators it needs.
#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "the report is what it is for")]

mod acts;
mod advice;
mod answers;
mod bench;
mod bill;
mod compare;
mod count;
mod crowd;
mod day;
mod environment;
mod faults;
mod fit;
mod fleet;
mod flood;
mod host;
mod http;
mod load;
mod masks;
mod memory;
mod meter;
mod million;
mod operation;
mod options;
mod outages;
mod pipeline;
mod prices;
mod random;
mod routes;
mod rows;
mod sites;
mod stage;
mod streams;
mod studio;
mod subject;
mod tap;
mod trials;
mod units;
mod usage;
mod visits;
mod wire;

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use runtime::config::Env;

use crate::options::Options;
use crate::wire::Wire;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["meter"] => meter::run(&wire(), false).await,
        ["meter", "--check"] => meter::run(&wire(), true).await,
        ["host"] => bench::run(&wire(), false).await,
        ["host", "--check"] => bench::run(&wire(), true).await,
        ["faults"] => trials::run(&wire(), "").await,
        ["faults", only] => trials::run(&wire(), only).await,
        ["advice", file] => advice::run(file),
        ["fit", file] => fit::run(file, false),
        ["fit", file, "--check"] => fit::run(file, true),
        ["messages", count] => million::messages(count),
        ["million", options @ ..] => match Options::of(options, &million::OPTIONS) {
            Some(options) => million::run(&options, &wire()).await,
            None => unknown(),
        },
        ["flood", options @ ..] => match Options::of(options, &flood::OPTIONS) {
            Some(options) => Box::pin(flood::run(&options, &wire())).await,
            None => unknown(),
        },
        ["load", options @ ..] => match Options::of(options, &LOAD) {
            Some(options) => load::run(&options, wire).await,
            None => unknown(),
        },
        _ => unknown(),
    }
}

/// The options of `lab load`.
const LOAD: [&str; 8] = ["batches", "persons", "events", "duplicates", "window", "rate", "seed", "people"];

fn unknown() -> ExitCode {
    eprintln!("next: scripts/lab help");
    ExitCode::FAILURE
}

/// The wire, at the address of the emulators.
fn wire() -> Arc<Wire> {
    let env = Env::process();
    let variable =
        |name| env.required(name).unwrap_or_else(|error| panic!("{error}: start the laboratory with scripts/lab"));
    let address = variable("DYNAMODB_ENDPOINT");
    let listener = TcpListener::bind(address.trim_start_matches("http://")).expect("the port is free");
    Wire::start(listener, &variable("LAB_DYNAMODB"), &variable("LAB_SQS"), environment::secrets())
}
