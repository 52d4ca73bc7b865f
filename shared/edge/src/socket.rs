//! The member at the other end of a live socket: authenticated by a token at the handshake, and
//! from then on by the context that the gateway keeps with the socket.

use std::collections::BTreeMap;

use domain::company::Company;
use domain::kernel::id::{CardId, CompanyId};
use domain::kernel::timestamp::Timestamp;

use crate::auth::bearer_token;
use crate::token::TokenVerifier;

const COMPANY: &str = "company";
const CARD: &str = "card";
const EXPIRES_MS: &str = "expires_ms";

/// A member whose radar is on, and their card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watcher {
    company: Company,
    card: CardId,
    expires_at: Timestamp,
}

impl Watcher {
    /// The watcher whose handshake has this `Authorization` header; `None` if the token is not
    /// accepted, or its member has no card or the radar off.
    pub fn from_header(tokens: &TokenVerifier, authorization: &str, now: Timestamp) -> Option<Self> {
        let claims = tokens.verify(bearer_token(authorization)?, now).ok()?;
        let card = claims.crd.filter(|_| claims.mem.is_some() && claims.role.is_some() && claims.rad)?;
        Some(Self { company: Company::granted(claims.com), card, expires_at: claims.expires_at() })
    }

    /// The context that the gateway stores and returns with each event of the socket. A client can
    /// neither see nor change it.
    pub fn context(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            (COMPANY, self.company.id().to_string()),
            (CARD, self.card.to_string()),
            (EXPIRES_MS, self.expires_at.millis().to_string()),
        ])
    }

    /// The watcher of a [`Watcher::context`] that the gateway returned.
    pub fn from_context(context: &BTreeMap<String, serde_json::Value>) -> Option<Self> {
        let text = |name| context.get(name).and_then(serde_json::Value::as_str);
        let company: CompanyId = text(COMPANY)?.parse().ok()?;
        let expires_ms = text(EXPIRES_MS)?.parse().ok()?;
        Some(Self {
            company: Company::granted(company),
            card: text(CARD)?.parse().ok()?,
            expires_at: Timestamp::from_millis(expires_ms),
        })
    }

    /// The company of the watcher's token.
    pub fn company(&self) -> Company {
        self.company
    }

    /// The watcher's card.
    pub fn card(&self) -> CardId {
        self.card
    }

    /// When the watcher's token expires, and with it the socket.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use data_encoding::{BASE64, BASE64URL_NOPAD};
    use domain::kernel::id::{Id, MemberId, PersonId};
    use domain::people::member::Role;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::token::{MemberClaims, TOKEN_LIFE_MS, TokenSigner};

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
    }

    /// The watcher of a token that is signed now and used `later`.
    fn watcher(membership: Option<MemberClaims>, later: i64) -> Option<Watcher> {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
        let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]}).to_string();
        let signer = TokenSigner::new("k".to_owned(), &BASE64.encode(pair.to_pkcs8().unwrap().as_ref())).unwrap();
        let company = Company::granted(CompanyId::from_uuid(Uuid::from_u128(1)));
        let person = PersonId::from_uuid(Uuid::from_u128(2));
        let token = signer.sign(company, person, membership, now()).unwrap();
        let verifier = TokenVerifier::from_jwks(&jwks).unwrap();
        Watcher::from_header(&verifier, &format!("Bearer {token}"), now().plus_millis(later))
    }

    fn member(card: Option<u128>, radar: bool) -> Option<MemberClaims> {
        let card = card.map(|card| CardId::from_uuid(Uuid::from_u128(card)));
        let (member, role) = (MemberId::from_uuid(Uuid::from_u128(3)), Role::Staff);
        Some(MemberClaims { member, role, card, radar, rights: 0 })
    }

    #[test]
    fn a_member_with_card_and_radar_watches_until_their_token_ends() {
        let found = watcher(member(Some(4), true), 0).unwrap();
        assert_eq!((found.company().id().uuid().as_u128(), found.card().uuid().as_u128()), (1, 4));
        assert_eq!(found.expires_at(), now().plus_millis(TOKEN_LIFE_MS));
        assert!(watcher(member(Some(4), true), TOKEN_LIFE_MS).is_none());
    }

    #[test]
    fn without_membership_card_or_radar_nobody_watches() {
        assert!(watcher(None, 0).is_none());
        assert!(watcher(member(None, true), 0).is_none());
        assert!(watcher(member(Some(4), false), 0).is_none());
    }

    #[test]
    fn the_context_returned_by_the_gateway_is_the_same_watcher() {
        let found = watcher(member(Some(4), true), 0).unwrap();
        let context: BTreeMap<String, Value> =
            found.context().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        assert_eq!(Watcher::from_context(&context), Some(found));
        assert_eq!(Watcher::from_context(&BTreeMap::new()), None);
    }
}
