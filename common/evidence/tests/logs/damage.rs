//! Thousands of damaged copies of each boot: no panic, and results bounded by the input.

use evidence::digest::HashAlg;
use evidence::eventlog::EventLog;
use evidence::ima::{ImaList, ImaReplay, replay_prefix};

use crate::vectors::{BOOTS, Rng, own};

/// One damaged copy: bits flipped, a stretch cut, repeated, zeroed or moved, or the end lost.
fn damaged(original: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=rng.below(3) {
        let (a, b) = (rng.below(bytes.len() + 1), rng.below(bytes.len() + 1));
        let stretch = a.min(b)..a.max(b).min(a.min(b) + 512);
        match rng.below(7) {
            0 => bytes.truncate(a),
            1 => drop(bytes.drain(stretch)),
            2 => bytes[stretch].fill(if rng.below(2) == 0 { 0 } else { 0xff }),
            3 => {
                let copy = bytes[stretch].to_vec();
                bytes.splice(b..b, copy);
            }
            _ if bytes.is_empty() => bytes.push(0),
            4 => {
                // A length or a count, more often than not.
                let at = rng.below(bytes.len());
                let value = [0, 1, 0x7f, 0x80, 0xff][rng.below(5)];
                bytes[at] = value;
            }
            _ => {
                let at = rng.below(bytes.len());
                bytes[at] ^= 1 << rng.below(8);
            }
        }
    }
    bytes
}

#[test]
fn damaged_event_logs_never_panic_and_stay_bounded() {
    for (seed, boot) in (1..).zip(BOOTS) {
        let (original, mut rng) = (own(boot, "binary_bios_measurements"), Rng(seed));
        let mut stopped = 0;
        for round in 0..3000 {
            let bytes = damaged(&original, &mut rng);
            let parsed = EventLog::parse(&bytes);
            stopped += usize::from(parsed.damage.is_some());
            let events = parsed.log.events();
            // The smallest record has 16 bytes, each digest at least 22.
            assert!(events.len() <= bytes.len() / 16, "{boot} round {round}");
            let digests: usize = events.iter().map(|event| event.digests().count()).sum();
            assert!(digests * 22 <= bytes.len(), "{boot} round {round}");
            let data: usize = events.iter().map(|event| event.data.len()).sum();
            assert!(data + parsed.log.padding_bytes() <= bytes.len(), "{boot} round {round}");
            for bank in parsed.log.banks() {
                let _ = parsed.log.replay(*bank);
            }
            let findings = parsed.log.facts(HashAlg::Sha256).findings.len();
            assert!(findings <= 10 + 8 * events.len(), "{boot} round {round}");
            for event in events {
                let text = event.describe();
                assert!(text.chars().all(|c| !c.is_control()), "{boot} round {round}: {text:?}");
            }
        }
        assert!(stopped > 300, "{boot}: only {stopped} copies were damaged");
    }
}

#[test]
fn damaged_ima_lists_never_panic_and_stay_bounded() {
    for (seed, boot) in (101..).zip(BOOTS) {
        let original = own(boot, "binary_runtime_measurements");
        let (original, mut rng) = (&original[..8000.min(original.len())], Rng(seed));
        let quoted = HashAlg::Sha256.hash(&[b"never reached"]);
        let mut stopped = 0;
        for round in 0..2000 {
            let bytes = damaged(original, &mut rng);
            let list = ImaList::detect(&bytes);
            let mut at = 0;
            for record in list.records() {
                let Ok(record) = record else {
                    stopped += 1;
                    break;
                };
                assert_eq!(record.offset, at, "{boot} round {round}");
                assert!(record.data.len() < record.size, "{boot} round {round}");
                at += record.size;
                let text = record.describe();
                assert!(text.chars().all(|c| !c.is_control()), "{boot} round {round}: {text:?}");
            }
            assert!(at <= bytes.len(), "{boot} round {round}");
            assert!(replay_prefix(ImaReplay::start(HashAlg::Sha256), list, &quoted).is_err());
        }
        assert!(stopped > 200, "{boot}: only {stopped} copies were damaged");
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut rng = Rng(7);
    for _ in 0..5000 {
        let bytes: Vec<u8> = (0..rng.below(300)).map(|_| rng.next().to_le_bytes()[0]).collect();
        let parsed = EventLog::parse(&bytes);
        assert!(parsed.damage.is_some() || !parsed.log.events().is_empty());
        assert!(ImaList::detect(&bytes).records().count() <= bytes.len() / 29 + 1);
    }
}

#[test]
fn every_truncation_keeps_the_whole_events_before_it() {
    let bytes = own("direct", "binary_bios_measurements");
    let whole = EventLog::parse(&bytes).log;
    for end in 1..bytes.len() {
        let parsed = EventLog::parse(&bytes[..end]);
        let complete = whole.events().iter().skip(1).filter(|event| event.offset < end).count();
        let read = parsed.log.events().len();
        let at_boundary = whole.events().iter().any(|event| event.offset == end);
        // What is cut within its zeros can pass for padding at the very end, but never for an event.
        assert!(read <= complete + 1, "cut at {end}");
        assert!(whole.events().iter().take(read).eq(parsed.log.events()), "cut at {end}");
        assert!(at_boundary || parsed.damage.is_some() || parsed.log.padding_bytes() > 0, "cut at {end}");
    }
}
