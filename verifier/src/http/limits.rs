//! How much is taken from whom: token buckets for addresses and for hosts.
//!
//! An address is charged for each request, before anything is read. A host is charged for evidence that verified:
//! charging it for what others send in its name would let them silence it.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

use evidence::digest::HostId;
use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::config::Limits;
use crate::limits::RATE_KEYS;

/// The buckets.
#[derive(Debug)]
pub(crate) struct RateLimits {
    addresses: Buckets<IpAddr>,
    hosts: Buckets<HostId>,
}

/// Whether a request is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    Within,
    Exceeded,
}

impl RateLimits {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            addresses: Buckets::new(limits.requests_per_minute),
            hosts: Buckets::new(limits.evidence_per_minute),
        }
    }

    /// Charges an address. Whoever has one IPv6 address has the whole /64.
    pub(crate) fn address(&self, address: IpAddr) -> Rate {
        let key = match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            }
            v4 @ IpAddr::V4(_) => v4,
        };
        self.addresses.charge(&key)
    }

    pub(crate) fn host(&self, host: HostId) -> Rate {
        self.hosts.charge(&host)
    }
}

#[derive(Debug)]
struct Buckets<K: Hash + Eq + Clone>(RateLimiter<K, HashMapStateStore<K>, DefaultClock>);

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// A bucket holds what a minute grants, so that a backlog may come at once.
    fn new(per_minute: NonZeroU32) -> Self {
        Self(RateLimiter::hashmap(Quota::per_minute(per_minute)))
    }

    fn charge(&self, key: &K) -> Rate {
        if self.0.len() >= RATE_KEYS {
            // Full buckets say nothing; those that are left are in use.
            self.0.retain_recent();
            if self.0.len() >= RATE_KEYS {
                return Rate::Exceeded;
            }
        }
        if self.0.check_key(key).is_ok() { Rate::Within } else { Rate::Exceeded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_minute: u32) -> RateLimits {
        let per_minute = NonZeroU32::new(per_minute).unwrap();
        RateLimits::new(&Limits {
            connections: 1,
            verifications: 1,
            requests_per_minute: per_minute,
            evidence_per_minute: per_minute,
        })
    }

    #[test]
    fn a_bucket_runs_dry_for_one_address_alone() {
        let limits = limits(3);
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert_eq!(
            [(); 4].map(|()| limits.address(one)),
            [Rate::Within, Rate::Within, Rate::Within, Rate::Exceeded]
        );
        assert_eq!(limits.address(other), Rate::Within);
    }

    #[test]
    fn an_ipv6_network_and_a_mapped_address_are_one() {
        let limits = limits(1);
        assert_eq!(limits.address("2001:db8::1".parse().unwrap()), Rate::Within);
        assert_eq!(limits.address("2001:db8::2".parse().unwrap()), Rate::Exceeded);
        assert_eq!(limits.address("192.0.2.1".parse().unwrap()), Rate::Within);
        assert_eq!(limits.address("::ffff:192.0.2.1".parse().unwrap()), Rate::Exceeded);
    }

    #[test]
    fn a_host_is_charged_apart() {
        let limits = limits(1);
        assert_eq!(limits.host(HostId::new([1; 32])), Rate::Within);
        assert_eq!(limits.host(HostId::new([1; 32])), Rate::Exceeded);
        assert_eq!(limits.host(HostId::new([2; 32])), Rate::Within);
    }
}
