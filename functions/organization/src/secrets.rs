//! The function's own secret: fetched by the first request that needs it, because most requests
//! need nothing of it and every start would wait for it.

use app::people::claim_code::ClaimCodes;
use app::people::radar_code::RadarCodes;
use aws_sdk_secretsmanager::error::DisplayErrorContext;
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use domain::kernel::failure::Failure;
use edge::refresh_token::RefreshTokens;
use edge::token::{KeyError, TokenSigner};
use runtime::clients::LazyClient;
use serde::Deserialize;
use tokio::sync::OnceCell;

/// The minimum length of the claim pepper, in bytes.
const PEPPER_LEN_MIN: usize = 32;

/// The secret with the keys of this function.
pub(crate) struct OwnSecret {
    secrets: LazyClient<aws_sdk_secretsmanager::Client>,
    name: String,
    kept: OnceCell<OwnKeys>,
}

/// The content of the secret.
pub(crate) struct OwnKeys {
    /// Signs bearer tokens.
    pub(crate) signer: TokenSigner,
    /// SHA-256 digests of the accepted operator keys.
    pub(crate) operator_keys: Vec<[u8; 32]>,
    /// Makes the codes with which members claim their memberships.
    pub(crate) claims: ClaimCodes,
    /// Makes radar codes and tickets.
    pub(crate) radar_codes: RadarCodes,
    /// Makes and checks refresh tokens.
    pub(crate) refresh_tokens: RefreshTokens,
}

/// The secret cannot be used. Names the fault, never the content.
#[derive(Debug, thiserror::Error)]
enum SecretError {
    /// It could not be fetched.
    #[error("secret {name} could not be read: {cause}")]
    Unreadable {
        /// Its name.
        name: String,
        /// The cause.
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
    /// The secret of this name, not fetched yet.
    pub(crate) fn new(secrets: LazyClient<aws_sdk_secretsmanager::Client>, name: String) -> Self {
        Self { secrets, name, kept: OnceCell::new() }
    }

    /// The keys. The first call fetches them, and they are kept; calls meanwhile wait for the same
    /// fetch. A failure is not kept: the next call tries again.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] if it cannot be read; the log has the cause.
    pub(crate) async fn keys(&self) -> Result<&OwnKeys, Failure> {
        let keys = self.kept.get_or_try_init(|| self.load()).await;
        keys.map_err(|error| Failure::Unavailable(error.to_string()))
    }

    async fn load(&self) -> Result<OwnKeys, SecretError> {
        let unreadable = |cause: String| SecretError::Unreadable { name: self.name.clone(), cause };
        let answer = self.secrets.get_secret_value().secret_id(&self.name).send().await;
        let answer = answer.map_err(|error| unreadable(DisplayErrorContext(error).to_string()))?;
        OwnKeys::parse(answer.secret_string().ok_or_else(|| unreadable("it is not text".to_owned()))?)
    }
}

impl OwnKeys {
    /// Reads the secret's JSON text: `signing_key {kid, pkcs8}`, `operator_key_sha256 [hex]`,
    /// `claim_pepper`, the binary ones in base64.
    fn parse(text: &str) -> Result<Self, SecretError> {
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
            claims: ClaimCodes::new(&claim_pepper),
            radar_codes: RadarCodes::new(&claim_pepper),
            refresh_tokens: RefreshTokens::new(&claim_pepper),
        })
    }
}
