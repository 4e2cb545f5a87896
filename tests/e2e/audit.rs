//! An auditor who trusts nobody: a true history holds, and each way to falsify one is found.
//!
//! The falsifier of these tests has what a verifier has: its database, its files and the log's key. What it lacks is what hosts
//! sign with, and what others keep.

#![expect(clippy::indexing_slicing, reason = "a report in JSON has what it has, or the test ends")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use evidence::export::Item;
use evidence::record::EnrolmentRecord;
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::leaf::{Leaf, Salt};
use ledger::note::SignerKey;
use ledger::tile::{Bundle, BundleId, Resource, TileWriter, resources};
use serde_json::Value;
use support::client::granted;
use support::verifier::Kept;
use support::{KeyKind, Program, SoftAttester, TestEkCa, Verifier, VerifierClient, VerifierSettings};
use tempfile::TempDir;
use wire::export::{ItemReader, ItemWriter};
use wire::operator::{CreateJoinToken, NewToken, Scope};

use crate::scene::{attest, booted, package};

/// A verifier with two hosts, of which the second has enrolled twice.
pub(crate) struct Fleet {
    pub(crate) verifier: Verifier,
    admin: VerifierClient,
    pub(crate) attesters: [SoftAttester; 2],
}

impl Fleet {
    pub(crate) async fn new() -> Result<Self> {
        Self::with(toml::Table::new()).await
    }

    /// With settings of the verifier's section `log`.
    pub(crate) async fn with(log: toml::Table) -> Result<Self> {
        Self::kept(log, Kept::AsOthers).await
    }

    /// And with its history there.
    pub(crate) async fn kept(log: toml::Table, kept: Kept) -> Result<Self> {
        let ca = TestEkCa::new("Test TPM maker")?;
        let settings =
            VerifierSettings { ek_roots: vec![ca.root_pem()?], log, kept, ..VerifierSettings::default() };
        let verifier = Verifier::start(&settings).await?;
        let admin = verifier.operator(Scope::Admin).await?;
        let mut attesters = [booted(&ca, 1, KeyKind::EccP256)?, booted(&ca, 2, KeyKind::Rsa2048)?];
        let client = verifier.client()?;
        for attester in &mut attesters {
            attester.enrol(&client, &verifier.join_token().await?).await?;
        }
        for round in 0..3 {
            for attester in &mut attesters {
                attester.toggle(&package("changing", &round.to_string())?);
                attester.host.run(&format!("/usr/bin/run-{round}"))?;
                if round == 2 {
                    attester.host.reboot()?;
                }
                attest(&client, attester).await?;
            }
        }
        let mut fleet = Self { verifier, admin, attesters };
        fleet.enrol_again("00112233445566778899aabbccddeeff", "the disk was replaced").await?;
        attest(&client, &mut fleet.attesters[1]).await?;
        attest(&client, &mut fleet.attesters[0]).await?;
        Ok(fleet)
    }

    pub(crate) async fn enrol_again(&mut self, chain: &str, reason: &str) -> Result<()> {
        let client = self.verifier.client()?;
        let token = self.verifier.join_token().await?;
        let attester = &mut self.attesters[1];
        attester.host.start_chain(chain.parse()?);
        let mut begin = attester.enrol_begin(&token)?;
        reason.clone_into(&mut begin.reason);
        let challenge = granted(client.post("/v1/enrol/begin", &begin).await?)?;
        let finish = attester.enrol_finish(&challenge)?;
        attester.enrolled(&granted(client.post("/v1/enrol/finish", &finish).await?)?)
    }

    async fn export(&self, to: &Path, more: &[&str]) -> Result<String> {
        let export =
            Program::new("lydian-verifier")?.args(["export", "--config"]).args([self.verifier.config()]);
        export.args([to]).args(more).run().await?.succeeded()
    }

    /// An auditor's copies.
    pub(crate) async fn copies(&self) -> Result<Copies> {
        let dir = tempfile::tempdir()?;
        let (log, key) = (self.verifier.state_dir().join("log"), self.verifier.state_dir().join("log.key"));
        copy(&log, &dir.path().join("log"))?;
        self.export(&dir.path().join("evidence"), &[]).await?;
        Ok(Copies { dir, secret: fs::read_to_string(key)? })
    }
}

pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// The log and the export, as an auditor has them; and the log's key, as the falsifier has it.
pub(crate) struct Copies {
    dir: TempDir,
    secret: String,
}

