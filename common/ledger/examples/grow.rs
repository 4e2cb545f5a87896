//! Writes a log into a directory, for other people's checkers and for benchmarks.
//!
//! Entries are Lydian leaves made from a seed, so that two runs write the same log. It is not durable: the verifier's own
//! sequencer is what a log is kept with.

#![expect(clippy::disallowed_methods, reason = "the crate is pure; this program around it is not")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::leaf::{Leaf, Salt};
use ledger::note::{KeyName, SignerKey};
use ledger::proof_file::ProofFile;
use ledger::tile::{Resource, TileReader, TileSource, TileWriter};
use ledger::tree::{LeafIndex, LogSize, prove_consistency, prove_inclusion};
use ledger::witness::AddCheckpoint;
use lydian_ledger as ledger;

const USAGE: &str = "usage: grow DIR --leaves N [--batch B] [--fork-at N] [--prove INDEX]

Grows the log in DIR to N leaves in batches of B (1,000), from nothing where there is none, and prints its key.
--fork-at N   leaves from N on are others, so that the log is a fork of the same command's without it
--prove I     prints a proof file of leaf I instead of growing
--request OLD prints what is asked of a witness that has cosigned OLD leaves, instead of growing";

type Failed = Box<dyn std::error::Error>;

struct Arguments {
    dir: PathBuf,
    leaves: u64,
    batch: u64,
    fork_at: u64,
    prove: Option<u64>,
    request: Option<u64>,
}

fn main() -> ExitCode {
    let done = arguments().and_then(|arguments| match (arguments.prove, arguments.request) {
        (Some(index), _) => prove(&arguments.dir, index),
        (None, Some(old)) => request(&arguments.dir, old),
        (None, None) => grow(&arguments),
    });
    match done {
        Ok(text) => {
            #[expect(clippy::print_stdout, reason = "it is what the program is for")]
            {
                print!("{text}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "words go there")]
            {
                eprintln!("error: {error}");
            }
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Arguments, Failed> {
    let mut words = std::env::args().skip(1);
    let dir = words.next().ok_or(USAGE)?.into();
    let mut arguments =
        Arguments { dir, leaves: 0, batch: 1_000, fork_at: u64::MAX, prove: None, request: None };
    while let Some(option) = words.next() {
        let value: u64 = words.next().ok_or(USAGE)?.parse()?;
        match option.as_str() {
            "--leaves" => arguments.leaves = value,
            "--batch" => arguments.batch = value.max(1),
            "--fork-at" => arguments.fork_at = value,
            "--prove" => arguments.prove = Some(value),
            "--request" => arguments.request = Some(value),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(arguments)
}

fn grow(arguments: &Arguments) -> Result<String, Failed> {
    let dir = Directory(arguments.dir.clone());
    let key = key()?;
    let mut writer = match dir.checkpoint()? {
        None => TileWriter::new(),
        Some(signed) => {
            let verified = signed.verify(key.verifier_key())?;
            TileWriter::load(&dir, verified.checkpoint().size(), verified.checkpoint().root())?
        }
    };
    while writer.size().get() < arguments.leaves {
        let first = writer.size().get();
        let end = arguments.leaves.min(first + arguments.batch);
        let entries: Vec<_> = (first..end).map(|index| entry(index, index >= arguments.fork_at)).collect();
        for (resource, bytes) in writer.append(&entries)?.files {
            let path = dir.0.join(resource.to_string());
            fs::create_dir_all(path.parent().ok_or(USAGE)?)?;
            fs::write(path, bytes)?;
        }
    }
    let claim = Checkpoint::new(key.verifier_key().name().into(), writer.size(), writer.root())?;
    let signed = SignedCheckpoint::sign(claim, &key)?;
    fs::create_dir_all(&dir.0)?;
    fs::write(dir.0.join("checkpoint"), signed.as_bytes())?;
    Ok(format!("{}\n", key.verifier_key()))
}

fn prove(dir: &Path, index: u64) -> Result<String, Failed> {
    let dir = Directory(dir.to_owned());
    let signed = dir.checkpoint()?.ok_or("there is no checkpoint")?;
    let (size, root) = (signed.claim().size(), *signed.claim().root());
    let reader = TileReader::new(&dir, size, &root)?;
    let proof = prove_inclusion(&reader, LeafIndex::new(index)?, size)?;
    Ok(ProofFile::new(LeafIndex::new(index)?, proof, signed).to_string())
}

fn request(dir: &Path, old: u64) -> Result<String, Failed> {
    let dir = Directory(dir.to_owned());
    let signed = dir.checkpoint()?.ok_or("there is no checkpoint")?;
    let (old, size) = (LogSize::new(old)?, signed.claim().size());
    let reader = TileReader::new(&dir, size, signed.claim().root())?;
    let proof = prove_consistency(&reader, old, size)?;
    Ok(AddCheckpoint::new(old, proof, signed)?.to_string())
}

/// Not a secret: the log is nobody's.
fn key() -> Result<SignerKey, Failed> {
    Ok(SignerKey::from_seed(KeyName::new("example.com/grown")?, &[42; 32]))
}

fn entry(index: u64, forked: bool) -> [u8; Leaf::SIZE] {
    let mut record = [u8::from(forked); 32];
    for (to, from) in record.iter_mut().zip(index.to_be_bytes()) {
        *to = from;
    }
    Leaf::attestation(&Salt::from_bytes([7; 32]), &record).to_bytes()
}

struct Directory(PathBuf);

impl Directory {
    fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, Failed> {
        match fs::read(self.0.join("checkpoint")) {
            Ok(bytes) => Ok(Some(SignedCheckpoint::parse(&bytes)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl TileSource for Directory {
    type Error = std::io::Error;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, std::io::Error> {
        match fs::read(self.0.join(resource.to_string())) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
