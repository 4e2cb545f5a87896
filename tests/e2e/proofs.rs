//! Proofs of answers: made by the real programs, checked offline, and falsified.
//!
//! In: a fleet with updates, a reboot, a host that enrolled again and one that was retired, and the proof of an answer about it. Out: that it
//! holds as it is, and that no part of it can be changed, taken out or exchanged for the better.

#![expect(clippy::indexing_slicing, reason = "a report in JSON has what it has, or the test ends")]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use support::Program;
use tempfile::TempDir;
use wire::operator::Scope;

use crate::audit::copy;
use crate::fleet::{Fleet, package};
use crate::index_roots;

/// A proof, and the key that its log is believed by.
struct Proof {
    dir: TempDir,
    key: String,
    /// When its window ends.
    moment: String,
}

impl Proof {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("proof").join(name)
    }

    /// A copy that is changed in some way.
    fn again(&self) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        copy(self.dir.path(), dir.path())?;
        Ok(Self { dir, key: self.key.clone(), moment: self.moment.clone() })
    }

    async fn run(&self, more: &[&str]) -> Result<support::Finished> {
        let verify = Program::new("lydian")?.args(["verify", "--log-key", &self.key, "-o", "json"]);
        verify.args(more).args([self.dir.path().join("proof")]).run().await
    }

    async fn report(&self) -> Result<Value> {
        let done = self.run(&[]).await?;
        let report: Value = serde_json::from_str(&done.stdout).with_context(|| format!("{done:?}"))?;
        ensure!(done.code() == i32::from(report["holds"] != true), "{done:?}");
        Ok(report)
    }

    /// What does not hold of it.
    async fn findings(&self) -> Result<String> {
        let report = self.report().await?;
        ensure!(report["holds"] == false, "{report:#}");
        let findings = report["findings"].as_array().context("findings")?;
        Ok(findings.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"))
    }

    fn json(&self, name: &str) -> Result<Value> {
        Ok(serde_json::from_slice(&fs::read(self.path(name))?)?)
    }

    /// A copy whose answer, or question, was changed.
    fn with(&self, name: &str, change: impl FnOnce(&mut Value) -> Result<()>) -> Result<Self> {
        let again = self.again()?;
        let mut value = again.json(name)?;
        change(&mut value)?;
        fs::write(again.path(name), serde_json::to_vec_pretty(&value)?)?;
        Ok(again)
    }

    /// What of an answer, of which something was changed, does not hold.
    async fn altered(&self, change: impl FnOnce(&mut Value) -> Result<()>) -> Result<String> {
        self.with("answer.json", change)?.findings().await
    }

    /// Files below a directory of it, sorted.
    fn files(&self, below: &str) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        let mut dirs = vec![self.path(below)];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir)? {
                let path = entry?.path();
                if path.is_dir() { dirs.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        Ok(files)
    }

    /// The chains of a host.
    fn chains(&self, name: &str) -> Result<Vec<PathBuf>> {
        let answer = self.json("answer.json")?;
        let id = host(&answer, name)?["id"].as_str().context("an identity")?.to_owned();
        self.files(&format!("evidence/hosts/{id}"))
    }
}

fn host<'v>(answer: &'v Value, name: &str) -> Result<&'v Value> {
    let hosts = answer["hosts"].as_array().context("hosts")?;
    hosts.iter().find(|host| host["name"] == name).with_context(|| format!("no host is called {name}"))
}

fn host_mut<'v>(answer: &'v mut Value, name: &str) -> Result<&'v mut Value> {
    let hosts = answer["hosts"].as_array_mut().context("hosts")?;
    hosts.iter_mut().find(|host| host["name"] == name).with_context(|| format!("no host is called {name}"))
}

/// Sets a value of a document.
fn at(pointer: &'static str, value: Value) -> impl FnOnce(&mut Value) -> Result<()> {
    move |all| {
        *all.pointer_mut(pointer).context(pointer)? = value;
        Ok(())
    }
}

