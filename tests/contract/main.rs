//! Contract tests: the store on DynamoDB Local, the queue on LocalStack, every file of
//! `events/`, and the checked-in OpenAPI document. Run with `scripts/test unit`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod activation;
mod aggregator;
mod authority;
mod backers;
mod bounds;
mod budgets;
mod cards;
mod claim_codes;
mod clocks;
mod closing;
mod company_model;
mod conflicts;
mod contention;
mod department_radar;
mod departments;
mod document_answers;
mod due_lists;
mod edges;
mod event_files;
mod feed;
mod fresh_logins;
mod golden;
mod histories;
mod http;
mod idempotency;
mod intake;
mod invitations;
mod join_requests;
mod leaderboards;
mod lists;
mod live;
mod login;
mod member_edit;
mod merges;
mod opportunity;
mod own_keys;
mod pipeline;
mod population;
mod ranges;
mod recount;
mod retrain;
mod rights;
mod rights_of_routes;
mod screens;
mod seats;
mod sessions;
mod shortlists;
mod store;
mod successors;
mod suspension;
mod versions;

use mingpian_tests::functions;
mod uploads;
