use super::*;

/// SHA-256("record").
fn record() -> [u8; 32] {
    Sha256::digest(b"record").into()
}

/// The bytes 0 to 31.
fn salt() -> Salt {
    Salt::from_bytes(std::array::from_fn(|at| u8::try_from(at).unwrap()))
}

/// Entries and leaf hashes that Python's hashlib computed from the layout in this module's documentation.
#[test]
fn known_entries() {
    let check = |leaf: Leaf, entry: &str, hash: &str| {
        assert_eq!(hex::encode(leaf.to_bytes()), entry);
        assert_eq!(hex::encode(leaf.hash().as_bytes()), hash);
    };
    check(
        Leaf::attestation(&salt(), &record()),
        "010113aaaebd34ca4a8c13628907a4a588d95614ca2977e00537808accf5539e6775",
        "dd3b82c00b9b4c58cf2f1623b08e33df6d84c194835ee46879031c79f1d37940",
    );
    check(
        Leaf::enrol(&salt(), &record()),
        "0102ae0e9f86ad309ae98f8d774e0906e2bb7c8ab8a6eddcc8fabe8f9511cd8feb47",
        "a1330b947d75f8407302ce9c216d6f81135f27c70d2aa7fe4425d2b87b2cddc2",
    );
    check(
        Leaf::index_root(&salt(), &record()),
        "0103b93642771529e808c1bbf093dcdd458679b01a7494c6476219e9494a7c9ba40b",
        "f8dfc7b1fbb8967fabc9d77a1b86d5e17f5cb727c511adf6307dcf7ab0c20e0b",
    );
    check(
        Leaf::operator_action(&salt(), &record()),
        "0104fd9193035647db3edfe795dd8bd874ee068abfa37c04a7c6893f8d4055257ae7",
        "44973579ffcc69d2385451bc6d2ba5acc980a899ab9c577ab9f748f12211ac4f",
    );
    check(
        Leaf::anchor(&salt(), &record()),
        "01059f97dbd56165103e3ffa098aae86040b2146b566163d3715cd90c1cf27a6d2b7",
        "e9846fe27024b7b575498207897b644c015f66b053e0d2b2a1deafb8501cccba",
    );
}

#[test]
fn round_trip_of_every_kind() {
    for kind in LeafKind::ALL {
        let leaf = Leaf::commit(kind, &salt(), &record());
        assert_eq!(Leaf::from_bytes(&leaf.to_bytes()), Ok(leaf));
        assert_eq!((leaf.kind(), LeafKind::from_code(kind.code())), (kind, Ok(kind)));
        assert_eq!(leaf.verify_record(&salt(), &record()), Ok(()));
    }
}

#[test]
fn a_leaf_is_for_one_kind_salt_and_record() {
    let leaf = Leaf::attestation(&salt(), &record());
    let mut other = record();
    other[31] ^= 1;
    assert_eq!(leaf.verify_record(&salt(), &other), Err(LeafError::Record));
    let unsalted = Salt::from_bytes([0; 32]);
    assert_eq!(leaf.verify_record(&unsalted, &record()), Err(LeafError::Record));
    let mut relabelled = leaf.to_bytes();
    relabelled[1] = LeafKind::Enrol.code();
    let relabelled = Leaf::from_bytes(&relabelled).unwrap();
    assert_eq!(relabelled.verify_record(&salt(), &record()), Err(LeafError::Record));
}

#[test]
fn entries_of_the_future_and_of_the_wrong_length() {
    let good = Leaf::attestation(&salt(), &record()).to_bytes();
    for found in [0, 1, 33] {
        assert_eq!(Leaf::from_bytes(&good[..found]), Err(LeafError::Length { found }));
    }
    assert_eq!(Leaf::from_bytes(&[&good[..], &[0]].concat()), Err(LeafError::Length { found: 35 }));
    for found in (0..=u8::MAX).filter(|version| *version != 1) {
        let mut entry = good;
        entry[0] = found;
        assert_eq!(Leaf::from_bytes(&entry), Err(LeafError::Version { found }));
    }
    for found in (0..=u8::MAX).filter(|kind| !(1..=5).contains(kind)) {
        let mut entry = good;
        entry[1] = found;
        assert_eq!(Leaf::from_bytes(&entry), Err(LeafError::Kind { found }));
    }
}

#[test]
fn the_salt_stays_out_of_debug_output() {
    assert_eq!(format!("{:?}", Salt::from_bytes([0xab; 32])), "Salt(..)");
}
