//! What a TPM attests besides quotes, and what is compared with it: all of it made by swtpm and tpm2-tools.

use super::*;

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../tests/vectors/attested/", $name)).as_slice()
    };
}

const ALL: [(&str, &[u8]); 6] = [
    ("certify", vector!("certify.msg")),
    ("creation", vector!("creation.msg")),
    ("nv-certify", vector!("nv.msg")),
    ("time", vector!("time.msg")),
    ("session-audit", vector!("session.msg")),
    ("command-audit", vector!("command.msg")),
];

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let others = [
        vector!("creation.data"),
        &vector!("creation.data")[2..],
        vector!("creation.ticket"),
        vector!("nv.public"),
        &vector!("nv.public")[2..],
    ];
    ALL.into_iter().map(|(_, bytes)| bytes).chain(others).map(<[u8]>::to_vec).collect()
}

fn attested(bytes: &[u8]) -> Attested {
    Attest::parse(bytes).unwrap().fields().attested.clone()
}

fn object() -> Public {
    Public::parse_tpm2b(vector!("object.tpm2b")).unwrap()
}

#[test]
fn every_type_reads_and_writes_back() {
    for (name, bytes) in ALL {
        let attest = Attest::parse(bytes).unwrap();
        assert_eq!(attest.fields().attested.name(), name);
        assert_eq!(attest.fields().encode().unwrap(), bytes, "{name}");
        assert_eq!(attest.quote(), None, "{name}");
    }
}

#[test]
fn every_type_that_is_cut_or_continued_is_refused_with_the_place() {
    fn check(name: &str, bytes: &[u8], parse: impl Fn(&[u8]) -> Result<(), TpmError>) {
        for cut in 0..bytes.len() {
            let error = parse(&bytes[..cut]).unwrap_err();
            let TpmError::Truncated(at) = error else { panic!("{name}, {cut}: {error}") };
            assert!(at.offset <= cut && at.needed > at.left, "{name}, {cut}: {error}");
        }
        let (offset, longer) = (bytes.len(), [bytes, &[0]].concat());
        assert_eq!(parse(&longer), Err(TpmError::Trailing { offset, left: 1 }), "{name}");
    }
    for (name, bytes) in ALL {
        check(name, bytes, |bytes| Attest::parse(bytes).map(drop));
    }
    check("data", vector!("creation.data"), |bytes| CreationData::parse_tpm2b(bytes).map(drop));
    check("data", &vector!("creation.data")[2..], |bytes| CreationData::parse(bytes).map(drop));
    check("ticket", vector!("creation.ticket"), |bytes| CreationTicket::parse(bytes).map(drop));
    check("NV", vector!("nv.public"), |bytes| NvPublic::parse_tpm2b(bytes).map(drop));
    check("NV", &vector!("nv.public")[2..], |bytes| NvPublic::parse(bytes).map(drop));
}

#[test]
fn a_certified_object_is_the_one_of_its_name() {
    let Attested::Certify(info) = attested(vector!("certify.msg")) else { panic!("not certify") };
    assert_eq!(info.name, object().name().to_bytes());
    // Its parent's qualified name is in its creation data.
    let data = CreationData::parse_tpm2b(vector!("creation.data")).unwrap();
    assert_eq!(info.qualified_name, object().name().qualified(&data.fields().parent_qualified_name));
}

#[test]
fn creation_data_belongs_to_what_its_tpm_attests() {
    let Attested::Creation(info) = attested(vector!("creation.msg")) else { panic!("not creation") };
    let data = CreationData::parse_tpm2b(vector!("creation.data")).unwrap();
    assert_eq!(info.object_name, object().name().to_bytes());
    assert_eq!(data.hash(object().area().name_alg).as_bytes(), info.creation_hash);
    assert_eq!(&vector!("creation.hash")[2..], info.creation_hash, "the TPM's own");
    let fields = data.fields();
    assert_eq!((fields.selection.to_string(), fields.locality), ("sha256:0,7".to_owned(), 1));
    assert_eq!(fields.parent_name_alg, ParentNameAlg::Object(HashAlg::Sha256));
    assert_eq!(fields.outside_info, b"lydian");
    assert_eq!(fields.encode().unwrap(), data.raw());
    let ticket = CreationTicket::parse(vector!("creation.ticket")).unwrap();
    assert_eq!((ticket.hierarchy, ticket.digest.len()), (0x4000_0001, 64));
    let mut other = vector!("creation.ticket").to_vec();
    other[1] = 0x22;
    let what = "TPM_ST_CREATION";
    assert_eq!(CreationTicket::parse(&other), Err(TpmError::Value { offset: 0, what, found: 0x8022 }));
}

/// A primary object's parent is a hierarchy: no algorithm, and a handle for a name.
#[test]
fn a_primary_objects_parent_is_a_hierarchy() {
    let mut fields = CreationData::parse_tpm2b(vector!("creation.data")).unwrap().fields().clone();
    fields.parent_name_alg = ParentNameAlg::Hierarchy;
    fields.parent_name = vec![0x40, 0, 0, 1];
    let data = CreationData::parse(&fields.encode().unwrap()).unwrap();
    assert_eq!(*data.fields(), fields);
}

