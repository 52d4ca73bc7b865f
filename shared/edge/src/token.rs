//! Bearer tokens: JSON Web Tokens with one pinned algorithm, Ed25519.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use domain::company::Company;
use domain::kernel::id::{CardId, CompanyId, MemberId, PersonId, SessionId};
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use domain::people::member::Role;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use crate::token_memory::{Digest, TokenMemory};

/// How long the token of a visitor, or of somebody who has not logged in, is valid: they have no right
/// that could end before.
pub const TOKEN_LIFE_MS: i64 = 2 * 3_600 * SECOND_MS;
/// How long the token of a member is valid: then their session is refreshed, with the rights of then.
pub const MEMBER_TOKEN_LIFE_MS: i64 = 300 * SECOND_MS;
/// Most keys a token may be signed with: the current and, during a rotation, the other.
const KEYS_MAX: usize = 2;
const ISSUER: &str = "mingpian";
const AUDIENCE: &str = "mingpian-api";
const TYPE: &str = "mp+jwt";
/// How long after its expiry an anonymous token still identifies the person it was made for.
const SHOWN_LATE_MS: i64 = 7 * 24 * 3_600 * SECOND_MS;
/// How far the clock of another function may be behind.
const LEEWAY_S: i64 = 5;

/// The claims that a token must have.
static VALIDATION: LazyLock<Validation> = LazyLock::new(|| {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "aud", "exp", "nbf", "sub"]);
    // The library reads the machine's clock; times are checked against ours by the caller.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
});

/// The claims of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenClaims {
    iss: String,
    aud: String,
    /// The person.
    pub sub: PersonId,
    /// The company of the session.
    pub com: CompanyId,
    /// The person's membership, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mem: Option<MemberId>,
    /// The person's role as a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The person's card as a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crd: Option<CardId>,
    /// Whether the person's radar is on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rad: bool,
    /// How often what the member may do had changed when the token was signed.
    #[serde(rename = "gen", default, skip_serializing_if = "is_zero")]
    pub rights: u32,
    /// The member's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// When the member logged in by WeChat, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<i64>,
    /// Whether the person is anonymous: they have not logged in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ano: bool,
    /// Whether what the visitor does is not recorded, since they wished so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pau: bool,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// A membership that a token is signed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberClaims {
    /// The member.
    pub member: MemberId,
    /// Their role.
    pub role: Role,
    /// Their card, if they have one.
    pub card: Option<CardId>,
    /// Whether their radar is on.
    pub radar: bool,
    /// How often what they may do has changed.
    pub rights: u32,
    /// Their session.
    pub session: SessionId,
    /// When they logged in by WeChat.
    pub logged_in_at: Timestamp,
}

/// Whether rights have never changed: such a token has no claim for it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(rights: &u32) -> bool {
    *rights == 0
}

impl TokenClaims {
    /// When the token expires.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_millis(self.exp.saturating_mul(SECOND_MS))
    }
}

/// A token was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("token refused")]
pub struct TokenRefused;

/// The keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("token keys: {0}")]
pub struct KeyError(String);

/// Makes tokens. Only the login has one.
pub struct TokenSigner {
    kid: String,
    key: EncodingKey,
}

impl TokenSigner {
    /// A signer with an Ed25519 key, PKCS#8 in base64.
    ///
    /// # Errors
    /// [`KeyError`] if it is not base64.
    pub fn new(kid: String, pkcs8_base64: &str) -> Result<Self, KeyError> {
        let der = data_encoding::BASE64.decode(pkcs8_base64.as_bytes()).map_err(|error| KeyError(error.to_string()))?;
        Ok(Self { kid, key: EncodingKey::from_ed_der(&der) })
    }

    /// A token for a person and, if they are a member, their membership; valid from `now`.
    ///
    /// # Errors
    /// [`KeyError`] if the key is not an Ed25519 key.
    pub fn sign(
        &self,
        company: Company,
        person: PersonId,
        membership: Option<MemberClaims>,
        now: Timestamp,
    ) -> Result<String, KeyError> {
        let visitor = TokenClaims::new(company, person, now);
        let Some(MemberClaims { member, role, card, radar, rights, session, logged_in_at }) = membership else {
            return self.encode(&visitor);
        };
        self.encode(&TokenClaims {
            mem: Some(member),
            role: Some(role),
            crd: card,
            rad: radar,
            rights,
            sid: Some(session),
            auth: Some(logged_in_at.seconds()),
            exp: expires_at(now, true).seconds(),
            ..visitor
        })
    }

    /// A token for a visitor of whom nothing is recorded.
    ///
    /// # Errors
    /// [`KeyError`] if the key is not an Ed25519 key.
    pub fn sign_paused(&self, company: Company, person: PersonId, now: Timestamp) -> Result<String, KeyError> {
        self.encode(&TokenClaims { pau: true, ..TokenClaims::new(company, person, now) })
    }

