//! Lists of revoked certificates: what they stop, and what stops them.

use super::forge::{ForgedList, entry};
use super::*;

/// A chain, and lists to check it with.
fn verify_with(lists: &[&ForgedList]) -> Result<Endorsement, EndorsementError> {
    verify_at(1_500, lists)
}

fn verify_at(at: u64, lists: &[&ForgedList]) -> Result<Endorsement, EndorsementError> {
    let chain = Chain::good();
    let mut held = RevocationLists::none();
    for list in lists {
        held.add(&list.der()).unwrap();
    }
    let (leaf, intermediate, root) = (chain.leaf.der(), chain.intermediate.der(), chain.root.der());
    let roots = EndorsementRoots::from_der([root.as_slice()]).unwrap();
    let at = UnixTime::from_secs(at);
    verify_chain(&leaf, &[&intermediate], &roots, &held, at, &endorsement_key(1))
}

/// The codes of the findings of a chain that holds.
fn codes(lists: &[&ForgedList]) -> Vec<&'static str> {
    verify_with(lists).unwrap().findings.iter().map(EndorsementFinding::code).collect()
}

fn revoked(which: Which, reason: &str) -> impl Fn(Result<Endorsement, EndorsementError>) {
    let reason = reason.to_owned();
    move |found| match found.unwrap_err() {
        EndorsementError::Revoked { which: found, at, reason: why } => {
            assert_eq!((found, at, why.name()), (which, UnixTime::from_secs(1_100), reason.as_str()));
        }
        error => panic!("{error}"),
    }
}

/// The lists of both issuers, with nothing in them.
fn clean() -> [ForgedList; 2] {
    [ForgedList::of("intermediate", 2, &[]), ForgedList::of("root", 3, &[])]
}

#[test]
fn what_is_on_its_issuers_list_does_not_hold() {
    let [users, authorities] = clean();
    assert_eq!(codes(&[&users, &authorities]), Vec::<&str>::new());
    revoked(LEAF, "unspecified")(verify_with(&[&ForgedList::of("intermediate", 2, &[&[1, 2]])]));
    revoked(INTERMEDIATE, "unspecified")(verify_with(&[&users, &ForgedList::of("root", 3, &[&[2, 3]])]));
    let others = ForgedList::of("intermediate", 2, &[&[1], &[2], &[1, 2, 3], &[2, 1]]);
    assert_eq!(codes(&[&others, &authorities]), Vec::<&str>::new());
    let reason = extension("2.5.29.21", false, &[0x0a, 1, 1]);
    let with_reason =
        ForgedList { revoked: vec![entry(&[9], &[]), entry(&[1, 2], &[reason])], ..users.clone() };
    revoked(LEAF, "keyCompromise")(verify_with(&[&with_reason]));
    // Another way to the root is looked for, and there is none.
    revoked(LEAF, "unspecified")(verify_with(&[&users, &ForgedList::of("Intermediate", 2, &[&[1, 2]])]));
}

#[test]
fn without_lists_it_is_said_that_nothing_is_known() {
    assert_eq!(codes(&[]), ["revocation-not-checked"]);
    let [users, authorities] = clean();
    assert_eq!(codes(&[&users]), ["revocation-unknown"]);
    assert_eq!(codes(&[&authorities]), ["revocation-unknown"]);
    assert_eq!(codes(&[&ForgedList::of("somebody", 2, &[&[1, 2]])]), ["revocation-unknown"; 2]);
}

#[test]
fn a_list_past_its_time_is_a_finding_and_still_revokes() {
    let [users, authorities] = clean();
    let stale = ForgedList { next_update: Some(1_300), ..users.clone() };
    assert_eq!(codes(&[&stale, &authorities]), ["stale-crl"]);
    assert_eq!(codes(&[&stale, &users, &authorities]), Vec::<&str>::new(), "a newer one makes up for it");
    let revoking = ForgedList { next_update: Some(1_300), ..ForgedList::of("intermediate", 2, &[&[1, 2]]) };
    revoked(LEAF, "unspecified")(verify_with(&[&revoking, &users]));
    let endless = ForgedList { next_update: None, ..users.clone() };
    assert_eq!(codes(&[&endless, &authorities]), Vec::<&str>::new());
    let codes_at = |at| -> Vec<_> {
        let found = verify_at(at, &[&users, &authorities]).unwrap();
        found.findings.iter().map(EndorsementFinding::code).collect()
    };
    assert_eq!(codes_at(1_200), Vec::<&str>::new(), "to the second");
    assert_eq!(codes_at(1_199), ["crl-not-yet-valid"; 2]);
    assert_eq!(codes_at(1_800), Vec::<&str>::new());
    assert_eq!(codes_at(1_801), ["stale-crl"; 2]);
}

