//! The network in front of a real store, HTTP request by request: what it lets through, breaks off,
//! answers by itself, or changes on its way.
//!
//! Requests are passed on as they came, because their signatures cover them, unless a test signs them anew. Each connection serves one
//! request, so that what a test does to the way between two requests is met by the next one.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, oneshot, watch};

/// One request, as far as its head tells.
#[derive(Debug, Clone)]
pub struct Passing {
    pub method: String,
    /// With its query.
    pub target: String,
    /// All lines, as they came.
    pub head: String,
    /// How many of this method and target came before.
    pub again: usize,
    /// How many came before, whatever they were.
    pub before: usize,
}

impl Passing {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn length(&self) -> usize {
        let length = self.header("content-length");
        length.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The part's number, of one that sends a part.
    pub fn part(&self) -> Option<u32> {
        let (_, rest) = self.target.split_once("partNumber=")?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok().filter(|_| self.method == "PUT")
    }

    /// Puts the parts of an upload together.
    pub fn completes(&self) -> bool {
        self.method == "POST" && self.target.contains("uploadId=")
    }

    /// Begins an upload in parts.
    pub fn begins(&self) -> bool {
        self.method == "POST" && self.target.contains("?uploads")
    }
}

/// What becomes of a request.
pub enum Fate {
    Pass,
    /// This comes back, and the store hears nothing.
    Answer(Vec<u8>),
    /// After so many bytes of the body the connection is gone, and the store hears nothing.
    Break(usize),
    /// The store does what it was asked, and the answer is lost.
    LoseAnswer,
    /// What the store answers, head and body, is changed.
    Alter(Box<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>),
    /// What is asked of the store, head and body, is changed.
    Recast(Box<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>),
    /// Passed on when that says true.
    When(watch::Receiver<bool>),
    /// Passed on when so many are waiting here.
    Together(Arc<Barrier>),
}

impl Fate {
    /// A refusal as S3 words it, with a line to be put into its head.
    pub fn refuse_with(status: u16, code: &str, line: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message></Message></Error>"
        );
        Self::Answer(answer(status, line, &body))
    }

    pub fn refuse(status: u16, code: &str) -> Self {
        Self::refuse_with(status, code, "")
    }
}