    /// A token for a person who has not logged in.
    ///
    /// # Errors
    /// [`KeyError`] if the key is not an Ed25519 key.
    pub fn sign_anonymous(&self, company: Company, person: PersonId, now: Timestamp) -> Result<String, KeyError> {
        self.encode(&TokenClaims { ano: true, ..TokenClaims::new(company, person, now) })
    }

    fn encode(&self, claims: &TokenClaims) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.kid.clone());
        encode(&header, claims, &self.key).map_err(|error| KeyError(error.to_string()))
    }
}

impl TokenClaims {
    /// The claims of a visitor.
    pub(crate) fn new(company: Company, person: PersonId, now: Timestamp) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: person,
            com: company.id(),
            mem: None,
            role: None,
            crd: None,
            rad: false,
            rights: 0,
            sid: None,
            auth: None,
            ano: false,
            pau: false,
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: expires_at(now, false).seconds(),
        }
    }
}

/// When a token made at `now` expires.
pub fn expires_at(now: Timestamp, is_member: bool) -> Timestamp {
    now.plus_millis(life_ms(is_member))
}

fn life_ms(is_member: bool) -> i64 {
    if is_member { MEMBER_TOKEN_LIFE_MS } else { TOKEN_LIFE_MS }
}

/// Checks tokens, without a network call. Clones remember the same tokens.
#[derive(Clone)]
pub struct TokenVerifier {
    keys: Arc<HashMap<String, DecodingKey>>,
    seen: Arc<TokenMemory<TokenClaims>>,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    kid: String,
    x: String,
}

impl TokenVerifier {
    /// A verifier with the public keys of a JWK set: one, or two during a rotation.
    ///
    /// # Errors
    /// [`KeyError`] if there are none or too many, or one is not an Ed25519 key.
    pub fn from_jwks(jwks: &str) -> Result<Self, KeyError> {
        let jwks: Jwks = serde_json::from_str(jwks).map_err(|error| KeyError(error.to_string()))?;
        if jwks.keys.is_empty() || jwks.keys.len() > KEYS_MAX {
            return Err(KeyError(format!("expected 1 to {KEYS_MAX} keys, found {}", jwks.keys.len())));
        }
        let mut keys = HashMap::new();
        for Jwk { kty, crv, kid, x } in jwks.keys {
            if kty != "OKP" || crv != "Ed25519" {
                return Err(KeyError(format!("key {kid} is not an Ed25519 key")));
            }
            let key = DecodingKey::from_ed_components(&x).map_err(|error| KeyError(error.to_string()))?;
            keys.insert(kid, key);
        }
        Ok(Self { keys: Arc::new(keys), seen: Arc::default() })
    }

    /// The claims of a token that we made and that is valid now.
    ///
    /// # Errors
    /// [`TokenRefused`], without the reason.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<TokenClaims, TokenRefused> {
        self.verify_late(token, now, 0)
    }

    /// The identity that a person had before they logged in, from their anonymous token: one that
    /// is valid now, or expired within the last week.
    ///
    /// # Errors
    /// [`TokenRefused`], also for a token that is not anonymous.
    pub fn verify_anonymous(&self, token: &str, now: Timestamp) -> Result<TokenClaims, TokenRefused> {
        self.verify_late(token, now, SHOWN_LATE_MS / SECOND_MS).and_then(|claims| {
            let nobody = claims.ano && claims.mem.is_none() && claims.role.is_none();
            if nobody { Ok(claims) } else { Err(TokenRefused) }
        })
    }

    /// The times are checked for every token, also for a remembered one.
    fn verify_late(&self, token: &str, now: Timestamp, late_s: i64) -> Result<TokenClaims, TokenRefused> {
        let digest = Digest::of(token);
        let recalled = self.seen.recall(digest, now);
        let is_new = recalled.is_none();
        let claims = recalled.map_or_else(|| self.proven(token), Ok)?;
        let valid = claims.nbf <= now.seconds() + LEEWAY_S && now.seconds() < claims.exp + late_s;
        let bounded = claims.exp - claims.nbf <= life_ms(claims.mem.is_some()) / SECOND_MS;
        if !valid || !bounded {
            return Err(TokenRefused);
        }
        if is_new {
            self.seen.remember(digest, &claims, claims.expires_at(), now);
        }
        Ok(claims)
    }

    /// The claims of a token that one of our keys has signed for this API; the times are not
    /// checked.
    fn proven(&self, token: &str) -> Result<TokenClaims, TokenRefused> {
        let header = decode_header(token).map_err(|_| TokenRefused)?;
        let pinned = header.alg == Algorithm::EdDSA && header.typ.as_deref() == Some(TYPE);
        let key = header.kid.as_ref().and_then(|kid| self.keys.get(kid));
        let (true, Some(key)) = (pinned, key) else { return Err(TokenRefused) };
        decode::<TokenClaims>(token, key, &VALIDATION).map(|decoded| decoded.claims).map_err(|_| TokenRefused)
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
