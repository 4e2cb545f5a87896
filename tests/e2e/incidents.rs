//! Five bad days, rehearsed with the real programs: what each host's answer must be, and that it never is a NO where it was a yes.
//!
//! In: small fleets whose hosts attest by a TPM in memory. Out: what `lydian trusted` says of them. The pages in `docs/incidents/` walk
//! through the same days.

use anyhow::{Context as _, Result, ensure};
use evidence::body::{Claim, Gap, GapCause, GapEnd};
use evidence::digest::Sha256Digest;
use evidence::manifest::{
    AUTHENTICODE_FACT, ComponentKind, Entry, EntryFlags, Manifest, SBAT_FACT, SIGNATURE_BYTES, SOURCE_FACT,
    carry,
};
use evidence::pe::Image;
use evidence::pkcs7::SignedData;
use evidence::principal::{Edge, Principal, Relation};
use evidence::time::UnixTime;
use support::{Program, SecureBootSwitch, certificate_lists, entry, hash_list, image_hash};
use wire::operator::ActionList;
use wire::trusted::Verdict;

use crate::faults::skipped;
use crate::fleet::{Fleet, package, store};

/// A boot loader's file, with its signature where it is a real one, and the generation that it states of itself.
fn loader(version: &str, content: &[u8], signer: &Principal) -> Result<Manifest> {
    let fact = |key: &str, value: String| Claim { key: key.to_owned(), value };
    let generation = if version == "1.38" { 1 } else { 2 };
    let mut facts = vec![
        fact(AUTHENTICODE_FACT, image_hash(content).to_string()),
        fact(SBAT_FACT, format!("sbat,1;shim,{generation}")),
    ];
    if let Some(signed) = signature(content) {
        facts.extend(carry(SIGNATURE_BYTES, 0, signed.raw()));
    }
    let entry = Entry {
        path: b"/boot/efi/EFI/debian/shimx64.efi".to_vec(),
        digest: Sha256Digest::of(&[b"file of ", content]),
        size: 1,
        mode: 0o755,
        flags: EntryFlags::PE.with(EntryFlags::BOOT_FILE),
        edges: vec![Edge::new(Relation::SignedBy, vec![signer.clone()], "a loader's signer")],
        facts,
    };
    let text = str::to_owned;
    Ok(Manifest::new(ComponentKind::Package, text("shim-signed"), text(version), text("amd64"), vec![entry])?)
}

/// The signature of an image.
fn signature(image: &[u8]) -> Option<SignedData<'_>> {
    let image = Image::parse(image).ok()?;
    image.attached().next()?.ok()?.signed_data()?.ok()
}

pub(crate) fn certificate(name: &str) -> Result<Vec<u8>> {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate()?;
    Ok(parameters.self_signed(&key)?.der().to_vec())
}

pub(crate) fn cert(der: &[u8]) -> String {
    format!("cert:{}", Sha256Digest::of(&[der]))
}

const YES: Verdict = Verdict::Yes;
const NO: Verdict = Verdict::No;
const UNKNOWN: Verdict = Verdict::Unknown;