#[test]
fn a_list_by_another_key_or_by_a_key_that_is_not_for_lists_says_nothing() {
    let [_, authorities] = clean();
    let forged = ForgedList::of("intermediate", 9, &[&[1, 2]]);
    assert_eq!(codes(&[&forged, &authorities]), ["crl-other-key"]);
    let mut chain = Chain::good();
    chain.intermediate.usage = Some(KeyUsages::KeyCertSign.into());
    let list = ForgedList::of("intermediate", 2, &[&[1, 2]]);
    let mut held = RevocationLists::none();
    held.add(&list.der()).unwrap();
    let roots = EndorsementRoots::from_der([chain.root.der().as_slice()]).unwrap();
    let (leaf, intermediate) = (chain.leaf.der(), chain.intermediate.der());
    let at = UnixTime::from_secs(1_500);
    let found = verify_chain(&leaf, &[&intermediate], &roots, &held, at, &endorsement_key(1)).unwrap();
    assert!(found.findings.contains(&EndorsementFinding::ListIssuer(LEAF)));
}

#[test]
fn lists_that_mean_something_else_are_refused_by_name() {
    let check = |extension: x509_cert::ext::Extension, expected: RevocationListError| {
        let list = ForgedList { extensions: vec![extension], ..ForgedList::of("root", 3, &[&[1, 2]]) };
        assert_eq!(RevocationLists::none().add(&list.der()), Err(expected));
    };
    check(extension("2.5.29.27", true, &[2, 1, 1]), RevocationListError::Delta);
    check(extension("2.5.29.28", true, &[0x30, 3, 0x84, 1, 0xff]), RevocationListError::Indirect);
    check(extension("2.5.29.28", true, &[0x30, 4, 0x83, 2, 6, 0x40]), RevocationListError::SomeReasons);
    let oid = "1.2.3.4".to_owned();
    check(extension("1.2.3.4", true, &[5, 0]), RevocationListError::CriticalExtension { oid: oid.clone() });
    let in_entry = |extension| {
        let revoked = vec![entry(&[1], &[]), entry(&[2], &[extension])];
        let list = ForgedList { revoked, ..ForgedList::of("root", 3, &[]) };
        RevocationLists::none().add(&list.der())
    };
    assert_eq!(in_entry(extension("2.5.29.29", true, &[0x30, 0])), Err(RevocationListError::Indirect));
    let refused = Err(RevocationListError::CriticalExtension { oid });
    assert_eq!(in_entry(extension("1.2.3.4", true, &[5, 0])), refused);
    assert_eq!(in_entry(extension("1.2.3.4", false, &[5, 0])), Ok(()));
}

#[test]
fn a_list_speaks_for_whom_it_says() {
    let scoped = |tag: u8, list: ForgedList| ForgedList {
        extensions: vec![extension("2.5.29.28", true, &[0x30, 3, tag, 1, 0xff])],
        ..list
    };
    let [_, authorities] = clean();
    let users = scoped(0x81, ForgedList::of("intermediate", 2, &[&[1, 2]]));
    revoked(LEAF, "unspecified")(verify_with(&[&users, &authorities]));
    for not_about_users in [0x82, 0x85] {
        let list = scoped(not_about_users, ForgedList::of("intermediate", 2, &[&[1, 2]]));
        assert_eq!(codes(&[&list, &authorities]), ["revocation-unknown"]);
    }
    let of_authorities = scoped(0x82, ForgedList::of("root", 3, &[&[2, 3]]));
    revoked(INTERMEDIATE, "unspecified")(verify_with(&[&of_authorities]));
}

