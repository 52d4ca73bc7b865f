//! Tests of the keys.

use domain::kernel::day::Day;
use domain::kernel::id::Id;
use domain::radar::aggregate::SegmentKey;
use domain::radar::counter::{Period, Scope};
use domain::tracking::batch::BatchId;
use proptest::prelude::*;

use super::company_of as company_of_key;
use super::radar::period_key;
use super::*;

fn company_of(n: u128) -> Company {
    Company::granted(CompanyId::from_uuid(Uuid::from_u128(n)))
}

proptest! {
    #[test]
    fn keys_read_back(c: u128, card: u128, batch: u128, person: u128, day in 0i32..60_000) {
        let company = company_of(c);
        let key = SegmentKey {
            card: CardId::from_uuid(Uuid::from_u128(card)),
            batch: BatchId::from_uuid(Uuid::from_u128(batch)),
            person: PersonId::from_uuid(Uuid::from_u128(person)),
        };
        prop_assert_eq!(segment_of(&segment(company, key)), Some(key));
        prop_assert_eq!(card_of(&super::card(company, key.card)), Some(key.card));
        prop_assert_eq!(customer_of(&customer(company, key.person)), Some(key.person));
        let upload = UploadId::from_uuid(Uuid::from_u128(batch));
        prop_assert_eq!(upload_of(&super::upload(company, upload)), Some(upload));
        let held = hold(company, "SEATS", "x");
        prop_assert_eq!(quota_of(&held), Some("SEATS"));
        prop_assert_eq!(shortlist_refresh_of(&shortlist_refresh(company, key.person, key.card)), Some((key.person, key.card)));
        // All that becomes due.
        for waiting in [
            hold(company, "SEATS", "x"),
            pending_deltas(company, Uuid::from_u128(batch), 7),
            super::upload(company, upload),
            shortlist_refresh(company, key.person, key.card),
            leaderboards(company),
            recount(company),
            close_rate_model(company),
        ] {
            prop_assert_eq!(company_of_key(&waiting), Some(company.id()));
        }
        let period = Period::Day(Day::from_number(day));
        prop_assert_eq!(period_of(&counter(company, Scope::Company, period)), Some(period));
    }

    #[test]
    fn the_partitions_of_two_companies_never_meet(a: u128, b: u128, n: u128) {
        prop_assume!(a != b);
        let partitions = |c| {
            let company = company_of(c);
            let card = CardId::from_uuid(Uuid::from_u128(n));
            [
                super::company(company).pk,
                members(company),
                activations(company),
                invitations(company),
                invitation_code(company, "hash").pk,
                join_requests(company),
                super::card(company, card).pk,
                log(company, card),
                live(company, card),
                feed(company),
                card_template(company).pk,
                departments(company).pk,
                upload(company, UploadId::from_uuid(Uuid::from_u128(n))).pk,
                share(company, &ShareCode::from_secret(n.to_be_bytes())).pk,
                settings(company, None),
                merges(company),
                pending_deltas(company, Uuid::from_u128(n), 0).pk,
                recount(company).pk,
                profile(company, PersonId::from_uuid(Uuid::from_u128(n))).pk,
                phone(company, &Mobile::parse("+8613800138000").unwrap()).pk,
                counters(company, Scope::Company),
                counters(company, Scope::Card(card)),
            ]
        };
        for own in partitions(a) {
            prop_assert!(own.starts_with(&company_of(a).id().to_string()));
            prop_assert!(!partitions(b).contains(&own));
        }
    }

    #[test]
    fn later_batches_and_days_sort_later(a in 0u64..1 << 47, b in 0u64..1 << 47, x in 0i32..60_000, y in 0i32..60_000) {
        let sk = |millis| {
            let batch = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid();
            let zero = Uuid::nil();
            let key = SegmentKey { card: CardId::from_uuid(zero), batch: BatchId::from_uuid(batch), person: PersonId::from_uuid(zero) };
            segment(company_of(1), key).sk
        };
        prop_assert_eq!(a.cmp(&b), sk(a).cmp(&sk(b)));
        let days = [x, y].map(|day| period_key(Period::Day(Day::from_number(day))));
        prop_assert_eq!(x.cmp(&y), days[0].cmp(&days[1]));
        prop_assert!(days[0] < period_key(Period::Lifetime));
    }
}
