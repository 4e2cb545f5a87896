//! What a host booted under and ran, by the real programs: lists of shim's, keys of the kernel's, files of loaders, programs that agents saw. Each answer is proved and
//! verified as it is asked for.

use anyhow::{Context as _, Result, ensure};
use evidence::body::Execution;
use evidence::digest::Sha256Digest;
use evidence::manifest::{ComponentKind, Entry, EntryFlags, LIST_BYTES, Manifest, carry};
use support::{certificate_lists, hash_list};
use wire::trusted::Verdict::{No as NO, Unknown as UNKNOWN, Yes as YES};

use crate::fleet::{Fleet, package};
use crate::incidents::{cert, certificate};

/// The store of a list of shim's, as an agent finds it: with nothing said of its keys, so that what is known of them is known by the bytes.
fn listed(name: &str, contents: &[u8]) -> Result<Manifest> {
    let entry = Entry {
        path: format!("/sys/firmware/efi/efivars/{name}-605dab50-e046-4300-abb6-3dd810dd8b23").into_bytes(),
        digest: Sha256Digest::of(&[&[6, 0, 0, 0], contents]),
        size: u64::try_from(contents.len())? + 4,
        mode: 0o644,
        flags: EntryFlags::default(),
        edges: vec![],
        facts: carry(LIST_BYTES, 0, contents),
    };
    let name = format!("efi:{name}");
    Ok(Manifest::new(ComponentKind::TrustStore, name, String::new(), String::new(), vec![entry])?)
}

/// PCR 14 has the hashes, and somebody sends what they are of.
#[tokio::test]
async fn what_shim_trusts_is_known_by_the_hash_of_its_list() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let (vendor, own) = (certificate("A shim's vendor")?, certificate("An owner's key")?);
    let revoked = Sha256Digest::of(&[b"a loader with a hole"]);
    let (plain, with_own) = (certificate_lists(&[&vendor])?, certificate_lists(&[&vendor, &own])?);
    let (nothing, hole) = (Vec::new(), hash_list(&[revoked])?);
    for (name, trusted, bad) in [("plain", &plain, &hole), ("owned", &with_own, &nothing)] {
        fleet.host(name).await?;
        let host = &mut fleet.of(name)?.host;
        host.machine.shim_lists = Some([trusted.clone(), bad.clone()]);
        host.reboot()?;
        fleet.attest(name).await?;
    }
    let eligible = ["--role", "eligible"];
    let own_key = cert(&own);
    let ask = [&[own_key.as_str()], &eligible[..]].concat();
    // Nobody has sent what is in the lists: what is in them is not known, whatever else is.
    let before = fleet.ask(&ask).await?;
    before.are(&[("owned", UNKNOWN), ("plain", UNKNOWN)])?;
    let reasons = before.host("plain")?.unknown.iter().filter_map(|why| why.gap.as_ref());
    ensure!(reasons.clone().any(|gap| &*gap.cause == "list-unresolved"), "{:#?}", before.host("plain")?);

    // The other way round: the lists come as files of hosts that do not boot under them.
    fleet.toggle("plain", &listed("MokListRT", &with_own)?).await?;
    fleet.toggle("owned", &listed("MokListRT", &plain)?).await?;
    let known = fleet.ask(&ask).await?;
    known.are(&[("owned", YES), ("plain", NO)])?;
    let seen = known.host("owned")?.seen.first().context("what was seen")?;
    ensure!(&*seen.class == "A", "{seen:#?}");
    ensure!(seen.place.as_deref().is_some_and(|place| place.starts_with("MokList, event")), "{seen:#?}");
    ensure!(seen.label.as_deref().is_some_and(|label| label.contains("An owner's key")), "{seen:#?}");

    // A proof about one host alone has what another host carries of its list.
    fleet.ask(&[&ask[..], &["--hosts", "owned"]].concat()).await?.are(&[("owned", YES)])?;

    let image = format!("image:{revoked}");
    let ask = [image.as_str(), "--role", "revoked"];
    fleet.ask(&ask).await?.are(&[("owned", NO), ("plain", UNKNOWN)])?;
    fleet.toggle("plain", &listed("MokListXRT", &hole)?).await?;
    fleet.ask(&ask).await?.are(&[("owned", NO), ("plain", YES)])?;

    // An owner takes the key out, and boots without it.
    let owned = &mut fleet.of("owned")?.host;
    owned.machine.shim_lists = Some([plain, nothing]);
    owned.reboot()?;
    fleet.attest("owned").await?;
    let now = fleet.moment().await?;
    let ask = [own_key.as_str(), "--role", "eligible", "--at", &now];
    fleet.ask(&ask).await?.are(&[("owned", NO), ("plain", NO)])
}

/// The kernel logs a certificate as it takes it, where its policy says `func=KEY_CHECK`.
#[tokio::test]
async fn a_key_that_the_kernel_took_is_in_its_list() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let key = certificate("A key for IMA")?;
    for name in ["took", "without"] {
        fleet.host(name).await?;
        if name == "took" {
            fleet.of(name)?.host.load_key(".ima", &key)?;
        }
        fleet.attest(name).await?;
    }
    let found = fleet.ask(&[&cert(&key), "--role", "eligible"]).await?;
    found.are(&[("took", YES), ("without", NO)])?;
    let seen = found.host("took")?.seen.first().context("what was seen")?;
    ensure!(&*seen.class == "A" && seen.place.as_deref() == Some("keyring .ima"), "{seen:#?}");
    fleet
        .ask(&["cert-name:A key for IMA", "--role", "eligible"])
        .await?
        .are(&[("took", YES), ("without", NO)])
}

/// What a boot loader read is by PCR 9, and what an agent saw start is its word.
#[tokio::test]
async fn what_was_run_is_known_without_the_kernels_list() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let tool = package("tool", "1.0-1", b"a tool", None)?;
    for name in ["idle", "ran"] {
        fleet.host(name).await?;
        let host = &mut fleet.of(name)?.host;
        host.machine.loaded = vec![(format!("a kernel of {name}").into_bytes(), "/boot/vmlinuz-6.1")];
        host.reboot()?;
        fleet.toggle(name, &tool).await?;
    }
    let executed = ["--role", "executed"];
    let kernel = format!("file:{}", Sha256Digest::of(&[b"a kernel of ran"]));
    let found = fleet.ask(&[&[kernel.as_str()], &executed[..]].concat()).await?;
    found.are(&[("idle", NO), ("ran", YES)])?;
    let seen = found.host("ran")?.seen.first().context("what was seen")?;
    ensure!(&*seen.class == "B" && seen.path.as_deref() == Some("/boot/vmlinuz-6.1"), "{seen:#?}");

    let at = fleet.of("ran")?.host.components().iter().position(|component| *component == tool.digest());
    let component = u32::try_from(at.context("the tool is there")?)?;
    let once = Execution { component, entry: 0, count: 1 };
    fleet.attest_as("ran", |body| body.executions = vec![once]).await?;
    let program = format!("file:{}", Sha256Digest::of(&[b"a tool"]));
    let found = fleet.ask(&[&[program.as_str()], &executed[..]].concat()).await?;
    found.are(&[("idle", NO), ("ran", YES)])?;
    let seen = found.host("ran")?.seen.iter().find(|seen| &*seen.role == "executed").context("a run")?;
    ensure!(&*seen.class == "D" && &*seen.what == "agent's word", "{seen:#?}");
    Ok(())
}