/// Sets a value of a host of an answer.
fn of_host(name: &'static str, key: &'static str, value: Value) -> impl FnOnce(&mut Value) -> Result<()> {
    move |answer| {
        host_mut(answer, name)?[key] = value;
        Ok(())
    }
}

/// `had` had the package for a while, `never` never did, `again` enrolled again meanwhile, `gone` was retired after it had it.
async fn fleet() -> Result<(Fleet, String)> {
    let mut fleet = Fleet::new().await?;
    let bad = package("xz-utils", "5.6.0-1", b"backdoored", None)?;
    for name in ["again", "gone", "had", "never"] {
        fleet.host(name).await?;
        fleet.attest(name).await?;
        fleet.toggle(name, &package("coreutils", "9.1-1", b"coreutils", None)?).await?;
    }
    fleet.moment().await?;
    fleet.toggle("had", &bad).await?;
    fleet.toggle("gone", &bad).await?;
    fleet.of("had")?.host.reboot()?;
    fleet.attest("had").await?;
    let moment = fleet.moment().await?;
    fleet.toggle("had", &bad).await?;
    fleet.enrol_again("again").await?;
    fleet.heartbeat().await?;
    let retired = fleet.lydian_as_admin(&["host", "retire", "gone", "--reason", "sold"]).await?;
    ensure!(retired.code() == 0, "{retired:?}");
    fleet.hosts.remove("gone");
    fleet.moment().await?;
    Ok((fleet, moment))
}

async fn proof(fleet: &Fleet, moment: &str) -> Result<Proof> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("proof");
    let path = path.to_str().context("a path")?;
    let asked = ["package:xz-utils>=5.6.0", "--to", moment, "--proof", path, "-o", "json"];
    let done = fleet.trusted(&asked).await?;
    ensure!(done.code() == 1, "{done:?}");
    ensure!(done.stderr.contains("4 answers follow from"), "{}", done.stderr);
    let key = Program::new("lydian-verifier")?.args(["log-key", "--config"]).args([fleet.verifier.config()]);
    let key = key.run().await?.succeeded()?.trim().to_owned();
    Ok(Proof { dir, key, moment: moment.to_owned() })
}

#[tokio::test]
async fn a_proof_holds_without_its_verifier_and_shows_what_it_rests_on() -> Result<()> {
    let (mut fleet, moment) = fleet().await?;
    let proof = proof(&fleet, &moment).await?;
    fleet.verifier.terminate().await?;
    let report = proof.report().await?;
    ensure!(
        report["holds"] == true && report["follow"] == 4 && report["denominator"] == "proved",
        "{report:#}"
    );
    ensure!(report["chains"] == 5, "{report:#}");
    let found = |name: &str| Ok::<_, anyhow::Error>(host(&report, name)?["found"].clone());
    ensure!([found("had")?, found("never")?] == ["yes", "no"], "{report:#}");
    // The same for people.
    let key = &proof.key;
    let verify =
        Program::new("lydian")?.args(["verify", "--log-key", key]).args([proof.dir.path().join("proof")]);
    let text = verify.run().await?.succeeded()?;
    for words in ["holds", "4 as they were given", "the log knows of no other host", "YES (D) follows"] {
        ensure!(text.contains(words), "{words}: {text}");
    }
    // Only those tiles are there that lead to the evidence, and nothing of the log's archive.
    ensure!(!proof.path("log/archive").exists() && proof.path("log/checkpoint").exists());
    Ok(())
}

