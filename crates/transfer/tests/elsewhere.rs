//! What is written for another computer, run by the real tools against a real store.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use url::Url;
use wherry_account::{
    Account, AccountId, Addressing, KeyFacts, PartLimits, Quirks, Signing, provider,
};
use wherry_store::{Credentials, ListRequest, ObjectStore, S3Config, S3Store};
use wherry_testbed::{Rgw, Testbed, unique_bucket};
use wherry_transfer::elsewhere::{Errand, KeyThere, Spot, StoreThere, Tool, Work, Written, write};
use wherry_transfer::*;

/// The other computer: somebody's home with a key in it, and the tools.
struct Other {
    home: tempfile::TempDir,
    tools: PathBuf,
    store: Arc<dyn ObjectStore>,
    there: StoreThere,
    bucket: String,
}

impl Other {
    async fn new(rgw: &Rgw) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        let section = format!(
            "[lab]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            rgw.access_key, rgw.secret_key
        );
        fs::write(home.path().join(".aws/credentials"), section).unwrap();
        let key = Credentials {
            access_key_id: rgw.access_key.clone(),
            secret: rgw.secret_key.clone().into(),
            session_token: None,
        };
        let endpoint: Url = rgw.endpoint.parse().unwrap();
        let store = S3Store::new(S3Config::new(endpoint.clone(), Some(key))).unwrap();
        let store: Arc<dyn ObjectStore> = Arc::new(store);
        let bucket = unique_bucket("elsewhere");
        store.create_bucket(&bucket).await.unwrap();
        let there = StoreThere {
            name: "lab".into(),
            account: "lab".into(),
            endpoint,
            region: "us-east-1".into(),
            addressing: Addressing::Path,
            signing: Signing::V4,
            quirks: Quirks::default(),
            key: KeyThere::Profile("lab".into()),
            own_ca: false,
            lent: false,
        };
        Self {
            home,
            tools: Testbed::tools(),
            store,
            there,
            bucket,
        }
    }

    fn at(&self, key: &str) -> Spot {
        Spot::Store {
            store: Box::new(self.there.clone()),
            bucket: self.bucket.clone(),
            key: key.into(),
        }
    }

    fn shell(&self, script: &str) -> Output {
        Command::new("bash")
            .args(["-c", script])
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", format!("{}:/usr/bin:/bin", self.tools.display()))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .current_dir(self.home.path())
            .output()
            .unwrap()
    }

    #[track_caller]
    fn run(&self, script: &str) {
        let output = self.shell(script);
        assert!(output.status.success(), "{script}\n{output:?}");
    }

    async fn listed(&self, prefix: &str) -> BTreeSet<String> {
        let mut request = ListRequest {
            bucket: self.bucket.clone(),
            prefix: prefix.into(),
            ..ListRequest::default()
        };
        let mut keys = BTreeSet::new();
        loop {
            let page = self.store.list(request.clone()).await.unwrap();
            let below = |o: wherry_store::ObjectInfo| o.key[prefix.len()..].to_owned();
            keys.extend(page.objects.into_iter().map(below));
            let Some(next) = page.next else { return keys };
            request.continuation = Some(next);
        }
    }
}

fn path(path: &Path) -> Spot {
    Spot::Path(format!("{}/", path.display()))
}

fn filter(include: &[&str], exclude: &[&str]) -> Filter {
    let owned = |list: &[&str]| list.iter().map(|p| (*p).to_owned()).collect();
    Filter::new(FilterSpec {
        include: owned(include),
        exclude: owned(exclude),
        ..FilterSpec::default()
    })
    .unwrap()
}

fn errand(from: Spot, to: Spot, filter: Filter) -> Errand {
    Errand {
        from,
        to,
        work: Work::Copy { no_clobber: false },
        filter,
        with_litter: false,
    }
}

const NAMES: [&str; 30] = [
    "a.tmp",
    "keep.nc",
    "d/a.tmp",
    "d/keep.nc",
    "d/e/deep.nc",
    "cache/x",
    "d/cache/y",
    "d/cached",
    "cache.txt",
    "old.tmp/inside.nc",
    "x[1].nc",
    "star*.nc",
    "what?.nc",
    "it's \"quoted\" $HOME `id`.nc",
    "line\nbreak.nc",
    "cache/line\nbreak",
    "ünï/日本.nc",
    "é.nc",
    "-rf",
    " space ",
    "{a,b}.nc",
    "back\\slash",
    "semi;colon&amp|",
    ".DS_Store",
    "d/Thumbs.db",
    ".notes.swp",
    ".hidden/x.swp",
    "~$open.docx",
    "photo.JPG",
    "photo.jpg",
];

