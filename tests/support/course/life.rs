//! What happens in the fleet: a function of the seed, so that nothing of it has to be kept.

use evidence::digest::Sha256Digest;

/// A fleet's life.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// How many hosts.
    pub hosts: u64,
    /// How many packages there are.
    pub packages: u64,
    /// Over what time.
    pub days: u64,
    /// What decides everything.
    pub seed: u64,
}

/// One host's time with one version of a package, in hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// Which host.
    pub host: u64,
    /// When it begins.
    pub from: u64,
    /// `None` while it lasts.
    pub to: Option<u64>,
}

impl Life {
    /// How many hours it lasts.
    pub const fn hours(&self) -> u64 {
        self.days * 24
    }

    /// Each host sends evidence once an hour, in the order of their numbers.
    pub const fn leaf(&self, hour: u64, host: u64) -> u64 {
        hour * self.hosts + host
    }

    /// Some number for some things.
    pub(super) fn dice(&self, parts: [u64; 3]) -> u64 {
        // SplitMix64's mixing: well spread, and the same everywhere.
        let mix = |mut x: u64| {
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^ (x >> 31)
        };
        parts.iter().fold(mix(self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15)), |state, part| {
            mix(state ^ part.wrapping_add(0x9e37_79b9_7f4a_7c15))
        })
    }

    /// How many versions a package has over the time: five in two years, give or take.
    pub fn versions(&self, package: u64) -> u64 {
        let many = self.days * 55 / 7_300 + self.dice([1, package, 0]) % 3;
        many.max(1)
    }

    /// The hour in which a version appears; the first is there from the beginning.
    fn release(&self, package: u64, version: u64) -> u64 {
        if version == 0 {
            return 0;
        }
        let step = self.hours() / self.versions(package);
        version * step + self.dice([2, package, version]) % (step / 2).max(1)
    }

    /// The hour in which a host has a version: within three days, host by host in waves.
    fn arrival(&self, package: u64, version: u64, host: u64) -> u64 {
        if version == 0 {
            return 0;
        }
        let wave = self.dice([3, host, 0]) % 3 * 24;
        self.release(package, version) + wave + self.dice([4 + package, version, host]) % 24
    }

    /// Whether a host has a package at all: nine in ten are on every host, the others on a fifth, the last two on some and on one.
    pub fn has(&self, package: u64, host: u64) -> bool {
        let rare = self.packages - 1;
        match package {
            p if p == rare => host == self.seed % self.hosts,
            p if p + 1 == rare => host.is_multiple_of((self.hosts / 20).max(1)),
            p if p >= self.packages * 9 / 10 => host % 5 == p % 5,
            _ => true,
        }
    }

    /// The version that a host has in an hour.
    pub(super) fn version(&self, package: u64, host: u64, hour: u64) -> Option<u64> {
        let arrived = |version: &u64| self.arrival(package, *version, host) <= hour;
        self.has(package, host).then(|| (0..self.versions(package)).rfind(arrived)).flatten()
    }

    /// Every host's time with a version, by its begin.
    pub fn stays(&self, package: u64, version: u64) -> Vec<Stay> {
        let last = version + 1 == self.versions(package);
        let mut stays = Vec::new();
        for host in (0..self.hosts).filter(|host| self.has(package, *host)) {
            let from = self.arrival(package, version, host);
            let to = (!last).then(|| self.arrival(package, version + 1, host));
            let to = to.filter(|to| *to < self.hours());
            if from < self.hours() && to.is_none_or(|to| to > from) {
                stays.push(Stay { host, from, to });
            }
        }
        stays.sort_unstable_by_key(|stay| (stay.from, stay.host));
        stays
    }

    /// A file of a version.
    pub fn file(&self, package: u64, version: u64, number: u64) -> Sha256Digest {
        let words = [self.seed, package, version, number].map(u64::to_be_bytes);
        Sha256Digest::of(&[b"fleetgen file", words.as_flattened()])
    }
}
