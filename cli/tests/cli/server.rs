//! A TLS server on the loopback that answers as a verifier's API does, and keeps what it was asked.
//!
//! It is the other side of the wire for the client's own behaviour: addresses, tokens, certificates, pages, errors. What a
//! real verifier answers is tested end to end elsewhere.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::run::program;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) protocol: &'static str,
}

impl Answer {
    pub(crate) fn json(value: &impl serde::Serialize) -> Self {
        Self { status: 200, body: serde_json::to_vec(value).unwrap(), protocol: "1" }
    }

    pub(crate) fn bytes(body: &[u8]) -> Self {
        Self { status: 200, body: body.to_vec(), protocol: "1" }
    }

    pub(crate) fn problem(status: u16, code: &str, detail: &str) -> Self {
        let body = serde_json::json!({"status": status, "code": code, "detail": detail});
        Self { status, ..Self::json(&body) }
    }
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

/// A server that lives as long as its test's process.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) ca_pem: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    folder: tempfile::TempDir,
}

impl Server {
    /// Answers by method and path (`GET /v1/hosts?limit=500`); everything else is 404.
    pub(crate) fn new(answers: &[(&str, Answer)]) -> Self {
        Self::named("127.0.0.1", answers)
    }

    /// The same with a certificate for another name.
    pub(crate) fn named(name: &str, answers: &[(&str, Answer)]) -> Self {
        let (config, ca_pem) = tls(name);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let answers: BTreeMap<String, Answer> =
            answers.iter().map(|(line, answer)| ((*line).to_owned(), answer.clone())).collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that does not like the certificate hangs up, and that is what is tested.
                let _ = serve(stream.unwrap(), &config, &answers, &log);
            }
        });
        Self { url, ca_pem, asked, folder: tempfile::tempdir().unwrap() }
    }

    /// `lydian` with this server's address and CA, and a token.
    pub(crate) fn lydian(&self) -> Command {
        let mut command = program();
        let ca = crate::run::file(&self.folder, "ca.pem", self.ca_pem.as_bytes());
        command.env("LYDIAN_URL", &self.url).env("LYDIAN_CA", ca).env("LYDIAN_TOKEN", "secret");
        command
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn tls(name: &str) -> (Arc<ServerConfig>, String) {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    (Arc::new(config), ca_pem)
}

fn serve(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    answers: &BTreeMap<String, Answer>,
    log: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    while let Some((line, asked)) = request(&mut stream)? {
        log.lock().unwrap().push(asked);
        let missing = Answer::problem(404, "not-found", "there is no such thing");
        let answer = answers.get(&line).unwrap_or(&missing);
        let head = format!(
            "HTTP/1.1 {} X\r\ncontent-length: {}\r\nlydian-protocol: {}\r\n\r\n",
            answer.status,
            answer.body.len(),
            answer.protocol
        );
        let out = stream.get_mut();
        out.write_all(&[head.as_bytes(), &answer.body].concat())?;
        out.flush()?;
    }
    Ok(())
}

fn request(
    stream: &mut BufReader<StreamOwned<ServerConnection, TcpStream>>,
) -> std::io::Result<Option<(String, Asked)>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let (mut authorization, mut length) = (None, 0);
    loop {
        let mut header = String::new();
        stream.read_line(&mut header)?;
        match header.trim_end().split_once(": ") {
            None => break,
            Some(("authorization", value)) => authorization = Some(value.to_owned()),
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    Ok(Some((line.clone(), Asked { line, authorization, body })))
}
