//! `lab flood`: one company is flooded, and another has visitors. What reaches the queue, and how
//! long the neighbour's requests take, beside a flood of another deployment.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use domain::company::{Company, CompanyProfile};
use domain::kernel::budget::BudgetName;
use domain::kernel::id::{CardId, CompanyId};
use domain::kernel::text::{AppId, Line};
use domain::people::member::Role;
use serde_json::{Value, json};
use store::NewCompany;
use testkit::events::load;
use testkit::world::World;

use crate::day::body;
use crate::options::Options;
use crate::random::Random;
use crate::stage::Stage;
use crate::visits::{self, Visit};
use crate::wire::Wire;

pub(crate) const OPTIONS: [&str; 4] = ["rounds", "flood", "persons", "seed"];

/// Events in a batch of the flood: the most that one may have.
const FLOOD_EVENTS: u32 = 100;
/// Events in a batch of the neighbour's visitors.
const VISIT_EVENTS: u32 = 20;
/// Time between two requests of the neighbour.
const ROUND_MS: i64 = 100;
/// How much longer the neighbour's p99 may be.
const SLOWER_MAX: f64 = 1.2;
const RESAMPLINGS: usize = 400;

/// Somebody's batches.
#[derive(Clone, Copy)]
struct FloodSender {
    company: Company,
    card: CardId,
    events: u32,
    persons: u64,
}

/// The answers.
#[derive(Default)]
struct FloodReport {
    accepted: u64,
    refused: BTreeMap<String, u64>,
    calls_for_refusals: u32,
    quiet: Vec<Duration>,
    flooded: Vec<Duration>,
    neighbour_refused: u64,
}

/// A deployment, and who sends to it.
struct FloodScene {
    stage: Stage,
    flooder: FloodSender,
}

impl FloodScene {
    /// A deployment with a company to flood.
    async fn new(persons: u64) -> Self {
        let stage = Stage::empty().await;
        let (company, card) = another_company(&stage.world).await;
        Self { stage, flooder: FloodSender { company, card, events: FLOOD_EVENTS, persons } }
    }

    /// Sends some batches of the flood; notes the answers.
    async fn flood(&self, count: u64, wire: &Wire, random: &mut Random, report: &mut FloodReport) {
        for _ in 0..count {
            let payload = request(&self.stage.world, self.flooder, random.below(self.flooder.persons), random);
            wire.take_usage();
            let (status, answer) = self.stage.send("tracking", &payload).await;
            report.note_flood(status, &answer, wire.take_usage().call_count());
            assert!(status == 202 || status == 429, "{status} {answer}");
        }
    }
}

/// Sends the neighbour's request once after a flood of its deployment and once after the same flood
/// of another deployment, in turns, and every other round the other way round. So the machine, the
/// emulators and the processor's caches are in the same state: what differs is what the two companies
/// of a deployment share.
pub(crate) async fn run(options: &Options<'_>, wire: &Wire) -> ExitCode {
    let (rounds, flood) = (options.number("rounds", 2_000).max(100), options.number("flood", 5));
    let mut random = Random(options.number("seed", 1));
    let persons = options.number("persons", 2_000).max(1);
    let scene = FloodScene::new(persons).await;
    let elsewhere = FloodScene::new(persons).await;
    let world = &scene.stage.world;
    let visitor =
        FloodSender { company: world.company, card: world.card("lin"), events: VISIT_EVENTS, persons: rounds };
    let (mut report, mut other) = (FloodReport::default(), FloodReport::default());
    for round in 0..rounds {
        for is_flooded in [round % 2 == 1, round % 2 == 0] {
            let (flooded, noted) = if is_flooded { (&scene, &mut report) } else { (&elsewhere, &mut other) };
            flooded.flood(flood, wire, &mut random, noted).await;
            let payload = request(world, visitor, round, &mut random);
            let begun = Instant::now();
            let (status, _) = scene.stage.send("tracking", &payload).await;
            let times = if is_flooded { &mut report.flooded } else { &mut report.quiet };
            times.push(begun.elapsed());
            report.neighbour_refused += u64::from(status != 202);
        }
        world.clock.advance(ROUND_MS);
        elsewhere.stage.world.clock.advance(ROUND_MS);
    }
    report.tell(rounds, rounds * flood)
}

