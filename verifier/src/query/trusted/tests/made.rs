//! What the made world consists of: programs, packages, keys, boot images, lists of keys, and the profiles that machines boot by.

use std::sync::LazyLock;

use ::evidence::body::Claim;
use ::evidence::digest::{HashAlg, Sha256Digest};
use ::evidence::manifest::{
    AUTHENTICODE_FACT, ComponentKind, Entry, EntryFlags, LIST_BYTES, Manifest, SBAT_FACT, SIGNATURE_BYTES,
    SOURCE_FACT, carry, component_digest,
};
use ::evidence::pe::Image;
use ::evidence::principal::{Edge, Principal, PrincipalKind, Relation};
use inquiry::profile::{Fact, MeasuredList, Place, Profile, Setting, ShimList};
use inquiry::role::{Class, Role};
use inquiry::subject::SecureBootState;

pub(super) const PACKAGES: usize = 4;
pub(super) const VERSIONS: usize = 3;
pub(super) const PROFILES: usize = 5;
/// Lists of keys of shim's that machines boot under.
pub(super) const LISTS: usize = 3;
/// The profile that starts a program which no agent has as a file.
pub(super) const LOST: usize = PROFILES - 1;
/// The profile of a firmware that does not measure its platform key.
pub(super) const NO_PLATFORM_KEY: usize = 3;
/// The profile in which dbx has entries of a kind that has no name.
pub(super) const UNNAMED_REVOCATIONS: usize = 2;

pub(super) fn byte(number: usize) -> u8 {
    u8::try_from(number).unwrap()
}

pub(super) fn program(number: usize, version: usize) -> Sha256Digest {
    Sha256Digest::of(&[b"program", &[byte(number), byte(version)]])
}

/// Versions 0 and 1 of a package are of one signer, 2 is of another.
pub(super) fn signer(number: usize, version: usize) -> Principal {
    Principal::new(PrincipalKind::Spki, &[byte(number * 2 + version / 2 + 1); 32]).unwrap()
}

fn name(kind: PrincipalKind, number: usize) -> Principal {
    Principal::new(kind, &[byte(number); 32]).unwrap()
}

/// The number of the authority that issued a signer's certificate: of two packages one. Another authority has issued these authorities.
pub(super) const fn authority(number: usize) -> usize {
    40 + number / 2
}

/// The authority above all others.
pub(super) const ROOT: usize = 50;

/// The names of a signer's certificate. One does not say who issued it.
fn certificate_of(number: usize, version: usize) -> Vec<Principal> {
    let own = number * 2 + version / 2 + 1;
    let mut names = vec![signer(number, version), name(PrincipalKind::Certificate, own)];
    names.push(name(PrincipalKind::SubjectName, own));
    if !is_unissued(number, version) {
        names.push(name(PrincipalKind::IssuerName, authority(number)));
    }
    names
}

/// Of one signer's certificate nobody knows who issued it.
pub(super) const fn is_unissued(number: usize, version: usize) -> bool {
    number == 1 && version / 2 == 1
}

pub(super) fn platform_key(number: usize) -> Principal {
    Principal::new(PrincipalKind::Spki, &[byte(100 + number); 32]).unwrap()
}

/// The image of version 0 is a real one, of which package 0 carries the signature.
pub(super) fn image(version: usize) -> [u8; 32] {
    if version == 0 { SIGNED.hash } else { [byte(200 + version); 32] }
}

/// An image with a signature that holds.
struct Signed {
    hash: [u8; 32],
    signature: Vec<u8>,
    key: Principal,
}

static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let image = Image::parse(include_bytes!("../../../../../tests/vectors/signing/shim.signed.efi")).unwrap();
    let hash = image.authenticode(HashAlg::Sha256).unwrap().as_bytes().try_into().unwrap();
    let signed = image.attached().next().unwrap().unwrap().signed_data().unwrap().unwrap();
    let certificate = signed.certificates().next().unwrap().unwrap();
    Signed { hash, signature: signed.raw().to_vec(), key: Principal::spki(certificate.public_key().raw()) }
});