/// Storm-0558: a signing key was stolen. Who would have believed it, and who had what it signed?
#[tokio::test]
async fn a_stolen_signing_key() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let key = Principal::spki(b"the stolen key");
    let subject = format!("key:{}", hex::encode(key.id()));
    for name in ["believer", "never", "removed", "user"] {
        fleet.host(name).await?;
        fleet.attest(name).await?;
    }
    let before = fleet.moment().await?;
    let listed = store("vendor-keys", &key)?;
    for name in ["believer", "removed", "user"] {
        fleet.toggle(name, &listed).await?;
    }
    let signed = package("agent", "2.0", b"signed by the stolen key", Some(&key))?;
    fleet.toggle("user", &signed).await?;
    let stolen = fleet.moment().await?;
    fleet.toggle("removed", &listed).await?;
    fleet.toggle("user", &signed).await?;
    let after = fleet.moment().await?;

    let ask = async |more: &[&str]| fleet.ask(&[&[subject.as_str()], more].concat()).await;
    let eligible = ["--role", "eligible"];
    ask(&eligible).await?.are(&[("believer", YES), ("never", NO), ("removed", YES), ("user", YES)])?;
    let at = [&eligible[..], &["--at", &after]].concat();
    ask(&at).await?.are(&[("believer", YES), ("never", NO), ("removed", NO), ("user", YES)])?;
    let at = [&eligible[..], &["--at", &before]].concat();
    ask(&at).await?.are(&[("believer", NO), ("never", NO), ("removed", NO), ("user", NO)])?;
    // The boot loader that every host started is no file of any: who signed it is not known, and so neither is what the key let in.
    let used = ask(&["--role", "used"]).await?;
    used.are(&[("believer", UNKNOWN), ("never", UNKNOWN), ("removed", UNKNOWN), ("user", YES)])?;
    let why = used.host("never")?;
    ensure!(why.unknown.iter().any(|why| why.detail.contains("image-unresolved")), "{why:#?}");
    let whole = ["--role", "eligible", "--mode", "whole", "--from", &stolen];
    ask(&whole).await?.are(&[("believer", YES), ("never", NO), ("removed", NO), ("user", YES)])?;

    // The question is in the log, with who asked.
    let actions: ActionList = fleet.operator.read("/v1/actions").await?;
    let asked =
        actions.actions.iter().find(|action| action.kind == "trusted-asked").context("the question")?;
    ensure!(asked.detail.contains(&subject), "{asked:?}");
    Ok(())
}

/// xz: the package with the back door was downgraded everywhere before anybody asked.
#[tokio::test]
async fn a_backdoored_package_that_is_gone_already() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let (old, bad) =
        (package("xz-utils", "5.4.5-0.3", b"good", None)?, package("xz-utils", "5.6.1-1", b"bad", None)?);
    let mended = package("xz-utils", "5.6.1+really5.4.5-1", b"good again", None)?;
    for name in ["blind", "current", "stable"] {
        fleet.host(name).await?;
        fleet.toggle(name, &old).await?;
    }
    fleet.moment().await?;
    let began = fleet.moment().await?;
    fleet.toggle("current", &old).await?;
    fleet.toggle("current", &bad).await?;
    let path = "/usr/lib/xz-utils/xz-utils.so";
    fleet.of("current")?.host.run_content(path, &Sha256Digest::of(&[b"bad"]))?;
    fleet.attest("current").await?;
    fleet.toggle("current", &bad).await?;
    fleet.toggle("current", &mended).await?;
    let now = fleet.of("blind")?.host.body().agent_time;
    let gap = Gap {
        from: UnixTime::from_ms(now.as_ms() - 1),
        until: GapEnd::Closed(now),
        cause: GapCause::NotRunning,
        scope: "agent".to_owned(),
    };
    fleet.attest_with("blind", vec![gap]).await?;
    let ended = fleet.moment().await?;
    fleet.moment().await?;

    let subject = "package:xz-utils>=5.6.0";
    let ask = async |more: &[&str]| fleet.ask(&[&[subject], more].concat()).await;
    let answers = ask(&[]).await?;
    answers.are(&[("blind", UNKNOWN), ("current", YES), ("stable", NO)])?;
    let seen = answers.host("current")?;
    // The mended version calls itself newer than 5.6.0 too: a range has to end where the bad ones do.
    ensure!(seen.seen.iter().any(|seen| seen.what.contains("5.6.1+really5.4.5-1")), "{seen:#?}");
    let bad_ones = ["package:xz-utils=5.6.0-0.2", "package:xz-utils=5.6.1-1"];
    let answers = fleet.ask(&bad_ones).await?;
    answers.are(&[("blind", UNKNOWN), ("current", YES), ("stable", NO)])?;
    let seen = answers.host("current")?;
    let sighting = seen.seen.first().context("what was seen")?;
    ensure!(sighting.until.is_some() && sighting.role == "present" && sighting.class == "D", "{seen:#?}");
    let now = fleet.ask(&[&bad_ones[..], &["--from", &ended]].concat()).await?;
    now.are(&[("blind", NO), ("current", NO), ("stable", NO)])?;
    let before = fleet.ask(&[&bad_ones[..], &["--at", &began]].concat()).await?;
    before.are(&[("blind", NO), ("current", NO), ("stable", NO)])?;
    // Whether it was run is the kernel's word.
    let bad = format!("file:{}", Sha256Digest::of(&[b"bad"]));
    let ran = fleet.ask(&[&bad, "--role", "executed", "--min-class", "B"]).await?;
    ran.are(&[("blind", NO), ("current", YES), ("stable", NO)])?;
    let explained = fleet.trusted(&[&bad, "--explain", "current"]).await?;
    for word in ["YES", "executed B", "quoted log", path, "xz-utils 5.6.1-1"] {
        ensure!(explained.stdout.contains(word), "{word:?} is not in:\n{}", explained.stdout);
    }
    let names = fleet.trusted(&[&bad_ones[..], &["--names"]].concat()).await?.stdout;
    let ever = fleet.ask(&bad_ones).await?;
    let of = |answer, word: &str| {
        let hosts = ever.0.hosts.iter().filter(move |host| host.answer == answer);
        hosts.map(|host| format!("{word:<7} {}", host.name)).collect::<Vec<_>>()
    };
    let lines = [of(YES, "yes"), of(UNKNOWN, "unknown")].concat();
    ensure!(!lines.is_empty() && names.lines().eq(&lines), "{names:?} instead of {lines:?}");
    Ok(())
}

