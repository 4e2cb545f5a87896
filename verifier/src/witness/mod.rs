//! A witness: cosigns other people's logs, as long as each shows it one history.
//!
//! In: `add-checkpoint` requests from anybody, for the logs of its configuration. Out: cosignatures, and refusals with
//! their reasons; beside them the newest cosigned checkpoint of each log, for monitors. What was cosigned is durable
//! before the answer leaves, and a request that proves a fork is kept. It decides with `ledger::witness`.

mod book;
mod config;
mod http;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use ledger::cosignature::CosignerSecret;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::failure::{Exit, Failure};
use crate::files::{self, Audience};
use crate::http::{Server, tls_config};
use crate::limits::PEM_BYTES;
use crate::pki::{RENEWAL, ServerIdentity};
use crate::serve::{listen, lock_state_dir};

use book::Book;
pub(crate) use config::{WitnessConfig, load};

/// A witness that serves.
#[derive(Debug)]
pub(crate) struct Running {
    address: SocketAddr,
    key: String,
    #[cfg(test)]
    ca_pem: String,
    stop: CancellationToken,
    task: JoinHandle<Result<(), Failure>>,
}

impl Running {
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The witness's public key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    #[cfg(test)]
    pub(crate) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    pub(crate) fn stopper(&self) -> impl Fn() + Send + 'static {
        let stop = self.stop.clone();
        move || stop.cancel()
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(self) -> Result<(), Failure> {
        self.task.await.unwrap_or_else(|error| Err(Failure::new(Exit::Software, error)))
    }
}

/// Starts the witness.
pub(crate) async fn start(config: WitnessConfig, clock: Clock) -> Result<Running, Failure> {
    let lock = lock_state_dir(&config.state_dir)?;
    let secret = secret(&config)?;
    let key = secret.cosigner_key().to_string();
    let identity = ServerIdentity::open(&config.tls, &config.state_dir, &config.names, clock.now())?;
    let identity = Arc::new(identity);
    let book = Book::open(&config.state_dir, &config.logs)?;
    let listener = listen(config.listen).await?;
    let address = listener.local_addr().map_err(|error| Failure::io("the listening socket", &error))?;
    let stop = CancellationToken::new();
    let witness = Arc::new(http::Witness::new(secret, book, clock.clone(), &config.limits, stop.clone()));
    let server = Server {
        listener,
        tls: Arc::new(tls_config(Arc::clone(&identity))?),
        router: http::router(Arc::clone(&witness)),
        connections: config.limits.connections,
    };
    #[cfg(test)]
    let ca_pem = identity.ca_pem().to_owned();
    let stopping = stop.clone();
    let task = tokio::spawn(async move {
        let renewing = tokio::spawn(renew(identity, clock));
        server.run(stopping).await;
        renewing.abort();
        drop(lock);
        witness.failure().map_or(Ok(()), Err)
    });
    Ok(Running {
        address,
        key,
        #[cfg(test)]
        ca_pem,
        stop,
        task,
    })
}

async fn renew(identity: Arc<ServerIdentity>, clock: Clock) {
    let mut interval = tokio::time::interval(RENEWAL);
    interval.tick().await;
    loop {
        interval.tick().await;
        if let Err(error) = identity.renew(clock.now()) {
            tracing::error!(%error, "the server's certificate could not be renewed");
        }
    }
}

/// Reads the witness's key, or makes it, and with it the witness's name.
fn secret(config: &WitnessConfig) -> Result<CosignerSecret, Failure> {
    let path = config.state_dir.join(KEY_FILE);
    if path.exists() {
        return read_secret(&path);
    }
    let name = config.name.clone().ok_or_else(|| {
        Failure::new(Exit::Config, "configuration: name is missing: the witness's key is made with it")
            .hint("a URL without its scheme, such as name = \"witness.example.com/lydian\"; it is for ever")
    })?;
    let seed =
        Zeroizing::new(crate::random::bytes::<32>().map_err(|error| Failure::new(Exit::Software, error))?);
    let secret = CosignerSecret::from_seed(name, &seed);
    let text = Zeroizing::new(format!("{}\n", secret.to_secret_text()));
    files::write_whole(&path, text.as_bytes(), Audience::Owner)?;
    Ok(secret)
}

fn read_secret(path: &Path) -> Result<CosignerSecret, Failure> {
    let unusable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Config, format_args!("cannot use {}: {error}", path.display()))
    };
    let bytes = Zeroizing::new(files::read_secret(path, PEM_BYTES)?);
    let text = std::str::from_utf8(&bytes).map_err(|error| unusable(&error))?;
    CosignerSecret::from_secret_text(text.trim_end()).map_err(|error| unusable(&error))
}

/// The public key of a witness that was started before.
pub(crate) fn existing_key(config: &WitnessConfig) -> Result<String, Failure> {
    let path = config.state_dir.join(KEY_FILE);
    if !path.exists() {
        return Err(Failure::new(Exit::Config, format_args!("there is no {}", path.display()))
            .hint("it is made when the witness starts for the first time"));
    }
    Ok(read_secret(&path)?.cosigner_key().to_string())
}

const KEY_FILE: &str = "witness.key";
