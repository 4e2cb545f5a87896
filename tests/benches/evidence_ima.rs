//! Replaying an IMA list of 100,000 records in one bank, against keylime's `process_measurement_list` on the same list in
//! the same run; and the memory that `lydian inspect ima` takes for a million records.
//!
//! The list is generated from a seed. keylime reads its text form, we its binary form (and its text form too, to compare
//! like with like). `scripts/bench` installs keylime from `PyPI`; where that cannot be, the figures stand alone. For the
//! memory, `target/release/lydian` has to be built.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use evidence::digest::HashAlg;
use evidence::ima::{ImaList, ImaReplay, ImaState, ImaStream, StreamItem};
use evidence::pcr::PcrIndex;
use support::{Figure, Goal};

const RECORDS: u32 = 100_000;
const MANY: u32 = 1_000_000;
const ROUNDS: usize = 9;
const PEER_ROUNDS: usize = 3;
const BANK: HashAlg = HashAlg::Sha256;

fn main() -> Result<()> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let bench = target.join("bench");
    fs::create_dir_all(&bench)?;
    let mut binary = Vec::new();
    let text_path = bench.join("ima-list.txt");
    let mut text = BufWriter::new(File::create(&text_path)?);
    generate(RECORDS, &mut binary, Some(&mut text))?;
    text.flush()?;
    drop(text);
    let text = fs::read(&text_path)?;
    let expected = replay(&binary);
    ensure!(stream(&text, false) == expected, "text and binary list come to different values");
    let peer = keylime(&text_path, &expected)?;
    let forms: [(&str, &dyn Fn() -> String); 4] = [
        ("IMA replay, 100,000 ima-ng, sha256, in memory", &|| replay(&binary)),
        ("IMA replay, 100,000 ima-ng, sha256, streamed", &|| stream(&binary, false)),
        ("IMA replay, 100,000 ima-ng, sha256, streamed, template hashes checked", &|| stream(&binary, true)),
        ("IMA replay, 100,000 ima-ng, sha256, from text", &|| stream(&text, false)),
    ];
    for (at, (name, run)) in forms.into_iter().enumerate() {
        let rate = rate(run, &expected)?;
        let goal = Goal::AtLeast(if at == 0 { 2_000_000.0 } else { 1_000_000.0 });
        Figure { name, ours: rate, peer, unit: "entries/s", goal }.write()?;
    }
    memory(&target.join("release/lydian"), &bench)
}

/// Records as a kernel writes them: a hash and a path of 20 to 80 characters.
fn generate(records: u32, binary: &mut impl Write, mut text: Option<&mut BufWriter<File>>) -> Result<()> {
    let mut seed = 0x1bad_5eed_u64;
    for number in 0..records {
        let mut digest = [0_u8; 32];
        for part in digest.chunks_mut(8) {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            part.copy_from_slice(&seed.to_be_bytes());
        }
        let folders =
            ["bin", "lib/x86_64-linux-gnu", "lib/python3/dist-packages/some/where", "share/perl5/Module"];
        let folder = folders.get(usize::try_from(seed >> 62)?).context("folder")?;
        let name = format!("/usr/{folder}/file-{number}\0");
        let sized = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes(), bytes].concat();
        let data = [sized(&[b"sha256:\0".as_slice(), &digest].concat()), sized(name.as_bytes())].concat();
        let hash = HashAlg::Sha1.hash(&[&data]);
        binary.write_all(&10_u32.to_le_bytes())?;
        binary.write_all(hash.as_bytes())?;
        binary.write_all(&sized(b"ima-ng"))?;
        binary.write_all(&sized(&data))?;
        if let Some(text) = &mut text {
            writeln!(
                text,
                "10 {hash} ima-ng sha256:{} {}",
                hex::encode(digest),
                name.trim_end_matches('\0')
            )?;
        }
    }
    Ok(())
}

/// PCR 10 by the plainest way.
fn replay(list: &[u8]) -> String {
    let mut state = ImaReplay::start(BANK);
    for record in ImaList::new(list).records().map_while(Result::ok) {
        let Some(next) = state.extend(&record) else { break };
        state = next;
    }
    state.value().to_string()
}

/// PCR 10 by the streaming reader.
fn stream(list: &[u8], checked: bool) -> String {
    let (mut stream, mut state) = (ImaStream::new(), ImaState::start(&[BANK]));
    let mut take = |item: StreamItem<'_>| {
        if let StreamItem::Record(record) = item {
            if checked {
                let _check = black_box(state.extend_checked(&record));
            } else {
                state.extend(&record);
            }
        }
    };
    let whole = list.chunks(64 << 10).try_for_each(|chunk| stream.push(chunk, &mut take));
    let whole = whole.and_then(|()| stream.finish(&mut take));
    let value = state.banks().first().and_then(|bank| bank.value(PcrIndex::IMA));
    whole.ok().and(value).map(|value| value.to_string()).unwrap_or_default()
}

/// Records a second of processor time, so that other load does not count: the median of some rounds.
fn rate(run: &dyn Fn() -> String, expected: &str) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = processor_time();
        let found = black_box(run());
        times.push(processor_time().saturating_sub(begun));
        ensure!(found == expected, "{found} is not {expected}");
    }
    times.sort_unstable();
    Ok(f64::from(RECORDS) / times.get(ROUNDS / 2).context("rounds")?.as_secs_f64())
}

/// What this thread has taken of a processor.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Entries a second of keylime, the median of some rounds; `None` where it is not installed.
fn keylime(list: &Path, expected: &str) -> Result<Option<f64>> {
    let Some(python) = std::env::var_os("LYDIAN_BENCH_PYTHON") else {
        println("keylime is not there: scripts/bench installs it; the figures stand alone");
        return Ok(None);
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/ima_keylime.py");
    let mut peer = Command::new(python);
    let output = run(peer.arg(script).arg(list).args([expected, &PEER_ROUNDS.to_string()]))?;
    let mut rates = output.lines().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().context("keylime said nothing").map(Some)
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The peak of what is resident while the program reads a million records.
fn memory(lydian: &Path, bench: &Path) -> Result<()> {
    if !lydian.exists() {
        println("target/release/lydian is missing: cargo build --release --bin lydian, for its memory");
        return Ok(());
    }
    let list: PathBuf = bench.join("ima-million.bin");
    let mut file = BufWriter::new(File::create(&list)?);
    generate(MANY, &mut file, None)?;
    file.flush()?;
    for (format, name) in [("json", "a million records, -o json"), ("table", "a million records, table")] {
        let begun = Instant::now();
        let mut child = Command::new(lydian)
            .args(["inspect", "ima", "--bank", "sha256", "-o", format])
            .arg(&list)
            .stdout(Stdio::null())
            .spawn()?;
        let mut peak = 0.0_f64;
        let status = loop {
            peak = peak.max(peak_mib(child.id()).unwrap_or(0.0));
            if let Some(status) = child.try_wait()? {
                break status;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let rate = f64::from(MANY) / begun.elapsed().as_secs_f64();
        ensure!(status.success(), "lydian inspect ima: {status}");
        let figure = format!("lydian inspect ima, {name}: peak memory");
        Figure { name: &figure, ours: peak, peer: None, unit: "MiB", goal: Goal::AtMost(16.0) }.write()?;
        println(&format!(
            "lydian inspect ima, {name}: {rate:.0} entries/s, start and end of the program included"
        ));
    }
    Ok(fs::remove_file(&list)?)
}

fn peak_mib(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1_024.0)
}

fn println(text: &str) {
    // There is nowhere left to complain to.
    let _ = writeln!(io::stdout(), "{text}");
}