impl Copies {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn again(&self) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        copy(self.dir.path(), dir.path())?;
        Ok(Self { dir, secret: self.secret.clone() })
    }

    fn key(&self) -> Result<SignerKey> {
        Ok(SignerKey::from_secret_text(self.secret.trim_end())?)
    }

    pub(crate) async fn audit(&self, more: &[&str]) -> Result<(i32, Value)> {
        let audit = Program::new("lydian")?.args(["log", "audit"]).args([self.path("log")]);
        let audit = audit.args(["--evidence".as_ref(), self.path("evidence").as_os_str()]);
        let audit =
            audit.args(["--log-key", &self.key()?.verifier_key().to_string(), "-o", "json"]).args(more);
        let done = audit.run().await?;
        let code = done.code();
        let report = serde_json::from_str(&done.stdout).with_context(|| format!("{done:?}"))?;
        Ok((code, report))
    }

    /// What an audit finds, which must not hold.
    async fn findings(&self) -> Result<Vec<String>> {
        self.findings_with(&[]).await
    }

    pub(crate) async fn findings_with(&self, more: &[&str]) -> Result<Vec<String>> {
        let (code, report) = self.audit(more).await?;
        ensure!(code == 1 && report["holds"] == false, "{report:#}");
        let findings = report["findings"].as_array().context("findings")?;
        Ok(findings.iter().filter_map(|finding| finding.as_str().map(str::to_owned)).collect())
    }

    /// The files of a host's chains, the oldest first.
    pub(crate) fn chains(&self, host: usize, fleet: &Fleet) -> Result<Vec<PathBuf>> {
        let dir = self.path("evidence/hosts").join(fleet.attesters[host].host.id().to_string());
        let mut chains = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            chains.push((items(&path)?[0].leaf(), path));
        }
        chains.sort();
        Ok(chains.into_iter().map(|(_, path)| path).collect())
    }

    /// The log's bundles of entries.
    fn bundles(&self) -> Result<Vec<BundleId>> {
        let checkpoint = SignedCheckpoint::parse(&fs::read(self.path("log/checkpoint"))?)?;
        let resources = resources(checkpoint.claim().size());
        Ok(resources.map_while(|one| if let Resource::Bundle(id) = one { Some(id) } else { None }).collect())
    }

    /// The log's entries.
    fn entries(&self) -> Result<Vec<Vec<u8>>> {
        let mut entries = Vec::new();
        for id in self.bundles()? {
            let bytes = fs::read(self.path("log").join(Resource::Bundle(id).to_string()))?;
            entries.extend(Bundle::parse(&bytes, id.width())?.entries().map(<[u8]>::to_vec));
        }
        Ok(entries)
    }

    /// Makes the log's files anew from other entries, and signs them.
    fn rewrite(&self, entries: &[Vec<u8>]) -> Result<()> {
        fs::remove_dir_all(self.path("log"))?;
        let mut writer = TileWriter::new();
        for (resource, bytes) in writer.append(entries)?.files {
            let path = self.path("log").join(resource.to_string());
            fs::create_dir_all(path.parent().context("a directory")?)?;
            fs::write(path, bytes)?;
        }
        let key = self.key()?;
        let claim = Checkpoint::new(key.verifier_key().name().into(), writer.size(), writer.root())?;
        let signed = SignedCheckpoint::sign(claim, &key)?;
        fs::write(self.path("log/checkpoint"), signed.note().as_str())?;
        Ok(())
    }
}

pub(crate) fn items(path: &Path) -> Result<Vec<Item>> {
    let bytes = fs::read(path)?;
    let mut reader = ItemReader::new(bytes.as_slice())?;
    let mut items = Vec::new();
    while let Some(item) = reader.next_item()? {
        items.push(item);
    }
    Ok(items)
}

pub(crate) fn write(path: &Path, items: &[Item]) -> Result<()> {
    let mut writer = ItemWriter::begin(Vec::new())?;
    items.iter().try_for_each(|item| writer.write(item))?;
    fs::write(path, writer.into_inner())?;
    Ok(())
}

pub(crate) fn found(findings: &[String], what: &str) -> Result<()> {
    ensure!(findings.iter().any(|finding| finding.contains(what)), "no {what:?} in {findings:#?}");
    Ok(())
}

