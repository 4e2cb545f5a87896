//! Small fleets whose hosts attest by a TPM in memory, and what `lydian` says of them.

#![expect(clippy::indexing_slicing, reason = "a report in JSON has what it has, or the test ends")]

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use evidence::body::{Body, Gap};
use evidence::digest::Sha256Digest;
use evidence::manifest::{ComponentKind, Entry, EntryFlags, Manifest};
use evidence::principal::{Edge, Principal, Relation};
use support::client::granted;
use support::{KeyKind, Program, SoftAttester, TestEkCa, Verifier, VerifierClient, VerifierSettings};
use wire::operator::Scope;
use wire::trusted::{HostAnswer, Trusted, Verdict};

use crate::scene::booted;

/// A verifier and hosts by name.
pub(crate) struct Fleet {
    pub(crate) verifier: Verifier,
    pub(crate) operator: VerifierClient,
    admin: VerifierClient,
    pub(crate) client: VerifierClient,
    pub(crate) hosts: BTreeMap<String, SoftAttester>,
    pub(crate) ca: TestEkCa,
}

impl Fleet {
    pub(crate) async fn new() -> Result<Self> {
        let ca = TestEkCa::new("Test TPM maker")?;
        let settings = VerifierSettings { ek_roots: vec![ca.root_pem()?], ..VerifierSettings::default() };
        let verifier = Verifier::start(&settings).await?;
        let (operator, admin) =
            (verifier.operator(Scope::Read).await?, verifier.operator(Scope::Admin).await?);
        let client = verifier.client()?;
        Ok(Self { verifier, operator, admin, client, hosts: BTreeMap::new(), ca })
    }

    /// A host that is enrolled and has sent nothing yet.
    pub(crate) async fn host(&mut self, name: &str) -> Result<()> {
        let seed = u64::try_from(self.hosts.len())? + 1;
        let booted = booted(&self.ca, seed, KeyKind::EccP256)?;
        let mut attester = SoftAttester::new(booted.host, name)?;
        // What nobody has sent the manifest of could be anything.
        attester.host.toggle(Sha256Digest::of(&[b"first component"]));
        attester.enrol(&self.client, &self.verifier.join_token().await?).await?;
        self.hosts.insert(name.to_owned(), attester);
        Ok(())
    }

    pub(crate) fn of(&mut self, name: &str) -> Result<&mut SoftAttester> {
        self.hosts.get_mut(name).with_context(|| format!("no host is called {name}"))
    }

    /// A host begins a new chain.
    pub(crate) async fn enrol_again(&mut self, name: &str) -> Result<()> {
        let (client, token) = (self.verifier.client()?, self.verifier.join_token().await?);
        let attester = self.of(name)?;
        attester.host.start_chain("00112233445566778899aabbccddeeff".parse()?);
        attester.enrol(&client, &token).await
    }

    /// A host gets a component, or loses it.
    pub(crate) async fn toggle(&mut self, name: &str, manifest: &Manifest) -> Result<()> {
        self.of(name)?.toggle(manifest);
        self.attest(name).await?;
        self.client
            .manifests(&[manifest.encode()])
            .await?
            .map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
        Ok(())
    }

    /// The next evidence; with a gap where there is one.
    pub(crate) async fn attest_with(&mut self, name: &str, gaps: Vec<Gap>) -> Result<u64> {
        self.attest_as(name, |body| body.gaps = gaps).await
    }

    /// The next evidence, which says more.
    pub(crate) async fn attest_as(&mut self, name: &str, say: impl FnOnce(&mut Body)) -> Result<u64> {
        let client = self.verifier.client()?;
        let attester = self.of(name)?;
        let mut body = attester.host.body();
        say(&mut body);
        let envelope = attester.host.seal(&body)?;
        let receipt = granted(client.submit(&envelope, attester.from_size()).await?)?;
        attester.recorded(&envelope, &receipt)?;
        Ok(receipt.index)
    }

    pub(crate) async fn attest(&mut self, name: &str) -> Result<u64> {
        self.attest_with(name, Vec::new()).await
    }

    /// Every host says that it is as it was.
    pub(crate) async fn heartbeat(&mut self) -> Result<()> {
        for name in self.hosts.keys().cloned().collect::<Vec<_>>() {
            self.attest(&name).await?;
        }
        Ok(())
    }

    /// How many leaves the log has now, with evidence of every host on either side.
    pub(crate) async fn moment(&mut self) -> Result<String> {
        self.heartbeat().await?;
        self.heartbeat().await?;
        let mut size = 0;
        for name in self.hosts.keys().cloned().collect::<Vec<_>>() {
            size = self.attest(&name).await? + 1;
        }
        self.heartbeat().await?;
        self.heartbeat().await?;
        Ok(format!("leaf:{size}"))
    }

    /// The command line, with the token of an operator who may read.
    pub(crate) async fn lydian(&self, arguments: &[&str]) -> Result<support::Finished> {
        self.lydian_as(&self.operator, arguments).await
    }

