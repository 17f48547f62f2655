//! Keys that are lent for a quarter of an hour, by a real gateway, while hours pass: the test's clock
//! runs as requests arrive, which a listener in front of the gateway sees.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wherry_account::Home;
use wherry_engine::Engine;
use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_testbed::{Rgw, unique_bucket};
use wherry_vault::VaultKind;

use crate::seat::*;

/// More than any of these tests needs for one step; a step that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(90);
/// The key that may take on the role, beside the gateway's own.
const ROLE_KEY: (&str, &str) = ("rolekey", "the-secret-of-the-role-key");

/// Seconds by which the test's clock is ahead.
type Ahead = Arc<AtomicI64>;

/// In front of the gateway: who signed what, and time that passes with every part of an upload.
#[derive(Clone, Default)]
struct Listener {
    /// `(what, access key id)` of each request that was signed.
    seen: Arc<Mutex<Vec<(String, String)>>>,
    lent: Arc<AtomicI64>,
    ahead: Ahead,
    /// Seconds that pass when a part arrives.
    part_takes: Arc<AtomicI64>,
}

impl Listener {
    async fn start(rgw: &Rgw) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("has one"));
        let gateway = rgw.endpoint.trim_start_matches("http://").to_owned();
        let me = Self::default();
        let all = me.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (me, gateway) = (all.clone(), gateway.clone());
                tokio::spawn(async move { me.carry(client, &gateway).await });
            }
        });
        (me, address)
    }

    async fn carry(&self, client: TcpStream, gateway: &str) -> std::io::Result<()> {
        let server = TcpStream::connect(gateway).await?;
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let back =
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = from_client.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            self.look(&buffer[..read]);
            to_server.write_all(&buffer[..read]).await?;
        }
        back.abort();
        Ok(())
    }

    /// Heads come in one piece: they are small and sent at once.
    fn look(&self, bytes: &[u8]) {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
        let Some(line) = head
            .lines()
            .next()
            .filter(|line| line.contains(" HTTP/1.1"))
        else {
            return;
        };
        if head.contains("/sts/aws4_request") {
            self.lent.fetch_add(1, Ordering::SeqCst);
        } else if let Some((_, rest)) = head.split_once("Credential=") {
            let id = rest.split('/').next().unwrap_or_default().to_owned();
            self.seen.lock().expect("whole").push((line.to_owned(), id));
        }
        if line.starts_with("PUT ") && line.contains("partNumber=") {
            let takes = self.part_takes.load(Ordering::SeqCst);
            self.ahead.fetch_add(takes, Ordering::SeqCst);
        }
    }

    fn lent(&self) -> i64 {
        self.lent.load(Ordering::SeqCst)
    }

    /// The keys of the requests whose first line has this in it, each once.
    fn keys_of(&self, what: &str) -> Vec<String> {
        let seen = self.seen.lock().expect("whole");
        let mut ids: Vec<String> = seen
            .iter()
            .filter(|(line, _)| line.contains(what))
            .map(|(_, id)| id.clone())
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

pub fn with_a_role() -> Rgw {
    let rgw = Rgw::start_private_with_sts();
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/test"]},"Action":["sts:AssumeRole"]}]}"#;
    let may = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*"}]}"#;
    let trust = format!("--assume-role-policy-doc={trust}");
    rgw.admin(&["role", "create", "--role-name=Crew", &trust]);
    let may = format!("--policy-doc={may}");
    rgw.admin(&[
        "role-policy",
        "put",
        "--role-name=Crew",
        "--policy-name=all",
        &may,
    ]);
    let (id, secret) = ROLE_KEY;
    rgw.admin(&[
        "key",
        "create",
        "--uid=test",
        "--key-type=s3",
        &format!("--access-key={id}"),
        &format!("--secret-key={secret}"),
    ]);
    rgw
}

fn no_longer_trusted(rgw: &Rgw) {
    let id = format!("--access-key={}", ROLE_KEY.0);
    rgw.admin(&["key", "rm", "--uid=test", "--key-type=s3", &id]);
}

fn by_key(id: &str, secret: &str) -> PortalSignIn {
    PortalSignIn::AccessKey {
        access_key_id: id.to_owned(),
        secret: typed(secret),
        session_token: None,
    }
}

/// An account whose keys the gateway lends for 15 minutes.
pub async fn lent_account(seat: &Seat, address: &str) -> NewKey {
    let request = PortalRequest {
        issuer: KeySource::StsAssumeRole,
        url: address.to_owned(),
        sign_in: by_key(ROLE_KEY.0, ROLE_KEY.1),
        options: PortalOptions {
            role_arn: "arn:aws:iam:::role/Crew".into(),
            duration: Some(900),
            ..PortalOptions::default()
        },
        client_secret: None,
        ca_file: None,
        proxy: None,
    };
    let signed_in = seat.engine.portal_sign_in(request).await.expect("signs in");
    let places = seat
        .engine
        .portal_scope(ScopeRequest {
            session: signed_in.session.clone(),
            scope: signed_in.scope.clone().expect("there is one"),
            password: None,
        })
        .await
        .expect("opens it");
    assert!(places.rules.lent && places.cannot_list.is_some());
    let wish = PortalAccount {
        session: signed_in.session,
        scope: String::new(),
        region: places.endpoints[0].region.clone(),
        endpoint: places.endpoints[0].url.clone(),
        name: "Crew".into(),
        provider: "other".into(),
        signing: None,
        ca_file: None,
        wish: KeyWishForm::default(),
    };
    seat.engine
        .portal_add_account(wish)
        .await
        .expect("makes it")
}

fn seat_with(ahead: &Ahead) -> Seat {
    let ahead = Arc::clone(ahead);
    Seat::with_clock(move || Utc::now() + TimeDelta::seconds(ahead.load(Ordering::SeqCst)))
}

/// Ten parts of 8 MiB, of which the memory for a transfer holds eight.
fn large(seat: &Seat) -> std::path::PathBuf {
    let bytes: Vec<u8> = (0..80_u32 << 20)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    seat.files("trip", &[("noise.bin", &bytes)])
}

async fn until(events: &mut wherry_engine::Listener, is: impl Fn(&Event) -> bool) -> Event {
    let found = async {
        loop {
            let event = events.next().await.expect("the engine lives");
            if is(&event) {
                return event;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found)
        .await
        .expect("it happens")
}

/// The upload runs until it waits for somebody to sign in.
async fn begins_and_waits(seat: &Seat, rgw: &Rgw, id: &str, top: &Location) -> JobView {
    let folder = large(seat);
    let plan = seat
        .plan(PlanWhat::Upload {
            to: top.clone(),
            paths: vec![folder.display().to_string()],
        })
        .await
        .expect("a plan");
    let mut events = seat.engine.events().listen();
    no_longer_trusted(rgw);
    let request = run_request(&plan, OnConflict::Skip);
    let job = seat.engine.run_plan(request).await.expect("runs");
    let needed = until(&mut events, |event| {
        matches!(event, Event::SignInNeeded { .. })
    })
    .await;
    assert!(matches!(needed, Event::SignInNeeded { account } if account == id));
    let waiting = until(&mut events, |event| {
        matches!(event, Event::Jobs { jobs } if jobs.iter().any(|j| j.id == job.id && j.problem.is_some()))
    })
    .await;
    let Event::Jobs { jobs } = waiting else {
        unreachable!("was just looked at")
    };
    jobs.into_iter().find(|j| j.id == job.id).expect("is in it")
}

// Promise: A lent key is renewed before it runs out, in the middle of a transfer too.
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_outlives_many_lent_keys() {
    let rgw = with_a_role();
    let (listener, address) = Listener::start(&rgw).await;
    let seat = seat_with(&listener.ahead);
    let made = lent_account(&seat, &address).await;
    let id = made.account.id;
    assert!(
        made.account.key.lent && made.account.key.state == KeyState::Fine,
        "{:?}",
        made.account.key
    );
    let name = unique_bucket("lent");
    seat.engine
        .create_bucket(bucket(&id, &name))
        .await
        .expect("makes a bucket");
    assert_eq!(
        listener.lent(),
        1,
        "the key lent at the sign-in is the one that is used"
    );

    // Each part takes longer than a key lives.
    listener.part_takes.store(1200, Ordering::SeqCst);
    let folder = large(&seat);
    let top = place(&id, &name, "");
    let job = seat
        .does(PlanWhat::Upload {
            to: top.clone(),
            paths: vec![folder.display().to_string()],
        })
        .await;
    assert_eq!(job.state, JobState::Done, "{:?}", seat.failures(&job).await);
    let (begun, parts) = (
        listener.keys_of("?uploads"),
        listener.keys_of("partNumber="),
    );
    assert!(parts.len() >= 2, "parts were signed with {parts:?} alone");
    let completed = listener
        .seen
        .lock()
        .expect("whole")
        .iter()
        .rev()
        .find(|(line, _)| line.starts_with("POST") && line.contains("uploadId="))
        .map(|(_, key)| key.clone());
    assert_ne!(
        begun.first(),
        completed.as_ref(),
        "begun and completed with one key"
    );
    assert_eq!(seat.names(&place(&id, &name, "trip/")).await, ["noise.bin"]);

    // What is remembered is the latest.
    let account = seat.account(&id).await;
    assert_ne!(
        account.key.access_key_id.as_deref(),
        Some(made.access_key_id.as_str())
    );
    assert_eq!(account.key.state, KeyState::Fine);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_at_once_have_the_key_renewed_once() {
    let rgw = with_a_role();
    let (listener, address) = Listener::start(&rgw).await;
    let seat = seat_with(&listener.ahead);
    let id = lent_account(&seat, &address).await.account.id;
    let name = unique_bucket("lent");
    seat.engine
        .create_bucket(bucket(&id, &name))
        .await
        .expect("makes a bucket");
    for round in 1..=3 {
        let before = listener.lent();
        // A minute short of its end, which is within the tenth of its life that is left unused.
        listener.ahead.fetch_add(840, Ordering::SeqCst);
        let asks = (0..20).map(|_| seat.engine.buckets(id.clone()));
        for answer in futures::future::join_all(asks).await {
            answer.expect("is answered");
        }
        assert_eq!(listener.lent() - before, 1, "in round {round}");
    }
    let before = listener.lent();
    listener.ahead.fetch_add(600, Ordering::SeqCst);
    seat.engine.buckets(id.clone()).await.expect("is answered");
    assert_eq!(listener.lent(), before, "ten minutes are no reason yet");
}

// Promise: When a key can no longer be renewed, a transfer waits for the user to sign in, and goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_waits_for_a_sign_in_and_goes_on() {
    let rgw = with_a_role();
    let (listener, address) = Listener::start(&rgw).await;
    let seat = seat_with(&listener.ahead);
    let id = lent_account(&seat, &address).await.account.id;
    let name = unique_bucket("lent");
    seat.engine
        .create_bucket(bucket(&id, &name))
        .await
        .expect("makes a bucket");
    let top = place(&id, &name, "");
    listener.part_takes.store(1200, Ordering::SeqCst);
    let waiting = begins_and_waits(&seat, &rgw, &id, &top).await;
    assert_eq!(waiting.state, JobState::Running);
    let problem = waiting.problem.expect("says what it waits for");
    assert_eq!(problem.code, "portal.sign-in");
    assert!(
        problem
            .what
            .starts_with("Waiting for you to sign in to 127.0.0.1:"),
        "{}",
        problem.what
    );
    assert_eq!(
        problem.remedies,
        [Remedy::SignIn {
            account: id.clone()
        }]
    );

    // Somebody who looks at a folder is not left waiting.
    let refused = seat.lists(&top).await.expect_err("is refused");
    assert_eq!(refused.code, "portal.sign-in");
    assert_eq!(
        refused.remedies,
        [Remedy::SignIn {
            account: id.clone()
        }]
    );
    assert_eq!(seat.account(&id).await.key.state, KeyState::Expired);
    let keys = seat.engine.account_keys(id.clone()).await.expect("answers");
    assert_eq!(
        keys.cannot_create.map(|p| p.code).as_deref(),
        Some("portal.sign-in")
    );
    // Nor is the portal asked again for each of them.
    let asked = listener.lent();
    let _ = seat.lists(&top).await.expect_err("is refused");
    assert_eq!(listener.lent(), asked);

    // A wrong key changes nothing.
    let mut events = seat.engine.events().listen();
    let sign_in = |key, secret| AccountSignIn {
        account: id.clone(),
        sign_in: by_key(key, secret),
        password: None,
        client_secret: None,
    };
    let wrong = seat
        .engine
        .account_sign_in(sign_in("testkey", "wrong"))
        .await;
    assert_eq!(
        wrong.expect_err("is refused").code,
        "portal.sign-in-refused"
    );

    let keys = seat
        .engine
        .account_sign_in(sign_in(&rgw.access_key, &rgw.secret_key))
        .await
        .expect("signs in");
    assert!(keys.cannot_create.is_none() && keys.key.state == KeyState::Fine);
    let ended = until(&mut events, |event| {
        matches!(event, Event::Jobs { jobs } if jobs.iter().any(|j| j.id == waiting.id && j.ended.is_some()))
    })
    .await;
    let Event::Jobs { jobs } = ended else {
        unreachable!("was just looked at")
    };
    let job = jobs
        .into_iter()
        .find(|j| j.id == waiting.id)
        .expect("is in it");
    assert_eq!(
        (job.state, job.files_done, job.problem),
        (JobState::Done, 1, None)
    );
    let rows = seat
        .lists(&place(&id, &name, "trip/"))
        .await
        .expect("lists");
    assert_eq!(rows[0].size, Some(80 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_waits_can_be_stopped_and_begun_again() {
    let rgw = with_a_role();
    let (listener, address) = Listener::start(&rgw).await;
    let seat = seat_with(&listener.ahead);
    let id = lent_account(&seat, &address).await.account.id;
    let name = unique_bucket("lent");
    seat.engine
        .create_bucket(bucket(&id, &name))
        .await
        .expect("makes a bucket");
    let top = place(&id, &name, "");
    listener.part_takes.store(1200, Ordering::SeqCst);
    let waiting = begins_and_waits(&seat, &rgw, &id, &top).await;
    let mut events = seat.engine.events().listen();
    seat.engine
        .cancel_job(waiting.id.clone())
        .await
        .expect("stops");
    until(&mut events, |event| {
        matches!(event, Event::Jobs { jobs } if jobs.iter().any(|j| j.id == waiting.id && j.state == JobState::Cancelled))
    })
    .await;

    let sign_in = AccountSignIn {
        account: id.clone(),
        sign_in: by_key(&rgw.access_key, &rgw.secret_key),
        password: None,
        client_secret: None,
    };
    seat.engine
        .account_sign_in(sign_in)
        .await
        .expect("signs in");
    let mut events = seat.engine.events().listen();
    seat.engine
        .retry_job(waiting.id.clone())
        .await
        .expect("begins again");
    until(&mut events, |event| {
        matches!(event, Event::Jobs { jobs } if jobs.iter().any(|j| j.id == waiting.id && j.state == JobState::Done))
    })
    .await;
    assert_eq!(seat.names(&place(&id, &name, "trip/")).await, ["noise.bin"]);
}

// Promise: What the next key is lent for is kept with the secret and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_start_needs_nobody() {
    let rgw = with_a_role();
    let (listener, address) = Listener::start(&rgw).await;
    let home = tempfile::tempdir().expect("a folder");
    let open = async || {
        let ahead = Arc::clone(&listener.ahead);
        let clock = move || Utc::now() + TimeDelta::seconds(ahead.load(Ordering::SeqCst));
        let place = Home::at(home.path().join("wherry"));
        let engine = Engine::with_clock(place, Some(VaultKind::File), clock);
        engine
            .unlock_vault("open sesame".into())
            .await
            .expect("unlocks");
        engine
    };
    let seat = Seat {
        engine: open().await,
        home: tempfile::tempdir().expect("a folder"),
    };
    let made = lent_account(&seat, &address).await;
    let id = made.account.id;
    seat.engine.shut_down().await;
    drop(seat);

    // At once: the key still works, and nobody is asked for another.
    let engine = open().await;
    let before = listener.lent();
    engine.buckets(id.clone()).await.expect("is answered");
    assert_eq!(listener.lent(), before);
    drop(engine);

    listener.ahead.fetch_add(5 * 3600, Ordering::SeqCst);
    let engine = open().await;
    engine
        .buckets(id.clone())
        .await
        .expect("is answered hours later");
    assert_eq!(listener.lent(), before + 1);
    let account = engine.accounts().await.expect("lists").remove(0);
    assert_ne!(account.key.access_key_id, Some(made.access_key_id));

    assert!(files_with(ROLE_KEY.1, home.path()).is_empty());
    assert!(
        !files_below(home.path()).is_empty(),
        "the search has something to look at"
    );
}
