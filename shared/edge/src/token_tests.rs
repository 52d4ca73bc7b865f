use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use domain::kernel::id::Id;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

struct Keys {
    signer: TokenSigner,
    pair: Ed25519KeyPair,
    jwk: Value,
}

fn keys(kid: &str) -> Keys {
    let pair = Ed25519KeyPair::generate().unwrap();
    let pkcs8 = pair.to_pkcs8().unwrap();
    let jwk =
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": BASE64URL_NOPAD.encode(pair.public_key().as_ref())});
    Keys { signer: TokenSigner::new(kid.to_owned(), &BASE64.encode(pkcs8.as_ref())).unwrap(), pair, jwk }
}

fn verifier(keys: &[&Keys]) -> TokenVerifier {
    let jwks: Vec<_> = keys.iter().map(|keys| keys.jwk.clone()).collect();
    TokenVerifier::from_jwks(&json!({ "keys": jwks }).to_string()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
}

/// An admin without a card, whose rights have changed this often.
fn admin(rights: u32) -> MemberClaims {
    let (member, role) = (MemberId::from_uuid(Uuid::from_u128(3)), Role::Admin);
    let session = SessionId::from_uuid(Uuid::from_u128(4));
    MemberClaims { member, role, card: None, radar: true, rights, session, logged_in_at: now().plus_millis(-90_000) }
}

fn token(keys: &Keys) -> String {
    let company = Company::granted(CompanyId::from_uuid(Uuid::from_u128(1)));
    keys.signer.sign(company, PersonId::from_uuid(Uuid::from_u128(2)), Some(admin(0)), now()).unwrap()
}

/// A good token with the claims that `change` changes; signed with the right key.
fn forged(keys: &Keys, change: impl Fn(&mut Value, &mut Value)) -> String {
    let good = token(keys);
    let mut parts = good.split('.').map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap());
    let mut part = || serde_json::from_slice::<Value>(&parts.next().unwrap()).unwrap();
    let (mut header, mut claims) = (part(), part());
    change(&mut header, &mut claims);
    let text = [header, claims].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes())).join(".");
    let signature = BASE64URL_NOPAD.encode(keys.pair.sign(text.as_bytes()).as_ref());
    format!("{text}.{signature}")
}

#[test]
fn a_token_counts_changes_of_rights_and_one_of_before_the_count_has_none() {
    let keys = keys("k1");
    let verifier = verifier(&[&keys]);
    let company = Company::granted(CompanyId::from_uuid(Uuid::from_u128(1)));
    let person = PersonId::from_uuid(Uuid::from_u128(2));
    let later = keys.signer.sign(company, person, Some(admin(7)), now()).unwrap();
    assert_eq!(verifier.verify(&later, now()).unwrap().rights, 7);
    // What older code has signed has no such claim.
    let of_old = forged(&keys, |_, claims| assert_eq!(claims.get("gen"), None));
    assert_eq!(verifier.verify(&of_old, now()).unwrap().rights, 0);
}

#[test]
fn a_token_says_who_and_how_long() {
    let keys = keys("k1");
    let verifier = verifier(&[&keys]);
    let claims = verifier.verify(&token(&keys), now()).unwrap();
    assert_eq!((claims.role, claims.crd, claims.rad), (Some(Role::Admin), None, true));
    assert!(verifier.verify(&forged(&keys, |_, _| {}), now()).is_ok(), "the forger makes good tokens too");
    assert_eq!((claims.sid.map(|id| id.uuid().as_u128()), claims.auth), (Some(4), Some(now().seconds() - 90)));
    let life = MEMBER_TOKEN_LIFE_MS;
    assert!(verifier.verify(&token(&keys), now().plus_millis(life - 1_000)).is_ok());
    assert!(verifier.verify(&token(&keys), now().plus_millis(life)).is_err());
    assert!(verifier.verify(&token(&keys), now().plus_millis(-6_000)).is_err());
}