    /// The question at the command line.
    pub(crate) async fn trusted(&self, arguments: &[&str]) -> Result<support::Finished> {
        self.lydian(&[&["trusted"], arguments].concat()).await
    }

    /// The command line, with the token of an admin.
    pub(crate) async fn lydian_as_admin(&self, arguments: &[&str]) -> Result<support::Finished> {
        self.lydian_as(&self.admin, arguments).await
    }

    async fn lydian_as(&self, operator: &VerifierClient, arguments: &[&str]) -> Result<support::Finished> {
        let token = operator.token().context("a token")?.to_owned();
        Program::new("lydian")?
            .args(arguments)
            .env("LYDIAN_URL", self.verifier.url())
            .env("LYDIAN_CA", self.verifier.ca())
            .env("LYDIAN_TOKEN", token)
            .run()
            .await
    }

    /// The answer of the command line, which must follow from the evidence that comes with it.
    pub(crate) async fn ask(&self, more: &[&str]) -> Result<Answers> {
        let dir = tempfile::tempdir()?;
        let proof = dir.path().join("proof");
        let answers = self.answers(&[more, &["--proof", proof.to_str().context("a path")?]].concat()).await?;
        let report = self.verify(&proof).await?;
        let counted = (&report["answers"]["all"], &report["follow"]);
        let all = serde_json::json!(answers.0.hosts.len());
        ensure!(report["holds"] == true && counted == (&all, &all), "{report:#}");
        Ok(answers)
    }

    /// What `lydian verify` says of a proof.
    pub(crate) async fn verify(&self, proof: &Path) -> Result<serde_json::Value> {
        let key =
            Program::new("lydian-verifier")?.args(["log-key", "--config"]).args([self.verifier.config()]);
        let key = key.run().await?.succeeded()?;
        let verify = Program::new("lydian")?.args(["verify", "--log-key", key.trim(), "-o", "json"]);
        let done = verify.args([proof]).run().await?;
        let report: serde_json::Value =
            serde_json::from_str(&done.stdout).with_context(|| format!("{done:?}"))?;
        ensure!(done.code() == i32::from(report["holds"] != true), "{done:?}");
        Ok(report)
    }

    /// The answer of the command line.
    pub(crate) async fn answers(&self, more: &[&str]) -> Result<Answers> {
        let finished = self.trusted(&[more, &["-o", "json"]].concat()).await?;
        ensure!(finished.code() < 2, "{}", finished.stderr);
        let answer: Trusted = serde_json::from_str(&finished.stdout)?;
        let good = answer.hosts.iter().all(|host| host.answer == Verdict::No);
        ensure!(finished.code() == i32::from(!good), "exit code {} for {answer:#?}", finished.code());
        Ok(Answers(answer))
    }
}

pub(crate) struct Answers(pub(crate) Trusted);

impl Answers {
    pub(crate) fn host(&self, name: &str) -> Result<&HostAnswer> {
        self.0.hosts.iter().find(|host| host.name == name).with_context(|| format!("no answer for {name}"))
    }

    /// Hosts and their answers, as `name yes`.
    #[track_caller]
    pub(crate) fn are(&self, expected: &[(&str, Verdict)]) -> Result<()> {
        let found: Vec<(&str, Verdict)> =
            self.0.hosts.iter().map(|host| (&*host.name, host.answer)).collect();
        ensure!(found == expected, "{found:?} instead of {expected:?}: {:#?}", self.0);
        Ok(())
    }
}

/// A package of one file, which a key has signed where there is one.
pub(crate) fn package(
    name: &str,
    version: &str,
    content: &[u8],
    signer: Option<&Principal>,
) -> Result<Manifest> {
    let edges = signer.map(|signer| Edge::new(Relation::SignedBy, vec![signer.clone()], "the vendor"));
    let entry = Entry {
        path: format!("/usr/lib/{name}/{name}.so").into_bytes(),
        digest: Sha256Digest::of(&[content]),
        size: 1,
        mode: 0o755,
        flags: EntryFlags::ELF,
        edges: edges.into_iter().collect(),
        facts: Vec::new(),
    };
    let text = str::to_owned;
    Ok(Manifest::new(ComponentKind::Package, text(name), text(version), text("amd64"), vec![entry])?)
}

/// A store that lists a key as trusted.
pub(crate) fn store(name: &str, key: &Principal) -> Result<Manifest> {
    let entry = Entry {
        path: format!("/etc/{name}/key.pem").into_bytes(),
        digest: Sha256Digest::of(&[name.as_bytes(), key.id()]),
        size: 1,
        mode: 0o644,
        flags: EntryFlags::default(),
        edges: vec![Edge::new(Relation::Trusts, vec![key.clone()], "the vendor")],
        facts: Vec::new(),
    };
    let name = name.to_owned();
    Ok(Manifest::new(ComponentKind::TrustStore, name, String::new(), String::new(), vec![entry])?)
}
