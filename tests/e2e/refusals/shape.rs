//! Bytes that are no submission at all.

use anyhow::{Result, ensure};
use support::{Verifier, VerifierSettings};
use wire::limits::EVIDENCE_REQUEST_BYTES;
use wire::submit::compress;
use wire::{EVIDENCE_MEDIA_TYPE, PROTOCOL_HEADER, PROTOCOL_VERSION};

use super::{Row, Shown, refuse, sent};

#[tokio::test]
async fn bytes_that_are_no_submission_are_refused() -> Result<()> {
    refuse(ROWS).await
}

/// The length alone decides: no byte of the body is sent.
#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_the_body() -> Result<()> {
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let length = EVIDENCE_REQUEST_BYTES + 1;
    let head = format!(
        "POST /v1/evidence?from=0 HTTP/1.1\r\nhost: localhost\r\n{PROTOCOL_HEADER}: {PROTOCOL_VERSION}\r\n\
         content-type: {EVIDENCE_MEDIA_TYPE}\r\ncontent-length: {length}\r\n\r\n"
    );
    let answer = verifier.client()?.raw(head.as_bytes(), "too-large").await?;
    ensure!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    Ok(())
}

const MALFORMED: Row =
    Row { name: "", code: "malformed", status: 400, provoke: |_| Ok(Vec::new()), shown: Shown::Nowhere };
const TOO_LARGE: Row =
    Row { name: "", code: "too-large", status: 413, provoke: |_| Ok(Vec::new()), shown: Shown::Nowhere };

const ROWS: &[Row] = &[
    Row { name: "no bytes", provoke: |_| Ok(Vec::new()), ..MALFORMED },
    Row { name: "not zstd", provoke: |_| Ok(b"noise that is no frame".to_vec()), ..MALFORMED },
    Row { name: "zstd over nothing", provoke: |_| Ok(compress(&[])?), ..MALFORMED },
    Row {
        name: "a truncated frame",
        provoke: |stage| {
            let mut bytes = sent(&stage.envelope()?)?;
            bytes.truncate(bytes.len() / 2);
            Ok(bytes)
        },
        ..MALFORMED
    },
    Row {
        name: "a truncated body",
        provoke: |stage| {
            let bytes = stage.envelope()?.encode();
            Ok(compress(bytes.get(..bytes.len() - 1).unwrap_or_default())?)
        },
        ..MALFORMED
    },
    Row {
        name: "a byte behind the envelope",
        provoke: |stage| {
            let mut bytes = stage.envelope()?.encode();
            bytes.push(0);
            Ok(compress(&bytes)?)
        },
        ..MALFORMED
    },
    Row {
        name: "the envelope's head in a longer form",
        provoke: |stage| {
            let bytes = stage.envelope()?.encode();
            // 0x84 is an array of four; 0x98 0x04 says the same in two bytes.
            let longer = [&[0x98, 0x04], bytes.get(1..).unwrap_or_default()].concat();
            Ok(compress(&longer)?)
        },
        ..MALFORMED
    },
    Row {
        name: "another version of the envelope",
        provoke: |stage| {
            let mut bytes = stage.envelope()?.encode();
            if let Some(version) = bytes.get_mut(1) {
                *version = 2;
            }
            Ok(compress(&bytes)?)
        },
        ..MALFORMED
    },
    Row {
        name: "an array that says it has 2^64 - 1 entries",
        provoke: |_| Ok(compress(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])?),
        ..MALFORMED
    },
    Row {
        name: "a string that says it has 4 GiB",
        provoke: |_| Ok(compress(&[0x84, 0x01, 0x5a, 0xff, 0xff, 0xff, 0xff])?),
        ..MALFORMED
    },
    Row {
        name: "arrays within arrays without end",
        provoke: |_| Ok(compress(&vec![0x81; 1 << 20])?),
        ..MALFORMED
    },
    Row {
        name: "a frame that unpacks to more than any submission",
        provoke: |_| Ok(compress(&vec![0; 64 << 20])?),
        ..TOO_LARGE
    },
];
