use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kernel::id::Id;

const MINUTE_MS: i64 = 60 * SECOND_MS;

fn noon() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
}

fn mobile() -> Mobile {
    Mobile::parse("13800138000").unwrap()
}

fn sent(nonce: &str, at: Timestamp) -> SentCode {
    SentCode { nonce: nonce.to_owned(), hash: format!("hash of {nonce}"), sent_at: at, tries_left: TRIES }
}

fn fresh() -> Activation {
    Activation::none(MemberId::from_uuid(Uuid::from_u128(7)))
}

fn granted() -> Activation {
    fresh().after(ActivationStep::Grant(mobile(), Some(sent("n1", noon()))), noon()).unwrap()
}

fn redeemed() -> Activation {
    granted().after(ActivationStep::Redeem { right: true }, noon()).unwrap()
}

fn joined() -> Activation {
    redeemed().after(ActivationStep::Join(RadarEntry::Ticket), noon()).unwrap()
}

#[test]
fn the_way_leads_over_all_states_and_each_change_counts_up() {
    let names: Vec<_> = [fresh(), granted(), redeemed(), joined()].iter().map(|a| a.state.name()).collect();
    assert_eq!(names, ["none", "granted", "redeemed", "joined"]);
    assert_eq!(joined().version, 3);
    assert_eq!([fresh(), granted(), redeemed(), joined()].map(|a| a.is_on(Role::Admin)), [false, false, false, true]);
    assert!(fresh().is_on(Role::Boss), "somebody must be able to begin");
}

#[test]
fn granting_again_changes_nothing_and_sends_nothing() {
    for before in [granted(), redeemed(), joined()] {
        let again = before.after(ActivationStep::Grant(mobile(), Some(sent("n2", noon()))), noon());
        assert_eq!(again, Ok(before));
    }
}

#[test]
fn the_fifth_wrong_try_kills_the_code_and_a_new_one_brings_five_more() {
    let mut activation = granted();
    for left in (0..TRIES).rev() {
        activation = activation.after(ActivationStep::Redeem { right: false }, noon()).unwrap();
        assert_eq!(activation.code().unwrap().tries_left, left);
    }
    assert_eq!(activation.after(ActivationStep::Redeem { right: true }, noon()), Err(ActivationRefusal::CodeDead));
    let later = noon().plus_millis(MINUTE_MS);
    let resent = activation.after(ActivationStep::Resend(Some(sent("n2", later))), later).unwrap();
    assert_eq!(resent.code().unwrap().nonce, "n2");
    assert_eq!(resent.after(ActivationStep::Redeem { right: true }, later).unwrap().state.name(), "redeemed");
}

#[test]
fn codes_and_tickets_end_after_ten_minutes() {
    let last = noon().plus_millis(CODE_LIFE_MS - 1);
    assert!(granted().after(ActivationStep::Redeem { right: true }, last).is_ok());
    let over = noon().plus_millis(CODE_LIFE_MS);
    assert_eq!(granted().after(ActivationStep::Redeem { right: true }, over), Err(ActivationRefusal::CodeExpired));
    assert!(redeemed().after(ActivationStep::Join(RadarEntry::Ticket), last).is_ok());
    assert_eq!(redeemed().after(ActivationStep::Join(RadarEntry::Ticket), over), Err(ActivationRefusal::Ticket));
    assert!(redeemed().after(ActivationStep::Join(RadarEntry::CompanyQr), over).is_ok());
}

#[test]
fn an_impossible_step_returns_the_reason() {
    let redeem = ActivationStep::Redeem { right: true };
    let resend = ActivationStep::Resend(None);
    assert_eq!(fresh().after(redeem.clone(), noon()), Err(ActivationRefusal::NoCode));
    assert_eq!(redeemed().after(redeem.clone(), noon()), Err(ActivationRefusal::CodeUsed));
    assert_eq!(joined().after(redeem, noon()), Err(ActivationRefusal::CodeUsed));
    assert_eq!(fresh().after(resend.clone(), noon()), Err(ActivationRefusal::NotGranted));
    assert_eq!(joined().after(resend, noon()), Err(ActivationRefusal::Joined));
    assert_eq!(fresh().after(ActivationStep::Join(RadarEntry::CompanyQr), noon()), Err(ActivationRefusal::NotGranted));
    assert_eq!(granted().after(ActivationStep::Join(RadarEntry::Ticket), noon()), Err(ActivationRefusal::Ticket));
    assert_eq!(granted().after(ActivationStep::Join(RadarEntry::CompanyQr), noon()).unwrap().state.name(), "joined");
}

