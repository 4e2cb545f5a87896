//! What systemd is told: ready, alive, stopping. Where it does not listen, nothing happens.

use std::net::SocketAddr;

use sd_notify::NotifyState;

use crate::record::Liveness;

/// Ready, and where it listens.
pub(crate) fn ready(address: SocketAddr) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("listening on {address}"))]);
}

/// Still at work on what comes before being ready: half an hour more before systemd gives up.
pub(crate) fn starting(what: &str) {
    tell(&[NotifyState::Custom("EXTEND_TIMEOUT_USEC=1800000000"), NotifyState::Status(what)]);
}

/// On its way out.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells that the verifier is alive for as long as its recorder works, at half the interval that systemd waits.
pub(crate) async fn watchdog(liveness: Liveness) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut interval = tokio::time::interval(limit / 2);
    while liveness.check().await {
        tell(&[NotifyState::Watchdog]);
        interval.tick().await;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
