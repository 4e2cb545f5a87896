//! Every maximum of the verifier that is not a message's (those are in `wire::limits`), each with its reason.

use std::time::Duration;

/// A configuration file: ours have under 2 KiB.
pub(crate) const CONFIG_BYTES: u64 = 1 << 20;
/// A key, a certificate or a chain in PEM.
pub(crate) const PEM_BYTES: u64 = 1 << 20;

/// Jobs that wait for the recorder. Each may hold a submission, whose memory is bounded apart ([`SUBMISSION_KIB`]).
pub(crate) const RECORD_QUEUE: usize = 4_096;
/// Jobs of one transaction: large enough that the flushes of database and files are shared, small enough that nobody waits for
/// a second.
pub(crate) const RECORD_BATCH: usize = 2_048;
/// Bytes of evidence that is written together: they are in memory twice.
pub(crate) const EVIDENCE_TOGETHER: usize = 32 << 20;
/// Values of one statement: SQLite binds at most 32,766, PostgreSQL 65,535.
pub(crate) const VALUES_PER_STATEMENT: usize = 32_000;
/// Rows of one statement.
pub(crate) const ROWS_PER_STATEMENT: usize = 2_000;
/// Connections that read: more than the processors of a small machine, since some wait for the disk.
pub(crate) const READERS: u32 = 8;
/// How long a statement waits for another process, such as `token create`, to end its transaction.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Pages of the write-ahead log after which SQLite moves them into the database.
pub(crate) const WAL_PAGES: u32 = 4_000;

/// Enrolments that were begun and not finished; each holds under 10 KiB.
pub(crate) const ENROL_SESSIONS: usize = 1_024;
/// A TPM needs under a second for a credential; a host that swaps, some more.
pub(crate) const ENROL_SESSION_SECS: u64 = 300;

/// Refusals that are kept of one enrolled host.
pub(crate) const REFUSALS_PER_HOST: i64 = 200;
/// Refusals that are kept of evidence whose host is not enrolled.
pub(crate) const REFUSALS_OF_STRANGERS: i64 = 2_000;
/// Refusals in one answer.
pub(crate) const REFUSALS_SHOWN: i64 = 500;

/// Hosts in one answer.
pub(crate) const HOSTS_SHOWN: i64 = 1_000;
/// Entries of a history in one answer.
pub(crate) const HISTORY_SHOWN: i64 = 200;
/// Components in one answer.
pub(crate) const COMPONENTS_SHOWN: i64 = 5_000;
/// Changed artefacts of one entry of a history.
pub(crate) const CHANGES_SHOWN: usize = 500;
/// Components that one entry of a history is diffed for; more is a first scan or a new release.
pub(crate) const COMPONENTS_DIFFED: usize = 64;
/// A token's name or a note.
pub(crate) const TOKEN_NAME_BYTES: usize = 256;
/// The longest life of an operator's token: two years, so that a forgotten one ends.
pub(crate) const OPERATOR_TOKEN_TTL_MAX: Duration = Duration::from_secs(2 * 366 * 24 * 3_600);
/// Tokens of one kind in one answer.
pub(crate) const TOKENS_SHOWN: i64 = 1_000;

/// TLS handshake.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// From a connection's first byte, or the last answer, to the end of a request's head.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// A request from its head to its answer; a first submission over a slow line has some megabytes.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// What is in flight at the end has this long to finish.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// A request's headers.
pub(crate) const HEADER_BYTES: usize = 32 << 10;
/// Keys that a rate limiter remembers.
pub(crate) const RATE_KEYS: usize = 65_536;
/// Kibibytes of compressed submissions that are in memory at one time; each verification unpacks one more.
pub(crate) const SUBMISSION_KIB: usize = 256 << 10;

