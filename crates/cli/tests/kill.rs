//! `kill -9` of the real program at random moments of an upload, a download, a sync and a copy that the
//! store makes in parts, against a real store, and then the same command again: nothing lost, nothing
//! wrong, nothing left behind.
//!
//! A moment is a number of bytes that have passed between program and store, so that they spread over
//! the whole of the transfer however fast the machine is. `WHERRY_SOAK_KILLS` says how many kills there
//! are of each; `WHERRY_SEED` repeats the moments of a run.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod harness;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::TryStreamExt;
use harness::Cli;
use wherry_doubles::{Passing, Weir, magnified};
use wherry_store::{
    Body, ContentCheck, Credentials, GetRequest, ListRequest, ObjectStore, S3Config, S3Store,
    UploadPartRequest,
};
use wherry_testbed::{Rgw, Testbed, unique_bucket};

fn kills() -> usize {
    let text = std::env::var("WHERRY_SOAK_KILLS").unwrap_or_default();
    text.parse().unwrap_or(10)
}

/// xorshift64*: the same seed gives the same moments.
struct Random(u64);

impl Random {
    fn new(what: &str) -> Self {
        let now = || {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_nanos() as u64
        };
        let given = std::env::var("WHERRY_SEED")
            .ok()
            .and_then(|s| s.parse().ok());
        let seed = given.unwrap_or_else(now) | 1;
        println!("{what}: WHERRY_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit.max(1)
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length.div_ceil(8))
            .flat_map(|_| self.below(u64::MAX).to_le_bytes())
            .take(length)
            .collect()
    }
}