#[test]
fn an_nv_index_is_the_one_of_its_name() {
    let Attested::Nv(info) = attested(vector!("nv.msg")) else { panic!("not NV") };
    let public = NvPublic::parse_tpm2b(vector!("nv.public")).unwrap();
    assert_eq!(info.index_name, public.name().to_bytes());
    assert_eq!((info.offset, info.contents.as_slice()), (0, b"hello lydian".as_slice()));
    let area = public.area();
    assert_eq!((area.index, area.data_size, area.name_alg), (0x0150_0011, 12, HashAlg::Sha256));
    assert!(area.attributes.written());
    assert_eq!(area.attributes.nv_type(), NvType::Ordinary);
    assert_eq!(area.attributes.to_string(), "ownerwrite|authwrite|ownerread|authread|written");
    // Every bit of the public area is in the name.
    let raw = public.raw();
    for bit in 0..raw.len() * 8 {
        let mut changed = raw.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let name = NvPublic::parse(&changed).map(|public| public.name());
        assert_ne!(name, Ok(public.name()), "bit {bit}");
    }
}

#[test]
fn kinds_of_indices_are_told_apart() {
    let kind = |bits: u32| NvAttributes::from_bits(bits).nv_type();
    let kinds = [0x00, 0x10, 0x20, 0x40, 0x80, 0x90, 0x70].map(kind);
    let known = [NvType::Ordinary, NvType::Counter, NvType::Bits, NvType::Extend, NvType::PinFail];
    assert_eq!(kinds[..5], known);
    assert_eq!(kinds[5..], [NvType::PinPass, NvType::Unknown(7)]);
    assert_eq!(NvAttributes::from_bits(0x0010_0042).to_string(), "ownerwrite|nt=0x4|0x100000");
    assert_eq!(NvAttributes::from_bits(0).to_string(), "0x0");
}

#[test]
fn times_and_audits_have_their_fields() {
    let Attested::Time(info) = attested(vector!("time.msg")) else { panic!("not time") };
    assert_eq!((info.time_ms, info.clock.clock_ms, info.clock.reset_count), (0x46f, 0x46f, 1));
    assert_eq!(info.firmware_version, 0x2019_1023_0016_3636);
    let Attested::SessionAudit(info) = attested(vector!("session.msg")) else { panic!("not a session") };
    assert_eq!((info.exclusivity, info.session_digest.len()), (Exclusivity::Shared, 32));
    let Attested::CommandAudit(info) = attested(vector!("command.msg")) else { panic!("not commands") };
    assert_eq!((info.audit_counter, info.digest_alg), (1, HashAlg::Sha256));
    assert_eq!((info.audit_digest.len(), info.command_digest.len()), (32, 32));
}

/// No tool at hand makes this one: tpm2-tools 5.4 certifies contents alone.
#[test]
fn an_nv_digest_reads_as_it_was_written() {
    let fields = Attest::parse(vector!("nv.msg")).unwrap().fields().clone();
    let index_name = NvPublic::parse_tpm2b(vector!("nv.public")).unwrap().name().to_bytes();
    let attested = Attested::NvDigest(NvDigestInfo { index_name, digest: vec![7; 32] });
    assert_eq!((attested.tag(), attested.name()), (0x801c, "nv-digest"));
    let fields = AttestFields { attested, ..fields };
    assert_eq!(*Attest::new(&fields).unwrap().fields(), fields);
}

#[test]
fn a_qualified_name_of_a_primary_key_starts_at_its_hierarchy() {
    let ak = Public::parse_tpm2b(vector!("ak.tpm2b")).unwrap();
    let signer = Attest::parse(vector!("nv.msg")).unwrap().fields().qualified_signer.clone();
    assert_eq!(signer, ak.name().qualified(&0x4000_000b_u32.to_be_bytes()), "TPM_RH_ENDORSEMENT");
}

/// Schemes that nothing here verifies are read, so that they can be called by their name.
#[test]
fn every_scheme_of_the_specification_is_read() {
    let numbers = "000b0002 0102 0003 030405".replace(' ', "");
    for (id, name) in [("0018", "ecdsa"), ("001a", "ecdaa"), ("001b", "sm2"), ("001c", "ecschnorr")] {
        let encoded = bytes(&format!("{id}{numbers}"));
        let signature = Signature::parse(&encoded).unwrap();
        assert_eq!((signature.scheme_name(), signature.hash()), (name, HashAlg::Sha256));
        assert_eq!(signature.scheme().is_some(), name == "ecdsa");
        assert_eq!(signature.encode().unwrap(), encoded);
    }
    let hmac = [bytes("0005000b"), vec![9; 32]].concat();
    let signature = Signature::parse(&hmac).unwrap();
    assert_eq!(signature.scheme_name(), "hmac");
    assert_eq!(signature.encode().unwrap(), hmac);
    assert!(matches!(Signature::parse(&hmac[..35]), Err(TpmError::Truncated(_))));
    assert_eq!(Signature::parse(&bytes("0010")), Err(TpmError::Unsigned { offset: 0 }));
}
