//! EK certificates as they come from a TPM or a file: read and looked at, or refused, never a crash.

use std::sync::LazyLock;

use appraisal::endorsement::{
    EndorsementRoots, RevocationLists, Surroundings, certificates_in, examine, summarise_root,
};
use evidence::time::UnixTime;
use evidence::tpm::{certificate_from_nv, certificates_from_nv};

/// Somebody to compare with.
static ROOTS: LazyLock<EndorsementRoots> = LazyLock::new(|| {
    let pem = include_str!("../../../common/appraisal/tests/data/ek/swtpm-localca-rootca-cert.pem");
    EndorsementRoots::from_pem(pem).unwrap_or_default()
});

/// The target's body.
pub fn ek_certificate(bytes: &[u8]) {
    if let Ok(certificate) = certificate_from_nv(bytes) {
        let first = certificates_from_nv(bytes).ok().and_then(|mut chain| chain.next());
        assert!(first == Some(certificate) || bytes.first().is_some_and(|first| matches!(first, 0 | 0xff)));
        let _root = EndorsementRoots::from_der([certificate]);
    }
    let Ok((_, found)) = certificates_in(bytes) else { return };
    let more: Vec<&[u8]> = found.iter().map(Vec::as_slice).collect();
    for der in &found {
        let with = Surroundings {
            roots: Some(&ROOTS),
            intermediates: &more,
            lists: &RevocationLists::none(),
            at: UnixTime::from_secs(1_796_083_200),
            public: None,
        };
        if let Ok(examined) = examine(der, &with) {
            let _words: Vec<_> =
                examined.findings.iter().map(|finding| (finding.code(), finding.to_string())).collect();
        }
        let _summary = summarise_root(der);
    }
}
