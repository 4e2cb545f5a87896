//! One thread that owns the TPM, and a handle to ask it.
//!
//! In: requests on a bounded channel. Out: answers, or an error when the TPM takes too long. A TPM that hangs blocks its
//! thread and nothing else: requests behind it time out as well, and go on when it answers again. A request whose asker
//! gave up is not begun.

use std::io;
use std::thread;
use std::time::Duration;

use evidence::digest::{HashAlg, Sha256Digest};
use evidence::pcr::PcrSelection;
use evidence::tpm::Public;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

use super::{EndorsementKey, Quote, Tpm, TpmError};

/// A way to the thread that owns the TPM. The thread ends when every handle is gone.
#[derive(Clone, Debug)]
pub struct TpmHandle {
    requests: mpsc::Sender<Request>,
    timeout: Duration,
}

type Answer<T> = oneshot::Sender<Result<T, TpmError>>;

#[derive(Debug)]
enum Request {
    Banks(Answer<Vec<HashAlg>>),
    Endorsement(Answer<EndorsementKey>),
    AttestationKey(Answer<Public>),
    Activate { id_object: Vec<u8>, secret: Vec<u8>, answer: Answer<Zeroizing<Vec<u8>>> },
    Quote { selection: PcrSelection, qualifying: Sha256Digest, answer: Answer<Quote> },
}

impl TpmHandle {
    /// Gives a TPM to a thread of its own.
    pub fn spawn(mut tpm: Box<dyn Tpm>, timeout: Duration) -> io::Result<Self> {
        let (requests, mut queue) = mpsc::channel(QUEUE);
        let serve = move || {
            while let Some(request) = queue.blocking_recv() {
                serve(&mut *tpm, request);
            }
        };
        thread::Builder::new().name("tpm".into()).stack_size(STACK).spawn(serve)?;
        Ok(Self { requests, timeout })
    }

    /// See [`Tpm::banks`].
    pub async fn banks(&self) -> Result<Vec<HashAlg>, TpmError> {
        self.ask(Request::Banks).await
    }

    /// See [`Tpm::endorsement`].
    pub async fn endorsement(&self) -> Result<EndorsementKey, TpmError> {
        self.ask(Request::Endorsement).await
    }

    /// See [`Tpm::attestation_key`].
    pub async fn attestation_key(&self) -> Result<Public, TpmError> {
        self.ask(Request::AttestationKey).await
    }

    /// See [`Tpm::activate_credential`].
    pub async fn activate_credential(
        &self,
        id_object: Vec<u8>,
        secret: Vec<u8>,
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        self.ask(|answer| Request::Activate { id_object, secret, answer }).await
    }

    /// See [`Tpm::quote`].
    pub async fn quote(&self, selection: PcrSelection, qualifying: Sha256Digest) -> Result<Quote, TpmError> {
        self.ask(|answer| Request::Quote { selection, qualifying, answer }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, TpmError> {
        let (answer, heard) = oneshot::channel();
        let gone = || TpmError::NotReachable { reason: "the thread that owns it has ended".into() };
        let asked = async {
            self.requests.send(request(answer)).await.map_err(|_| gone())?;
            heard.await.map_err(|_| gone())?
        };
        let after_ms = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        tokio::time::timeout(self.timeout, asked).await.map_err(|_| TpmError::Timeout { after_ms })?
    }
}

fn serve(tpm: &mut dyn Tpm, request: Request) {
    match request {
        Request::Banks(answer) => reply(answer, || tpm.banks()),
        Request::Endorsement(answer) => reply(answer, || tpm.endorsement()),
        Request::AttestationKey(answer) => reply(answer, || tpm.attestation_key()),
        Request::Activate { id_object, secret, answer } => {
            reply(answer, || tpm.activate_credential(&id_object, &secret));
        }
        Request::Quote { selection, qualifying, answer } => {
            reply(answer, || tpm.quote(&selection, &qualifying));
        }
    }
}

fn reply<T>(answer: Answer<T>, work: impl FnOnce() -> Result<T, TpmError>) {
    if !answer.is_closed() {
        // Whoever asked may have given up meanwhile.
        let _ = answer.send(work());
    }
}

/// Enrolment asks one thing after the other, and so does sealing.
const QUEUE: usize = 4;
/// libtss2 keeps a few buffers of 4 KiB on its stack; debug builds of its wrapper keep more.
const STACK: usize = 512 << 10;

#[cfg(test)]
mod tests {
    use std::sync::mpsc as blocking;

    use super::*;

    /// A TPM whose `banks` waits for leave; nothing else of it is asked here.
    struct Slow(blocking::Receiver<()>);

    impl Tpm for Slow {
        fn banks(&mut self) -> Result<Vec<HashAlg>, TpmError> {
            self.0.recv().map_err(|_| TpmError::KeyGone)?;
            Ok(vec![HashAlg::Sha256])
        }

        fn endorsement(&mut self) -> Result<EndorsementKey, TpmError> {
            Err(TpmError::KeyGone)
        }

        fn attestation_key(&mut self) -> Result<Public, TpmError> {
            Err(TpmError::KeyGone)
        }

        fn activate_credential(&mut self, _: &[u8], _: &[u8]) -> Result<Zeroizing<Vec<u8>>, TpmError> {
            Err(TpmError::KeyGone)
        }

        fn quote(&mut self, _: &PcrSelection, _: &Sha256Digest) -> Result<Quote, TpmError> {
            Err(TpmError::KeyGone)
        }
    }

    #[tokio::test]
    async fn a_hanging_tpm_is_reported_and_used_again_when_it_answers() {
        let (leave, wait) = blocking::channel();
        let handle = TpmHandle::spawn(Box::new(Slow(wait)), Duration::from_millis(20)).unwrap();
        assert_eq!(handle.banks().await, Err(TpmError::Timeout { after_ms: 20 }));
        leave.send(()).unwrap();
        leave.send(()).unwrap();
        let patient = TpmHandle { timeout: Duration::from_mins(1), ..handle };
        assert_eq!(patient.banks().await, Ok(vec![HashAlg::Sha256]));
    }

    #[tokio::test]
    async fn errors_come_through() {
        let (_leave, wait) = blocking::channel();
        let handle = TpmHandle::spawn(Box::new(Slow(wait)), Duration::from_mins(1)).unwrap();
        assert_eq!(handle.endorsement().await, Err(TpmError::KeyGone));
    }
}
