//! The TPM commands that firmware and the kernel send while a host boots and runs.
//!
//! In: a TPM's socket, digests to extend. Out: the TPM's answers, or its response code. This is what stands below
//! an agent, so it shares no code with the agent's way to the TPM.
//= TPM 2.0 Library Part 3: Commands

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use evidence::cursor::Cursor;
use evidence::digest::{Digest, HashAlg};
use evidence::pcr::{PcrIndex, PcrMask, PcrSelection, PcrValues};
use evidence::tpm::write_pcr_selection;

use crate::wait::DEADLINE;

/// The command channel of a software TPM. Each command has a connection of its own, as the kernel's driver and
/// the agent share one TPM too.
#[derive(Clone, Debug)]
pub struct TpmSocket {
    path: PathBuf,
}

/// Which kind of shutdown is announced: what the next startup then is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// The machine goes off or reboots.
    Clear,
    /// The machine sleeps.
    State,
}

impl TpmSocket {
    /// The TPM that listens at this path.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf() }
    }

    /// Announces that power goes away.
    pub fn shutdown(&self, shutdown: Shutdown) -> Result<()> {
        let kind: u16 = match shutdown {
            Shutdown::Clear => 0,
            Shutdown::State => 1,
        };
        self.send(NO_SESSIONS, SHUTDOWN, &kind.to_be_bytes()).context("TPM2_Shutdown").map(drop)
    }

    /// The banks that hold all 24 PCRs.
    pub fn banks(&self) -> Result<Vec<HashAlg>> {
        let body = [5_u32.to_be_bytes(), 0_u32.to_be_bytes(), 1_u32.to_be_bytes()].concat();
        let answer = self.send(NO_SESSIONS, GET_CAPABILITY, &body).context("TPM2_GetCapability")?;
        // moreData and the capability's number stand before the list.
        let list = answer.get(5..).context("TPM2_GetCapability: an answer of fewer than 5 bytes")?;
        let selection = evidence::tpm::parse_pcr_selection(list).context("TPM2_GetCapability")?;
        let active = selection.banks().iter().filter(|(_, mask)| mask.len() == PcrIndex::ALL.len());
        Ok(active.map(|(bank, _)| *bank).collect())
    }

    /// Extends a PCR with digests, one for each bank.
    pub fn extend(&self, pcr: PcrIndex, digests: &[Digest]) -> Result<()> {
        let mut body = u32::from(pcr.get()).to_be_bytes().to_vec();
        body.extend(EMPTY_PASSWORD);
        body.extend(u32::try_from(digests.len())?.to_be_bytes());
        for digest in digests {
            body.extend(digest.alg().tpm_id().to_be_bytes());
            body.extend(digest.as_bytes());
        }
        self.send(SESSIONS, PCR_EXTEND, &body).with_context(|| format!("TPM2_PCR_Extend({pcr})")).map(drop)
    }

    /// All PCRs of a bank.
    pub fn read_bank(&self, bank: HashAlg) -> Result<PcrValues> {
        let mut values = PcrValues::new();
        // A TPM gives at most eight digests in one answer.
        for pcrs in PcrIndex::ALL.chunks(8) {
            let mask: PcrMask = pcrs.iter().copied().collect();
            for (pcr, value) in pcrs.iter().zip(self.read_some(bank, mask)?) {
                values.insert(*pcr, value);
            }
        }
        Ok(values)
    }

    fn read_some(&self, bank: HashAlg, mask: PcrMask) -> Result<Vec<Digest>> {
        let selection = PcrSelection::of_bank(bank, mask);
        let answer = self
            .send(NO_SESSIONS, PCR_READ, &write_pcr_selection(&selection))
            .with_context(|| format!("TPM2_PCR_Read({selection})"))?;
        let mut cursor = Cursor::new(&answer);
        let _update_counter = cursor.u32_be()?;
        let selected = write_pcr_selection(&selection);
        ensure!(cursor.take(selected.len())? == selected, "the TPM has no bank {bank}");
        let count = usize::try_from(cursor.u32_be()?)?;
        ensure!(count == mask.len(), "asked for {} PCRs, got {count}", mask.len());
        let mut values = Vec::new();
        for _ in 0..count {
            let size = usize::from(cursor.u16_be()?);
            values.push(Digest::new(bank, cursor.take(size)?)?);
        }
        Ok(values)
    }

    /// One command; gives what follows the answer's header.
    fn send(&self, tag: u16, code: u32, body: &[u8]) -> Result<Vec<u8>> {
        let size = u32::try_from(body.len() + HEADER_BYTES)?;
        let mut command = tag.to_be_bytes().to_vec();
        command.extend(size.to_be_bytes());
        command.extend(code.to_be_bytes());
        command.extend(body);
        let mut stream = UnixStream::connect(&self.path)
            .with_context(|| format!("connect to the TPM at {}", self.path.display()))?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.write_all(&command)?;
        let mut header = [0; HEADER_BYTES];
        stream.read_exact(&mut header)?;
        let mut cursor = Cursor::new(&header);
        let (_tag, size, code) = (cursor.u16_be()?, cursor.u32_be()?, cursor.u32_be()?);
        if code != 0 {
            bail!("the TPM answers {code:#x}");
        }
        let left = usize::try_from(size)?.checked_sub(HEADER_BYTES).context("an answer without a header")?;
        ensure!(left <= ANSWER_BYTES, "an answer of {left} bytes");
        let mut answer = vec![0; left];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    }
}

const HEADER_BYTES: usize = 10;
/// The size of a TPM's own buffer.
const ANSWER_BYTES: usize = 4096;
const NO_SESSIONS: u16 = 0x8001;
const SESSIONS: u16 = 0x8002;
const SHUTDOWN: u32 = 0x0000_0145;
const GET_CAPABILITY: u32 = 0x0000_017a;
const PCR_READ: u32 = 0x0000_017e;
const PCR_EXTEND: u32 = 0x0000_0182;
/// An authorisation area with one password session and an empty password, with its size.
const EMPTY_PASSWORD: [u8; 13] = [0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0];
