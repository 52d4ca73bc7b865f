//! Members, logins, invitations, claims and radar activations.

pub(crate) mod activation;
pub(crate) mod card_mark;
pub(crate) mod claim_code;
pub(crate) mod invitation;
pub(crate) mod join;
pub(crate) mod login;
pub(crate) mod member;
pub(crate) mod member_edit;
pub(crate) mod member_stream;
pub(crate) mod person;
pub(crate) mod phone;
pub(crate) mod rights;
pub(crate) mod session;
pub(crate) mod successor;
