//! A life through a verifier that runs.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use support::course::{Course, Life};
use support::verifier::Kept;
use support::{TestEkCa, Verifier, VerifierSettings};

pub(crate) async fn make(out: &Path, life: Life) -> Result<()> {
    let course = Course { life };
    ensure!(course.rounds() > 4, "a course takes two days at least");
    std::fs::create_dir_all(out).with_context(|| format!("create {}", out.display()))?;
    let place = out.join("verifier");
    ensure!(!place.exists(), "{} is there already", place.display());
    let ca = TestEkCa::new("fleetgen's TPM maker")?;
    let settings = VerifierSettings {
        ek_roots: vec![ca.root_pem()?],
        kept: Kept::InAFile,
        stays_in: Some(out.to_owned()),
        ..VerifierSettings::default()
    };
    let mut verifier = Verifier::start(&settings).await?;
    let began = Instant::now();
    let say = |what: &str| {
        let _ = writeln!(std::io::stderr(), "fleetgen: {what} ({:.1} s)", began.elapsed().as_secs_f64());
    };
    say(&format!("enrolling {} hosts", life.hosts));
    let played = course.play(&verifier, &ca, &say).await?;
    verifier.terminate().await?;
    let mut file = BufWriter::new(std::fs::File::create(out.join("truth.jsonl"))?);
    let facts = course.facts();
    for fact in &facts {
        let had: serde_json::Map<_, _> =
            fact.had.iter().map(|(host, rounds)| (Course::name(*host), json!(rounds))).collect();
        let line =
            json!({ "subject": fact.subject, "role": fact.role, "hosts": fact.count(None), "had": had });
        writeln!(file, "{line}")?;
    }
    file.flush()?;
    std::fs::write(out.join("rounds.json"), json!({ "sizes": played.sizes }).to_string())?;
    say(&format!("{} subjects with their truth", facts.len()));
    say(&format!("serve it: lydian-verifier serve --config {}", verifier.config().display()));
    let mut stdout = std::io::stdout().lock();
    writeln!(
        stdout,
        "{}",
        json!({ "hosts": life.hosts, "pieces": played.pieces, "rounds": course.rounds() })
    )?;
    Ok(())
}