#[tokio::test]
async fn a_true_history_holds_and_goes_on() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let copies = fleet.copies().await?;
    let (code, report) = copies.audit(&[]).await?;
    ensure!(code == 0, "{report:#}");
    let evidence = &report["evidence"];
    ensure!(evidence["hosts"] == 2 && evidence["chains"] == 3 && evidence["attestations"] == 8, "{report:#}");
    let verdicts: BTreeMap<String, u64> = serde_json::from_value(evidence["verdicts"].clone())?;
    ensure!(verdicts.values().sum::<u64>() == 8 && !verdicts.contains_key("differs"), "{report:#}");
    let [broken] = evidence["breaks"].as_array().context("breaks")?.as_slice() else {
        anyhow::bail!("{report:#}")
    };
    ensure!(broken["reason"] == "the disk was replaced" && broken["evidence"] == 3, "{broken:#}");
    // Three tokens for hosts, and those of this test for itself; this export has its leaf behind what it exported.
    ensure!(evidence["actions"]["join-token-created"] == 3, "{report:#}");

    // What comes later is added, and an audit that was kept goes on with it.
    let client = fleet.verifier.client()?;
    let state = copies.path("state");
    let state = ["--state", state.to_str().context("a path")?];
    // As somebody has who audited the log alone before.
    let alone = Program::new("lydian")?.args(["log", "verify"]).args([copies.path("log")]).args(state);
    alone.args(["--log-key", &copies.key()?.verifier_key().to_string()]).run().await?.succeeded()?;
    let (code, _) = copies.audit(&state).await?;
    let (again, report) = copies.audit(&state).await?;
    ensure!((code, again) == (0, 0), "{report:#}");
    attest(&client, &mut fleet.attesters[0]).await?;
    copy(&fleet.verifier.state_dir().join("log"), &copies.path("log"))?;
    found(&copies.findings().await?, "the export ends before")?;
    let said = fleet.export(&copies.path("evidence"), &[]).await?;
    ensure!(said.contains("3 chains, new: 1 pieces of evidence"), "{said}");
    for state in [&state[..], &state[..], &[]] {
        let (code, report) = copies.audit(state).await?;
        ensure!(code == 0 && report["evidence"]["attestations"] == 9, "{report:#}");
        ensure!(report["evidence"]["actions"]["exported"] == 1, "{report:#}");
    }
    Ok(())
}

#[tokio::test]
async fn an_export_of_some_hosts_is_told_from_a_whole_one() -> Result<()> {
    let fleet = Fleet::new().await?;
    let copies = fleet.copies().await?;
    fs::remove_dir_all(copies.path("evidence"))?;
    fleet.export(&copies.path("evidence"), &["--host", "host-1"]).await?;
    found(&copies.findings().await?, "nothing was exported for")?;
    let (code, report) = copies.audit(&["--partial"]).await?;
    ensure!(code == 0 && report["evidence"]["hosts"] == 1, "{report:#}");
    ensure!(report["evidence"]["missing"]["attestations"]["leaves"] == 4, "{report:#}");
    let unknown = fleet.export(&copies.path("other"), &["--host", "nobody"]).await;
    ensure!(format!("{:?}", unknown.err()).contains("no host has the name"));
    Ok(())
}

/// What somebody does to a chain.
type Falsify = fn(&mut Vec<Item>);

/// Whoever has the database and no key cannot leave out, change or add anything.
#[tokio::test]
async fn what_is_falsified_behind_the_leaves_is_found() -> Result<()> {
    let fleet = Fleet::new().await?;
    let truth = fleet.copies().await?;
    let rows: [(&str, Falsify, &str); 6] = [
        ("the last evidence is dropped", |items| drop(items.pop()), "nothing was exported for 1 leaves"),
        ("evidence in the middle is dropped", |items| drop(items.remove(2)), "seq-out-of-order"),
        ("evidence is exchanged", |items| items.swap(1, 2), "evidence 1"),
        ("a verdict is changed", |items| relabel(&mut items[1]), "its recorded result says"),
        ("evidence is changed", |items| salt(&mut items[1]), "commits to something else"),
        ("the enrolment is changed", |items| promote(&mut items[0]), "its enrolment: leaf"),
    ];
    for (what, falsify, finding) in rows {
        let copies = truth.again()?;
        let chain = &copies.chains(0, &fleet)?[0];
        let mut items = items(chain)?;
        falsify(&mut items);
        write(chain, &items)?;
        found(&copies.findings().await?, finding).context(what)?;
    }

    // The chain before an enrolment is told shorter than it was.
    let copies = truth.again()?;
    let chain = &copies.chains(1, &fleet)?[0];
    let mut shorter = items(chain)?;
    shorter.pop();
    write(chain, &shorter)?;
    found(&copies.findings().await?, "ended with 3 pieces of evidence")?;
    fs::remove_file(chain)?;
    found(&copies.findings().await?, "was there before, and is not exported")?;

    // An action, and a file that ends too early.
    let copies = truth.again()?;
    let actions = copies.path("evidence/actions");
    let mut fewer = items(&actions)?;
    fewer.pop();
    write(&actions, &fewer)?;
    found(&copies.findings().await?, "(operator actions")?;
    let bytes = fs::read(&actions)?;
    fs::write(&actions, &bytes[..bytes.len() - 1])?;
    found(&copies.findings().await?, "ends within an item")
}