#[tokio::test]
async fn an_answer_that_was_altered_does_not_follow() -> Result<()> {
    let (fleet, moment) = fleet().await?;
    let proof = proof(&fleet, &moment).await?;
    let no = |answer: &mut Value, name: &str| -> Result<()> {
        let host = host_mut(answer, name)?;
        (host["answer"], host["class"]) = (json!("no"), json!("D"));
        Ok(())
    };
    let found = proof.altered(|answer| no(answer, "had")).await?;
    ensure!(found.contains("host had: the answer is NO (D), and the evidence gives YES (D)"), "{found}");
    ensure!(found.contains("the answer counts"), "{found}");
    let found = proof
        .altered(|answer| {
            no(answer, "had")?;
            let counts = &mut answer["hosts_asked"];
            let (yes, no) = (counts["yes"].as_u64().context("yes")?, counts["no"].as_u64().context("no")?);
            (counts["yes"], counts["no"]) = (json!(yes - 1), json!(no + 1));
            Ok(())
        })
        .await?;
    ensure!(found == "host had: the answer is NO (D), and the evidence gives YES (D)", "{found}");
    // A host is left out, and nobody counts it.
    let found = proof
        .altered(|answer| {
            let hosts = answer["hosts"].as_array_mut().context("hosts")?;
            hosts.retain(|host| host["name"] != "had");
            let counts = &mut answer["hosts_asked"];
            let (all, yes) = (counts["all"].as_u64().context("all")?, counts["yes"].as_u64().context("yes")?);
            (counts["all"], counts["yes"]) = (json!(all - 1), json!(yes - 1));
            Ok(())
        })
        .await?;
    ensure!(found.contains("enrol or retire hosts that the answer leaves out"), "{found}");
    // A class that is better than what it rests on; a window that is another; times that the evidence was not of.
    let found = proof.altered(of_host("never", "class", json!("A"))).await?;
    ensure!(found.contains("host never: the answer is NO (A), and the evidence gives NO (D)"), "{found}");
    let found = proof.altered(at("/window/to/log_size", json!(3))).await?;
    ensure!(found.contains("window ends elsewhere than the question's"), "{found}");
    let found = proof.altered(at("/window/to/time", json!("2001-01-01T00:00:00Z"))).await?;
    ensure!(found.contains("and the log is said to have had"), "{found}");
    let found = proof.altered(at("/accepted", json!(["left-out"]))).await?;
    ensure!(found.contains("other accepted gaps than the question"), "{found}");
    let found = proof.altered(at("/subjects", json!(["package:xz-utils>=9"]))).await?;
    ensure!(found.contains("about other subjects"), "{found}");
    let found = proof.altered(of_host("never", "heard", json!("2030-01-01T00:00:00.000Z"))).await?;
    ensure!(found.contains("its newest evidence is said to have come 2030"), "{found}");
    let found = proof.altered(at("/log_size", json!(1_000_000))).await?;
    ensure!(found.contains("the log's checkpoint has"), "{found}");
    // Another question than the answer's.
    let other = proof.with("question.json", |all| {
        all["question"]["min_class"] = json!("A");
        Ok(())
    })?;
    let found = other.findings().await?;
    ensure!(found.contains("another class"), "{found}");
    // What is UNKNOWN where the evidence says more is no lie.
    let humble = proof.with("answer.json", |answer| {
        let host = host_mut(answer, "had")?;
        (host["answer"], host["class"]) = (json!("unknown"), Value::Null);
        let counts = &mut answer["hosts_asked"];
        let (yes, unknown) =
            (counts["yes"].as_u64().context("yes")?, counts["unknown"].as_u64().context("unknown")?);
        (counts["yes"], counts["unknown"]) = (json!(yes - 1), json!(unknown + 1));
        Ok(())
    })?;
    let report = humble.report().await?;
    ensure!(report["holds"] == true && report["sharper"] == 1, "{report:#}");
    Ok(())
}

