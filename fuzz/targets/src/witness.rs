//! What witnesses and logs send each other, and trust policies: what parses is written back to the same text.

use ledger::checkpoint::SignedCheckpoint;
use ledger::cosignature::CosignerKey;
use ledger::note::VerifierKey;
use ledger::policy::Policy;
use ledger::tree::LogSize;
use ledger::witness::{AddCheckpoint, WitnessClient, judge};

/// A witness that signs nothing here.
const WITNESS: &str = "w+1c6bb3bb+BJ9Q5mo4kCxRhBvVwWCqo7Jw7yAFPJpsMN5RLdLhOlFj";

/// The target's body.
pub fn witness(bytes: &[u8]) {
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.to_string().as_bytes(), bytes);
        let claimed: Vec<VerifierKey> = Vec::new();
        assert!(judge(&request, &claimed, None).is_err());
    }
    let text = std::str::from_utf8(bytes).ok();
    if let Some(key) = text.and_then(|text| text.parse::<CosignerKey>().ok()) {
        assert_eq!(key.to_string().as_bytes(), bytes);
    }
    let policy = Policy::parse(bytes);
    let Ok(checkpoint) = SignedCheckpoint::parse(bytes) else { return };
    if let Ok(policy) = policy {
        let _ = policy.check(&checkpoint);
    }
    if let Ok(key) = WITNESS.parse::<CosignerKey>() {
        assert!(!matches!(key.verify(&checkpoint), Ok(Some(_))));
        let mut client = WitnessClient::new(key, LogSize::ZERO);
        for status in [200, 409] {
            let _ = client.answer(&checkpoint, status, "text/x.tlog.size", bytes);
        }
    }
}
