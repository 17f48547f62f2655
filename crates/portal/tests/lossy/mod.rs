//! A proxy on loopback that passes everything on to a server and loses what it is told to lose.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PASS: u8 = 0;
/// POSTs of keys reach the server, their answers do not come back.
const LOSE_ANSWERS: u8 = 1;
/// POSTs of keys do not reach the server.
const SWALLOW: u8 = 2;
/// As [`LOSE_ANSWERS`], and from then on nobody is there.
const THEN_CLOSE: u8 = 3;
const CLOSED: u8 = 4;

pub struct Proxy {
    pub url: String,
    mood: Arc<AtomicU8>,
}

impl Proxy {
    /// Listens until the test's runtime ends.
    pub async fn start(server: &str) -> Self {
        let address = server
            .split_once("://")
            .expect("has a scheme")
            .1
            .split('/')
            .next()
            .expect("has a host")
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v3", listener.local_addr().expect("is bound"));
        let mood = Arc::new(AtomicU8::new(PASS));
        let shared = Arc::clone(&mood);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(one_request(client, address.clone(), Arc::clone(&shared)));
            }
        });
        Self { url, mood }
    }

    pub fn lose_answers_to_posts(&self) {
        self.mood.store(LOSE_ANSWERS, Ordering::SeqCst);
    }

    pub fn swallow_posts(&self) {
        self.mood.store(SWALLOW, Ordering::SeqCst);
    }

    pub fn close_after_posts(&self) {
        self.mood.store(THEN_CLOSE, Ordering::SeqCst);
    }
}

/// Handles one request per connection, and closes it.
async fn one_request(mut client: TcpStream, server: String, mood: Arc<AtomicU8>) {
    let Some(request) = read_message(&mut client).await else {
        return;
    };
    let head = String::from_utf8_lossy(&request).into_owned();
    let making_a_key = head.starts_with("POST ") && head.contains("OS-EC2");
    let now = mood.load(Ordering::SeqCst);
    if now == CLOSED || (making_a_key && now == SWALLOW) {
        return;
    }
    let mut upstream = TcpStream::connect(server)
        .await
        .expect("the server is there");
    upstream
        .write_all(&closing(&request))
        .await
        .expect("takes it");
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await.expect("answers");
    if making_a_key && now != PASS {
        if now == THEN_CLOSE {
            mood.store(CLOSED, Ordering::SeqCst);
        }
        return;
    }
    let _ = client.write_all(&closing(&answer)).await;
    let _ = client.shutdown().await;
}

/// The same message with `Connection: close`, so that each connection carries one request.
fn closing(message: &[u8]) -> Vec<u8> {
    let end = message
        .windows(2)
        .position(|w| w == b"\r\n")
        .expect("has a first line")
        + 2;
    [&message[..end], b"Connection: close\r\n", &message[end..]].concat()
}

/// A whole request: its head and as many bytes as its Content-Length says.
async fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        if let Some(end) = message.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&message[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |n| n.trim().parse().expect("a number"));
            if message.len() >= end + 4 + length {
                return Some(message);
            }
        }
        if stream.read_buf(&mut message).await.ok()? == 0 {
            return None;
        }
    }
}
