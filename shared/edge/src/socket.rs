//! The member at the other end of a live socket: authenticated by a token at the handshake, and
//! from then on by the context that the gateway keeps with the socket.

use std::collections::BTreeMap;

use domain::company::{Acting, Company};
use domain::kernel::id::{CardId, CompanyId, MemberId};
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Role;
use domain::radar::live::{OpenSocket, SOCKET_LIFE_MS};

use crate::auth::bearer_token;
use crate::token::TokenVerifier;

const COMPANY: &str = "company";
const CARD: &str = "card";
const MEMBER: &str = "member";
const PERSON: &str = "person";
const ROLE: &str = "role";
const RIGHTS: &str = "rights";
const EXPIRES_MS: &str = "expires_ms";

/// A member whose radar is on, and their card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watcher {
    company: CompanyId,
    acting: Acting,
    card: CardId,
    expires_at: Timestamp,
}

impl Watcher {
    /// The watcher whose handshake has this `Authorization` header; `None` if the token is not
    /// accepted, or its member has no card or the radar off. The socket outlives the token: what the
    /// member may do is read again with whatever is sent to it.
    pub fn from_header(tokens: &TokenVerifier, authorization: &str, now: Timestamp) -> Option<Self> {
        let claims = tokens.verify(bearer_token(authorization)?, now).ok()?;
        let (member, role) = claims.mem.zip(claims.role)?;
        let card = claims.crd.filter(|_| claims.rad)?;
        let acting = Acting { member, person: claims.sub, role, rights: claims.rights };
        Some(Self { company: claims.com, acting, card, expires_at: now.plus_millis(SOCKET_LIFE_MS) })
    }

    /// The context that the gateway stores and returns with each event of the socket. A client can
    /// neither see nor change it.
    pub fn context(&self) -> BTreeMap<&'static str, String> {
        let Acting { member, person, role, rights } = self.acting;
        BTreeMap::from([
            (COMPANY, self.company.to_string()),
            (CARD, self.card.to_string()),
            (MEMBER, member.to_string()),
            (PERSON, person.to_string()),
            (ROLE, role.name().to_owned()),
            (RIGHTS, rights.to_string()),
            (EXPIRES_MS, self.expires_at.millis().to_string()),
        ])
    }

    /// The watcher of a [`Watcher::context`] that the gateway returned.
    pub fn from_context(context: &BTreeMap<String, serde_json::Value>) -> Option<Self> {
        let text = |name| context.get(name).and_then(serde_json::Value::as_str);
        let acting = Acting {
            member: text(MEMBER)?.parse().ok()?,
            person: text(PERSON)?.parse().ok()?,
            role: Role::from_name(text(ROLE)?)?,
            rights: text(RIGHTS)?.parse().ok()?,
        };
        Some(Self {
            company: text(COMPANY)?.parse().ok()?,
            acting,
            card: text(CARD)?.parse().ok()?,
            expires_at: Timestamp::from_millis(text(EXPIRES_MS)?.parse().ok()?),
        })
    }

    /// The company of the watcher's token, with the member who watches.
    pub fn company(&self) -> Company {
        Company::acting(self.company, self.acting)
    }

    /// The watcher's card.
    pub fn card(&self) -> CardId {
        self.card
    }

    /// The member.
    pub fn member(&self) -> MemberId {
        self.acting.member
    }

    /// What is stored of the socket.
    pub fn socket(&self) -> OpenSocket {
        let Acting { member, rights, .. } = self.acting;
        OpenSocket { until: self.expires_at.millis(), member: Some(member), rights }
    }

    /// When the socket ends at the latest.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use data_encoding::{BASE64, BASE64URL_NOPAD};
    use domain::kernel::id::{Id, MemberId, PersonId, SessionId};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::token::{MEMBER_TOKEN_LIFE_MS, MemberClaims, TokenSigner};

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
        let session = SessionId::from_uuid(Uuid::from_u128(5));
        Some(MemberClaims { member, role, card, radar, rights: 6, session, logged_in_at: now() })
    }

    #[test]
    fn a_member_with_card_and_radar_watches_for_as_long_as_a_socket_lives() {
        let found = watcher(member(Some(4), true), MEMBER_TOKEN_LIFE_MS - 1_000).unwrap();
        assert_eq!((found.company().id().uuid().as_u128(), found.card().uuid().as_u128()), (1, 4));
        assert_eq!(found.expires_at(), now().plus_millis(MEMBER_TOKEN_LIFE_MS - 1_000 + SOCKET_LIFE_MS));
        let acting = found.company().actor().unwrap();
        assert_eq!((acting.member, acting.rights), (found.member(), 6));
        assert_eq!((found.socket().member, found.socket().rights), (Some(found.member()), 6));
        assert!(watcher(member(Some(4), true), MEMBER_TOKEN_LIFE_MS).is_none());
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