#[tokio::test]
async fn evidence_that_is_missing_or_another_s_proves_nothing() -> Result<()> {
    let (fleet, moment) = fleet().await?;
    let proof = proof(&fleet, &moment).await?;
    // Without its newest evidence a host was never seen after the window.
    let cut = proof.again()?;
    let chain = cut.chains("never")?.pop().context("a chain")?;
    keep(&chain, 3)?;
    let found = cut.findings().await?;
    ensure!(found.contains("the answer is NO (D), and the evidence gives UNKNOWN: after-last"), "{found}");
    // Evidence in the middle of a chain, the chain before another, all of a host, a manifest.
    let torn = proof.again()?;
    remove_item(&torn.chains("had")?[0], 4)?;
    let found = torn.findings().await?;
    ensure!(found.contains("host had: chain"), "{found}");
    let torn = proof.again()?;
    let chains = torn.chains("again")?;
    ensure!(chains.len() == 2, "{chains:?}");
    for chain in &chains {
        let torn = proof.again()?;
        fs::remove_file(torn.path("").join(chain.strip_prefix(proof_root(chain)?)?))?;
        let found = torn.findings().await?;
        ensure!(found.contains("host again"), "{found}");
    }
    let torn = proof.again()?;
    fs::remove_file(&torn.chains("never")?[0])?;
    let found = torn.findings().await?;
    ensure!(found.contains("the evidence gives UNKNOWN: never-heard"), "{found}");
    let torn = proof.again()?;
    for manifest in torn.files("evidence/manifests")? {
        fs::remove_file(manifest)?;
    }
    let found = torn.findings().await?;
    ensure!(found.contains("the evidence gives UNKNOWN: gap"), "{found}");
    let torn = proof.again()?;
    let manifests = torn.files("evidence/manifests")?;
    fs::copy(&manifests[0], &manifests[1])?;
    let found = torn.findings().await?;
    ensure!(found.contains("it is not the manifest of component"), "{found}");
    // A host's evidence in another one's place.
    let torn = proof.again()?;
    fs::copy(&torn.chains("had")?[0], &torn.chains("never")?[0])?;
    let found = torn.findings().await?;
    ensure!(found.contains("host never"), "{found}");
    // Whatever byte of the evidence or of the log is changed: it is found, or was of no meaning, as the words of a result are.
    let whole = proof.report().await?;
    let files = [proof.files("evidence/hosts")?, proof.files("log")?].concat();
    for (number, file) in files.into_iter().enumerate() {
        let torn = proof.again()?;
        let path = torn.path("").join(file.strip_prefix(proof.path(""))?);
        let mut bytes = fs::read(&path)?;
        let place = bytes.len() * (number % 7 + 1) / 8;
        bytes[place] ^= 1;
        fs::write(&path, bytes)?;
        let done = torn.run(&[]).await?;
        let same = || Ok::<_, anyhow::Error>(serde_json::from_str::<Value>(&done.stdout)? == whole);
        ensure!(done.code() != 0 || same()?, "{} at {place}: {done:?}", path.display());
    }
    Ok(())
}

/// The directory of the proof that a file is of.
fn proof_root(file: &Path) -> Result<&Path> {
    file.ancestors().find(|dir| dir.ends_with("proof")).context("a file of a proof")
}

/// Leaves so many items in a file.
fn keep(path: &Path, items: usize) -> Result<()> {
    let mut all = crate::audit::items(path)?;
    all.truncate(items);
    crate::audit::write(path, &all)
}

fn remove_item(path: &Path, number: usize) -> Result<()> {
    let mut all = crate::audit::items(path)?;
    all.remove(number);
    crate::audit::write(path, &all)
}