/// As at `SolarWinds`: the update was signed by the vendor's own key, so that nobody's list of keys tells anything. Its file does.
#[tokio::test]
async fn a_signed_update_with_a_stranger_in_it() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let vendor = Principal::spki(b"the vendor's key");
    let good = package("orion", "2019.4", b"good", Some(&vendor))?;
    let bad = package("orion", "2020.2", b"with a stranger", Some(&vendor))?;
    for name in ["idle", "other", "ran"] {
        fleet.host(name).await?;
        fleet.attest(name).await?;
    }
    for name in ["idle", "ran"] {
        fleet.toggle(name, &good).await?;
        fleet.toggle(name, &good).await?;
        fleet.toggle(name, &bad).await?;
    }
    let digest = Sha256Digest::of(&[b"with a stranger"]);
    fleet.of("ran")?.host.run_content("/usr/lib/orion/orion.so", &digest)?;
    fleet.heartbeat().await?;

    let file = format!("file:{digest}");
    let present = fleet.ask(&[&file, "--role", "present"]).await?;
    present.are(&[("idle", YES), ("other", NO), ("ran", YES)])?;
    let executed = fleet.ask(&[&file, "--role", "executed"]).await?;
    executed.are(&[("idle", NO), ("other", NO), ("ran", YES)])?;
    ensure!(executed.host("idle")?.class.as_deref() == Some("B"), "{:#?}", executed.host("idle")?);
    // By its key, the good version counts as well: that is why one asks by the file.
    let key = format!("key:{}", hex::encode(vendor.id()));
    let signed = fleet.ask(&[&key, "--role", "used"]).await?;
    signed.are(&[("idle", YES), ("other", UNKNOWN), ("ran", YES)])?;
    // A list of indicators, as they are handed round.
    let dir = tempfile::tempdir()?;
    let list = dir.path().join("indicators");
    std::fs::write(
        &list,
        format!("# from a report\n{digest}  orion.so\n{}\n", Sha256Digest::of(&[b"another"])),
    )?;
    let listed = fleet.trusted(&[&format!("@{}", list.display()), "-o", "csv"]).await?;
    ensure!(listed.code() == 1 && listed.stdout.lines().count() == 4, "{listed:?}");
    ensure!(listed.stdout.contains("other,") && listed.stdout.contains(",NO,"), "{}", listed.stdout);
    ensure!(listed.stderr.contains("3 hosts: 2 yes, 0 unknown, 1 no"), "{}", listed.stderr);
    ensure!(listed.stderr.contains("never seen in this fleet"), "{}", listed.stderr);
    Ok(())
}

