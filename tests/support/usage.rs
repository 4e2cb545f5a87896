//! What a process costs: processor time and memory, as the kernel counts them.
//!
//! In: a process, or a command to run to its end. Out: its own and its children's processor time, its wall time, its largest
//! resident memory. What the kernel does for others because of it (its own threads, the disk) is not in it.
//= proc_pid_stat(5), proc_pid_status(5), time(1)

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::time::{ClockId, clock_gettime};

/// What a command took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Seconds from start to end.
    pub wall: f64,
    /// Processor seconds, of user and system, children that were waited for included.
    pub processor: f64,
}

/// Resident memory of a process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// Now, in MiB.
    pub resident: f64,
    /// The most there was, in MiB.
    pub peak: f64,
}

/// Runs a command to its end under time(1), its output thrown away. An exit status that is not among `good` is an error.
pub fn cost(command: &[OsString], stdin: Option<std::fs::File>, good: &[i32]) -> Result<Cost> {
    let told = tempfile::NamedTempFile::new()?;
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["--quiet", "-f", "%U %S", "-o"]).arg(told.path()).args(command);
    timed.stdin(stdin.map_or_else(Stdio::null, Stdio::from)).stdout(Stdio::null()).stderr(Stdio::piped());
    let begun = Instant::now();
    let output = timed.output().context("the Debian package `time` has /usr/bin/time")?;
    let wall = begun.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    ensure!(
        output.status.code().is_some_and(|code| good.contains(&code)),
        "{command:?}: {}: {last}",
        output.status
    );
    let text = std::fs::read_to_string(told.path())?;
    let seconds = text.split_whitespace().map(str::parse::<f64>).sum::<Result<f64, _>>();
    Ok(Cost { wall, processor: seconds.with_context(|| format!("what time(1) told: {text}"))? })
}

/// Processor time of this process so far.
pub fn own_processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanos)
}

/// Processor time of another process so far, in steps of the kernel's clock tick.
pub fn processor(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().context("stat")?.split_whitespace().collect();
    // utime and stime are fields 14 and 15; the first behind the name is 3.
    let ticks = fields.get(11..13).context("stat")?.iter().map(|field| field.parse::<u64>());
    let ticks = ticks.sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * TICK_MS))
}

/// Memory of a process, by its number or as `self`.
pub fn memory(process: &str) -> Result<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let mib = |field: &str| -> Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context("a field of status")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1_024.0)
    };
    Ok(Memory { resident: mib("VmRSS:")?, peak: mib("VmHWM:")? })
}

/// Linux tells user space of 100 ticks a second, whatever the kernel's own tick is.
const TICK_MS: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_process_has_processor_time_and_memory() {
        let before = own_processor();
        let mut sum = 0_u64;
        while own_processor().saturating_sub(before) < Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(processor(std::process::id()).unwrap() >= Duration::from_millis(10));
        let memory = memory("self").unwrap();
        assert!(memory.resident > 0.5 && memory.peak >= memory.resident, "{memory:?}");
    }

    #[test]
    fn what_a_command_takes_is_told() {
        if !std::path::Path::new("/usr/bin/time").is_file() {
            eprintln!("skipped: there is no /usr/bin/time (Debian package `time`)");
            return;
        }
        let words = |script: &str| ["sh", "-c", script].map(OsString::from).to_vec();
        let busy = cost(&words("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"), None, &[0]).unwrap();
        assert!(busy.processor <= busy.wall * 1.5 + 0.05, "{busy:?}");
        assert!(cost(&words("exit 3"), None, &[0]).is_err());
        assert!(cost(&words("exit 3"), None, &[3]).is_ok());
    }
}
