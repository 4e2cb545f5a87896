use super::*;
use crate::sql;

mod earlier;

#[tokio::test]
async fn a_newer_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let place = place::tests::database(dir.path());
    let mut writer = migrated(&place).await.unwrap();
    sql::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9000, 'of the future', TRUE, '00', 0)",
    )
    .execute(&mut writer)
    .await
    .unwrap();
    writer.close().await.unwrap();
    let error = migrated(&place).await.unwrap_err();
    assert!(matches!(error, OpenError::Newer { version: 9000 }), "{error}");
    assert_eq!(Failure::from(error).exit(), Exit::Software);
}

#[tokio::test]
async fn an_absent_database_is_not_made_by_those_who_only_use_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("verifier.db");
    assert!(matches!(open_existing(&path.as_path().into()).await, Err(OpenError::Absent { .. })));
    assert!(!path.exists());
}

#[tokio::test]
async fn commits_are_synchronised_in_full() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, mut writer) = open(&dir.path().join("verifier.db").as_path().into()).await.unwrap();
    let synchronous: i64 = sql::query_scalar("PRAGMA synchronous").fetch_one(&mut writer).await.unwrap();
    let journal: String = sql::query_scalar("PRAGMA journal_mode").fetch_one(&mut writer).await.unwrap();
    assert_eq!((synchronous, journal.as_str()), (2, "wal"));
}
