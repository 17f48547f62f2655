//! What people get wrong about an account or a bucket, and that each mistake has its own words; against
//! a real Ceph gateway.

use std::io::{Read, Write};
use std::net::TcpListener;

use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_testbed::{Testbed, unique_bucket};

use crate::seat::*;

/// What testing the form says: its code, and the words.
async fn tried(seat: &Seat, form: AccountForm) -> (String, String) {
    match seat.engine.test_account(form).await {
        Ok(test) => {
            assert_eq!(
                test.ok,
                test.problem
                    .as_ref()
                    .is_none_or(|p| p.code.ends_with("-denied"))
            );
            test.problem.map_or_else(
                || ("fine".into(), String::new()),
                |p| (p.code.clone(), format!("{} {}", p.what, p.todo)),
            )
        }
        Err(problem) => (
            problem.code.clone(),
            format!("{} {}", problem.what, problem.todo),
        ),
    }
}

// Promise: Certificates are checked against the system's authorities and those in the file that an
// account names.
#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_in_an_account_has_its_own_words() {
    let rgw = Testbed::rgw();
    let seat = Seat::new();
    let (id, secret) = (rgw.access_key.as_str(), rgw.secret_key.as_str());
    let page = web_page();
    let nobody = "http://127.0.0.1:9".to_owned();
    let plain_as_tls = rgw.endpoint.replacen("http:", "https:", 1);
    let tls_as_plain = rgw.tls_endpoint.replacen("https:", "http:", 1);
    for (endpoint, id, secret, code, words) in [
        (&rgw.endpoint, id, secret, "fine", ""),
        (
            &"http://s3.no-such-place.invalid".to_owned(),
            id,
            secret,
            "store.host-unknown",
            "typing mistakes",
        ),
        (&nobody, id, secret, "store.unreachable", "127.0.0.1:9"),
        (&plain_as_tls, id, secret, "store.tls", "http:// in front"),
        (&tls_as_plain, id, secret, "store.tls", "https:// in front"),
        (&page, id, secret, "store.not-s3", "not an S3 store"),
        (
            &rgw.tls_endpoint,
            id,
            secret,
            "store.certificate",
            "certificate file (PEM)",
        ),
        (
            &rgw.endpoint,
            "nobody",
            secret,
            "store.key-unknown",
            "does not know this access key",
        ),
        (
            &rgw.endpoint,
            id,
            "not the secret",
            "store.secret-wrong",
            "secret does not belong to it",
        ),
        (
            &rgw.endpoint,
            "",
            secret,
            "accounts.key-id",
            "access key id is missing",
        ),
        (
            &rgw.endpoint,
            id,
            "",
            "accounts.secret",
            "secret is missing",
        ),
        (
            &"https://s3.example.org/bucket".to_owned(),
            id,
            secret,
            "accounts.endpoint",
            "after the host name",
        ),
        (
            &"s3://bucket".to_owned(),
            id,
            secret,
            "accounts.endpoint",
            "path of a bucket",
        ),
    ] {
        let found = tried(&seat, form("Lab", endpoint, id, secret)).await;
        assert_eq!(found.0, code, "{endpoint}: {}", found.1);
        assert!(found.1.contains(words), "{endpoint}: {}", found.1);
        assert!(!found.1.contains(&rgw.secret_key), "{}", found.1);
    }
    let trusting = AccountForm {
        ca_file: Some(rgw.ca_file.display().to_string()),
        ..form("Lab", &rgw.tls_endpoint, id, secret)
    };
    assert_eq!(tried(&seat, trusting).await.0, "fine");
    let no_file = AccountForm {
        ca_file: Some("/no/such.pem".into()),
        ..form("Lab", &rgw.tls_endpoint, id, secret)
    };
    assert_eq!(tried(&seat, no_file).await.0, "accounts.ca-file");
    assert!(
        seat.engine.accounts().await.expect("lists").is_empty(),
        "testing saves nothing"
    );
}