/// A second company with a card.
async fn another_company(world: &World) -> (Company, CardId) {
    world.clock.advance(1);
    let now = world.clock.now();
    let id: CompanyId = world.ids.new_id(now).expect("an id");
    let (name, appid) =
        (Line::parse("别家茶业").expect("a name"), AppId::parse("wx00000000000002").expect("an app id"));
    let profile = CompanyProfile { id, name, appid, wecom: None, suspended: false, created_at: now };
    let new = NewCompany { profile, boss: world.member("other-boss", Role::Boss), seats: 5 };
    world.store.create_company(new, &world.request("other"), now).await.expect("the company is created");
    let (company, staff) = (Company::granted(id), world.member("other-staff", Role::Staff));
    let card = staff.member.card.expect("staff have cards");
    let added = world.store.add_member(company, staff, &world.entry(), &world.request("other-staff")).await;
    added.expect("the member is added");
    (company, card)
}

/// A request of one of the sender's people, from one of 200 addresses.
fn request(world: &World, sender: FloodSender, number: u64, random: &mut Random) -> String {
    let (company, person) = (sender.company, visits::person(number % sender.persons));
    let visit = Visit {
        company: company.id(),
        person,
        card: sender.card,
        received_at: world.clock.now(),
        events: sender.events,
    };
    let token = world.keys.signer.sign(company, person, None, world.clock.now()).expect("a token");
    let mut request: Value =
        serde_json::from_str(&load("tracking", "record_events", world)).expect("an event file is JSON");
    request["body"] = json!(body(&visits::batch(visit, random)).to_string());
    request["headers"]["authorization"] = json!(format!("Bearer {token}"));
    request["requestContext"]["http"]["sourceIp"] = json!(format!("198.51.100.{}", number % 200));
    request.to_string()
}

/// A percentile in milliseconds.
fn percentile(times: &mut [Duration], part: usize) -> f64 {
    times.sort();
    times[times.len() * part / 100].as_secs_f64() * 1_000.0
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

impl FloodReport {
    fn note_flood(&mut self, status: u16, answer: &Value, calls: u32) {
        if status == 202 {
            self.accepted += 1;
        } else {
            *self.refused.entry(answer["budget"].as_str().unwrap_or("?").to_owned()).or_default() += 1;
            self.calls_for_refusals += calls;
        }
    }

    /// Between which ratios of both p99 nine of ten lie when rounds are drawn again with repetition. A wide
    /// range means that the machine was too busy for a verdict.
    fn resampled_p99(&self) -> [f64; 2] {
        let (mut random, rounds) = (Random(1), self.quiet.len());
        let mut ratios: Vec<f64> = (0..RESAMPLINGS)
            .map(|_| {
                let drawn: Vec<_> = (0..rounds).map(|_| index(random.below(rounds as u64))).collect();
                let of =
                    |times: &[Duration]| percentile(&mut drawn.iter().map(|&nth| times[nth]).collect::<Vec<_>>(), 99);
                of(&self.flooded) / of(&self.quiet)
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        [ratios[RESAMPLINGS / 20], ratios[RESAMPLINGS - 1 - RESAMPLINGS / 20]]
    }

    fn tell(mut self, rounds: u64, flood: u64) -> ExitCode {
        let events = self.accepted * u64::from(FLOOD_EVENTS);
        let seconds = rounds * u64::try_from(ROUND_MS).unwrap_or_default() / 1_000;
        let refused: u64 = self.refused.values().sum();
        println!("flood      {flood} batches of {FLOOD_EVENTS} events in {seconds} s of the functions' clock");
        println!("accepted   {} batches, {events} events", self.accepted);
        println!(
            "refused    {refused} batches with {} calls of AWS, by budget {:?}",
            self.calls_for_refusals, self.refused
        );
        println!("neighbour  {} batches, {} refused", 2 * rounds, self.neighbour_refused);
        let [low, high] = self.resampled_p99();
        let [quiet, flooded] = [percentile(&mut self.quiet, 50), percentile(&mut self.flooded, 50)];
        println!("p50        {quiet:.2} ms quiet, {flooded:.2} ms flooded: {:.2} ×", flooded / quiet);
        let [quiet, flooded] = [percentile(&mut self.quiet, 99), percentile(&mut self.flooded, 99)];
        println!("p99        {quiet:.2} ms quiet, {flooded:.2} ms flooded: {:.2} ×", flooded / quiet);
        println!("           {low:.2} to {high:.2} × in nine of ten resamplings of the rounds");
        let rate = BudgetName::CompanyEvents.budget().rates[0];
        let allowed = rate.capacity + seconds * 1_000_000 / u64::try_from(rate.token_us).unwrap_or(1);
        let is_fine = self.neighbour_refused == 0
            && events <= allowed
            && self.calls_for_refusals == 0
            && flooded <= quiet * SLOWER_MAX;
        println!("{}", if is_fine { "the neighbour notices nothing" } else { "over the bounds" });
        if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
