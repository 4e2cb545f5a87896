use super::*;
use crate::store::migrated;

fn who() -> Who {
    Who::token("test")
}

const NOW: UnixTime = UnixTime::from_secs(1_000);
const LATER: UnixTime = UnixTime::from_secs(2_000);
const HOST: HostId = HostId::new([1; 32]);

async fn database() -> (tempfile::TempDir, Connection<'static>) {
    let dir = tempfile::tempdir().unwrap();
    let connection = migrated(&crate::store::place::tests::database(dir.path())).await.unwrap();
    (dir, connection)
}

#[tokio::test]
async fn an_operators_token_opens_until_it_expires_or_is_revoked() {
    let (_dir, mut db) = database().await;
    let token = create_operator(&mut db, &who(), "ci", Scope::Enrol, NOW, LATER).await.unwrap();
    let shown = Presented::parse(TokenKind::Operator, &token.secret).unwrap();
    assert_eq!(scope_of(&mut db, &shown, NOW).await.unwrap(), Some(Scope::Enrol));
    assert_eq!(scope_of(&mut db, &shown, LATER).await.unwrap(), None);
    let last = token.secret.chars().last().unwrap();
    let mut forged = token.secret.clone();
    forged.pop();
    forged.push(if last == '0' { '1' } else { '0' });
    let forged = Presented::parse(TokenKind::Operator, &forged).unwrap();
    assert_eq!(scope_of(&mut db, &forged, NOW).await.unwrap(), None);
    assert!(revoke(&mut db, &who(), TokenKind::Operator, &token.id, NOW).await.unwrap());
    assert_eq!(scope_of(&mut db, &shown, NOW).await.unwrap(), None);
    assert!(!revoke(&mut db, &who(), TokenKind::Operator, "none", NOW).await.unwrap());
    assert_eq!(list(&mut db, TokenKind::Operator, NOW).await.unwrap()[0].state, "revoked");
}

#[tokio::test]
async fn the_secret_is_nowhere_in_the_database() {
    let (dir, mut db) = database().await;
    let token = create_join(&mut db, &who(), "rack 4", NOW, LATER).await.unwrap();
    let secret = token.secret.rsplit('_').next().unwrap().to_owned();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let raw = hex::decode(&secret).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        assert!(!bytes.windows(raw.len()).any(|window| window == raw));
    }
}

#[tokio::test]
async fn a_join_token_is_for_one_host_and_key() {
    let (_dir, mut db) = database().await;
    let token = create_join(&mut db, &who(), "", NOW, LATER).await.unwrap();
    let shown = Presented::parse(TokenKind::Join, &token.secret).unwrap();
    assert_eq!(check_join(&mut db, &shown, HOST, b"ak", NOW).await.unwrap(), Ok(()));
    use_join(&mut db, &shown.id, HOST, b"ak", NOW).await.unwrap();
    assert_eq!(check_join(&mut db, &shown, HOST, b"ak", NOW).await.unwrap(), Ok(()), "a lost answer");
    let other = HostId::new([2; 32]);
    assert_eq!(check_join(&mut db, &shown, other, b"ak", NOW).await.unwrap(), Err(JoinRefusal::Used));
    assert_eq!(check_join(&mut db, &shown, HOST, b"new", NOW).await.unwrap(), Err(JoinRefusal::Used));
    assert_eq!(check_join(&mut db, &shown, HOST, b"ak", LATER).await.unwrap(), Err(JoinRefusal::Expired));
    revoke(&mut db, &who(), TokenKind::Join, &token.id, NOW).await.unwrap();
    assert_eq!(check_join(&mut db, &shown, HOST, b"ak", NOW).await.unwrap(), Err(JoinRefusal::Revoked));
    let view = &list(&mut db, TokenKind::Join, NOW).await.unwrap()[0];
    assert_eq!(view.used_by.as_deref(), Some(HOST.to_string().as_str()));
}

#[test]
fn what_is_no_token_is_not_looked_up() {
    let good = format!("lydian-op_{}_{}", "a".repeat(16), "b".repeat(64));
    assert!(Presented::parse(TokenKind::Operator, &good).is_some());
    assert!(Presented::parse(TokenKind::Join, &good).is_none());
    for bad in ["", "lydian-op", "lydian-op_a_b", &good[..good.len() - 1], &good.replace('b', "g")] {
        assert!(Presented::parse(TokenKind::Operator, bad).is_none(), "{bad}");
    }
}
