use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kernel::id::Id;

const KEPT: usize = 10;

type TenValues = FieldHistory<u8, KEPT>;

fn by(n: u128) -> MemberId {
    MemberId::from_uuid(Uuid::from_u128(n))
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000 + ms)
}

fn set(profile: &mut TenValues, text: &str, now: i64) -> bool {
    let change = profile.change(1, text, by(1), at(now));
    let changed = change.is_some();
    change.into_iter().for_each(|value| profile.set(1, value));
    changed
}

#[test]
fn the_same_text_again_is_no_change() {
    let mut profile = TenValues::default();
    assert!(!set(&mut profile, "", 1) && profile.is_empty());
    assert!(set(&mut profile, "王敏", 2) && !set(&mut profile, "王敏", 3));
    assert!(set(&mut profile, "", 4) && profile.text(1).is_empty());
}

#[test]
fn a_value_is_found_by_the_moment_it_was_set_as_long_as_it_is_kept() {
    let mut profile = TenValues::default();
    (0..KEPT).for_each(|n| assert!(set(&mut profile, &format!("王{n}"), 10 * i64::try_from(n).unwrap())));
    assert_eq!(profile.text_set_at(1, at(0)), Some("王0"));
    assert_eq!(profile.text_set_at(1, at(1)), None);
    set(&mut profile, "王敏", 1_000);
    assert_eq!(profile.text_set_at(1, at(0)), None);
    assert_eq!(profile.text_set_at(1, at(10)), Some("王1"));
}

proptest! {
    #[test]
    fn the_last_change_is_in_force_whatever_the_clocks_show(texts in prop::collection::vec(("[ab]{0,2}", -5_i64..5), 1..30)) {
        let mut profile = TenValues::default();
        for (text, now) in &texts {
            set(&mut profile, text, *now);
            prop_assert_eq!(profile.text(1), text);
        }
        prop_assert!(profile.values(1).len() <= KEPT);
    }

    #[test]
    fn identities_in_any_order_make_one_profile(texts in prop::collection::vec(("[ab]{0,2}", 0_i64..50), 0..8)) {
        let parts: Vec<_> = texts.iter().map(|(text, now)| {
            let mut part = TenValues::default();
            set(&mut part, text, *now);
            part
        }).collect();
        prop_assert_eq!(TenValues::union(&parts), TenValues::union(parts.iter().rev()));
    }
}