#[tokio::test]
async fn hosts_that_the_log_counted_cannot_be_left_out() -> Result<()> {
    let mut fleet = index_roots::fleet().await?;
    let root = index_roots::said_all(&fleet.verifier).await?;
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("proof");
    let operator = fleet.verifier.operator(Scope::Read).await?;
    let ask = Program::new("lydian")?
        .args(["trusted", "package:nothing", "-o", "json", "--proof"])
        .args([&path])
        .env("LYDIAN_URL", fleet.verifier.url())
        .env("LYDIAN_CA", fleet.verifier.ca())
        .env("LYDIAN_TOKEN", operator.token().context("a token")?);
    let done = ask.run().await?;
    ensure!(done.code() < 2 && done.stderr.contains("follow from"), "{done:?}");
    let key = Program::new("lydian-verifier")?.args(["log-key", "--config"]).args([fleet.verifier.config()]);
    let key = key.run().await?.succeeded()?.trim().to_owned();
    let proof = Proof { dir, key, moment: String::new() };
    let report = proof.report().await?;
    ensure!(report["holds"] == true && report["denominator"] == "proved", "{report:#}");
    // What was in the log before the root is known by its count alone.
    let found = proof
        .altered(|answer| {
            let host = answer["hosts"].as_array_mut().context("hosts")?.remove(0);
            let word = host["answer"].as_str().context("an answer")?;
            for count in ["all", word] {
                let counted = answer["hosts_asked"][count].as_u64().context("a count")?;
                answer["hosts_asked"][count] = json!(counted - 1);
            }
            Ok(())
        })
        .await?;
    ensure!(found.contains("hosts were left out") && !found.contains("enrol or retire"), "{found}");
    // Without the root every leaf is looked at, and this log is so short that the proof has them all.
    let without = proof.again()?;
    fs::remove_file(without.path("evidence/index-roots"))?;
    let report = without.report().await?;
    ensure!(report["holds"] == true && report["denominator"] == "proved", "{report:#}");
    let other = proof.again()?;
    let chain = other.files("evidence/hosts")?.remove(0);
    fs::copy(chain, other.path("evidence/index-roots"))?;
    let found = other.findings().await?;
    ensure!(found.contains("not a root of the index"), "{found}");
    ensure!(root > 0 && !fleet.attesters.is_empty());
    fleet.verifier.terminate().await?;
    Ok(())
}

#[tokio::test]
async fn what_is_no_proof_is_told_so() -> Result<()> {
    let (fleet, moment) = fleet().await?;
    let proof = proof(&fleet, &moment).await?;
    // Made twice into one directory.
    let path = proof.path("");
    let again = fleet.trusted(&["package:xz-utils", "--proof", path.to_str().context("a path")?]).await?;
    ensure!(again.code() == 2 && again.stderr.contains("is not there yet"), "{again:?}");
    // No proof at all, a damaged one, one of another version, one whose key is another's, and no key.
    let empty = tempfile::tempdir()?;
    let none =
        Program::new("lydian")?.args(["verify", "--log-key", &proof.key]).args([empty.path()]).run().await?;
    ensure!(none.code() == 2 && none.stderr.contains("--proof DIR` makes a proof"), "{none:?}");
    let damaged = proof.again()?;
    fs::write(damaged.path("answer.json"), b"{")?;
    let told = damaged.run(&[]).await?;
    ensure!(told.code() == 2 && told.stderr.contains("answer.json"), "{told:?}");
    let newer = proof.with("question.json", at("/version", json!(2)))?;
    let told = newer.run(&[]).await?;
    ensure!(told.code() == 2 && told.stderr.contains("a proof of version 2"), "{told:?}");
    let other = Fleet::new().await?;
    let key = Program::new("lydian-verifier")?.args(["log-key", "--config"]).args([other.verifier.config()]);
    let strange = Proof { key: key.run().await?.succeeded()?.trim().to_owned(), ..proof.again()? };
    let found = strange.findings().await?;
    ensure!(found.contains("the log's checkpoint:"), "{found}");
    let unsaid = Program::new("lydian")?.args(["verify"]).args([proof.path("")]).run().await?;
    ensure!(unsaid.code() == 2 && unsaid.stderr.contains("--log-key"), "{unsaid:?}");
    // Hosts that were chosen by name are all that is told of.
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("chosen");
    let asked = ["package:xz-utils>=5.6.0", "--hosts", "n*", "--to", &proof.moment, "--proof"];
    let chosen = fleet.trusted(&[&asked[..], &[path.to_str().context("a path")?]].concat()).await?;
    ensure!(chosen.code() == 0, "{chosen:?}");
    let report = fleet.verify(&path).await?;
    ensure!(report["holds"] == true && report["denominator"] == "chosen", "{report:#}");
    Ok(())
}
