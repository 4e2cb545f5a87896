//! Where answers come from: a running agent, or the stores where none runs.
//!
//! In: a state directory. Out: answers to questions. While the stores are open here the directory is locked, so that an
//! agent that is started meanwhile says so and is started again by its service manager.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use ledger::checkpoint::{SignedCheckpoint, VerifiedCheckpoint};
use ledger::note::VerifierKey;

use super::answer::answer;
use super::board::{Board, Standing};
use super::limits::{ANSWER_BYTES, PATIENCE, QUESTIONS};
use super::messages::{Answer, Question, Sighting};
use super::server::Server;
use crate::clock::{Clock as _, SystemClock};
use crate::failure::{Failure, Status};
use crate::journal::Journal;
use crate::lock::StateLock;
use crate::sightings::{Reader, Sightings};

/// Who answers.
pub(super) enum Source {
    /// An agent.
    Agent { state_dir: std::path::PathBuf, stream: BufReader<UnixStream>, asked: usize },
    /// The stores.
    Stores { reader: Reader, board: Board, _lock: StateLock },
}

/// What is known of an artefact or a path.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) sightings: Vec<Sighting>,
    pub(super) more: bool,
    pub(super) began_ms: u64,
    pub(super) settled_ms: Option<u64>,
}

impl Source {
    pub(super) fn open(state_dir: &Path) -> Result<Self, Failure> {
        if let Err(error) = std::fs::metadata(state_dir) {
            return Err(Failure::file(state_dir, &error).or_hint(DENIED_HINT));
        }
        match connect(state_dir) {
            Ok(stream) => Ok(Self::Agent { state_dir: state_dir.to_owned(), stream, asked: 0 }),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                Self::stores(state_dir)
            }
            Err(error) => Err(Failure::file(&state_dir.join(Server::FILE), &error).or_hint(DENIED_HINT)),
        }
    }

    fn stores(state_dir: &Path) -> Result<Self, Failure> {
        let lock = StateLock::take(state_dir).map_err(|failure| failure.or_hint(DENIED_HINT))?;
        if !state_dir.join(Sightings::FILE).exists() {
            let message = format_args!("{}: nothing was measured here yet", state_dir.display());
            return Err(Failure::new(
                Status::Unavailable,
                message,
                "start the agent: systemctl start lydian-agent",
            ));
        }
        let sightings = Sightings::open(state_dir, SystemClock.now()).map_err(|error| {
            Failure::new(Status::InputOutput, error, "check the state directory and its file system")
        })?;
        let board = Board::default();
        board.post_journal(&Journal::open(state_dir)?);
        Ok(Self::Stores { reader: sightings.reader(), board, _lock: lock })
    }

    fn ask(&mut self, question: &Question) -> Result<Answer, Failure> {
        match self {
            Self::Stores { reader, board, .. } => Ok(answer(question, reader, board)),
            Self::Agent { state_dir, stream, asked } => {
                if *asked >= QUESTIONS {
                    *stream = connect(state_dir).map_err(|error| unanswered(&error))?;
                    *asked = 0;
                }
                *asked += 1;
                exchange(stream, question).map_err(|error| unanswered(&error))
            }
        }
    }

    pub(super) fn sightings(&mut self, question: &Question) -> Result<Answered, Failure> {
        match self.ask(question)? {
            Answer::Sightings { sightings, more, began_ms, settled_ms } => {
                Ok(Answered { sightings, more, began_ms, settled_ms })
            }
            other => Err(unexpected(other)),
        }
    }

    pub(super) fn standing(&mut self) -> Result<Standing, Failure> {
        match self.ask(&Question::Standing {})? {
            Answer::Standing(standing) => Ok(*standing),
            other => Err(unexpected(other)),
        }
    }
}

impl Source {
    /// The newest checkpoint that this host verified, verified once more.
    pub(super) fn checkpoint(&mut self) -> Result<VerifiedCheckpoint, Failure> {
        let none = || {
            let hint = "enrol this host, and let it attest once: systemctl start lydian-agent";
            Failure::new(Status::Unavailable, "this host has verified no checkpoint of a log yet", hint)
        };
        let (note, log_key) = match self.ask(&Question::Checkpoint {})? {
            Answer::Checkpoint { note, log_key } => (note.ok_or_else(none)?, log_key.ok_or_else(none)?),
            other => return Err(unexpected(other)),
        };
        let verified = log_key.parse::<VerifierKey>().map_err(|error| error.to_string()).and_then(|key| {
            let signed = SignedCheckpoint::parse(note.as_bytes()).map_err(|error| error.to_string())?;
            signed.verify(&key).map_err(|error| error.to_string())
        });
        let hint = "check the state directory and its file system";
        verified
            .map_err(|error| Failure::new(Status::Software, format_args!("the checkpoint: {error}"), hint))
    }
}

fn connect(state_dir: &Path) -> io::Result<BufReader<UnixStream>> {
    let stream = UnixStream::connect(state_dir.join(Server::FILE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}

fn exchange(stream: &mut BufReader<UnixStream>, question: &Question) -> io::Result<Answer> {
    let mut line = serde_json::to_vec(question)?;
    line.push(b'\n');
    stream.get_mut().write_all(&line)?;
    let mut line = Vec::new();
    stream.by_ref().take(ANSWER_BYTES).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&line)?)
}

fn unanswered(error: &io::Error) -> Failure {
    Failure::new(Status::Unavailable, format_args!("the running agent gave no answer: {error}"), "ask again")
}

fn unexpected(answer: Answer) -> Failure {
    let message = match answer {
        Answer::Failed { message } => message,
        _ => "the running agent answered something else".to_owned(),
    };
    Failure::new(Status::Unavailable, message, "is the running agent of this version? restart it")
}

const DENIED_HINT: &str = "ask as root, or as the user that runs lydian-agent";