#[test]
fn a_visitor_s_token_lives_longer_and_names_neither_session_nor_login() {
    let keys = keys("k1");
    let verifier = verifier(&[&keys]);
    let company = Company::granted(CompanyId::from_uuid(Uuid::from_u128(1)));
    let visitor = keys.signer.sign(company, PersonId::from_uuid(Uuid::from_u128(2)), None, now()).unwrap();
    let claims = verifier.verify(&visitor, now().plus_millis(TOKEN_LIFE_MS - 1_000)).unwrap();
    assert_eq!((claims.sid, claims.auth, claims.expires_at()), (None, None, now().plus_millis(TOKEN_LIFE_MS)));
    assert!(verifier.verify(&visitor, now().plus_millis(TOKEN_LIFE_MS)).is_err());
    let of_before = forged(&keys, |_, claims| claims["exp"] = json!(now().seconds() + TOKEN_LIFE_MS / SECOND_MS));
    assert!(verifier.verify(&of_before, now()).is_err(), "no member has a token that lives so long");
}

#[test]
fn during_a_rotation_both_keys_are_accepted_and_afterwards_only_the_new_one() {
    let (old, new) = (keys("old"), keys("new"));
    let both = verifier(&[&old, &new]);
    assert!(both.verify(&token(&old), now()).is_ok() && both.verify(&token(&new), now()).is_ok());
    assert!(verifier(&[&new]).verify(&token(&old), now()).is_err());
}

#[test]
fn an_anonymous_token_identifies_the_person_for_a_week_and_no_other_token_does() {
    let keys = keys("k1");
    let verifier = verifier(&[&keys]);
    let company = Company::granted(CompanyId::from_uuid(Uuid::from_u128(1)));
    let person = PersonId::from_uuid(Uuid::from_u128(2));
    let anonymous = keys.signer.sign_anonymous(company, person, now()).unwrap();
    let end = now().plus_millis(TOKEN_LIFE_MS);
    let claims = verifier.verify(&anonymous, now()).unwrap();
    assert_eq!((claims.ano, claims.sub, claims.mem, claims.rad), (true, person, None, false));
    assert!(verifier.verify(&anonymous, end).is_err());
    assert_eq!(verifier.verify_anonymous(&anonymous, end.plus_millis(SHOWN_LATE_MS - 1_000)).unwrap().sub, person);
    assert!(verifier.verify_anonymous(&anonymous, end.plus_millis(SHOWN_LATE_MS)).is_err());
    assert!(verifier.verify_anonymous(&anonymous, now().plus_millis(-60_000)).is_err());
    assert!(verifier.verify_anonymous(&token(&keys), now()).is_err());
    let member = forged(&keys, |_, claims| claims["ano"] = json!(true));
    assert!(verifier.verify_anonymous(&member, now()).is_err());
}

#[test]
fn every_altered_token_is_refused() {
    let keys = keys("k1");
    let verifier = verifier(&[&keys]);
    type TokenEdit = dyn Fn(&mut Value, &mut Value);
    let changes: [&TokenEdit; 11] = [
        &|header, _| header["alg"] = json!("none"),
        &|header, _| header["alg"] = json!("HS256"),
        &|header, _| header["alg"] = json!("ES256"),
        &|header, _| header["typ"] = json!("JWT"),
        &|header, _| header["kid"] = json!("k2"),
        &|header, _| drop(header.as_object_mut().unwrap().remove("kid")),
        &|_, claims| claims["aud"] = json!("other"),
        &|_, claims| claims["iss"] = json!("other"),
        &|_, claims| claims["exp"] = json!(now().seconds() - 1),
        &|_, claims| claims["exp"] = json!(now().seconds() + 86_400),
        &|_, claims| claims["nbf"] = json!(now().seconds() + 60),
    ];
    for (n, change) in changes.iter().enumerate() {
        assert_eq!(verifier.verify(&forged(&keys, change), now()), Err(TokenRefused), "change {n}");
    }
    let good = token(&keys);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    for bad in [format!("{signed}."), signed.to_owned(), format!("{signed}.{first}{}", &signature[1..]), String::new()]
    {
        assert!(verifier.verify(&bad, now()).is_err(), "{bad}");
    }
}