// Promise: A bucket can be opened by its name where the key may not list buckets.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_list_opens_a_bucket_by_its_name() {
    let rgw = Testbed::rgw();
    let seat = Seat::new();
    let limited = &rgw.limited;
    let account = form(
        "Limited",
        &rgw.endpoint,
        &limited.access_key,
        &limited.secret_key,
    );
    let account = seat.engine.add_account(account).await.expect("is saved").id;
    let open = async |name: &str| seat.engine.open_bucket(bucket(&account, name)).await;
    let gone = open("no-such-bucket-anywhere")
        .await
        .expect_err("is not there");
    assert!(
        ["store.no-bucket", "store.denied"].contains(&gone.code.as_str()),
        "{gone:?}"
    );
    for odd in ["", "a/b", "https://host/bucket", "a?b"] {
        assert_eq!(
            open(odd).await.expect_err("is no name").code,
            "store.bucket-name",
            "{odd}"
        );
    }
    open(&rgw.limited_bucket).await.expect("opens");
    let listed = seat
        .engine
        .buckets(account.clone())
        .await
        .expect("says what it has");
    assert!(listed.buckets.iter().any(|b| b.name == rgw.limited_bucket));
    let names = seat.names(&place(&account, &rgw.limited_bucket, "")).await;
    assert!(names.contains(&"about.txt".to_owned()), "{names:?}");
    // Another start of the app knows it again.
    assert_eq!(
        seat.account(&account).await.opened_buckets,
        std::slice::from_ref(&rgw.limited_bucket)
    );
    let here = seat.files("mine", &[("x.txt", b"x")]);
    let upload = PlanWhat::Upload {
        to: place(&account, &rgw.limited_bucket, ""),
        paths: vec![here.join("x.txt").display().to_string()],
    };
    let job = seat.does(upload).await;
    let failures = seat.failures(&job).await;
    assert_eq!((job.state, failures.len()), (JobState::Failed, 1));
    assert_eq!(failures[0].1.code, "store.denied", "{failures:?}");
    assert!(
        failures[0].1.what.contains("does not allow this key"),
        "{failures:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bucket_names_are_checked_here_and_taken_ones_are_said_to_be() {
    let rgw = Testbed::rgw();
    let seat = Seat::new();
    let add = async |name: &str, id: &str, secret: &str| {
        seat.engine
            .add_account(form(name, &rgw.endpoint, id, secret))
            .await
            .expect("is saved")
            .id
    };
    let mine = add("Mine", &rgw.access_key, &rgw.secret_key).await;
    let theirs = add("Theirs", &rgw.other.access_key, &rgw.other.secret_key).await;
    let long = "x".repeat(64);
    for name in [
        "",
        "ab",
        "Uppercase",
        "under_score",
        "-dash",
        "dash-",
        "a..b",
        "10.0.0.1",
        &long,
        "ünïcode",
    ] {
        let problem = seat
            .engine
            .create_bucket(bucket(&mine, name))
            .await
            .expect_err("is no name");
        assert_eq!(problem.code, "store.bucket-name", "{name}");
        assert!(
            seat.engine
                .check_bucket_name(name.to_owned())
                .await
                .expect("answers")
                .is_some(),
            "{name}"
        );
    }
    let name = unique_bucket("taken");
    assert_eq!(
        seat.engine
            .check_bucket_name(name.clone())
            .await
            .expect("answers"),
        None
    );
    seat.engine
        .create_bucket(bucket(&theirs, &name))
        .await
        .expect("is theirs");
    let taken = seat
        .engine
        .create_bucket(bucket(&mine, &name))
        .await
        .expect_err("is taken");
    assert_eq!(taken.code, "store.bucket-taken", "{taken:?}");
    assert!(
        taken.what.contains(&name) && taken.todo.contains("choose another"),
        "{taken:?}"
    );
    seat.engine
        .delete_bucket(bucket(&theirs, &name))
        .await
        .expect("clears up");
}

/// A web server that answers everything with a page.
fn web_page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = format!("http://{}", listener.local_addr().expect("has one"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8192]);
            let page = "<!doctype html><title>Institute of Rivers</title><h1>Welcome</h1>";
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                page.len()
            );
            let _ = stream.write_all((head + page).as_bytes());
        }
    });
    address
}