fn relabel(item: &mut Item) {
    if let Item::Attestation(attestation) = item {
        attestation.result =
            attestation.result.replace("\"instance-identity\":2", "\"instance-identity\":99");
    }
}

fn salt(item: &mut Item) {
    if let Item::Attestation(attestation) = item {
        let sealed = &attestation.envelope.evidence;
        let mut body = sealed.body().clone();
        body.salt = [9; 32];
        let (attest, signature) = (sealed.attest().to_vec(), sealed.signature().to_vec());
        if let Ok(changed) = evidence::envelope::Evidence::seal(&body.encode(), &attest, &signature) {
            attestation.envelope.evidence = changed;
        }
    }
}

fn promote(item: &mut Item) {
    if let Item::Enrolment(enrolment) = item
        && let Ok(mut record) = EnrolmentRecord::decode(&enrolment.committed.record)
    {
        record.at_ms -= 1;
        enrolment.committed.record = record.encode();
    }
}

/// Whoever has the log's key can sign another history, but not what hosts have signed.
#[tokio::test]
async fn a_log_that_is_made_anew_is_found() -> Result<()> {
    let fleet = Fleet::new().await?;
    let truth = fleet.copies().await?;

    // The first evidence of host-1 never happened: neither leaf nor item. What was signed later names the log that had it.
    let copies = truth.again()?;
    let chain = &copies.chains(0, &fleet)?[0];
    let mut evidence = items(chain)?;
    let gone = usize::try_from(evidence.remove(1).leaf())?;
    write(chain, &evidence)?;
    let mut entries = copies.entries()?;
    entries[gone] = Leaf::operator_action(&Salt::from_bytes([1; 32]), &[2; 32]).to_bytes().to_vec();
    copies.rewrite(&entries)?;
    let findings = copies.findings().await?;
    found(&findings, "the export was made of another log")?;
    found(&findings, "the host was shown another log")?;

    // A fork for one host alone: it was shown a log that nobody else has seen, and its next evidence says so.
    let copies = truth.again()?;
    let chain = &copies.chains(0, &fleet)?[0];
    let last = items(chain)?.pop().context("evidence")?;
    let Item::Attestation(last) = last else { anyhow::bail!("no evidence") };
    let named = last.envelope.evidence.body().checkpoint.size;
    let mut entries = copies.entries()?;
    // Whatever the host saw behind its own leaf is another's leaf now.
    let other = usize::try_from(named)? - 1;
    entries[other] = Leaf::operator_action(&Salt::from_bytes([3; 32]), &[4; 32]).to_bytes().to_vec();
    copies.rewrite(&entries)?;
    found(&copies.findings().await?, "its own signature proves it")?;

    // Another key, and a leaf rewritten without signing anew.
    let copies = truth.again()?;
    let other = SignerKey::from_seed("verifier.test/lydian".parse()?, &[7; 32]);
    let (code, report) = Copies { secret: other.to_secret_text(), ..truth.again()? }.audit(&[]).await?;
    ensure!(code == 1, "{report:#}");
    let bundle = copies.bundles()?.pop().context("entries")?;
    let path = copies.path("log").join(Resource::Bundle(bundle).to_string());
    let mut bytes = fs::read(&path)?;
    bytes[40] ^= 1;
    fs::write(&path, bytes)?;
    found(&copies.findings().await?, "nothing was compared with the evidence")
}