const FILTERS: [(&[&str], &[&str]); 14] = [
    (&[], &[]),
    (&[], &["*.tmp"]),
    (&[], &["cache"]),
    (&[], &["cache/"]),
    (&["*.nc"], &[]),
    (&["*.nc", "/d/"], &["old.tmp"]),
    (&[], &["/cache", "/d/e/*"]),
    (&["?.nc"], &[]),
    (&["photo.{jpg,png}", "[!a-c].nc"], &[]),
    (&["**/cache/**"], &[]),
    (&["/d/**/deep.nc", "x\\[1\\].nc", "star\\**"], &[]),
    (&[], &["cache*"]),
    (&["line*"], &["*'s *"]),
    (&["d"], &["/d/cache"]),
];

fn tree(folder: &Path) -> BTreeSet<String> {
    for name in NAMES {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, name).unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link.nc")).unwrap();
    NAMES.iter().map(|n| (*n).to_owned()).collect()
}

/// What Wherry itself would take.
fn taken(names: &BTreeSet<String>, filter: &Filter) -> BTreeSet<String> {
    names
        .iter()
        .filter(|name| {
            let last = name.rsplit('/').next().unwrap();
            filter.takes_name(name) && !is_litter(last)
        })
        .cloned()
        .collect()
}

// Promise: Filters mean the same to the command that is written as they do here; what a tool cannot
// do with the same meaning is refused.
#[tokio::test]
async fn filters_mean_the_same_to_rclone() {
    let other = Other::new(&Testbed::rgw()).await;
    let names = tree(&other.home.path().join("tree"));
    for (number, (include, exclude)) in FILTERS.into_iter().enumerate() {
        let filter = filter(include, exclude);
        let key = format!("r{number}/");
        let from = path(&other.home.path().join("tree"));
        let errand = errand(from, other.at(&key), filter.clone());
        let written = write(&errand, Tool::Rclone, None).unwrap();
        other.run(&written.command);
        assert_eq!(
            other.listed(&key).await,
            taken(&names, &filter),
            "{include:?} {exclude:?}\n{}",
            written.command
        );
    }
}

#[tokio::test]
async fn filters_mean_the_same_to_s5cmd_or_are_refused() {
    let other = Other::new(&Testbed::rgw()).await;
    let names = tree(&other.home.path().join("tree"));
    // What it cannot say is said in a note; these are such names.
    let litter = [".notes.swp", ".hidden/x.swp"];
    let mut carried = 0;
    for (number, (include, exclude)) in FILTERS.into_iter().enumerate() {
        let filter = filter(include, exclude);
        let key = format!("s{number}/");
        let from = path(&other.home.path().join("tree"));
        let errand = errand(from, other.at(&key), filter.clone());
        let Ok(written) = write(&errand, Tool::S5cmd, None) else {
            continue;
        };
        carried += 1;
        other.run(&written.command);
        let mut expected = taken(&names, &filter);
        expected.extend(
            litter
                .iter()
                .filter(|name| filter.takes_name(name))
                .map(|n| (*n).to_owned()),
        );
        assert_eq!(
            other.listed(&key).await,
            expected,
            "{include:?} {exclude:?}\n{}",
            written.command
        );
    }
    assert!(carried >= 7, "only {carried} are carried over");
}

#[tokio::test]
async fn sizes_and_times_are_carried_to_rclone() {
    let other = Other::new(&Testbed::rgw()).await;
    let tree = other.home.path().join("tree");
    fs::create_dir(&tree).unwrap();
    let now = SystemTime::now();
    for (name, size, days) in [
        ("small", 5, 1),
        ("fits", 50, 1),
        ("old", 50, 40),
        ("big", 500, 1),
    ] {
        fs::write(tree.join(name), vec![b'x'; size]).unwrap();
        let file = fs::File::options()
            .write(true)
            .open(tree.join(name))
            .unwrap();
        file.set_modified(now - Duration::from_secs(days * 86_400))
            .unwrap();
    }
    let month_ago = DateTime::<Utc>::from(now - Duration::from_hours(30 * 24));
    let spec = FilterSpec {
        min_size: Some(50),
        max_size: Some(50),
        since: Some(month_ago),
        ..FilterSpec::default()
    };
    let spec_until = FilterSpec {
        until: Some(month_ago),
        ..FilterSpec::default()
    };
    for (key, spec, expected) in [("a/", spec, "fits"), ("b/", spec_until, "old")] {
        let filter = Filter::new(spec).unwrap();
        let errand = errand(path(&tree), other.at(key), filter);
        assert!(write(&errand, Tool::S5cmd, None).is_err());
        other.run(&write(&errand, Tool::Rclone, None).unwrap().command);
        assert_eq!(
            other.listed(key).await,
            BTreeSet::from([expected.to_owned()])
        );
        // Back: by the time at which the object was stored.
        let down = errand_down(&other, key, errand.filter.clone());
        assert!(write(&down, Tool::Rclone, None).is_ok());
    }
}