/// As with `BootHole`: a loader is revoked. Who booted it, who would still, and what lets it in?
#[tokio::test]
async fn a_revoked_boot_loader() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let signer = Principal::spki(b"the loader's signer");
    let bad: &[u8] = include_bytes!("../vectors/signing/shim.signed.efi");
    let good: &[u8] = b"shim without the hole";
    for name in ["booted", "mended", "revoked"] {
        fleet.host(name).await?;
        let machine = &mut fleet.of(name)?.host.machine;
        machine.sbat_level = Some("sbat,1,2021030218\n");
        let (content, level): (&[u8], Option<&str>) = match name {
            "booted" => (bad, None),
            "mended" => (bad, Some("sbat,1,2022052400\ngrub,2\n")),
            _ => (good, Some("sbat,1,2022111500\nshim,2\ngrub,3\n")),
        };
        machine.images = vec![(content.to_vec(), "\\EFI\\debian\\shimx64.efi")];
        machine.sbat_level = level.or(machine.sbat_level);
        if name == "revoked" {
            machine.dbx = hash_list(&[image_hash(bad)])?;
        }
        fleet.of(name)?.host.reboot()?;
        let version = if content == bad { "1.38" } else { "1.40" };
        fleet.toggle(name, &loader(version, content, &signer)?).await?;
    }
    let was = fleet.moment().await?;
    // One host gets a loader without the hole, and still would take the other.
    fleet.toggle("mended", &loader("1.38", bad, &signer)?).await?;
    let mended = &mut fleet.of("mended")?.host;
    mended.machine.images = vec![(good.to_vec(), "\\EFI\\debian\\shimx64.efi")];
    mended.reboot()?;
    fleet.toggle("mended", &loader("1.40", good, &signer)?).await?;
    let now = fleet.moment().await?;

    let image = format!("image:{}", image_hash(bad));
    let booted = fleet.ask(&[&image, "--role", "executed"]).await?;
    booted.are(&[("booted", YES), ("mended", YES), ("revoked", NO)])?;
    ensure!(booted.host("booted")?.class.as_deref() == Some("B"), "{:#?}", booted.host("booted")?);
    let place = booted.host("booted")?.seen.first().and_then(|seen| seen.place.clone()).context("a place")?;
    ensure!(place.contains("event") && place.contains("PCR 4"), "{place}");
    let boots = fleet.ask(&[&image, "--role", "executed", "--at", &now]).await?;
    boots.are(&[("booted", YES), ("mended", NO), ("revoked", NO)])?;
    let before = fleet.ask(&[&image, "--role", "executed", "--at", &was]).await?;
    before.are(&[("booted", YES), ("mended", YES), ("revoked", NO)])?;
    let accepts = format!("boot:dbx-lacks={}", image_hash(bad));
    let accepted = fleet.ask(&[&accepts, "--at", &now]).await?;
    accepted.are(&[("booted", YES), ("mended", YES), ("revoked", NO)])?;
    ensure!(accepted.host("revoked")?.class.as_deref() == Some("A"), "a boot's own log shows it");
    let level = fleet.ask(&["boot:sbat<grub,2", "--at", &now]).await?;
    level.are(&[("booted", YES), ("mended", NO), ("revoked", NO)])?;
    let level = fleet.ask(&["boot:sbat<grub,3", "--at", &now]).await?;
    level.are(&[("booted", YES), ("mended", YES), ("revoked", NO)])?;
    let old = fleet.ask(&["sbat:shim<2", "--role", "executed"]).await?;
    old.are(&[("booted", YES), ("mended", YES), ("revoked", NO)])?;
    // Who signed it says the signature itself: it holds, whoever has the file.
    let signed = signature(bad).context("a signature")?;
    let certificate = signed.certificates().next().context("a certificate")??;
    let key = format!("key:{}", hex::encode(Principal::spki(certificate.public_key().raw()).id()));
    let used = fleet.ask(&[&key, "--role", "used", "--min-class", "C"]).await?;
    used.are(&[("booted", YES), ("mended", YES), ("revoked", UNKNOWN)])?;
    // Every program that was started is somebody's file: that it signed none of another's is the agents' word.
    let used = fleet.ask(&[&key, "--role", "used"]).await?;
    used.are(&[("booted", YES), ("mended", YES), ("revoked", NO)])?;
    ensure!(used.host("booted")?.class.as_deref() == Some("C"), "{:#?}", used.host("booted")?);
    let key = format!("key:{}", hex::encode(signer.id()));
    let used = fleet.ask(&[&key, "--role", "used"]).await?;
    used.are(&[("booted", YES), ("mended", YES), ("revoked", YES)])?;
    ensure!(used.host("booted")?.class.as_deref() == Some("D"), "who says so is an agent");
    Ok(())
}