/// A host that is gone: no evidence is taken any more, and an audit knows where its history ends.
#[tokio::test]
async fn a_retired_host_s_history_has_an_end() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let (url, ca) = (fleet.verifier.url(), fleet.verifier.ca());
    let token =
        Program::new("lydian-verifier")?.args(["token", "create", "--name", "ann", "--scope", "admin"]);
    let token = token.args(["--config"]).args([fleet.verifier.config()]).run().await?.succeeded()?;
    let retire = Program::new("lydian")?.args(["host", "retire", "host-1", "--reason", "sold"]);
    let retire = retire.args(["--url", &url, "--token", token.split_whitespace().last().context("a token")?]);
    let retire = retire.args(["--ca".as_ref(), ca.as_os_str()]);
    retire.run().await?.succeeded()?;
    let again = retire.run().await?;
    ensure!(again.code() == 2 && again.stderr.contains("retired already"), "{again:?}");
    let attester = &mut fleet.attesters[0];
    let answer = fleet.verifier.client()?.submit(&attester.host.next()?, attester.from_size()).await?;
    ensure!(answer.err().is_some_and(|problem| problem.code == "unknown-host"), "it was taken");

    let copies = fleet.copies().await?;
    let (code, report) = copies.audit(&[]).await?;
    ensure!(code == 0 && report["evidence"]["retired"][0]["reason"] == "sold", "{report:#}");
    ensure!(report["evidence"]["actions"]["host-retired"] == 1, "{report:#}");
    // A chain that is cut short before its end is found.
    let chain = &copies.chains(0, &fleet)?[0];
    let mut shorter = items(chain)?;
    shorter.remove(shorter.len() - 2);
    write(chain, &shorter)?;
    found(&copies.findings().await?, "it ends a chain of 4 pieces of evidence, and 3 are exported")?;
    fleet.export(&copies.path("again"), &[]).await?;
    fleet.export(&copies.path("again"), &[]).await?;
    Ok(())
}

/// A proof for one piece of evidence, from files alone.
#[tokio::test]
async fn exported_evidence_is_proved_to_be_in_the_log() -> Result<()> {
    let fleet = Fleet::new().await?;
    let copies = fleet.copies().await?;
    let out = copies.path("proof");
    let (log, export, key) =
        (copies.path("log"), copies.path("evidence"), copies.key()?.verifier_key().to_string());
    let prove = async |evidence: &str| {
        let prove = Program::new("lydian")?.args(["log", "prove"]).args([&log]);
        let prove = prove.args(["--export".as_ref(), export.as_os_str()]).args(["--evidence", evidence]);
        prove.args(["--out".as_ref(), out.as_os_str()]).run().await
    };
    let check = async |evidence: &str| {
        let check = Program::new("lydian")?.args(["log", "check"]).args([&out]).args(["--log-key", &key]);
        let check = check.args(["--export".as_ref(), export.as_os_str()]).args(["--evidence", evidence]);
        anyhow::Ok(check.run().await?.code())
    };
    prove("host-1/2").await?.succeeded()?;
    ensure!(check("host-1/2").await? == 0 && check("host-1/1").await? == 1);
    // Its chains have several with this number; the newest is meant.
    let newest = copies.chains(1, &fleet)?.pop().context("a chain")?;
    let Item::Attestation(first) = &items(&newest)?[1] else { anyhow::bail!("no evidence") };
    prove(&first.envelope.evidence.digest().to_string()).await?.succeeded()?;
    ensure!(check("host-2/0").await? == 0);
    let nothing = prove("host-1/99").await?;
    ensure!(nothing.code() == 2 && nothing.stderr.contains("has no evidence host-1/99"), "{nothing:?}");
    Ok(())
}

/// What operators do is in the export, too.
#[tokio::test]
async fn what_operators_did_is_told() -> Result<()> {
    let fleet = Fleet::new().await?;
    let ask = CreateJoinToken { note: "by an intruder".to_owned(), ttl_secs: 60 };
    let made: NewToken = granted(fleet.admin.post("/v1/join-tokens", &ask).await?)?;
    let copies = fleet.copies().await?;
    let (_, report) = copies.audit(&[]).await?;
    ensure!(report["evidence"]["actions"]["join-token-created"] == 4, "{report:#}");
    let actions = items(&copies.path("evidence/actions"))?;
    let Some(Item::Action(last)) = actions.last() else { anyhow::bail!("{actions:?}") };
    let record = evidence::record::ActionRecord::decode(&last.record)?;
    ensure!(record.detail.contains(&made.id) && record.who.starts_with("token "), "{record:?}");
    Ok(())
}
