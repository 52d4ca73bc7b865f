//! Members and visitors: logins, sessions, invitations, claims, merges, activation of radars.

pub(crate) mod claim_code;
pub(crate) mod directory;
pub(crate) mod invitation;
pub(crate) mod join;
pub(crate) mod join_request;
pub(crate) mod login_code;
pub(crate) mod me;
pub(crate) mod member;
pub(crate) mod member_change;
pub(crate) mod member_edit;
pub(crate) mod member_session;
pub(crate) mod membership;
pub(crate) mod merge;
pub(crate) mod my_data;
pub(crate) mod my_session;
pub(crate) mod phone;
pub(crate) mod radar_grant;
pub(crate) mod radar_join;
pub(crate) mod refresh;
pub(crate) mod session;
pub(crate) mod successor;