/// An answer with an XML body.
pub fn answer(status: u16, line: &str, body: &str) -> Vec<u8> {
    let line = if line.is_empty() {
        String::new()
    } else {
        format!("{line}\r\n")
    };
    format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n{line}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

type Rule = dyn Fn(&Passing) -> Fate + Send + Sync;

#[derive(Default)]
struct Bank {
    upstream: String,
    rule: Mutex<Option<Arc<Rule>>>,
    seen: Mutex<Vec<Passing>>,
    /// Of those that were seen.
    answered: Mutex<HashSet<usize>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Open {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Listens on a free port of loopback until it is dropped.
pub struct Weir {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    address: SocketAddr,
    bank: Arc<Bank>,
    open: Mutex<Option<Open>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Weir {
    /// In front of the store at this address, `http://HOST:PORT`.
    pub fn before(store: &str) -> Self {
        let upstream = store.trim_start_matches("http://").trim_end_matches('/');
        let bank = Arc::new(Bank {
            upstream: upstream.to_owned(),
            ..Bank::default()
        });
        let (open, address) = serve(&bank, "127.0.0.1:0".parse().expect("an address"));
        Self {
            url: format!("http://{address}"),
            address,
            bank,
            open: Mutex::new(Some(open)),
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on.
    pub fn rule(&self, rule: impl Fn(&Passing) -> Fate + Send + Sync + 'static) {
        *lock(&self.bank.rule) = Some(Arc::new(rule));
    }

    pub fn let_all_pass(&self) {
        *lock(&self.bank.rule) = None;
    }

    /// Nobody answers at the address any more.
    pub fn close(&self) {
        let open = lock(&self.open).take();
        if let Some(open) = open {
            drop(open.stop);
            // A panic in there has been printed, and failed the test where it mattered.
            let _ = open.thread.join();
        }
    }

    /// Answers again.
    pub fn reopen(&self) {
        let (open, _) = serve(&self.bank, self.address);
        *lock(&self.open) = Some(open);
    }

    pub fn seen(&self) -> Vec<Passing> {
        lock(&self.bank.seen).clone()
    }

    pub fn count(&self, is: impl Fn(&Passing) -> bool) -> usize {
        lock(&self.bank.seen).iter().filter(|p| is(p)).count()
    }

    /// Those whose answer was handed over whole.
    pub fn answered(&self, is: impl Fn(&Passing) -> bool) -> usize {
        let answered = lock(&self.bank.answered).clone();
        self.count(|passing| answered.contains(&passing.before) && is(passing))
    }

    /// Most requests that were under way at once since this was asked last.
    pub fn most_at_once(&self) -> usize {
        self.bank.most.swap(self.bank.now.load(SeqCst), SeqCst)
    }
}

impl Drop for Weir {
    fn drop(&mut self) {
        self.close();
    }
}

fn serve(bank: &Arc<Bank>, at: SocketAddr) -> (Open, SocketAddr) {
    let bank = Arc::clone(bank);
    let (stop, stopped) = oneshot::channel::<()>();
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        runtime.block_on(async {
            let listener = TcpListener::bind(at).await.expect("the port is free");
            tell.send(listener.local_addr().expect("it is bound"))
                .expect("somebody waits");
            let serving = async {
                loop {
                    if let Ok((client, _)) = listener.accept().await {
                        let bank = Arc::clone(&bank);
                        // Connections break, which is what this is for.
                        tokio::spawn(async move { bank.carry(client).await });
                    }
                }
            };
            tokio::select! {
                () = serving => {}
                _ = stopped => {}
            }
        });
        runtime.shutdown_background();
    });
    let address = told.recv().expect("it listens");
    (Open { stop, thread }, address)
}

/// Counts while it lives.
struct UnderWay<'b>(&'b Bank);

impl<'b> UnderWay<'b> {
    fn one_more(bank: &'b Bank) -> Self {
        let now = bank.now.fetch_add(1, SeqCst) + 1;
        bank.most.fetch_max(now, SeqCst);
        Self(bank)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

impl Bank {
    async fn carry(&self, mut client: TcpStream) -> io::Result<()> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = find(&bytes, b"\r\n\r\n") {
                break end + 4;
            }
            // One that was opened in vain ends here, and counts for nothing.
            if client.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let under_way = UnderWay::one_more(self);
        let passing = self.note(String::from_utf8_lossy(&bytes[..end]).into_owned());
        let rule = lock(&self.rule).clone();
        let fate = rule.map_or(Fate::Pass, |rule| rule(&passing));
        let whole = end + passing.length();
        let until = match &fate {
            Fate::Break(after) => whole.min(end + after),
            _ => whole,
        };
        while bytes.len() < until {
            if client.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        }
        let back = match fate {
            Fate::Break(_) => return Ok(()),
            Fate::Answer(answer) => answer,
            Fate::Pass => self.pass_on(&bytes).await?,
            Fate::LoseAnswer => {
                self.pass_on(&bytes).await?;
                return Ok(());
            }
            Fate::Alter(alter) => alter(self.pass_on(&bytes).await?),
            Fate::Recast(recast) => self.pass_on(&recast(bytes)).await?,
            Fate::When(mut may) => {
                // Nobody who could say so any more: then it never passes.
                if may.wait_for(|may| *may).await.is_err() {
                    return Ok(());
                }
                self.pass_on(&bytes).await?
            }
            Fate::Together(all) => {
                all.wait().await;
                self.pass_on(&bytes).await?
            }
        };
        // Whoever has the answer may ask for the next thing.
        drop(under_way);
        client.write_all(&back).await?;
        client.shutdown().await?;
        lock(&self.answered).insert(passing.before);
        Ok(())
    }

    fn note(&self, head: String) -> Passing {
        let mut words = head.split(' ').map(str::to_owned);
        let (method, target) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let mut seen = lock(&self.seen);
        let same = |p: &&Passing| p.method == method && p.target == target;
        let passing = Passing {
            again: seen.iter().filter(same).count(),
            before: seen.len(),
            method,
            target,
            head,
        };
        seen.push(passing.clone());
        passing
    }

    async fn pass_on(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let store = TcpStream::connect(&self.upstream).await?;
        let (mut from_store, mut to_store) = store.into_split();
        let line = find(request, b"\r\n").unwrap_or_default() + 2;
        let sending = async {
            to_store.write_all(&request[..line]).await?;
            to_store.write_all(b"connection: close\r\n").await?;
            to_store.write_all(&request[line..]).await
        };
        let mut answer = Vec::new();
        let (sent, read) = tokio::join!(sending, from_store.read_to_end(&mut answer));
        // A store that refuses need not read all of what it refuses.
        if answer.is_empty() {
            sent.and(read)?;
        }
        Ok(answer)
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|w| w == what)
}
