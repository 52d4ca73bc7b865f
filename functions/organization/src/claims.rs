//! Claim codes: derived from the member, so that a retried request shows the same code
//! and the table never holds one.

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use domain::claim::ClaimCode;
use domain::id::MemberId;

/// Makes and hashes claim codes.
pub(crate) struct Claims(hmac::Key);

impl Claims {
    pub(crate) fn new(pepper: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, pepper))
    }

    /// The code of a member.
    pub(crate) fn code(&self, member: MemberId) -> ClaimCode {
        let tag = hmac::sign(&self.0, format!("claim code of {member}").as_bytes());
        let mut secret = [0; 10];
        secret.copy_from_slice(&tag.as_ref()[..10]);
        ClaimCode::from_secret(secret)
    }

    /// What is stored of a code.
    pub(crate) fn hash(&self, code: &ClaimCode) -> String {
        let text = [b"hash of claim code ", code.as_bytes()].concat();
        HEXLOWER.encode(hmac::sign(&self.0, &text).as_ref())
    }
}