/// As with `PKfail`: the platform's key is one that the maker of the firmware told everybody not to trust.
#[tokio::test]
async fn a_platform_key_that_is_a_test_key() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let (test, own) = (certificate("DO NOT TRUST - AMI Test PK")?, certificate("A maker's own PK")?);
    let vendor = certificate("A loader's vendor")?;
    for (name, key) in [("new", &own), ("off", &test), ("old", &test)] {
        fleet.host(name).await?;
        let machine = &mut fleet.of(name)?.host.machine;
        machine.platform_key = certificate_lists(&[key])?;
        machine.db = certificate_lists(&[&vendor])?;
        machine.authorities = vec![("db", entry(&vendor))];
        if name == "off" {
            machine.secure_boot = SecureBootSwitch::Off;
            machine.authorities.clear();
        }
        fleet.of(name)?.host.reboot()?;
        fleet.attest(name).await?;
    }
    let when = fleet.moment().await?;
    // Firmware was updated, and brought another key.
    let old = &mut fleet.of("old")?.host;
    old.machine.platform_key = certificate_lists(&[&own])?;
    old.reboot()?;
    fleet.attest("old").await?;
    let now = fleet.moment().await?;

    let eligible = ["--role", "eligible"];
    let ask = async |subject: &str, more: &[&str]| fleet.ask(&[&[subject], more].concat()).await;
    let ever = ask(&cert(&test), &eligible).await?;
    ever.are(&[("new", NO), ("off", YES), ("old", YES)])?;
    let seen = ever.host("old")?.seen.first().context("what was seen")?;
    ensure!(
        seen.class == "A" && seen.place.as_deref().is_some_and(|place| place.starts_with("PK, event")),
        "{seen:#?}"
    );
    ensure!(seen.label.as_deref().is_some_and(|label| label.contains("DO NOT TRUST")), "{seen:#?}");
    ask(&cert(&test), &["--role", "eligible", "--at", &now]).await?.are(&[
        ("new", NO),
        ("off", YES),
        ("old", NO),
    ])?;
    ask(&cert(&test), &["--role", "eligible", "--at", &when]).await?.are(&[
        ("new", NO),
        ("off", YES),
        ("old", YES),
    ])?;
    // A list that names a key is not its use.
    let used = ask(&cert(&vendor), &["--role", "used", "--at", &now]).await?;
    used.are(&[("new", YES), ("off", UNKNOWN), ("old", YES)])?;
    ask("boot:secure-boot=off", &[]).await?.are(&[("new", NO), ("off", YES), ("old", NO)])?;

    // The index follows from the evidence: made again, it says the same; and so it does where an older program had none.
    let before = serde_json::to_value(&ask(&cert(&test), &eligible).await?.0.hosts)?;
    fleet.verifier.terminate().await?;
    let reindex =
        Program::new("lydian-verifier")?.args(["reindex", "--config"]).args([fleet.verifier.config()]);
    let said = reindex.run().await?.succeeded()?;
    ensure!(said.contains("3 hosts"), "{said}");
    fleet.verifier.restart().await?;
    let after = serde_json::to_value(&fleet.ask(&[&cert(&test), "--role", "eligible"]).await?.0.hosts)?;
    ensure!(before == after, "{before:#}\n{after:#}");
    if support::database::server().is_some() {
        skipped("no earlier version kept its history in a server");
        return Ok(());
    }
    fleet.verifier.terminate().await?;
    fleet.verifier.statement(OLDER).await.context("the database as an older program left it")?;
    fleet.verifier.restart().await?;
    let after = serde_json::to_value(&fleet.ask(&[&cert(&test), "--role", "eligible"]).await?.0.hosts)?;
    ensure!(before == after, "{before:#}\n{after:#}");
    Ok(())
}

