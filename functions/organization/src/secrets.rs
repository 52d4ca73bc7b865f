//! The function's own secret.

use aws_sdk_secretsmanager::error::DisplayErrorContext;
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use edge::token::{KeyError, TokenSigner};
use serde::Deserialize;

/// Bytes of the claim pepper, at least.
const PEPPER_LEN_MIN: usize = 32;

/// The keys only this function has.
pub struct OwnSecret {
    /// Signs bearer tokens.
    pub signer: TokenSigner,
    /// SHA-256 digests of the operator keys that are accepted.
    pub operator_keys: Vec<[u8; 32]>,
    /// Key of the codes with which memberships are claimed.
    pub claim_pepper: Vec<u8>,
}

/// The secret cannot be used. Says what is wrong, never what it holds.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It could not be fetched.
    #[error("secret {name} could not be read: {cause}")]
    Unreadable {
        /// Its name.
        name: String,
        /// Why.
        cause: String,
    },
    /// A part of it is missing or has another form.
    #[error("the organization secret has no usable {0}")]
    Malformed(&'static str),
    /// Its signing key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

#[derive(Deserialize)]
struct Text {
    signing_key: SigningKey,
    operator_key_sha256: Vec<String>,
    claim_pepper: String,
}

#[derive(Deserialize)]
struct SigningKey {
    kid: String,
    pkcs8: String,
}

impl OwnSecret {
    /// Fetches it, once, in init.
    ///
    /// # Errors
    /// [`SecretError`].
    pub async fn load(secrets: &aws_sdk_secretsmanager::Client, name: &str) -> Result<Self, SecretError> {
        let unreadable = |cause: String| SecretError::Unreadable { name: name.to_owned(), cause };
        let answer = secrets.get_secret_value().secret_id(name).send().await;
        let answer = answer.map_err(|error| unreadable(DisplayErrorContext(error).to_string()))?;
        Self::parse(answer.secret_string().ok_or_else(|| unreadable("it is not text".to_owned()))?)
    }

    /// Reads its JSON text: `signing_key {kid, pkcs8}`, `operator_key_sha256 [hex]`,
    /// `claim_pepper`, the binary ones in base64.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let text: Text = serde_json::from_str(text).map_err(|_| SecretError::Malformed("JSON"))?;
        let claim_pepper =
            BASE64.decode(text.claim_pepper.as_bytes()).map_err(|_| SecretError::Malformed("claim_pepper"))?;
        if claim_pepper.len() < PEPPER_LEN_MIN {
            return Err(SecretError::Malformed("claim_pepper"));
        }
        let operator_key = |hex: &String| HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?.try_into().ok();
        let operator_keys = text.operator_key_sha256.iter().map(operator_key).collect::<Option<_>>();
        Ok(Self {
            signer: TokenSigner::new(text.signing_key.kid, &text.signing_key.pkcs8)?,
            operator_keys: operator_keys.ok_or(SecretError::Malformed("operator_key_sha256"))?,
            claim_pepper,
        })
    }
}