/// Tiles in memory, of 16 KiB each.
pub(crate) const TILE_CACHE: usize = 1_024;
/// Outgrown partial files that are removed at one time, so that nobody waits for a backlog.
pub(crate) const PARTIALS_REMOVED: usize = 1_024;
/// How often a write that the storage refuses is tried again, before the verifier ends and is started again.
pub(crate) const WRITE_RETRIES: u32 = 20;
/// How long it waits in between.
pub(crate) const WRITE_RETRY: Duration = Duration::from_millis(500);
/// Trusted certificates for witnesses' servers: Debian's bundle has 220 KiB.
pub(crate) const ROOTS_BYTES: u64 = 4 << 20;
/// The longest time between two tries of a witness that fails, in milliseconds.
pub(crate) const WITNESS_BACKOFF_MAX: u64 = 300_000;
/// Forks that a witness keeps as evidence; one is enough for a verdict.
pub(crate) const FORKS_KEPT: usize = 1_000;
/// Operators' actions that one batch gives leaves: after a long stop the next batches have the others.
pub(crate) const ACTIONS_PER_BATCH: i64 = 256;
/// Operators' actions in one answer.
pub(crate) const ACTIONS_SHOWN: i64 = 500;
/// How long an action that a command line wrote waits for its leaf.
pub(crate) const OUTBOX: Duration = Duration::from_secs(1);
/// Files that are named for one key of one component: a kernel has thousands of modules of one signer, and the manifest has them all.
pub(crate) const PATHS_PER_PRINCIPAL: usize = 16;
/// What sets of hosts take in memory: each of a hundred thousand hosts has 1 to 13 KiB, so some ten thousand components.
pub(crate) const HOST_SETS_BYTES: usize = 64 << 20;
/// Components, profiles and executions that the subjects of a question are found in: a path that every host has in a hundred versions is far below.
pub(crate) const CARRIERS: usize = 1_000_000;
/// Files of one component that are named for a pattern of paths.
pub(crate) const PATHS_NAMED: usize = 16;
/// Intervals of hosts in one answer, of some hundred bytes each: what all of ten thousand hosts have, five hundred times.
pub(crate) const INTERVALS_READ: usize = 5_000_000;
/// Intervals of components that nobody has described, which a question keeps apart; where there are more, those of a host are one.
pub(crate) const DOUBTS_APART: i64 = 100_000;
/// Sightings that are shown of one host; the answer is of all.
pub(crate) const SIGHTINGS_SHOWN: usize = 100;
/// Reasons that are shown of one host.
pub(crate) const REASONS_SHOWN: usize = 100;
/// Subjects of one question.
pub(crate) const SUBJECTS: usize = 10_000;
/// A question: ten thousand digests with their kind.
pub(crate) const QUESTION_BYTES: usize = 1 << 20;
/// Chains that wait to be folded: an hour's worth of a hundred thousand hosts, each once in 64 pieces of evidence.
pub(crate) const FOLD_QUEUE: usize = 2_048;
/// Incidents: they stay when they are closed.
pub(crate) const INCIDENTS: i64 = 10_000;
/// Watches; each is a question of some tens of milliseconds whenever there is something new.
pub(crate) const WATCHES: i64 = 100;
/// Things that watches found, told in one request.
pub(crate) const ALERTS_AT_ONCE: i64 = 100;
/// For how long somebody who is told may take to answer.
pub(crate) const ALERT_TIMEOUT: Duration = Duration::from_secs(10);
/// The first and the longest time between two attempts to tell.
pub(crate) const ALERT_RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));
/// A header's value.
pub(crate) const AUTHORIZATION_BYTES: u64 = 4_096;
/// The least time between two looks at all watches, where evidence comes all the time.
pub(crate) const WATCH_EVERY: Duration = Duration::from_secs(2);
/// Bytes of a watch's subjects in the record of its being added.
pub(crate) const WATCH_DETAIL_BYTES: usize = 2_000;
/// What one watch finds on one host at one time; what is more is counted.
pub(crate) const HITS_PER_HOST: usize = 1_000;
/// What one watch ever finds, and keeps in memory to tell each once: some two hundred bytes each. What is more is counted.
pub(crate) const HITS_PER_WATCH: usize = 200_000;
/// What a watch found that is written in one transaction.
pub(crate) const HITS_AT_ONCE: usize = 1_000;
/// What a watch found that is told in this program's log, of one look.
pub(crate) const HITS_TOLD: usize = 100;
/// What a watch found, in one answer.
pub(crate) const HITS_SHOWN: i64 = 1_000;
/// Pages that each connection keeps of the database, as SQLite counts it: 32 MiB. A question about all hosts reads some of them.
pub(crate) const CACHE_KIB: i64 = -(32 << 10);
/// Roots of the index that are compared when it is made anew: what each chain was at each of them is kept, 11 MB a root at 100,000 hosts.
pub(crate) const INDEX_ROOTS_COMPARED: i64 = 32;
/// Pieces of evidence in one page of a chain, and the bytes behind which none is added: a heartbeat has under 1 KiB.
pub(crate) const PAGE_PIECES: usize = 512;
pub(crate) const PAGE_BYTES: usize = 8 << 20;
