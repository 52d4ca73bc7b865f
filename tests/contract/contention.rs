//! Many writers of one customer on DynamoDB Local: each gets through, far below the ten
//! seconds of the gateway.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::company::audit::AuditEntry;
use domain::crm::command::CustomerCommand;
use domain::crm::opportunity::Deal;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::DealId;
use runtime::retry::Policy;
use store::OpportunityChange;
use testkit::world::World;

use crate::aggregator::{aggregator, batch, delivered};
use crate::event_files::KeptDeadLetters;

const WRITERS: usize = 60;

/// Reads the visitor, adds a deal and writes, as a request does.
async fn close(world: &World) -> Result<DealId, Failure> {
    let (company, card, person, now) = (world.company, world.card("lin"), world.visitor, world.clock.now());
    let id = world.ids.fresh(now).unwrap();
    let said = CustomerCommand::Deal(id, Deal::new(Day::of(now), now, world.staff["lin"].member).unwrap());
    let audit: AuditEntry = world.entry();
    let attempt = async || {
        let (read, _) = world.store.dealings_of(company, card, person, None, now).await?;
        let retold = said.of(&read, person, card).unwrap();
        let change = OpportunityChange { card, person, retold: &retold, audit: &audit };
        world.store.change_dealings(company, change, said, None).await
    };
    world.store.retry().run(Policy::CONTENTION, attempt).await.map(|_| id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_writes_of_one_customer_at_once_all_succeed() {
    let world = Arc::new(World::new().await);
    let batch = domain::tracking::batch::AcceptedBatch { person: world.visitor, ..batch(&world, 0, 1, &[0]) };
    let counted =
        radar_aggregator::handle(&aggregator(&world, KeptDeadLetters::default()), delivered(&[&batch], 1), "r").await;
    assert!(counted.batch_item_failures.is_empty());
    let begin = Instant::now();
    let writers = (0..WRITERS).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { (close(&world).await, begin.elapsed()) })
    });
    let mut slowest = Duration::ZERO;
    for writer in writers.collect::<Vec<_>>() {
        let (closed, took) = writer.await.unwrap();
        closed.unwrap();
        slowest = slowest.max(took);
    }
    println!("{WRITERS} writes of one customer took {} ms", slowest.as_millis());
    assert!(slowest < Policy::CONTENTION.deadline, "{slowest:?}");
    let read = world.store.dealings_of(world.company, world.card("lin"), world.visitor, None, world.clock.now()).await;
    let deals: usize = read.unwrap().0.values().map(|part| part.dealings.deals_on(world.card("lin")).count()).sum();
    assert_eq!(deals, WRITERS, "none is lost");
}