/// The database without an index, as schema 8 has it.
const OLDER: &str = "
    DROP TABLE component_principal; DROP TABLE component_image; DROP TABLE component_partial; DROP TABLE boot_principal;
    DROP TABLE boot_setting; DROP TABLE host_boot_profile; DROP TABLE host_index; DROP TABLE boot_profile; DROP TABLE principal;
    DROP TABLE boot; DROP TABLE execution; DROP TABLE coverage_gap; DROP TABLE index_state;
    DROP TABLE moment; DROP TABLE index_root; ALTER TABLE enrolment DROP COLUMN facts;
    DROP TABLE key_list; DROP TABLE image_signer; DROP TABLE component_sbat; DROP TABLE host_key; DROP TABLE component_run;
    ALTER TABLE component_artefact DROP COLUMN entry;
    DELETE FROM _sqlx_migrations WHERE version IN (9, 13, 19);";

/// A key may be in the part of a store that nobody could read, and a file where nobody was told to look.
#[tokio::test]
async fn what_could_not_be_read_is_no_reason_for_a_no() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let (key, other) = (Principal::spki(b"a key"), Principal::spki(b"another key"));
    let mut whole = store("vendor-keys", &other)?;
    fleet.host("read").await?;
    fleet.toggle("read", &whole).await?;
    let mut entries = whole.entries().to_vec();
    for entry in &mut entries {
        entry.facts.push(Claim { key: "unparsed".to_owned(), value: "at byte 7: nothing known".to_owned() });
    }
    let name = whole.name().to_owned();
    whole = Manifest::new(ComponentKind::TrustStore, name, String::new(), String::new(), entries)?;
    fleet.host("unread").await?;
    fleet.toggle("unread", &whole).await?;
    let key = format!("key:{}", hex::encode(key.id()));
    let answers = fleet.ask(&[&key, "--role", "eligible"]).await?;
    answers.are(&[("read", NO), ("unread", UNKNOWN)])?;
    let why = &answers.host("unread")?.unknown;
    ensure!(why.iter().all(|why| why.detail.contains("store-unread")), "{why:#?}");
    let accepted = fleet.ask(&[&key, "--role", "eligible", "--accept", "store-unread"]).await?;
    accepted.are(&[("read", NO), ("unread", NO)])?;
    ensure!(accepted.0.accepted == ["store-unread"], "{:?}", accepted.0.accepted);
    // Only hosts of a name.
    let file = format!("file:{}", Sha256Digest::of(&[b"vendor-keys", other.id()]));
    fleet.ask(&[&file, "--role", "present", "--hosts", "re*"]).await?.are(&[("read", YES)])?;
    Ok(())
}

/// A certificate that another has issued, or itself.
fn issued(
    name: &str,
    key: &rcgen::KeyPair,
    by: Option<&rcgen::Issuer<'_, &rcgen::KeyPair>>,
) -> Result<Vec<u8>> {
    let parameters = named(name);
    let made = match by {
        Some(issuer) => parameters.signed_by(key, issuer)?,
        None => parameters.self_signed(key)?,
    };
    Ok(made.der().to_vec())
}

fn named(name: &str) -> rcgen::CertificateParams {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.use_authority_key_identifier_extension = true;
    parameters
}

