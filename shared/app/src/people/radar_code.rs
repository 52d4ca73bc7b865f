//! Radar codes and tickets: random codes of which only a hash is kept, and tickets that
//! are derived, so that none is stored.

use aws_lc_rs::hmac;
use data_encoding::{BASE32_DNSSEC, HEXLOWER};
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::MemberId;
use domain::kernel::text::OpaqueText;
use domain::kernel::timestamp::Timestamp;
use domain::people::activation::{Activation, ActivationState, RadarCode, RadarEntry, SentCode, TRIES};
use runtime::ids::Ids;

/// Bytes of a ticket: 32 characters.
const TICKET_LEN: usize = 20;

/// What a QR code holds.
pub type Ticket = OpaqueText<64>;

/// Makes and checks codes and tickets.
pub struct RadarCodes(hmac::Key);

impl RadarCodes {
    /// Keyed with the secret `pepper`.
    pub fn new(pepper: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, pepper))
    }

    /// Returns a new code of a member, and what is stored of it.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without randomness.
    pub fn new_code(&self, ids: &Ids, member: MemberId, now: Timestamp) -> Result<(RadarCode, SentCode), Failure> {
        let no_randomness = |error: runtime::ids::NoRandomness| Failure::Unavailable(error.to_string());
        let nonce = HEXLOWER.encode(&ids.bytes::<16>().map_err(no_randomness)?);
        // One number in 4,000 is unfair; eight in a row never are.
        let bytes = ids.bytes::<32>().map_err(no_randomness)?;
        let numbers: Vec<u32> =
            bytes.chunks_exact(4).filter_map(|word| Some(u32::from_be_bytes(word.try_into().ok()?))).collect();
        let code =
            RadarCode::from_random(&numbers).ok_or_else(|| Failure::Unavailable("no fair random number".to_owned()))?;
        let hash = HEXLOWER.encode(hmac::sign(&self.0, &code_text(member, &nonce, &code)).as_ref());
        Ok((code, SentCode { nonce, hash, sent_at: now, tries_left: TRIES }))
    }

    /// Whether `typed` is the code that counts.
    pub fn is_right(&self, activation: &Activation, typed: &RadarCode) -> bool {
        activation.code().is_some_and(|code| {
            let text = code_text(activation.member, &code.nonce, typed);
            let hash = HEXLOWER.decode(code.hash.as_bytes()).unwrap_or_default();
            hmac::verify(&self.0, &text, &hash).is_ok()
        })
    }

    /// The ticket of a redeemed code; `None` while none is redeemed.
    pub fn ticket(&self, activation: &Activation) -> Option<String> {
        match &activation.state {
            ActivationState::Redeemed { nonce, .. } => {
                Some(self.derived(&format!("radar ticket of {} {nonce}", activation.member)))
            }
            ActivationState::None | ActivationState::Granted { .. } | ActivationState::Joined { .. } => None,
        }
    }

    /// What the company's own QR code holds.
    pub fn company_ticket(&self, company: Company) -> String {
        self.derived(&format!("radar ticket of {}", company.id()))
    }

    /// Which QR code this is, for this member.
    pub fn entry(&self, company: Company, activation: &Activation, ticket: &Ticket) -> Option<RadarEntry> {
        if self.company_ticket(company) == ticket.as_str() {
            return Some(RadarEntry::CompanyQr);
        }
        (self.ticket(activation)? == ticket.as_str()).then_some(RadarEntry::Ticket)
    }

    fn derived(&self, text: &str) -> String {
        BASE32_DNSSEC.encode(&hmac::sign(&self.0, text.as_bytes()).as_ref()[..TICKET_LEN])
    }
}

fn code_text(member: MemberId, nonce: &str, code: &RadarCode) -> Vec<u8> {
    format!("radar code of {member} {nonce} {}", code.reveal()).into_bytes()
}

#[cfg(test)]
mod tests {
    use domain::kernel::id::{CompanyId, Id};
    use domain::kernel::mobile::Mobile;
    use domain::people::activation::ActivationStep;
    use uuid::Uuid;

    use super::*;

    fn noon() -> Timestamp {
        Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
    }

    fn member(n: u128) -> MemberId {
        MemberId::from_uuid(Uuid::from_u128(n))
    }

    fn granted(codes: &RadarCodes) -> (RadarCode, Activation) {
        let (code, sent) = codes.new_code(&Ids::system(), member(1), noon()).unwrap();
        let grant = ActivationStep::Grant(Mobile::parse("13800138000").unwrap(), Some(sent));
        (code, Activation::none(member(1)).after(grant, noon()).unwrap())
    }

    #[test]
    fn a_code_is_right_for_its_member_only() {
        let codes = RadarCodes::new(&[7; 32]);
        let (code, activation) = granted(&codes);
        assert!(codes.is_right(&activation, &code));
        let wrong = if code.reveal() == "000000" { "000001" } else { "000000" };
        assert!(!codes.is_right(&activation, &RadarCode::parse(wrong).unwrap()));
        assert!(!codes.is_right(&Activation { member: member(2), ..activation.clone() }, &code));
        assert!(!RadarCodes::new(&[8; 32]).is_right(&activation, &code), "the hash needs the pepper");
    }

    #[test]
    fn a_ticket_is_of_one_redemption_and_the_company_has_its_own() {
        let codes = RadarCodes::new(&[7; 32]);
        let company = Company::granted(CompanyId::from_uuid(Uuid::from_u128(9)));
        let (_, activation) = granted(&codes);
        assert_eq!(codes.ticket(&activation), None);
        let redeemed = activation.after(ActivationStep::Redeem { right: true }, noon()).unwrap();
        let parse = |ticket: String| Ticket::parse(&ticket).unwrap();
        let own = parse(codes.ticket(&redeemed).unwrap());
        assert_eq!(codes.entry(company, &redeemed, &own), Some(RadarEntry::Ticket));
        assert_eq!(codes.entry(company, &granted(&codes).1, &own), None);
        let other = Activation { member: member(2), ..redeemed.clone() };
        assert_eq!(codes.entry(company, &other, &own), None);
        let fallback = parse(codes.company_ticket(company));
        assert_eq!(codes.entry(company, &redeemed, &fallback), Some(RadarEntry::CompanyQr));
        let elsewhere = Company::granted(CompanyId::from_uuid(Uuid::from_u128(8)));
        assert_eq!(codes.entry(elsewhere, &redeemed, &fallback), None);
    }
}
