//! The answer to a question, from the stores.
//!
//! In: a question, the sightings, what the loop put up. Out: an answer; a question that makes no sense has one as well.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use evidence::digest::Sha256Digest;
use evidence::manifest::{Entry, Manifest, is_carried};

use super::board::Board;
use super::limits::{DETAILS, SIGHTINGS};
use super::messages::{Answer, Component, Question, Sighting, Signer};
use super::text::printable;
use crate::sightings::{Presence, Reader, Seen};

pub(super) fn answer(question: &Question, reader: &Reader, board: &Board) -> Answer {
    let posted = board.read();
    match question {
        Question::Standing {} => Answer::Standing(Box::new(posted.standing)),
        Question::Checkpoint {} => Answer::Checkpoint { note: posted.checkpoint, log_key: posted.log_key },
        Question::Digest { prefix } => match range(prefix) {
            Some(range) => collect(reader, &posted.components, |each| reader.digests(range, each)),
            None => failed("a digest is 8 to 64 hex digits"),
        },
        Question::Path { path } => match hex::decode(path) {
            Ok(path) => collect(reader, &posted.components, |each| reader.path(&path, each)),
            Err(_) => failed("a path is in hex"),
        },
    }
}

fn failed(message: impl Into<String>) -> Answer {
    Answer::Failed { message: message.into() }
}

type Each<'e> = dyn FnMut(&Seen, &Manifest, &Entry) -> ControlFlow<()> + 'e;

fn collect(
    reader: &Reader,
    sealed: &BTreeSet<Sha256Digest>,
    look: impl FnOnce(&mut Each<'_>) -> Result<(), redb::Error>,
) -> Answer {
    let (mut sightings, mut more) = (Vec::new(), false);
    let looked = look(&mut |seen, manifest, entry| {
        if sightings.len() >= SIGHTINGS {
            more = true;
            return ControlFlow::Break(());
        }
        sightings.push(sighting(seen, manifest, entry, sealed.contains(&seen.component)));
        ControlFlow::Continue(())
    });
    match looked.and_then(|()| reader.span()) {
        Ok(span) => Answer::Sightings {
            sightings,
            more,
            began_ms: span.began.as_ms(),
            settled_ms: span.settled.map(evidence::time::UnixTime::as_ms),
        },
        Err(error) => failed(format!("the sightings cannot be read: {error}")),
    }
}

fn sighting(seen: &Seen, manifest: &Manifest, entry: &Entry, sealed: bool) -> Sighting {
    let edges = entry.edges.iter().chain(manifest.edges()).take(DETAILS);
    let signers = edges.map(|edge| Signer {
        relation: edge.relation.name().to_owned(),
        names: edge.principals.iter().map(ToString::to_string).collect(),
        label: edge.label.clone(),
    });
    let facts = entry.facts.iter().filter(|fact| !is_carried(&fact.key)).take(DETAILS);
    Sighting {
        digest: entry.digest.to_string(),
        path_hex: hex::encode(&entry.path),
        path: printable(&entry.path),
        size: entry.size,
        mode: entry.mode,
        flags: entry.flags.names().into_iter().map(str::to_owned).collect(),
        here: seen.presence == Presence::Here,
        sealed,
        first_ms: seen.first.as_ms(),
        last_ms: seen.last.as_ms(),
        component: Component {
            digest: seen.component.to_string(),
            kind: manifest.kind().name().to_owned(),
            name: manifest.name().to_owned(),
            version: manifest.version().to_owned(),
            architecture: manifest.architecture().to_owned(),
        },
        signers: signers.collect(),
        facts: facts.map(|fact| (fact.key.clone(), fact.value.clone())).collect(),
    }
}

/// The digests that start with these hex digits.
pub(super) fn range(prefix: &str) -> Option<(Sha256Digest, Sha256Digest)> {
    let known = (8..=64).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_hexdigit());
    let whole = |fill: &str| -> Option<Sha256Digest> {
        let text =
            format!("{}{}", prefix.to_ascii_lowercase(), fill.repeat(64_usize.checked_sub(prefix.len())?));
        Sha256Digest::from_slice(&hex::decode(text).ok()?).ok()
    };
    if known { Some((whole("0")?, whole("f")?)) } else { None }
}
