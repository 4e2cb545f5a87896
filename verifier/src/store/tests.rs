use sqlx::Connection as _;

use super::*;

#[tokio::test]
async fn a_newer_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("verifier.db");
    let mut writer = migrated(&path).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9000, 'of the future', TRUE, X'00', 0)",
    )
    .execute(&mut writer)
    .await
    .unwrap();
    writer.close().await.unwrap();
    let error = migrated(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::Newer { version: 9000 }), "{error}");
    assert_eq!(Failure::from(error).exit(), Exit::Software);
}

#[tokio::test]
async fn an_absent_database_is_not_made_by_those_who_only_use_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("verifier.db");
    assert!(matches!(open_existing(&path).await, Err(OpenError::Absent { .. })));
    assert!(!path.exists());
}

#[tokio::test]
async fn commits_are_synchronised_in_full() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, mut writer) = open(&dir.path().join("verifier.db")).await.unwrap();
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut writer).await.unwrap();
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut writer).await.unwrap();
    assert_eq!((synchronous, journal.as_str()), (2, "wal"));
}

/// Evidence as three earlier versions kept it is read after the schema was brought up to date.
#[tokio::test]
async fn evidence_of_earlier_versions_is_read() {
    use super::packed::{Kept, Keyframe};
    use super::unpack::{COLUMNS, SOURCE, Unpacker, find};
    use evidence::cbor::Writer;
    use evidence::digest::Sha256Digest;
    use sqlx::AssertSqlSafe;
    use wire::submit::{compress, compress_against};

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("verifier.db");
    make_private(&path).unwrap();
    let mut old = connect(&options(&path)).await.unwrap();
    // The steps as they were run then, with what sqlx writes down about them.
    let early = Migrator {
        migrations: MIGRATIONS.iter().filter(|step| step.version < 10).cloned().collect(),
        ..Migrator::DEFAULT
    };
    early.run(&mut old).await.unwrap();
    let piece = |number: u8| Kept {
        sealed: vec![number; 300],
        pcr_values: vec![1; 40],
        state_before: vec![2; 40],
        result: "{}".to_owned(),
        ima_list: if number == 0 { Vec::new() } else { vec![3; 10] },
        ima_content: None,
        systemd_log: Some(Sha256Digest::of(&[b"a log"])),
        heartbeat_ms: if number == 0 { 0 } else { 60_000 },
        summary: format!("piece {number}"),
    };
    let parts = |kept: &Kept| {
        let mut w = Writer::new();
        w.array(5).bytes(&kept.sealed).bytes(&kept.pcr_values).bytes(&kept.state_before);
        w.text(&kept.result).bytes(&kept.ima_list);
        w.finish()
    };
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
    // In columns; packed by itself; packed against the one before. The ids are not the leaves.
    for number in 0..3_u8 {
        let kept = piece(number);
        let packed = match number {
            0 => None,
            1 => Some(compress(&parts(&kept)).unwrap()),
            _ => Some(compress_against(&parts(&kept), &parts(&piece(1))).unwrap()),
        };
        let columns = packed.is_none();
        let of_columns = |bytes: &[u8]| if columns { bytes.to_vec() } else { Vec::new() };
        let insert = "INSERT INTO evidence (id, host_id, chain, seq, digest, leaf, received_ms, heartbeat_ms, cause, reset_count,
            restart_count, sealed, pcr_values, ima_first, state_before, changes, status, result, summary, packed, keyframe, systemd_log)
            VALUES (?, 1, X'0c', ?, ?, ?, 7, ?, 'change', 1, 0, ?, ?, 0, ?, 0, 1, ?, '', ?, ?, ?)";
        sqlx::query(AssertSqlSafe(insert))
            .bind(11 + i64::from(number))
            .bind(i64::from(number))
            .bind(kept.digest().as_bytes().as_slice())
            .bind(100 + i64::from(number))
            .bind((number > 0).then_some(60_000))
            .bind(of_columns(&kept.sealed))
            .bind(of_columns(&kept.pcr_values))
            .bind(of_columns(&kept.state_before))
            .bind(if columns { "{}" } else { "" })
            .bind(packed)
            .bind((number == 2).then_some(12))
            .bind(kept.systemd_log.map(|digest| digest.as_bytes().to_vec()))
            .execute(&mut old)
            .await
            .unwrap();
        sqlx::query("INSERT INTO event (host_id, kind, at_ms, evidence_id, leaf, summary) VALUES (1, 'evidence', 7, ?, ?, ?)")
            .bind(11 + i64::from(number))
            .bind(100 + i64::from(number))
            .bind(&kept.summary)
            .execute(&mut old)
            .await
            .unwrap();
    }
    sqlx::query("UPDATE host_state SET keyframe = 12").execute(&mut old).await.unwrap();
    old.close().await.unwrap();

    let mut db = migrated(&path).await.unwrap();
    let rows = sqlx::query(AssertSqlSafe(format!("SELECT {COLUMNS} FROM {SOURCE} ORDER BY e.leaf")));
    let rows = rows.fetch_all(&mut db).await.unwrap();
    assert_eq!(rows.len(), 3);
    for (number, row) in (0..).zip(&rows) {
        assert_eq!(Unpacker::default().kept(&mut db, row).await.unwrap(), piece(number), "{number}");
        let found = find(&mut db, piece(number).digest().as_bytes()).await.unwrap();
        assert!(
            matches!(found.as_slice(), [one] if one.leaf == 100 + u64::from(number) && one.host_row == 1)
        );
    }
    let (last, keyframe): (i64, Vec<u8>) = sqlx::query_as(
        "SELECT h.last_leaf, k.packed FROM host h JOIN host_state s ON s.host_id = h.id JOIN attestation_recent k ON k.leaf = s.keyframe_leaf",
    )
    .fetch_one(&mut db)
    .await
    .unwrap();
    assert_eq!(last, 102);
    assert!(Keyframe::read(101, &keyframe).is_ok());
    let events: Vec<(i64, Option<i64>, Option<String>)> =
        sqlx::query_as("SELECT kind, at_ms, summary FROM event ORDER BY id")
            .fetch_all(&mut db)
            .await
            .unwrap();
    assert_eq!(events[0], (2, Some(5), Some("as host-1".to_owned())));
    assert!(events.len() == 4 && events[1..].iter().all(|event| *event == (1, None, None)));
}
