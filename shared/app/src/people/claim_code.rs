//! Claim codes and codes of invitations: derived from whom or what they are for, so that a
//! retried request shows the same code and the table never holds one.

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use domain::kernel::id::{InvitationId, MemberId};
use domain::people::claim_code::ClaimCode;
use domain::people::invitation::InvitationCode;

/// Makes and hashes codes.
pub struct ClaimCodes(hmac::Key);

impl ClaimCodes {
    /// Keyed with the secret `pepper`.
    pub fn new(pepper: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, pepper))
    }

    /// The code of this number of a member.
    pub fn code(&self, member: MemberId, number: u32) -> ClaimCode {
        match number {
            0 => self.derived(&format!("claim code of {member}")),
            _ => self.derived(&format!("claim code {number} of {member}")),
        }
    }

    /// What is stored of a claim code.
    pub fn hash(&self, code: &ClaimCode) -> String {
        self.hashed(b"hash of claim code ", code)
    }

    /// The code of an invitation.
    pub fn invitation_code(&self, invitation: InvitationId) -> InvitationCode {
        self.derived(&format!("code of invitation {invitation}"))
    }

    /// What is stored of an invitation's code.
    pub fn invitation_hash(&self, code: &InvitationCode) -> String {
        self.hashed(b"hash of invitation code ", code)
    }

    fn derived(&self, text: &str) -> ClaimCode {
        let tag = hmac::sign(&self.0, text.as_bytes());
        let mut secret = [0; 10];
        secret.copy_from_slice(&tag.as_ref()[..10]);
        ClaimCode::from_secret(secret)
    }

    fn hashed(&self, kind: &[u8], code: &ClaimCode) -> String {
        HEXLOWER.encode(hmac::sign(&self.0, &[kind, code.as_bytes()].concat()).as_ref())
    }
}
