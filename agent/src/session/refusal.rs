//! What a refusal by the verifier asks of the agent.
//!
//! In: the problem that the verifier answered, and which evidence was sent. Out: one of six ways to go on. Codes that this
//! version does not know are taken for refusals of the evidence: going on from the verifier's position is always
//! right, and what was refused is kept aside.

use evidence::digest::Sha256Digest;
use wire::Problem;

use crate::journal::Rewind;

/// How to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is recorded already: fetch the receipt.
    Recorded,
    /// Send it again with the firmware log.
    NeedsFirmwareLog,
    /// Send it again whole: what it was compressed against is not there.
    NeedsWhole,
    /// Nothing is wrong with it: send it again later.
    Later,
    /// No evidence of this host will be taken before somebody has done something.
    Stuck,
    /// Put it aside and go on from here.
    Rewind(Rewind),
}

/// Reads a refusal of the evidence that stands at `seq` behind `prev`.
pub fn read(problem: &Problem, seq: u64, prev: Sha256Digest) -> Refusal {
    match problem.code.as_str() {
        "replayed" => Refusal::Recorded,
        "firmware-log-needed" => Refusal::NeedsFirmwareLog,
        "reference-unknown" => Refusal::NeedsWhole,
        "rate-limited" | "overloaded" | "internal" => Refusal::Later,
        "unknown-host" | "wrong-chain" | "checkpoint-unknown" | "protocol-version" | "not-found"
        | "unauthorised" | "forbidden" => Refusal::Stuck,
        _ if problem.status >= 500 => Refusal::Later,
        _ => Refusal::Rewind(position(problem).unwrap_or(Rewind { next_seq: seq, prev })),
    }
}

/// Where the verifier says that the chain stands.
fn position(problem: &Problem) -> Option<Rewind> {
    let resume = problem.resume.as_ref()?;
    Some(Rewind { next_seq: resume.next_seq, prev: resume.prev.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use wire::problem::Resume;

    use super::*;

    fn check(code: &str, resume: Option<Resume>, expected: Refusal) {
        let problem =
            Problem { status: 409, code: code.into(), detail: String::new(), hint: String::new(), resume };
        assert_eq!(read(&problem, 7, Sha256Digest::new([7; 32])), expected, "{code}");
    }

    #[test]
    fn each_code_has_its_way_on() {
        let resume = Resume {
            next_seq: 5,
            prev: Sha256Digest::new([5; 32]).to_string(),
            has_firmware_log: true,
            ima_first: 0,
        };
        let there = Refusal::Rewind(Rewind { next_seq: 5, prev: Sha256Digest::new([5; 32]) });
        let here = Refusal::Rewind(Rewind { next_seq: 7, prev: Sha256Digest::new([7; 32]) });
        check("replayed", Some(resume.clone()), Refusal::Recorded);
        check("firmware-log-needed", Some(resume.clone()), Refusal::NeedsFirmwareLog);
        check("reference-unknown", None, Refusal::NeedsWhole);
        check("rate-limited", None, Refusal::Later);
        check("wrong-chain", None, Refusal::Stuck);
        check("prev-mismatch", Some(resume.clone()), there);
        check("ima-replay", None, here);
        check("a-code-of-the-future", Some(resume), there);
        let nonsense = Resume { next_seq: 5, prev: "x".into(), has_firmware_log: false, ima_first: 0 };
        check("prev-mismatch", Some(nonsense), here);
    }
}
