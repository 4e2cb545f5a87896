//! What one reading costs: allocations counted on this thread, and processor time of this thread.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::rows::Row;

/// What one reading allocated.
pub(crate) struct Cost {
    /// The most that was held at once.
    pub(crate) peak_bytes: u64,
    /// All that was ever held.
    pub(crate) total_bytes: u64,
    /// How many times.
    pub(crate) allocations: u64,
}

impl Cost {
    pub(crate) fn of(row: &Row, input: &[u8]) -> Self {
        let info = allocation_counter::measure(|| (row.read)(input));
        Self { peak_bytes: info.bytes_max, total_bytes: info.bytes_total, allocations: info.count_total }
    }
}

/// What 16 times the input costs, beside what the input costs.
#[derive(Debug)]
pub(crate) struct Growth {
    allocations: [u64; 2],
    allocated_bytes: [u64; 2],
    time: [Duration; 2],
}

impl Growth {
    pub(crate) fn of(row: &Row, small: &[u8], large: &[u8]) -> Self {
        let costs = [small, large].map(|input| Cost::of(row, input));
        Self {
            allocations: costs.each_ref().map(|cost| cost.allocations),
            allocated_bytes: costs.each_ref().map(|cost| cost.total_bytes),
            time: [small, large].map(|input| processor_time(row, input)),
        }
    }

    /// Where the growth is more than linear, which is 16. Growing buffers and caches may double or quadruple that;
    /// quadratic would be 256. The floors are what a reader that takes next to nothing may take.
    pub(crate) fn faults(&self) -> impl Iterator<Item = String> {
        let [few, many] = self.allocations;
        let counts = (many > 32 * few + 64).then(|| format!("{few} allocations become {many}"));
        let [small, large] = self.allocated_bytes;
        let bytes = (large > 32 * small + (64 << 10)).then(|| format!("{small} allocated become {large}"));
        let [brief, long] = self.time;
        let slow = long > 64 * brief.max(Duration::from_micros(20));
        let time = slow.then(|| format!("{brief:?} become {long:?}"));
        [counts, bytes, time].into_iter().flatten()
    }
}

/// The least of several runs: what else runs on the machine only ever adds.
fn processor_time(row: &Row, input: &[u8]) -> Duration {
    let run = |_| {
        let begun = thread_time();
        (row.read)(input);
        thread_time().saturating_sub(begun)
    };
    (0..5).map(run).min().unwrap()
}

fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
}