/// The key of an authority was stolen: whatever it issued is in question, and what those issued.
#[tokio::test]
async fn an_authority_is_asked_about_with_what_lies_below_it() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let keys: Vec<rcgen::KeyPair> = (0..3).map(|_| rcgen::KeyPair::generate()).collect::<Result<_, _>>()?;
    let [top, middle, low] = &keys[..] else { anyhow::bail!("three keys") };
    let root = issued("Root", top, None)?;
    let below_root = issued("Middle", middle, Some(&rcgen::Issuer::new(named("Root"), top)))?;
    let leaf = issued("Leaf", low, Some(&rcgen::Issuer::new(named("Middle"), middle)))?;
    let stranger = certificate("A maker's own")?;
    let dir = tempfile::tempdir()?;
    let file = |name: &str, der: &[u8]| -> Result<String> {
        let path = dir.path().join(name);
        std::fs::write(&path, der)?;
        Ok(format!("issuer:@{}", path.display()))
    };
    let (of_root, of_middle) = (file("root.der", &root)?, file("middle.der", &below_root)?);
    let boots = async |fleet: &mut Fleet, name: &str, listed: &[u8]| {
        fleet.host(name).await?;
        let machine = &mut fleet.of(name)?.host.machine;
        machine.platform_key = certificate_lists(&[&stranger])?;
        machine.db = certificate_lists(&[listed])?;
        machine.authorities = vec![("db", entry(listed))];
        fleet.of(name)?.host.reboot()?;
        fleet.attest(name).await
    };
    boots(&mut fleet, "leaf", &leaf).await?;
    boots(&mut fleet, "other", &stranger).await?;
    fleet.moment().await?;
    let eligible = ["--role", "eligible"];
    let ask = async |fleet: &Fleet, subject: &str, more: &[&str]| {
        fleet.ask(&[&[subject], &eligible[..], more].concat()).await
    };
    ask(&fleet, &of_middle, &[]).await?.are(&[("leaf", YES), ("other", NO)])?;
    // Nobody has the certificate of who issued the leaf: it may lie below anybody.
    let open = ask(&fleet, &of_root, &["--closure"]).await?;
    open.are(&[("leaf", UNKNOWN), ("other", NO)])?;
    let why = &open.host("leaf")?.unknown;
    ensure!(why.iter().all(|why| why.detail.contains("chain-open")), "{why:#?}");
    ask(&fleet, &of_root, &["--closure", "--accept", "chain-open"])
        .await?
        .are(&[("leaf", NO), ("other", NO)])?;
    let unknown = fleet.trusted(&[&format!("issuer:{}", Sha256Digest::of(&[&root]))]).await?;
    ensure!(unknown.code() == 2 && unknown.stderr.contains("issuer:@FILE"), "{unknown:?}");

    boots(&mut fleet, "middle", &below_root).await?;
    boots(&mut fleet, "root", &root).await?;
    fleet.moment().await?;
    let all = |leaf, middle, root| [("leaf", leaf), ("middle", middle), ("other", NO), ("root", root)];
    ask(&fleet, &of_middle, &[]).await?.are(&all(YES, YES, NO))?;
    ask(&fleet, &of_root, &[]).await?.are(&all(NO, YES, YES))?;
    for subject in [of_root.clone(), cert(&root), format!("issuer:{}", Sha256Digest::of(&[&root]))] {
        let closure = ask(&fleet, &subject, &["--closure"]).await?;
        closure.are(&all(YES, YES, YES))?;
        let level = |name: &str| closure.host(name).map(|host| host.seen.iter().find_map(|seen| seen.level));
        ensure!(
            [level("leaf")?, level("middle")?, level("root")?] == [Some(2), Some(1), Some(0)],
            "{:#?}",
            closure.0
        );
    }
    let shown = fleet.trusted(&[&of_root, "--closure", "--role", "eligible"]).await?;
    ensure!(shown.stdout.contains("2 below it") && shown.stdout.contains("issued by it"), "{}", shown.stdout);
    let wrong = fleet.trusted(&["package:x", "--closure"]).await?;
    ensure!(wrong.code() == 2 && wrong.stderr.contains("none of the subjects is an authority"), "{wrong:?}");
    Ok(())
}