fn errand_down(other: &Other, key: &str, filter: Filter) -> Errand {
    errand(other.at(key), path(&other.home.path().join("back")), filter)
}

#[tokio::test]
async fn a_sync_goes_on_elsewhere_where_it_was_here() {
    let other = Other::new(&Testbed::rgw()).await;
    let tree = other.home.path().join("tree");
    for name in ["same", "d/same", "skip.log"] {
        let path = tree.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    let options = SyncOptions::default();
    let to = SyncEnd::Objects {
        store: Arc::clone(&other.store),
        host: "rgw".into(),
        bucket: other.bucket.clone(),
        prefix: "p/".into(),
    };
    let plan = SyncPlan::make(
        SyncEnd::Folder(tree.clone()),
        to,
        options,
        &Watch::default(),
    )
    .await
    .unwrap();
    let stores = run::SyncStores {
        to: Some(Arc::clone(&other.store)),
        ..run::SyncStores::default()
    };
    let ended = Job::sync(plan, stores, Settings::default())
        .await
        .unwrap()
        .wait()
        .await;
    assert_eq!(ended.files_done, 3);
    let before = other.store.head(&other.bucket, "p/same").await.unwrap();
    fs::write(tree.join("new"), "new").unwrap();
    fs::remove_file(tree.join("d/same")).unwrap();
    fs::remove_file(tree.join("skip.log")).unwrap();
    let errand = Errand {
        work: Work::Sync {
            compare: Compare::Time,
            delete: true,
        },
        ..errand(path(&tree), other.at("p/"), filter(&[], &["*.log"]))
    };
    // With a filter, s5cmd would delete what the filter leaves out.
    assert!(write(&errand, Tool::S5cmd, None).is_err());
    let written = write(&errand, Tool::Rclone, None).unwrap();
    other.run(&written.script);
    let names = ["new", "same", "skip.log"].map(str::to_owned);
    assert_eq!(other.listed("p/").await, BTreeSet::from(names));
    let after = other.store.head(&other.bucket, "p/same").await.unwrap();
    assert_eq!(
        after.modified, before.modified,
        "what is the same is not sent again"
    );

    let unfiltered = Errand {
        filter: Filter::default(),
        ..errand.clone()
    };
    other.run(&write(&unfiltered, Tool::S5cmd, None).unwrap().script);
    let names = ["new", "same"].map(str::to_owned);
    assert_eq!(other.listed("p/").await, BTreeSet::from(names));
    let last = other.store.head(&other.bucket, "p/same").await.unwrap();
    assert_eq!(last.modified, before.modified);

    let sizes = Filter::new(FilterSpec {
        max_size: Some(10),
        ..FilterSpec::default()
    });
    let cut = Errand {
        filter: sizes.unwrap(),
        ..errand
    };
    assert!(write(&cut, Tool::Rclone, None).is_err());
}

#[tokio::test]
async fn single_names_from_hell_go_both_ways() {
    let other = Other::new(&Testbed::rgw()).await;
    for tool in [Tool::Rclone, Tool::S5cmd] {
        for name in ["it's $(id) \"x\"", "star*[1]?", "-rf", "line\nbreak", "a:b"] {
            let up = other.home.path().join(name);
            fs::write(&up, name).unwrap();
            let key = format!("{}/{name}", tool.name());
            let one = Work::One { no_clobber: false };
            let sending = Errand {
                work: one,
                ..errand(
                    Spot::Path(name.to_owned()),
                    other.at(&key),
                    Filter::default(),
                )
            };
            other.run(&write(&sending, tool, None).unwrap().command);
            let fetching = Errand {
                work: one,
                ..errand(
                    other.at(&key),
                    Spot::Path(format!("back/{name}")),
                    Filter::default(),
                )
            };
            fs::create_dir_all(other.home.path().join("back")).unwrap();
            other.run(&write(&fetching, tool, None).unwrap().command);
            let back = fs::read(other.home.path().join("back").join(name)).unwrap();
            assert_eq!(back, name.as_bytes(), "{tool:?} {name:?}");
            fs::remove_file(up).unwrap();
            fs::remove_dir_all(other.home.path().join("back")).unwrap();
        }
    }
}

// Promise: What is written for another computer has no secret in it; it says where the secret is
// looked for, and stops there when it is missing.
#[tokio::test]
async fn secrets_are_named_and_not_written() {
    let rgw = Testbed::rgw();
    let other = Other::new(&rgw).await;
    let tree = other.home.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("x"), "x").unwrap();
    for tool in [Tool::Rclone, Tool::S5cmd] {
        let errand = errand(path(&tree), other.at("x/"), Filter::default());
        let Written {
            command,
            script,
            notes,
        } = write(&errand, tool, None).unwrap();
        for text in notes.iter().chain([&command, &script]) {
            assert!(!text.contains(&rgw.secret_key) && !text.contains(&rgw.access_key));
        }
        assert!(notes.iter().any(|n| n.contains("--entry lab")), "{notes:?}");
        other.run(&script);
        let credentials = other.home.path().join(".aws/credentials");
        let section = fs::read_to_string(&credentials).unwrap();
        fs::write(&credentials, section.replace("[lab]", "[label]")).unwrap();
        let refused = other.shell(&script);
        assert_eq!(refused.status.code(), Some(78));
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(words.contains("[lab]"), "{words}");
        fs::write(&credentials, section).unwrap();
    }
}