#[test]
fn a_code_that_could_not_be_sent_counts_no_longer_unless_a_newer_one_does() {
    let failed = granted().after(ActivationStep::SendFailed("n1".to_owned()), noon()).unwrap();
    assert_eq!((failed.state.name(), failed.code()), ("granted", None));
    assert_eq!(failed.sends.len(), 1, "a failed send counts against the limits");
    assert_eq!(granted().after(ActivationStep::SendFailed("n0".to_owned()), noon()), Ok(granted()));
}

#[test]
fn a_revocation_forgets_the_phone_but_not_the_sends() {
    for before in [granted(), redeemed(), joined()] {
        let off = before.after(ActivationStep::Revoke, noon()).unwrap();
        assert_eq!((off.state.name(), off.mobile.as_ref(), off.sends.len()), ("none", None, 1));
        let soon = off.after(ActivationStep::Grant(mobile(), Some(sent("n2", noon()))), noon());
        assert_eq!(soon, Err(ActivationRefusal::TooManyCodes));
    }
}

#[test]
fn only_fair_numbers_become_codes() {
    let reveal = |numbers: &[u32]| RadarCode::from_random(numbers).map(|code| code.reveal().to_owned());
    assert_eq!(reveal(&[7]).as_deref(), Some("000007"));
    assert_eq!(reveal(&[4_293_999_999]).as_deref(), Some("999999"));
    assert_eq!(reveal(&[4_294_000_000, u32::MAX]), None);
    assert_eq!(reveal(&[u32::MAX, 1_234_567]).as_deref(), Some("234567"));
    for bad in ["", "12345", "1234567", "12345a", "１２３４５６"] {
        assert!(RadarCode::parse(bad).is_err(), "{bad}");
    }
}

fn steps() -> impl Strategy<Value = ActivationStep> {
    prop_oneof![
        Just(ActivationStep::Grant(mobile(), Some(sent("g", noon())))),
        Just(ActivationStep::Grant(mobile(), None)),
        Just(ActivationStep::Resend(Some(sent("r", noon())))),
        Just(ActivationStep::Resend(None)),
        Just(ActivationStep::SendFailed("r".to_owned())),
        any::<bool>().prop_map(|right| ActivationStep::Redeem { right }),
        Just(ActivationStep::Join(RadarEntry::Ticket)),
        Just(ActivationStep::Join(RadarEntry::CompanyQr)),
        Just(ActivationStep::Revoke),
    ]
}

/// The step with a code of this moment, if it brings one.
fn at(mut step: ActivationStep, now: Timestamp) -> ActivationStep {
    if let ActivationStep::Grant(_, Some(code)) | ActivationStep::Resend(Some(code)) = &mut step {
        code.sent_at = now;
    }
    step
}

proptest! {
    #[test]
    fn whatever_happens_the_promises_hold(history in prop::collection::vec((steps(), 0i64..20 * MINUTE_MS), 1..120)) {
        let (mut activation, mut now) = (fresh(), noon());
        let (mut sends, mut wrong) = (Vec::new(), 0);
        for (step, pause) in history {
            now = now.plus_millis(pause);
            let step = at(step, now);
            let Ok(after) = activation.after(step.clone(), now) else { continue };
            let changed = after != activation;
            prop_assert_eq!(after.version, activation.version + u64::from(changed));
            if changed && matches!(&step, ActivationStep::Grant(_, Some(_)) | ActivationStep::Resend(Some(_))) {
                sends.push(now.millis());
                wrong = 0;
            }
            if step == (ActivationStep::Redeem { right: false }) {
                wrong += 1;
                prop_assert!(wrong <= TRIES, "no code is tried more often");
            }
            if step == (ActivationStep::Redeem { right: true }) {
                prop_assert!(wrong < TRIES && activation.code().is_some_and(|code| now < code.expires_at()));
            }
            if changed && after.is_on(Role::Staff) {
                prop_assert!(matches!(step, ActivationStep::Join(_)) && activation.state != ActivationState::None);
            }
            for (millis, most) in SENDS_MAX {
                prop_assert!(sends.iter().filter(|at| now.millis() - **at < millis).count() <= most);
            }
            let stored: Activation = serde_json::from_str(&serde_json::to_string(&after).unwrap()).unwrap();
            prop_assert_eq!(&stored, &after);
            activation = after;
        }
    }
}
