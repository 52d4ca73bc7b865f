//! Token keys of a test.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use edge::token::TokenSigner;
use serde_json::json;

use crate::vendors;

/// A signing key and its public half.
pub struct TokenKeys {
    /// Signs.
    pub signer: TokenSigner,
    /// Verifies: a JWK set.
    pub jwks: String,
}

impl TokenKeys {
    /// A new pair. Tokens of the organization function are verified, too.
    pub fn generate() -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key pair");
        let pkcs8 = pair.to_pkcs8().expect("a PKCS8 document");
        let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
        let signer = TokenSigner::new("test".to_owned(), &BASE64.encode(pkcs8.as_ref())).expect("a signer");
        let own = json!({"kty": "OKP", "crv": "Ed25519", "kid": "test", "x": x});
        Self { signer, jwks: json!({"keys": [own, vendors::public_key()]}).to_string() }
    }
}