/// Stands between program and store, and counts what passes.
struct Wire {
    endpoint: String,
    passed: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Wire {
    fn to(endpoint: &str) -> Self {
        let store = endpoint
            .strip_prefix("http://")
            .unwrap()
            .trim_end_matches('/')
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = listener.local_addr().unwrap();
        let (passed, ended) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (count, over) = (Arc::clone(&passed), Arc::clone(&ended));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if over.load(SeqCst) {
                    return;
                }
                let Ok(server) = TcpStream::connect(&store) else {
                    continue;
                };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let count = Arc::clone(&count);
                    thread::spawn(move || carry(from, to, &count));
                }
            }
        });
        Self {
            endpoint: format!("http://{here}"),
            passed,
            ended,
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.ended.store(true, SeqCst);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(self.endpoint.strip_prefix("http://").unwrap());
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = [0; 16 << 10];
    while let Ok(n) = from.read(&mut buffer)
        && n > 0
    {
        count.fetch_add(n as u64, SeqCst);
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// How many times larger than they are objects seem in the test of copies in parts: what is copied in
/// parts has more than 5 GiB.
const TIMES: u64 = 256;

struct Bench {
    cli: Cli,
    wire: Wire,
    store: S3Store,
    bucket: String,
    runtime: tokio::runtime::Runtime,
    glass: Option<Weir>,
    _rgw: Rgw,
}

type Files = BTreeMap<String, Vec<u8>>;

impl Bench {
    fn new(name: &str) -> Self {
        Self::with(name, |rgw| (rgw.endpoint.clone(), None))
    }

    fn magnified(name: &str) -> Self {
        Self::with(name, |rgw| {
            let glass = magnified(&rgw.endpoint, &rgw.secret_key, TIMES);
            (glass.url.clone(), Some(glass))
        })
    }

    fn with(name: &str, before: impl FnOnce(&Rgw) -> (String, Option<Weir>)) -> Self {
        let (rgw, bucket) = (Testbed::rgw(), unique_bucket(name));
        let (seen, glass) = before(&rgw);
        let wire = Wire::to(&seen);
        let cli = Cli::with_key(&wire.endpoint, &rgw.access_key, &rgw.secret_key);
        cli.ok(["mb", &format!("s3://{bucket}")]);
        let key = Credentials {
            access_key_id: rgw.access_key.clone(),
            secret: rgw.secret_key.clone().into(),
            session_token: None,
        };
        let store = S3Store::new(S3Config::new(rgw.endpoint.parse().unwrap(), Some(key))).unwrap();
        Self {
            cli,
            wire,
            store,
            bucket,
            runtime: tokio::runtime::Runtime::new().unwrap(),
            glass,
            _rgw: rgw,
        }
    }

    /// Runs it until so many bytes have passed since its start, and kills it. None: it had ended.
    fn run_and_kill(&self, args: &[&str], after: u64) -> Option<ExitStatus> {
        let begun = self.wire.passed.load(SeqCst);
        let mut child = self.cli.command().args(args).spawn().unwrap();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "{args:?}: {status}");
                return None;
            }
            if self.wire.passed.load(SeqCst) - begun >= after {
                child.kill().unwrap();
                return Some(child.wait().unwrap());
            }
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// The bytes that pass when nobody interrupts.
    fn measured(&self, args: &[&str]) -> u64 {
        let begun = self.wire.passed.load(SeqCst);
        self.cli.ok(args);
        self.wire.passed.load(SeqCst) - begun
    }

    fn objects(&self, prefix: &str) -> Files {
        self.runtime.block_on(async {
            let mut found = Files::new();
            let mut continuation = None;
            loop {
                let request = ListRequest {
                    bucket: self.bucket.clone(),
                    prefix: prefix.to_owned(),
                    continuation,
                    ..ListRequest::default()
                };
                let page = self.store.list(request).await.unwrap();
                for object in page.objects {
                    let request = GetRequest {
                        bucket: self.bucket.clone(),
                        key: object.key.clone(),
                        ..GetRequest::default()
                    };
                    let body = self.store.get(request).await.unwrap().body;
                    let chunks: Vec<_> = body.try_collect().await.unwrap();
                    let name = object.key.strip_prefix(prefix).unwrap().to_owned();
                    found.insert(name, chunks.concat());
                }
                continuation = page.next;
                if continuation.is_none() {
                    return found;
                }
            }
        })
    }

    /// Past whatever is in between; its ETag.
    fn in_parts(&self, key: &str, bytes: &[u8], part: usize) -> String {
        let (store, bucket) = (&self.store, &self.bucket);
        self.runtime.block_on(async {
            let metadata = BTreeMap::new();
            let upload = store.create_upload(bucket, key, None, &metadata).await;
            let (upload, mut parts) = (upload.unwrap(), Vec::new());
            for (number, bytes) in (1..).zip(bytes.chunks(part)) {
                let request = UploadPartRequest {
                    bucket: bucket.clone(),
                    key: key.to_owned(),
                    upload: upload.clone(),
                    number,
                    body: Body::Bytes(bytes.to_vec().into()),
                    check: ContentCheck::default(),
                };
                parts.push(store.upload_part(request).await.unwrap());
            }
            let completed = store.complete_upload(bucket, key, &upload, &parts);
            completed.await.unwrap();
        });
        self.etag(key)
    }

    fn etag(&self, key: &str) -> String {
        let head = self.runtime.block_on(self.store.head(&self.bucket, key));
        head.unwrap().etag.unwrap()
    }

    fn no_upload_is_left(&self) {
        let left = self
            .runtime
            .block_on(self.store.list_uploads(&self.bucket, ""));
        assert_eq!(left.unwrap(), [], "unfinished uploads are left");
    }

    fn delete(&self, prefix: &str) {
        self.cli.ok([
            "rm",
            "-r",
            "--yes",
            &format!("s3://{}/{prefix}", self.bucket),
        ]);
    }

    fn journal_is_at_rest(&self) {
        let journal = wherry_transfer::Journal::open(&self.cli.home.path().join("wherry")).unwrap();
        let queue = journal.queue().unwrap();
        assert!(queue.is_empty(), "{queue:#?}");
        let left = journal.left_over().unwrap();
        assert!(left.is_empty(), "{left:#?}");
        assert!(journal.half_uploads(&self.bucket).unwrap().is_empty());
    }

    /// Kills the command at a random moment, half the time the next one too, and then lets it end.
    /// How often it was killed.
    fn killed_and_ended(&self, args: &[&str], whole: u64, random: &mut Random) -> usize {
        let mut killed = 0;
        loop {
            // What has been done already does not pass again.
            let moment = random.below(whole / (killed as u64 + 1));
            match self.run_and_kill(args, moment) {
                Some(status) => {
                    assert_eq!(status.signal(), Some(9));
                    killed += 1;
                }
                None => return killed,
            }
            if random.below(2) == 0 {
                break;
            }
        }
        self.cli.ok(args);
        killed
    }
}

/// One that goes in parts, and many small ones.
fn tree(random: &mut Random) -> Files {
    let mut files = Files::new();
    files.insert("deep/large.bin".into(), random.bytes((17 << 20) + 12_345));
    for i in 0..40 {
        let length = random.below(60_000) as usize;
        files.insert(format!("small/{i}"), random.bytes(length));
    }
    files.insert("empty".into(), Vec::new());
    files
}

fn write(folder: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn read(folder: &Path) -> Files {
    let (mut found, mut open) = (Files::new(), vec![folder.to_owned()]);
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

/// Without printing megabytes.
fn same(found: &Files, wanted: &Files, what: &str) {
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(wanted), "{what}");
    for (name, bytes) in wanted {
        assert!(found[name] == *bytes, "{what}: {name} is not what it was");
    }
}

fn an_upload_of_any_kind(name: &str, command: &[&str]) {
    let mut random = Random::new(name);
    let (bench, here) = (Bench::new(name), tempfile::tempdir().unwrap());
    let files = tree(&mut random);
    write(here.path(), &files);
    let from = format!("{}/", here.path().display());
    let to = |prefix: &str| format!("s3://{}/{prefix}", bench.bucket);
    let whole = bench.measured(&[command, &[&from, &to("first/")]].concat());
    let (mut killed, mut round) = (0, 0);
    while killed < kills() {
        round += 1;
        let prefix = format!("{round}/");
        let to = to(&prefix);
        killed += bench.killed_and_ended(&[command, &[&from, &to]].concat(), whole, &mut random);
        same(&bench.objects(&prefix), &files, &prefix);
        bench.no_upload_is_left();
        bench.journal_is_at_rest();
        bench.delete(&prefix);
    }
    println!("{name}: {killed} kills in {round} rounds, 0 lost, 0 wrong, 0 left behind");
}

#[test]
fn an_upload_survives_kill_9() {
    an_upload_of_any_kind("kill-upload", &["cp", "-r"]);
}

#[test]
fn a_sync_survives_kill_9() {
    an_upload_of_any_kind("kill-sync", &["sync"]);
}

#[test]
fn a_download_survives_kill_9() {
    let mut random = Random::new("kill-download");
    let (bench, here) = (Bench::new("kill-download"), tempfile::tempdir().unwrap());
    let files = tree(&mut random);
    write(&here.path().join("from"), &files);
    let from = format!("s3://{}/data/", bench.bucket);
    bench.cli.ok([
        "cp",
        "-r",
        &format!("{}/from/", here.path().display()),
        &from,
    ]);
    let to = |name: &str| here.path().join(name);
    let whole = bench.measured(&["cp", "-r", &from, to("first").to_str().unwrap()]);
    let (mut killed, mut round) = (0, 0);
    while killed < kills() {
        round += 1;
        let folder = to(&round.to_string());
        let args = ["cp", "-r", &from, folder.to_str().unwrap()];
        killed += bench.killed_and_ended(&args, whole, &mut random);
        // Drafts that are left would be files that nobody wants.
        same(&read(&folder), &files, "downloaded");
        bench.journal_is_at_rest();
        fs::remove_dir_all(&folder).unwrap();
    }
    println!("kill-download: {killed} kills in {round} rounds, 0 lost, 0 wrong, 0 left behind");
}

#[test]
fn a_copy_in_parts_survives_kill_9() {
    let mut random = Random::new("kill-copy");
    let bench = Bench::magnified("kill-copy");
    // Twelve parts of 5 MiB, which seem to be of 1.25 GiB; some are copied when others have been.
    let bytes = random.bytes((60 << 20) - 1000);
    let etag = bench.in_parts("original", &bytes, 5 << 20);
    let to = |name: &str| format!("s3://{}/{name}", bench.bucket);
    let from = to("original");
    let whole = bench.measured(&["cp", &from, &to("first")]);
    let glass = bench.glass.as_ref().unwrap();
    let copies = |asked: &Passing| asked.header("x-amz-copy-source").is_some();
    let parts = || glass.count(|asked| copies(asked) && asked.part().is_some());
    assert_eq!((parts(), glass.count(copies)), (12, 12));
    let (mut killed, mut round) = (0, 0);
    while killed < kills() {
        round += 1;
        let name = format!("copies/{round}");
        killed += bench.killed_and_ended(&["cp", &from, &to(&name)], whole, &mut random);
        let found = bench.objects("copies/");
        let wanted = Files::from([(round.to_string(), bytes.clone())]);
        same(&found, &wanted, &name);
        assert_eq!(bench.etag(&name), etag, "cut as the original was");
        bench.no_upload_is_left();
        bench.journal_is_at_rest();
        bench.delete("copies/");
    }
    let gone_on = glass.count(|asked| asked.method == "GET" && asked.target.contains("uploadId="));
    println!(
        "kill-copy: {killed} kills in {round} rounds, of which {gone_on} left half a copy; {} parts copied where {} were needed; 0 lost, 0 wrong, 0 left behind",
        parts(),
        (round + 1) * 12,
    );
}
