//! Many writers of one customer on DynamoDB Local: each succeeds, and no write is lost.

use std::sync::Arc;
use std::time::Duration;

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
/// A shared machine may be slow: `runtime::retry` tests the duration in simulated time.
const PATIENT: Policy = Policy { deadline: Duration::from_secs(120), attempts: 10_000, ..Policy::CONTENTION };

/// Reads the visitor, adds a deal and writes, like a request.
async fn close(world: &World) -> Result<DealId, Failure> {
    let (company, card, person, now) = (world.company, world.card("lin"), world.visitor, world.clock.now());
    let id = world.ids.new_id(now).unwrap();
    let command = CustomerCommand::Deal(id, Deal::new(Day::of(now), now, world.staff["lin"].member).unwrap());
    let audit: AuditEntry = world.entry();
    let attempt = async || {
        let (read, _) = world.store.opportunity_of(company, card, person, None, now).await?;
        let update = command.of(&read.identities, person, card).unwrap();
        let change = OpportunityChange { card, person, read: &read, update: &update, audit: &audit };
        world.store.change_opportunity(company, change, command, None).await
    };
    world.store.retry().run(PATIENT, attempt).await.map(|_| id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_writes_of_one_customer_at_once_all_succeed() {
    let world = Arc::new(World::new().await);
    let batch = domain::tracking::batch::AcceptedBatch { person: world.visitor, ..batch(&world, 0, 1, &[0]) };
    let counted =
        radar_aggregator::handle(&aggregator(&world, KeptDeadLetters::default()), delivered(&[&batch], 1), "r").await;
    assert!(counted.batch_item_failures.is_empty());
    let writers = (0..WRITERS).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { close(&world).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    let read =
        world.store.opportunity_of(world.company, world.card("lin"), world.visitor, None, world.clock.now()).await;
    let deals: usize =
        read.unwrap().0.identities.values().map(|part| part.opportunity.deals_on(world.card("lin")).count()).sum();
    assert_eq!(deals, WRITERS, "none is lost");
}