/// The key that signed the image of version 0, of which no agent says so.
pub(super) fn prover() -> Principal {
    SIGNED.key.clone()
}

/// An image that one of shim's lists trusts, or that the other revokes.
pub(super) fn listed(list: usize, role: Role) -> [u8; 32] {
    [byte(if role == Role::Revoked { 160 } else { 150 } + list); 32]
}

/// The contents of a list: signatures of one kind, a SHA-256 each.
fn contents(list: usize, role: Role) -> Vec<u8> {
    //= UEFI 2.10 §32.4.1: EFI_SIGNATURE_LIST, EFI_CERT_SHA256_GUID
    const SHA256: [u8; 16] =
        [0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28];
    let sizes = [76_u32, 0, 48].map(u32::to_le_bytes);
    [SHA256.as_slice(), sizes.as_flattened(), &[7; 16], &listed(list, role)].concat()
}

/// The store in which the agent finds both lists: it says nothing of keys, and carries their bytes.
pub(super) fn store(list: usize) -> Manifest {
    let entry = |name: &str, role| {
        let contents = contents(list, role);
        Entry {
            path: format!("/sys/firmware/efi/efivars/{name}").into_bytes(),
            digest: Sha256Digest::of(&[&contents]),
            size: 80,
            mode: 0o644,
            flags: EntryFlags::default(),
            edges: vec![],
            facts: carry(LIST_BYTES, 0, &contents),
        }
    };
    let entries = vec![entry("MokListRT", Role::Eligible), entry("MokListXRT", Role::Revoked)];
    let name = format!("efi:lists-{list}");
    Manifest::new(ComponentKind::TrustStore, name, String::new(), String::new(), entries).unwrap()
}

pub(super) fn measured(list: usize) -> Vec<MeasuredList> {
    let of = |name: ShimList, role, event| MeasuredList {
        list: name,
        digest: Sha256Digest::of(&[&contents(list, role)]).as_bytes().to_vec(),
        place: Place { event: Some(event), pcr: 14 },
    };
    vec![of(ShimList::MokList, Role::Eligible, 9), of(ShimList::MokListX, Role::Revoked, 10)]
}

/// One version of one package is signed for the kernel, by a key of which nobody has a certificate.
pub(super) const fn is_kernel_signed(number: usize, version: usize) -> bool {
    number + 1 == PACKAGES && version + 1 == VERSIONS
}

/// That key.
pub(super) fn kernel_key() -> Principal {
    Principal::new(PrincipalKind::ImaKeyId, &[0xaa, 0xbb, 0xcc, 0xdd]).unwrap()
}

/// A package of one program; package 0 has a boot image too.
pub(super) fn package(number: usize, version: usize) -> Manifest {
    let entry = |name: &str, digest, facts| Entry {
        path: format!("/usr/lib/p{number}/{name}").into_bytes(),
        digest,
        size: 1,
        mode: 0o755,
        flags: EntryFlags::ELF,
        edges: vec![Edge::new(Relation::SignedBy, certificate_of(number, version), "a signer")],
        facts,
    };
    let mut tool = entry("tool", program(number, version), vec![]);
    if is_kernel_signed(number, version) {
        tool.edges.push(Edge::new(Relation::SignedBy, vec![kernel_key()], "security.ima"));
    }
    let mut entries = vec![tool];
    if number == 0 {
        let fact = |key: &str, value| Claim { key: key.to_owned(), value };
        let mut facts = vec![
            fact(AUTHENTICODE_FACT, hex::encode(image(version))),
            fact(SBAT_FACT, format!("sbat,1;loader,{version}")),
        ];
        if version == 0 {
            facts.extend(carry(SIGNATURE_BYTES, 0, &SIGNED.signature));
        }
        entries.push(entry("boot.efi", Sha256Digest::of(&[b"image", &[byte(version)]]), facts));
    }
    let value = format!("s{} {version}.0-1", source(number));
    let source = (!is_sourceless(number, version)).then(|| Claim { key: SOURCE_FACT.to_owned(), value });
    let (name, version) = (format!("p{number}"), format!("{version}.0-1"));
    let manifest = Manifest::new(ComponentKind::Package, name, version, "amd64".to_owned(), entries).unwrap();
    manifest.described(vec![], source.into_iter().collect()).unwrap()
}

