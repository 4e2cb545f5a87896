//! What the agent does beside waiting: seals and exchanges with the verifier, each as a task.
//!
//! In: all that a task needs, by value. Out: what came of it. A task touches neither the journal nor the session; it can
//! be dropped at any moment without loss.

use evidence::digest::Sha256Digest;
use evidence::envelope::{Envelope, Evidence};
use wire::submit::{ManifestsStored, Receipt};

use crate::measure::Asking;
use crate::quote::TpmHandle;
use crate::seal::{SealError, Sealer, Statement};
use crate::submit::{ClientError, Submission, VerifierClient};

/// What came of a task.
pub(super) enum Done {
    /// A seal.
    Sealed {
        /// Which state of the chain it was made for.
        epoch: u64,
        /// The sealer, back from the task.
        sealer: Sealer,
        /// What was sealed.
        statement: Box<Statement>,
        /// The evidence.
        result: Result<Box<Envelope>, SealError>,
    },
    /// Evidence was sent, or its receipt fetched.
    Exchanged {
        /// What was asked.
        asked: Asked,
        /// The evidence.
        evidence: Box<Evidence>,
        /// The verifier's answer.
        result: Result<Receipt, ClientError>,
    },
    /// Manifests were uploaded.
    Uploaded {
        /// Their components.
        components: Vec<Sha256Digest>,
        /// The verifier's answer.
        result: Result<ManifestsStored, ClientError>,
    },
}

/// What the verifier was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// To record evidence.
    ToRecord,
    /// For the receipt of what is recorded.
    ForReceipt,
}

pub(super) async fn seal(
    mut sealer: Sealer,
    tpm: TpmHandle,
    asking: Asking,
    mut statement: Box<Statement>,
    epoch: u64,
) -> Done {
    statement.watching = asking.watching().await;
    statement.fit();
    let result = sealer.seal(&tpm, &statement).await.map(Box::new);
    Done::Sealed { epoch, sealer, statement, result }
}

pub(super) async fn send(
    client: VerifierClient,
    submission: Submission,
    evidence: Box<Evidence>,
    from: u64,
) -> Done {
    let result = client.submit(submission, from).await;
    Done::Exchanged { asked: Asked::ToRecord, evidence, result }
}

pub(super) async fn fetch(client: VerifierClient, evidence: Box<Evidence>, from: u64) -> Done {
    let result = client.receipt(&evidence.digest(), from).await;
    Done::Exchanged { asked: Asked::ForReceipt, evidence, result }
}

pub(super) async fn upload(
    client: VerifierClient,
    components: Vec<Sha256Digest>,
    manifests: Vec<u8>,
) -> Done {
    let result = client.upload(manifests).await;
    Done::Uploaded { components, result }
}
