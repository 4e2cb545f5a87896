//! Waiting for something that gives no event: the one place where tests look again and again.
//!
//! In: a question and a deadline. Out: its answer, or an error that says what did not come. Where a process, a
//! socket or a datagram tells by itself, tests wait on that and not on this.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything may take before a test gives up. Long, because a loaded machine is no fault; a test that
/// passes never waits for it.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Short against everything that is waited for, long enough to leave the processor to the one that is awaited.
const INTERVAL: Duration = Duration::from_millis(5);

/// Asks until there is an answer. An error ends the waiting; `Ok(None)` means not yet.
pub fn blocking<T>(what: impl Display, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if start.elapsed() > DEADLINE {
            bail!("{what}: not within {DEADLINE:?}");
        }
        std::thread::park_timeout(INTERVAL);
    }
}

/// As [`blocking`], on a runtime; also a question that hangs is given up.
pub async fn until<T, F>(what: impl Display, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let asking = async {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
        }
    };
    match tokio::time::timeout(DEADLINE, asking).await {
        Ok(answer) => answer,
        Err(_) => bail!("{what}: not within {DEADLINE:?}"),
    }
}