/// Two packages are built from each source.
pub(super) const fn source(package: usize) -> usize {
    package / 2
}

/// Of one version of one package nobody says what it was built from.
pub(super) const fn is_sourceless(package: usize, version: usize) -> bool {
    package + 1 == PACKAGES && version + 1 == VERSIONS
}

pub(super) fn component(number: usize, version: usize) -> Sha256Digest {
    component_digest(&package(number, version).encode())
}

/// Secure Boot is on but in profile 0; profile n lists platform key n, which has authorised something but in 0, revokes the images of
/// versions below n, asks for grub's generation n, and starts the image of version n where there is one; the last starts one
/// that no agent has as a file.
pub(super) fn profile(number: usize) -> Profile {
    let place = Place { event: Some(7), pcr: 7 };
    let key = |name, role, class| Fact::Key {
        names: vec![name],
        role,
        class,
        store: "db".to_owned(),
        label: String::new(),
        place,
    };
    let image = |version| Principal::new(PrincipalKind::Image, &image(version)).unwrap();
    let state = if number == 0 { SecureBootState::Off } else { SecureBootState::On };
    let level = Setting::SbatLevel { component: "grub".to_owned(), generation: number.to_string() };
    let lists =
        ["PK", "KEK", "db", "dbx"].into_iter().filter(|list| number != NO_PLATFORM_KEY || *list != "PK");
    let mut settings = vec![Setting::SecureBoot(state), level];
    settings.extend(lists.map(|list| Setting::Measured(list.to_owned())));
    if number == UNNAMED_REVOCATIONS {
        settings.push(Setting::Unnamed("dbx".to_owned()));
    }
    let mut facts: Vec<Fact> = settings.into_iter().map(|setting| Fact::Setting { setting, place }).collect();
    facts.push(key(platform_key(number), Role::Eligible, Class::A));
    // Profiles 1 and 2 list an authority, which is below the root.
    if number == 1 || number == 2 {
        let names = [
            (PrincipalKind::Certificate, authority(number)),
            (PrincipalKind::SubjectName, authority(number)),
            (PrincipalKind::IssuerName, ROOT),
        ];
        facts.push(Fact::Key {
            names: names.map(|(kind, number)| name(kind, number)).to_vec(),
            role: Role::Eligible,
            class: Class::A,
            store: "db".to_owned(),
            label: format!("authority {number}"),
            place,
        });
    }
    if number > 0 {
        facts.push(key(platform_key(number), Role::Used, Class::A));
    }
    facts.extend((0..number.min(VERSIONS)).map(|version| key(image(version), Role::Revoked, Class::A)));
    if number < VERSIONS || number == LOST {
        facts.push(key(image(number), Role::Executed, Class::B));
    }
    Profile::new(facts)
}

/// The key that signed what the last profile starts, which nobody can know.
pub(super) fn lost_key() -> Principal {
    Principal::new(PrincipalKind::Spki, &[99; 32]).unwrap()
}

/// What a lying agent says of it: that it has it as a file, which nobody has signed.
pub(super) fn lie() -> Manifest {
    let entry = Entry {
        path: b"/usr/lib/lie/boot.efi".to_vec(),
        digest: Sha256Digest::of(&[b"lie"]),
        size: 1,
        mode: 0o755,
        flags: EntryFlags::PE,
        edges: vec![],
        facts: vec![Claim { key: AUTHENTICODE_FACT.to_owned(), value: hex::encode(image(LOST)) }],
    };
    let (name, none) = ("/usr/lib/lie".to_owned(), String::new);
    Manifest::new(ComponentKind::Directory, name, none(), none(), vec![entry]).unwrap()
}