#[test]
fn a_damaged_list_is_refused_or_says_nothing() {
    let reason = extension("2.5.29.21", false, &[0x0a, 1, 4]);
    let list = ForgedList {
        revoked: vec![entry(&[7], &[]), entry(&[1, 2], &[reason])],
        extensions: vec![extension("2.5.29.20", false, &[2, 1, 7])],
        ..ForgedList::of("intermediate", 2, &[])
    };
    let der = list.der();
    let parsed = RevocationList::parse(&der).unwrap();
    assert_eq!((parsed.revoked(), parsed.issuer().to_string().as_str()), (2, "CN=intermediate"));
    for cut in 0..der.len() {
        assert!(RevocationList::parse(&der[..cut]).is_err(), "cut at {cut}");
    }
    assert!(RevocationList::parse(&[der.as_slice(), &[0]].concat()).is_err());
    let chain = Chain::good();
    let (leaf, intermediate, root) = (chain.leaf.der(), chain.intermediate.der(), chain.root.der());
    let roots = EndorsementRoots::from_der([root.as_slice()]).unwrap();
    for bit in 0..8 * der.len() {
        let mut held = RevocationLists::none();
        if held.add(&flipped(&der, bit)).is_err() {
            continue;
        }
        let at = UnixTime::from_secs(1_500);
        // Only the list as it was signed says anything: a changed one is not one of the issuer's.
        let found = verify_chain(&leaf, &[&intermediate], &roots, &held, at, &endorsement_key(1)).unwrap();
        let said = found.findings.iter().any(|finding| {
            matches!(finding.code(), "crl-other-key" | "revocation-unknown" | "crl-not-yet-valid")
        });
        assert!(said, "bit {bit}: {:?}", found.findings);
    }
}

#[test]
fn numbers_are_compared_as_numbers() {
    let list = |serial: &[u8]| {
        let mut der = ForgedList::of("intermediate", 2, &[&[1, 2]]).der();
        let at = der.windows(4).position(|window| window == [2, 2, 1, 2]).unwrap();
        der[at + 2..at + 4].copy_from_slice(serial);
        RevocationList::parse(&der).unwrap().find(&[0x81]).is_some()
    };
    assert!(list(&[0xff, 0x81]), "-127, with an octet more than it needs");
    assert!(!list(&[0x00, 0x81]), "129");
}

#[test]
fn a_key_signs_a_list_once_however_often_it_is_asked() {
    // 40 lists of one issuer, for a leaf and no more: each is checked once, and the limit of signatures is not met.
    let list = ForgedList::of("intermediate", 2, &[]);
    let lists: Vec<_> = (0..40).map(|_| &list).collect();
    assert!(verify_with(&lists).is_ok());
    let too_many: Vec<_> = (0..60).map(|_| &list).collect();
    let limit = EndorsementError::TooMany { what: "signatures to try", limit: 48 };
    assert_eq!(verify_with(&too_many), Err(limit), "refused, not passed over");
}

/// A list of OpenSSL's, and what the certificates that it is about say of their TPM.
#[test]
fn openssls_list_revokes_openssls_certificate() {
    const ROOT_PEM: &str = include_str!("../../../tests/data/ek/maker-root.pem");
    const GOOD: &[u8] = include_bytes!("../../../tests/data/ek/maker-ek.crt");
    const REVOKED: &[u8] = include_bytes!("../../../tests/data/ek/maker-ek-revoked.crt");
    let roots = EndorsementRoots::from_pem(ROOT_PEM).unwrap();
    let ek = Public::parse_tpm2b(include_bytes!("../../../tests/data/ek/ek_rsa.pub")).unwrap();
    let mut lists = RevocationLists::none();
    lists.add(include_bytes!("../../../tests/data/ek/maker.crl")).unwrap();
    // 2026-12-01.
    let at = UnixTime::from_secs(1_796_083_200);
    let verify = |der: &[u8]| verify_chain(der, &[], &roots, &lists, at, &ek);
    assert!(verify(GOOD).unwrap().findings.is_empty());
    let EndorsementError::Revoked { which, at: since, reason } = verify(REVOKED).unwrap_err() else {
        panic!()
    };
    assert_eq!((which, reason.name()), (LEAF, "keyCompromise"));
    assert_eq!(since.to_string(), "2026-11-26T01:31:59.000Z");

    let with = Surroundings { roots: Some(&roots), intermediates: &[], lists: &lists, at, public: Some(&ek) };
    let found = examine(GOOD, &with).unwrap();
    assert_eq!((found.standing.name(), found.findings.len()), ("manufacturer", 0));
    let specification = found.specification.unwrap();
    assert_eq!((specification.family.as_str(), specification.level, specification.revision), ("2.0", 0, 138));
    let expected = SecurityAssertions {
        version: 1,
        field_upgradable: true,
        key_generation: Some("injected"),
        key_location: Some("tpm-manufacturer"),
        certificate_location: Some("tpm-manufacturer"),
        common_criteria: Some(CommonCriteria {
            version: "3.1".into(),
            level: 4,
            plus: true,
            status: "evaluation-completed",
        }),
        fips: Some(Fips { version: "140-2".into(), level: 2, plus: false }),
        iso9000: true,
    };
    assert_eq!(found.assertions, Some(expected));
    let found = examine(REVOKED, &with).unwrap();
    assert_eq!((found.standing.name(), found.findings[0].code()), ("none", "revoked"));
}
