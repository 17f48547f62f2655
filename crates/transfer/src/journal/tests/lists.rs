//! The queue, the history, and saved jobs.

use super::*;

#[tokio::test]
async fn the_queue_keeps_its_order() {
    let desk = desk();
    for title in ["a", "b", "c"] {
        desk.upload(job(title), &["x"], State::Waiting).await;
    }
    let titles = || -> String {
        let jobs = desk.journal.queue().unwrap();
        jobs.into_iter().map(|job| job.title).collect()
    };
    let id = |title: &str| {
        let jobs = desk.journal.queue().unwrap();
        jobs.into_iter().find(|job| job.title == title).unwrap().id
    };
    for (title, to, order) in [
        ("c", Move::First, "cab"),
        ("c", Move::Down, "acb"),
        ("b", Move::Up, "abc"),
        ("a", Move::Last, "bca"),
        ("a", Move::Down, "bca"),
        ("b", Move::Up, "bca"),
    ] {
        desk.journal.move_job(&id(title), to).await.unwrap();
        assert_eq!(titles(), order, "{title} {to:?}");
    }
    desk.journal.cancel(&id("c"), at(1)).await.unwrap();
    desk.upload(job("d"), &["x"], State::Waiting).await;
    assert_eq!(titles(), "bad");
    let gone = desk.journal.move_job("nobody", Move::First).await;
    assert!(matches!(gone, Err(JournalError::NoSuchJob)), "{gone:?}");
}

#[tokio::test]
async fn history_is_searched_and_turned_page_by_page() {
    let desk = desk();
    for (title, ended) in [("one", 5), ("two 100%", 9), ("three", 7), ("four", 7)] {
        let entered = desk.upload(job(title), &["x"], State::Running).await;
        let record = desk.record(entered);
        record
            .end(Some(State::Done), None, at(ended))
            .await
            .unwrap();
    }
    desk.upload(job("still there"), &["x"], State::Waiting)
        .await;
    let mut titles = Vec::new();
    let (mut after, mut pages) = (None, 0);
    loop {
        let filter = HistoryFilter::default();
        let page = desk.journal.history(&filter, after.as_deref(), 3).unwrap();
        titles.extend(page.jobs.into_iter().map(|job| job.title));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(
        (titles, pages),
        (
            ["two 100%", "four", "three", "one"]
                .map(String::from)
                .to_vec(),
            2
        )
    );
    for (search, found) in [("100%", 1), ("o%e", 0), ("O", 3), ("_", 0)] {
        let filter = HistoryFilter {
            search: search.into(),
            ..HistoryFilter::default()
        };
        assert_eq!(
            desk.journal.history(&filter, None, 9).unwrap().jobs.len(),
            found,
            "{search}"
        );
    }
    let failed = HistoryFilter {
        states: vec![State::Failed],
        ..HistoryFilter::default()
    };
    assert!(
        desk.journal
            .history(&failed, None, 9)
            .unwrap()
            .jobs
            .is_empty()
    );
    let page = desk.journal.find_files("data/", None, 2).unwrap();
    assert_eq!(page.files.len(), 2);
    let rest = desk.journal.find_files("DATA", page.next, 9).unwrap();
    assert_eq!((rest.files.len(), rest.next), (3, None));
    desk.journal.clear_history().await.unwrap();
    assert!(
        desk.journal
            .history(&HistoryFilter::default(), None, 9)
            .unwrap()
            .jobs
            .is_empty()
    );
    assert_eq!(desk.journal.find_files("", None, 9).unwrap().files.len(), 1);
}

#[tokio::test]
async fn saved_jobs_are_kept() {
    let desk = desk();
    let saved = SavedJob {
        id: "1".into(),
        name: "nightly".into(),
        spec: serde_json::json!({"from": "a"}),
        created: at(1),
        last_run: None,
        last_job: None,
    };
    desk.journal.save_job(saved.clone()).await.unwrap();
    let entered = desk.upload(job("x"), &["a"], State::Waiting).await;
    desk.journal
        .ran_saved_job("1", Some(&entered.id), at(5))
        .await
        .unwrap();
    let seen = desk.journal.saved_job("1").unwrap();
    assert_eq!(
        (seen.last_run, seen.last_job),
        (Some(at(5)), Some(entered.id))
    );
    assert_eq!(seen.spec, saved.spec);
    desk.journal.forget_saved_job("1").await.unwrap();
    assert!(desk.journal.saved_jobs().unwrap().is_empty());
}

/// A million files: reading a page, searching and starting must not take the time of a million.
#[tokio::test]
async fn a_long_history_stays_fast() {
    let desk = desk();
    let entered = desk.upload(job("big"), &["a"], State::Running).await;
    let (n, id) = (entered.n, entered.id.clone());
    desk.record(entered)
        .end(Some(State::Done), None, at(1))
        .await
        .unwrap();
    let made = desk.journal.written(false, move |c| {
        c.execute(
            "WITH RECURSIVE count(value) AS
                (SELECT 1 UNION ALL SELECT value + 1 FROM count WHERE value < 1000000)
             INSERT INTO files SELECT ?1, value, 'data/file-' || value || '.csv', NULL, 0, 3, 1,
                NULL, 0, 2, NULL FROM count",
            [n],
        )
    });
    let made = made.await.unwrap();
    assert_eq!(made, 1_000_000);
    for i in 0..1000 {
        let entered = desk
            .upload(job(&format!("small {i}")), &["a"], State::Running)
            .await;
        desk.record(entered)
            .end(Some(State::Done), None, at(i))
            .await
            .unwrap();
    }
    let begun = std::time::Instant::now();
    let lap = |what: &str, limit: u64| {
        let took = begun.elapsed();
        println!("{what}: {took:?}");
        assert!(took < Duration::from_millis(limit), "{what} took {took:?}");
    };
    let journal = Journal::open(desk.folder.path()).unwrap();
    journal.queue().unwrap();
    journal.cut_off().unwrap();
    lap("a start", 1000);
    let page = journal
        .history(&HistoryFilter::default(), None, 100)
        .unwrap();
    journal
        .history(&HistoryFilter::default(), page.next.as_deref(), 100)
        .unwrap();
    lap("two pages of history", 1500);
    let rows = journal.files(&id, 900_000..900_100, false).unwrap();
    assert_eq!((rows.len(), rows[0].index), (100, 900_000));
    let failed = journal.files(&id, 0..100, true).unwrap();
    assert_eq!(failed.len(), 1, "the one that never moved");
    lap("a page of files", 2000);
    let found = journal.find_files("file-999999.csv", None, 100).unwrap();
    assert_eq!(found.files.len(), 1);
    lap("one in a million", 5000);
}
