//! The steps of a handover, thing by thing. A new kind of thing is one more arm here, and one more file.

use domain::company::Company;
use domain::crm::handover::{
    HANDOVER_STEP, Handover, HandoverCounts, HandoverPage, HandoverStep, HandoverThing, StayingThing,
};
use domain::crm::handover_plan::{counts, plan};
use domain::crm::job::{HandoverTask, JobStep};
use domain::kernel::failure::Failure;

use crate::Flow;
use crate::crm::{handover_card, handover_customer};

/// The next things of a handover; first of all it counts them.
pub(crate) async fn step(flow: &Flow<'_>, company: Company, task: &HandoverTask) -> Result<JobStep, Failure> {
    let handover = flow.store.handover(company, task.handover).await?;
    let (after, page) = match &handover.place {
        None => (count(flow, company, &handover).await?, HandoverPage::default()),
        Some(place) => {
            let page = match place.thing {
                HandoverThing::Customers | HandoverThing::Collaborations => {
                    handover_customer::page(flow, company, &handover, place).await?
                }
                HandoverThing::FollowUps => handover_customer::page_of_plans(flow, company, &handover, place).await?,
                HandoverThing::Card => handover_card::page(flow, company, &handover, place).await?,
            };
            (handover.after(&page, flow.now), page)
        }
    };
    let (moved, _) = flow.store.handover_counts(company, &handover).await?;
    Ok(done(after, page, &moved))
}

/// The next things of a handover that is undone.
pub(crate) async fn undo_step(flow: &Flow<'_>, company: Company, task: &HandoverTask) -> Result<JobStep, Failure> {
    let handover = flow.store.handover(company, task.handover).await?;
    let after = handover.undo.as_ref().and_then(|undo| undo.after.as_deref()?.split_once('#'));
    let after = after.and_then(|(thing, what)| Some((HandoverThing::from_name(thing)?, what)));
    let notes = flow.store.handed_over(company, &handover, after, HANDOVER_STEP).await?;
    let mut page = HandoverPage::default();
    for note in notes.iter().filter(|note| !note.restored) {
        let stays = match note.thing {
            HandoverThing::Card => handover_card::restore(flow, company, &handover, note).await?,
            HandoverThing::Customers | HandoverThing::Collaborations | HandoverThing::FollowUps => {
                handover_customer::restore(flow, company, &handover, note).await?
            }
        };
        page.staying.extend(
            stays.map(|reason| StayingThing {
                undoing: true,
                ..StayingThing::new(note.thing, note.what.clone(), reason)
            }),
        );
    }
    let is_full = notes.len() == HANDOVER_STEP as usize;
    page.next = notes.last().filter(|_| is_full).map(|note| format!("{}#{}", note.thing.name(), note.what));
    let (_, restored) = flow.store.handover_counts(company, &handover).await?;
    Ok(done(handover.after_undone(&page, flow.now), page, &restored))
}

async fn count(flow: &Flow<'_>, company: Company, handover: &Handover) -> Result<Handover, Failure> {
    let list = flow.store.customer_list(company, None).await?;
    Ok(handover.counted(counts(&plan(handover, &list.rows, &list.tags)), flow.now))
}

fn done(after: Handover, page: HandoverPage, counts: &HandoverCounts) -> JobStep {
    let moved = counts.values().flat_map(|of| of.values()).sum();
    let step = HandoverStep { after, staying: page.staying, moved };
    JobStep { handover: Some(step), ..JobStep::default() }
}