/// One of many tokens: good and bad, of members and anonymous, from different times.
fn some_token(keys: &Keys, other: &Keys, kind: usize, begins_s: i64) -> String {
    let begins = now().seconds() + begins_s;
    let life = if kind == 1 { TOKEN_LIFE_MS } else { MEMBER_TOKEN_LIFE_MS };
    let times = |claims: &mut Value| {
        claims["nbf"] = json!(begins);
        claims["exp"] = json!(begins + life / SECOND_MS);
    };
    match kind {
        0 => forged(keys, |_, claims| times(claims)),
        1 => forged(keys, |_, claims| {
            times(claims);
            claims["ano"] = json!(true);
            claims.as_object_mut().unwrap().retain(|name, _| !["mem", "role", "rad"].contains(&name.as_str()));
        }),
        // Signed by another key under our key's name, of another type, for another audience, too
        // long.
        2 => forged(other, |header, claims| {
            times(claims);
            header["kid"] = json!("k1");
        }),
        3 => forged(keys, |header, claims| {
            times(claims);
            header["typ"] = json!("JWT");
        }),
        4 => forged(keys, |_, claims| {
            times(claims);
            claims["aud"] = json!("other");
        }),
        5 => forged(keys, |_, claims| {
            times(claims);
            claims["exp"] = json!(begins + 86_400);
        }),
        // The claims of a good token with another signature, and the reverse.
        6 => some_token(keys, other, 0, begins_s).rsplit_once('.').unwrap().0.to_owned() + ".AAAA",
        _ => some_token(keys, other, 0, begins_s) + "A",
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A verifier that has seen other tokens answers like a new one. The clock may also go back.
    #[test]
    fn a_verifier_that_remembers_accepts_exactly_what_one_without_memory_does(
        asked in prop::collection::vec((0..8_usize, 0..4_i64, -3_i64..=170, any::<bool>()), 1..40),
    ) {
        let (own, other) = (keys("k1"), keys("k2"));
        let remembering = verifier(&[&own]);
        for (kind, begins_h, hour, anonymous) in asked {
            let token = some_token(&own, &other, kind, begins_h * 3_600);
            // Around every edge: full hours and a second before them.
            let now = now().plus_millis(hour * 3_600_000 - i64::from(hour % 2 == 0) * 1_000);
            let fresh = verifier(&[&own]);
            let (known, first) = if anonymous {
                (remembering.verify_anonymous(&token, now), fresh.verify_anonymous(&token, now))
            } else {
                (remembering.verify(&token, now), fresh.verify(&token, now))
            };
            prop_assert_eq!(known, first);
        }
    }
}

#[test]
fn a_token_seen_before_is_still_checked_against_the_clock() {
    let keys = keys("k1");
    let verifier = verifier(&[&keys]);
    let token = token(&keys);
    assert!(verifier.verify(&token, now()).is_ok() && verifier.seen.len() == 1);
    // The clock of this function is set back: the token is remembered, but not valid yet.
    assert_eq!(verifier.verify(&token, now().plus_millis(-6_000)), Err(TokenRefused));
    assert!(verifier.verify(&token, now()).is_ok());
    assert_eq!(verifier.verify(&token, now().plus_millis(MEMBER_TOKEN_LIFE_MS)), Err(TokenRefused));
    assert_eq!(verifier.seen.len(), 0);
}

#[test]
fn only_tokens_that_were_accepted_are_remembered() {
    let (own, other) = (keys("k1"), keys("k2"));
    let verifier = verifier(&[&own]);
    for kind in 2..8 {
        assert!(verifier.verify(&some_token(&own, &other, kind, 0), now()).is_err(), "kind {kind}");
    }
    assert!(verifier.verify(&some_token(&own, &other, 0, 3_600), now()).is_err(), "not yet valid");
    // An expired anonymous token still shows who they were, but is not remembered.
    let late = some_token(&own, &other, 1, -3 * 3_600);
    assert!(verifier.verify_anonymous(&late, now()).is_ok());
    assert_eq!(verifier.seen.len(), 0);
}

#[test]
fn unusable_key_sets_are_refused_at_start() {
    let keys = keys("k1");
    for bad in ["{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"RSA","crv":"x","kid":"k","x":"y"}]}"#] {
        assert!(TokenVerifier::from_jwks(bad).is_err(), "{bad}");
    }
    let three = json!({"keys": [keys.jwk, keys.jwk, keys.jwk]}).to_string();
    assert!(TokenVerifier::from_jwks(&three).is_err());
}