/// A distribution's advisory names a source package, and hosts have what was built from it.
#[tokio::test]
async fn an_advisory_is_asked_about_by_the_source() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let built = |name: &str, version: &str, source: Option<&str>| -> Result<Manifest> {
        let package = package(name, version, format!("{name} {version}").as_bytes(), None)?;
        let fact = |value: &str| Claim { key: SOURCE_FACT.to_owned(), value: value.to_owned() };
        Ok(package.described(vec![], source.map(fact).into_iter().collect())?)
    };
    let bad = built("liblzma5", "5.6.0-0.2", Some("xz-utils 5.6.0-0.2"))?;
    let fixed = built("liblzma5", "5.6.1+really5.4.5-1", Some("xz-utils 5.6.1+really5.4.5-1"))?;
    let rebuilt = built("xzdec", "5.6.1-1+b1", Some("xz-utils 5.6.1-1"))?;
    let unsaid = built("liblzma5", "5.4.1-0.2", None)?;
    for (name, has) in [("bad", &bad), ("fixed", &fixed), ("rebuilt", &rebuilt), ("unsaid", &unsaid)] {
        fleet.host(name).await?;
        fleet.toggle(name, has).await?;
    }
    fleet.heartbeat().await?;
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("DSA-5649.json");
    let range = |fixed: &str| serde_json::json!([{"type": "ECOSYSTEM", "events": [{"introduced": "5.6.0"}, {"fixed": fixed}]}]);
    let of = |release: &str, fixed: &str| serde_json::json!({"package": {"ecosystem": release, "name": "xz-utils"}, "ranges": range(fixed)});
    let advisory = serde_json::json!({
        "id": "DSA-5649-1",
        "affected": [of("Debian:13", "5.6.1+really5.4.5-1"), of("Debian:12", "5.6.0-0.1")],
    });
    std::fs::write(&path, advisory.to_string())?;
    let file = format!("@{}", path.display());
    let several = fleet.trusted(&[&file]).await?;
    ensure!(several.code() == 2 && several.stderr.contains("#Debian:12"), "{several:?}");
    let answers = fleet.ask(&[&format!("{file}#Debian:13")]).await?;
    answers.are(&[("bad", YES), ("fixed", NO), ("rebuilt", YES), ("unsaid", UNKNOWN)])?;
    let why = &answers.host("unsaid")?.unknown;
    ensure!(why.iter().all(|why| why.detail.contains("source-unknown (liblzma5 5.4.1-0.2)")), "{why:#?}");
    let accepted = fleet.ask(&["source:xz-utils>=5.6.0<5.6.1", "--accept", "source-unknown"]).await?;
    accepted.are(&[("bad", YES), ("fixed", NO), ("rebuilt", NO), ("unsaid", NO)])?;
    Ok(())
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_so() -> Result<()> {
    let fleet = Fleet::new().await?;
    let refused = async |more: &[&str], words: &[&str]| {
        let finished = fleet.trusted(more).await?;
        let hints = words.iter().all(|word| finished.stderr.contains(word));
        ensure!(finished.code() == 2 && hints, "{more:?}: {finished:?}");
        Ok(())
    };
    refused(&["xz"], &["begins with file:", "hint:"]).await?;
    refused(&["package:xz", "--from", "yesterday"], &["is no time", "hint:"]).await?;
    refused(&["package:xz", "--at", "now"], &["this very moment", "--at 1h"]).await?;
    refused(&["package:xz", "--from", "leaf:9999"], &["the log has"]).await?;
    refused(&["package:xz", "--from", "2026-01-02", "--to", "2026-01-01"], &["ends before it begins"])
        .await?;
    refused(&["package:xz", "--role", "used"], &["can be used"]).await?;
    refused(&["package:xz", "--role", "friend"], &["no role is called so"]).await?;
    refused(&["package:xz", "--min-class", "F"], &["no class is called so"]).await?;
    refused(&["@/nowhere"], &["/nowhere"]).await?;
    for more in [&["package:xz"][..], &["package:xz", "--from", "1h", "--to", "now"]] {
        let nobody = fleet.trusted(more).await?;
        ensure!(nobody.code() == 0 && nobody.stderr.contains("0 hosts"), "{nobody:?}");
    }
    Ok(())
}
