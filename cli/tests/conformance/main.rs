//! Every file of the corpus of real inputs through the built program, against what others say of it.
//!
//! The corpus (`$LYDIAN_VECTORS`, by default `../shared/vectors` beside the project) holds logs, quotes, signature lists
//! and programs that nobody here wrote, and for most what another implementation reads in them. Each row of its index
//! is read by the `lydian inspect` that is made for it, or is an oracle that a reading is compared with, or has a reason
//! why it is not read (`book.rs`). A difference from an oracle is an exception with a name, or a failure; an exception
//! that is no longer met fails too. `docs/conformance.md` has the same tables, and the counts of a run.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod book;
mod corpus;
mod document;
mod program;
mod tally;

mod canonical;
mod certificate;
mod dumps;
mod eventlog;
mod ima;
mod keys;
mod oracle_yaml;
mod quote;
mod siglist;
mod signed;

use book::{EXCEPTIONS, UNREAD};
use corpus::{Corpus, ROWS};
use tally::Tally;

#[test]
fn every_file_of_the_corpus_is_read_or_has_a_reason() {
    let Some(corpus) = Corpus::load() else {
        println!("SKIPPED: {ROWS} files of the corpus; set LYDIAN_VECTORS to where it is");
        return;
    };
    assert_eq!(corpus.rows.len(), ROWS, "the corpus has changed; so must the counts");
    let mut tally = Tally::new(&corpus);
    eventlog::check(&mut tally);
    ima::check(&mut tally);
    quote::check(&mut tally);
    siglist::check(&mut tally);
    signed::check(&mut tally);
    certificate::check(&mut tally);
    canonical::check(&mut tally);
    dumps::check(&mut tally);
    keys::check(&mut tally);
    tally.leave_unread(UNREAD);
    let summary = tally.finish(EXCEPTIONS, UNREAD);
    print!("{}", summary.table);
    assert!(summary.faults.is_empty(), "{} faults:\n{}", summary.faults.len(), summary.faults.join("\n"));
    document::holds("counts", &summary.table);
}

#[test]
fn the_document_has_the_same_exceptions_and_reasons() {
    document::holds("exceptions", &book::exceptions_table());
    document::holds("unread", &book::unread_table());
}
