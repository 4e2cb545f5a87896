//! What watches find is told to an address, with the real programs: once it can be reached, in order, and nothing of it is lost.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};
use support::wait::until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use wire::watch::{Alerts, WatchList};

use crate::fleet::{Fleet, package};

/// Somebody who is told, and who may be in no mood for it.
struct Told {
    url: String,
    listens: Arc<AtomicBool>,
    posts: mpsc::UnboundedReceiver<String>,
}

impl Told {
    async fn new() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/alerts", listener.local_addr()?);
        let (listens, (tell, posts)) = (Arc::new(AtomicBool::new(false)), mpsc::unbounded_channel());
        let accepts = Arc::clone(&listens);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(post) = answered(stream, accepts.load(Ordering::SeqCst)).await else { continue };
                if post.is_some_and(|post| tell.send(post).is_err()) {
                    break;
                }
            }
        });
        Ok(Self { url, listens, posts })
    }

    /// The next post that was accepted, and its head.
    async fn next(&mut self) -> Result<(String, Alerts)> {
        let post = tokio::time::timeout(support::wait::DEADLINE, self.posts.recv()).await?;
        let post = post.context("nobody listens any more")?;
        let (head, body) = post.split_once("\r\n\r\n").context("no body")?;
        Ok((head.to_lowercase(), serde_json::from_str(body)?))
    }
}

/// Reads one request; what was accepted is given back.
async fn answered(mut stream: TcpStream, accept: bool) -> Result<Option<String>> {
    let (mut read, mut part) = (Vec::new(), [0; 4096]);
    let text = loop {
        let count = stream.read(&mut part).await?;
        ensure!(count > 0, "it ended early");
        read.extend(part.iter().take(count));
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").and_then(|length| length.trim().parse::<usize>().ok())
        });
        if body.len() >= length.context("no length")? {
            break text;
        }
    };
    let status = if accept { "204 No Content" } else { "503 Service Unavailable" };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await?;
    Ok(accept.then_some(text))
}

async fn list(world: &Fleet) -> Result<WatchList> {
    world.operator.read("/v1/watches").await
}

#[tokio::test]
async fn what_is_found_is_told_until_somebody_has_it() -> Result<()> {
    let mut world = Fleet::new().await?;
    let mut told = Told::new().await?;
    let bad = package("xz-utils", "5.6.1", b"bad", None)?;
    for name in ["before", "while-away", "after"] {
        world.host(name).await?;
    }
    world.toggle("before", &bad).await?;
    let added = world.lydian_as_admin(&["watch", "add", "xz", "package:xz-utils>=5.6.0"]).await?;
    added.succeeded()?;
    let found = async |hits: u64, world: &Fleet| {
        let list = list(world).await?;
        Ok(list.watches.first().is_some_and(|watch| watch.hits >= hits).then_some(list))
    };
    let before = until("what was is found", async || found(1, &world).await).await?;
    ensure!(before.alerts.is_none(), "{before:?}");

    let dir = tempfile::tempdir()?;
    let secret = dir.path().join("authorization");
    std::fs::write(&secret, "Bearer 0123abcd\n")?;
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600))?;
    let mut alerts = toml::Table::new();
    alerts.insert("url".into(), told.url.clone().into());
    alerts.insert("authorization-file".into(), secret.display().to_string().into());
    world.verifier.restart_alerting(alerts).await?;

    world.toggle("while-away", &bad).await?;
    let failing = until("it is known that nobody listens", async || {
        let list = list(&world).await?;
        let fails = list.alerts.as_ref().is_some_and(|alerts| alerts.error.is_some() && alerts.waiting == 1);
        Ok(fails.then_some(list))
    })
    .await?;
    let why = failing.alerts.and_then(|alerts| alerts.error).unwrap_or_default();
    ensure!(why.contains("503") && !why.contains("alerts"), "{why}");
    let shown = world.lydian(&["watch", "list"]).await?;
    ensure!(shown.stderr.contains("1 alert could not be told: it answers 503"), "{}", shown.stderr);

    // What waits outlives the verifier.
    world.verifier.restart().await?;
    told.listens.store(true, Ordering::SeqCst);
    let (head, first) = told.next().await?;
    ensure!(
        head.starts_with("post /alerts http/1.1") && head.contains("authorization: bearer 0123abcd"),
        "{head}"
    );
    ensure!(first.verifier == "verifier.test/lydian", "{first:?}");
    let names = |alerts: &Alerts| -> Vec<(String, String)> {
        alerts.alerts.iter().map(|alert| (alert.watch.clone(), alert.hit.name.clone())).collect()
    };
    ensure!(
        names(&first) == [("xz".to_owned(), "while-away".to_owned())],
        "what was before is not told: {first:?}"
    );

    world.toggle("after", &bad).await?;
    let (_, second) = told.next().await?;
    ensure!(names(&second) == [("xz".to_owned(), "after".to_owned())], "each is told once: {second:?}");
    ensure!(second.alerts[0].hit.id > first.alerts[0].hit.id);
    until("nothing waits", async || {
        let alerts = list(&world).await?.alerts;
        Ok(alerts.is_some_and(|alerts| alerts.waiting == 0 && alerts.error.is_none()).then_some(()))
    })
    .await?;
    let shown = world.lydian(&["watch", "list"]).await?;
    ensure!(!shown.stderr.contains("could not be told"), "{}", shown.stderr);
    Ok(())
}