#[test]
fn what_differs_from_site_to_site_is_the_sites_data() {
    let account = Account {
        id: AccountId::random(),
        name: "Group Store".into(),
        provider: "jasmin".into(),
        endpoint: "https://cedadev-o.s3-ext.jc.rl.ac.uk".parse().unwrap(),
        region: "us-east-1".into(),
        addressing: Addressing::Path,
        signing: Signing::V4,
        key: KeyFacts {
            access_key_id: Some("ID".into()),
            ..KeyFacts::default()
        },
        ca_file: None,
        proxy: None,
        issuer: None,
        opened_buckets: Vec::new(),
        added: DateTime::UNIX_EPOCH,
    };
    let preset = provider("jasmin").unwrap();
    let store = StoreThere::of_account(&account, Some(preset), true);
    assert_eq!(store.endpoint.as_str(), "http://cedadev-o.s3.jc.rl.ac.uk/");
    let to = Spot::Store {
        store: Box::new(store),
        bucket: "b".into(),
        key: "p/".into(),
    };
    let errand = errand(Spot::Path("/gws/x/".into()), to, Filter::default());
    let written = write(&errand, Tool::Rclone, preset.cluster.as_ref()).unwrap();
    for line in [
        "#SBATCH --partition=standard\n",
        "#SBATCH --qos=standard\n",
        "#SBATCH --cpus-per-task=1\n",
        "##SBATCH --account=ACCOUNT\n",
        "export RCLONE_CONFIG_GROUP_STORE_LIST_VERSION=1\n",
        "export RCLONE_CONFIG_GROUP_STORE_CHUNK_SIZE=200Mi\n",
        "export RCLONE_CONFIG_GROUP_STORE_LIST_URL_ENCODE=false\n",
    ] {
        assert!(written.script.contains(line), "{line}{}", written.script);
    }
    assert!(written.notes.iter().any(|n| n.contains("xfer-vm-01")));
    let s5cmd = write(&errand, Tool::S5cmd, None).unwrap();
    assert!(s5cmd.command.contains("--use-list-objects-v1"));
    assert!(s5cmd.script.contains("##SBATCH --partition=PARTITION\n"));
    assert!(PartLimits::default().large_size.is_none());
}

#[test]
fn what_a_tool_cannot_do_is_said() {
    let store = |name: &str| StoreThere {
        name: name.into(),
        account: name.into(),
        endpoint: format!("https://{name}.example.org").parse().unwrap(),
        region: "r".into(),
        addressing: Addressing::Path,
        signing: Signing::V4,
        quirks: Quirks::default(),
        key: KeyThere::Environment,
        own_ca: false,
        lent: true,
    };
    let at = |name: &str, key: &str| Spot::Store {
        store: Box::new(store(name)),
        bucket: "b".into(),
        key: key.into(),
    };
    let two = errand(at("a", "p/"), at("b", "q/"), Filter::default());
    assert!(
        write(&two, Tool::S5cmd, None)
            .unwrap_err()
            .0
            .contains("one store")
    );
    let written = write(&two, Tool::Rclone, None).unwrap();
    assert!(written.command.contains("a:b/p/") && written.command.contains("b:b/q/"));
    assert!(written.notes.iter().any(|n| n.contains("lent")));
    let odd = errand(at("a", "p//x/"), Spot::Path("y".into()), Filter::default());
    assert!(write(&odd, Tool::Rclone, None).is_err());
    let wild = errand(at("a", "p*/"), Spot::Path("y".into()), Filter::default());
    assert!(write(&wild, Tool::S5cmd, None).is_err());
    let nul = errand(at("a", "p\0/"), Spot::Path("y".into()), Filter::default());
    assert!(write(&nul, Tool::Rclone, None).is_err());
    let here = errand(
        Spot::Path("x".into()),
        Spot::Path("y".into()),
        Filter::default(),
    );
    assert!(write(&here, Tool::Rclone, None).is_err());
}
