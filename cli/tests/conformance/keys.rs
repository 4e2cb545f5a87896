//! Parts of keys that no command reads by themselves, through the library that the commands stand on.

use evidence::tpm::{CredentialBlob, Public};

use crate::tally::Tally;

pub(crate) fn check(tally: &mut Tally<'_>) {
    for path in tally.corpus.of_kind("quote") {
        if path.ends_with("/ek.pub") {
            let bytes = tally.corpus.bytes(&path);
            tally.same(&path, "public area", &Public::parse_tpm2b(&bytes).is_ok(), &true);
            tally.read(&path);
        } else if path.ends_with("/mkcred.out") {
            let bytes = tally.corpus.bytes(&path);
            tally.same(&path, "credential", &CredentialBlob::parse_file(&bytes).is_ok(), &true);
            tally.read(&path);
        }
    }
    names(tally);
}

/// A key's name as the TPM gave it is the one that its public area comes to.
fn names(tally: &mut Tally<'_>) {
    for path in tally.corpus.of_kind("quote") {
        let Some(folder) = path.strip_suffix("/ak.name") else { continue };
        let area = ["ak.tpm2b_public.bin", "ak.pub"].iter().map(|name| format!("{folder}/{name}"));
        let Some(area) = area.into_iter().find(|area| tally.corpus.has(area)) else { continue };
        let public = Public::parse_tpm2b(&tally.corpus.bytes(&area)).ok();
        let name = public.map(|public| public.name().to_bytes());
        tally.same(&area, "name", &name, &Some(tally.corpus.bytes(&path)));
        tally.compared_with(&area, &path);
    }
}
