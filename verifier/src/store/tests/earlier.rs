//! Evidence as three earlier versions kept it is read after the schema was brought up to date.

use evidence::cbor::Writer;
use evidence::digest::Sha256Digest;
use sqlx::{Connection as _, SqliteConnection};
use wire::submit::{compress, compress_against};

use super::*;
use crate::store::packed::{Kept, Keyframe};
use crate::store::unpack::{COLUMNS, SOURCE, Unpacker, find};

fn piece(number: u8) -> Kept {
    Kept {
        sealed: vec![number; 300],
        pcr_values: vec![1; 40],
        state_before: vec![2; 40],
        result: "{}".to_owned(),
        ima_list: if number == 0 { Vec::new() } else { vec![3; 10] },
        ima_content: None,
        systemd_log: Some(Sha256Digest::of(&[b"a log"])),
        heartbeat_ms: if number == 0 { 0 } else { 60_000 },
        summary: format!("piece {number}"),
    }
}

/// As they were packed then.
fn parts(kept: &Kept) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(5).bytes(&kept.sealed).bytes(&kept.pcr_values).bytes(&kept.state_before);
    w.text(&kept.result).bytes(&kept.ima_list);
    w.finish()
}

/// A database of schema 9 with one host.
async fn of_schema_9(path: &Path) -> SqliteConnection {
    make_private(path).unwrap();
    let mut old = Database::from(path).connect().await.unwrap().into_sqlite().unwrap();
    let early = MIGRATIONS.iter().filter(|step| step.version < 10).cloned().collect();
    Migrator { migrations: early, ..Migrator::DEFAULT }.run(&mut old).await.unwrap();
    for statement in [
        "INSERT INTO host (id, identity, name, ek_public, ak_public, selection, tier, agent_version, enrolled_ms, chain, next_seq, prev,
           components, last_evidence, silent) VALUES (1, X'01', 'h', X'', X'', '', '', '', 0, X'0c', 3, X'', 0, 13, 0)",
        "INSERT INTO host_state (host_id, state, intervals, keyframe) VALUES (1, X'', X'', NULL)",
        "INSERT INTO enrolment (id, host_id, chain, leaf, at_ms, join_token, ak_public, selection, tier, salt, record)
           VALUES (5, 1, X'0c', 0, 0, '', X'', '', '', X'', X'')",
        "INSERT INTO event (id, host_id, kind, at_ms, leaf, summary) VALUES (1, 1, 'enrolled', 5, 0, 'as host-1')",
    ] {
        sqlx::query(statement).execute(&mut old).await.unwrap();
    }
    sqlx::query("INSERT INTO blob (digest, size, zstd) VALUES (?, 5, ?)")
        .bind(Sha256Digest::of(&[b"a log"]).as_bytes().as_slice())
        .bind(compress(b"a log").unwrap())
        .execute(&mut old)
        .await
        .unwrap();
    old
}

/// In columns; packed by itself; packed against the one before. The ids are not the leaves.
async fn insert(old: &mut SqliteConnection, number: u8) {
    let kept = piece(number);
    let packed = match number {
        0 => None,
        1 => Some(compress(&parts(&kept)).unwrap()),
        _ => Some(compress_against(&parts(&kept), &parts(&piece(1))).unwrap()),
    };
    let columns = packed.is_none();
    let of_columns = |bytes: &[u8]| if columns { bytes.to_vec() } else { Vec::new() };
    let number = i64::from(number);
    sqlx::query(
        "INSERT INTO evidence (id, host_id, chain, seq, digest, leaf, received_ms, heartbeat_ms, cause, reset_count,
           restart_count, sealed, pcr_values, ima_first, state_before, changes, status, result, summary, packed, keyframe, systemd_log)
         VALUES (?, 1, X'0c', ?, ?, ?, 7, ?, 'change', 1, 0, ?, ?, 0, ?, 0, 1, ?, '', ?, ?, ?)",
    )
    .bind(11 + number)
    .bind(number)
    .bind(kept.digest().as_bytes().as_slice())
    .bind(100 + number)
    .bind((number > 0).then_some(60_000))
    .bind(of_columns(&kept.sealed))
    .bind(of_columns(&kept.pcr_values))
    .bind(of_columns(&kept.state_before))
    .bind(if columns { "{}" } else { "" })
    .bind(packed)
    .bind((number == 2).then_some(12))
    .bind(kept.systemd_log.map(|digest| digest.as_bytes().to_vec()))
    .execute(&mut *old)
    .await
    .unwrap();
    sqlx::query("INSERT INTO event (host_id, kind, at_ms, evidence_id, leaf, summary) VALUES (1, 'evidence', 7, ?, ?, ?)")
        .bind(11 + number)
        .bind(100 + number)
        .bind(&kept.summary)
        .execute(old)
        .await
        .unwrap();
}

#[tokio::test]
async fn evidence_of_earlier_versions_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("verifier.db");
    let mut old = of_schema_9(&path).await;
    for number in 0..3 {
        insert(&mut old, number).await;
    }
    sqlx::query("UPDATE host_state SET keyframe = 12").execute(&mut old).await.unwrap();
    old.close().await.unwrap();

    let mut db = migrated(&path.as_path().into()).await.unwrap();
    let rows = sql::assembled(format!("SELECT {COLUMNS} FROM {SOURCE} ORDER BY e.leaf"));
    let rows = rows.fetch_all(&mut db).await.unwrap();
    assert_eq!(rows.len(), 3);
    for (number, row) in (0..).zip(&rows) {
        assert_eq!(Unpacker::default().kept(&mut db, row).await.unwrap(), piece(number), "{number}");
        let found = find(&mut db, piece(number).digest().as_bytes()).await.unwrap();
        assert!(
            matches!(found.as_slice(), [one] if one.leaf == 100 + u64::from(number) && one.host_row == 1)
        );
    }
    let (last, keyframe): (i64, Vec<u8>) = sql::query_as(
        "SELECT h.last_leaf, k.packed FROM host h JOIN host_state s ON s.host_id = h.id
         JOIN attestation_recent k ON k.leaf = s.keyframe_leaf",
    )
    .fetch_one(&mut db)
    .await
    .unwrap();
    assert_eq!(last, 102);
    assert!(Keyframe::read(101, &keyframe).is_ok());
    let events: Vec<(i64, Option<i64>, Option<String>)> =
        sql::query_as("SELECT kind, at_ms, summary FROM event ORDER BY id").fetch_all(&mut db).await.unwrap();
    assert_eq!(events[0], (2, Some(5), Some("as host-1".to_owned())));
    assert!(events.len() == 4 && events[1..].iter().all(|event| *event == (1, None, None)));
}
