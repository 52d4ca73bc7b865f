//! Network addresses of clients, as budgets count them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bits of an IPv6 address that name a customer's network.
const NETWORK_BITS: u32 = 64;

/// The address of a client: all of an IPv4 address, the network of an IPv6 address. A customer of a
/// provider has a whole /64 and can send each request from another address in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientAddress {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// The first 64 bits of an IPv6 address.
    V6(u64),
}

impl ClientAddress {
    /// Reads an address. Returns `None` for other text.
    pub fn parse(text: &str) -> Option<Self> {
        text.trim().parse::<IpAddr>().ok().map(Self::from)
    }
}

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(u64::try_from(address.to_bits() >> NETWORK_BITS).unwrap_or_default()),
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6(network) => {
                write!(f, "{}/{NETWORK_BITS}", Ipv6Addr::from_bits(u128::from(*network) << NETWORK_BITS))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> ClientAddress {
        ClientAddress::parse(text).unwrap()
    }

    #[test]
    fn an_ipv6_address_counts_by_its_network() {
        assert_eq!(parse("2001:db8:1:2::1"), parse("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(parse("2001:db8:1:2::1"), parse("2001:db8:1:3::1"));
        assert_eq!(parse("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
    }

    #[test]
    fn an_ipv4_address_counts_by_itself_however_it_is_written() {
        assert_ne!(parse("203.0.113.1"), parse("203.0.113.2"));
        assert_eq!(parse("::ffff:203.0.113.1"), parse(" 203.0.113.1"));
        assert_eq!(parse("203.0.113.1").to_string(), "203.0.113.1");
    }

    #[test]
    fn other_text_is_no_address() {
        for bad in ["", "unknown", "203.0.113", "203.0.113.1:80", "2001:db8::/64"] {
            assert_eq!(ClientAddress::parse(bad), None, "{bad}");
        }
    }
}
