//! What is left of jobs after a crash, and who takes it over.

use super::*;

// Promise: Two Wherrys never run the same transfer.
#[tokio::test]
async fn a_job_that_runs_is_nobody_elses() {
    let desk = desk();
    let entered = desk.upload(job("x"), &["a"], State::Running).await;
    let id = entered.id.clone();
    let other = Journal::open(desk.folder.path()).unwrap();
    assert!(matches!(other.claim(&id), Err(JournalError::Taken)));
    assert!(matches!(
        other.cancel(&id, at(1)).await,
        Err(JournalError::Taken)
    ));
    assert!(matches!(
        other.remove(&id).await,
        Err(JournalError::NotEnded)
    ));
    assert!(other.cut_off().unwrap().is_empty());
    // As its process's death does.
    drop(entered);
    assert_eq!(other.cut_off().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_half_done_is_known_until_it_is_over() {
    let desk = desk();
    let entered = desk.upload(job("x"), &["a", "b"], State::Running).await;
    let id = entered.id.clone();
    let record = desk.record(entered);
    record
        .intend_upload(0, "bkt", "in/data/a", 8, &identity(), at(3))
        .await
        .unwrap();
    let halves = desk.journal.half_uploads("bkt").unwrap();
    assert_eq!((halves.len(), &halves[0].upload), (1, &None));
    assert_eq!((&halves[0].file, halves[0].intended), (&identity(), at(3)));
    record
        .upload_begun(0, &UploadId("u1".into()))
        .await
        .unwrap();
    let part = CompletedPart {
        number: 2,
        etag: "p".into(),
        size: 8,
    };
    let sum = Sum::of(b"12345678");
    record.part_done(0, &part, sum);
    record.end(Some(State::Paused), None, at(4)).await.unwrap();
    drop(record);
    let claim = desk.journal.claim(&id).unwrap();
    let n = desk.journal.job(&id).unwrap().n;
    let record = Record::new(desk.journal.clone(), n, id.clone(), claim).unwrap();
    let (half, parts) = record.half_upload(0).unwrap().unwrap();
    assert_eq!(half.upload, Some(UploadId("u1".into())));
    assert_eq!(parts.get(&2), Some(&("p".to_owned(), sum)));
    assert!(record.half_upload(0).unwrap().is_none(), "only once");
    record.finished(0, 3, arrived());
    desk.journal.flush().await.unwrap();
    assert!(desk.journal.half_uploads_of(&id).unwrap().is_empty());
    assert!(desk.journal.parts_of(n, 0).unwrap().is_empty());
}

#[tokio::test]
async fn a_crash_loses_only_what_nobody_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open_in_step(folder.path()).unwrap();
    let desk = Desk { folder, journal };
    let entered = desk
        .upload(job("x"), &["a", "b", "c"], State::Running)
        .await;
    let id = entered.id.clone();
    let record = desk.record(entered);
    record.finished(0, 3, arrived());
    record
        .intend_upload(1, "bkt", "k", 8, &identity(), at(3))
        .await
        .unwrap();
    record.finished(1, 3, arrived());
    record.finished(2, 3, arrived());
    desk.journal.crash(1);
    drop((record, desk.journal));
    let journal = Journal::open(desk.folder.path()).unwrap();
    let states: Vec<FileState> = journal
        .files(&id, 0..9, false)
        .unwrap()
        .iter()
        .map(|row| row.state)
        .collect();
    assert_eq!(
        states,
        [FileState::Done, FileState::Done, FileState::Waiting]
    );
    assert!(journal.half_uploads_of(&id).unwrap().is_empty());
    assert_eq!(journal.cut_off().unwrap()[0].id, id);
}

#[tokio::test]
async fn the_same_wish_takes_over_what_was_done() {
    let desk = desk();
    let wish = || NewJob {
        fingerprint: Some("f".into()),
        ..job("x")
    };
    let old = desk
        .upload(wish(), &["a", "b", "c", "gone"], State::Running)
        .await;
    let old_id = old.id.clone();
    let record = desk.record(old);
    record.finished(0, 3, arrived());
    for (row, key) in [(2, "in/data/c"), (3, "in/data/gone")] {
        record
            .intend_upload(row, "bkt", key, 8, &identity(), at(3))
            .await
            .unwrap();
        record
            .upload_begun(row, &UploadId(key.into()))
            .await
            .unwrap();
    }
    desk.journal.flush().await.unwrap();
    drop(record);
    // One file more, one less, and other rows.
    let mut plan = upload_plan(&["0", "a", "b", "c"]);
    // Changed since.
    plan.items[1].modified += 1;
    let decided = Decided::default();
    let planned = spec::upload(&plan, &decided);
    let new = desk
        .journal
        .enter(wish(), planned, State::Running, at(9), None)
        .await
        .unwrap();
    assert_eq!(new.adopted, std::slice::from_ref(&old_id));
    assert_eq!(
        desk.journal.receipt_count(&new.id).unwrap(),
        0,
        "it was changed"
    );
    let halves = desk.journal.half_uploads_of(&new.id).unwrap();
    assert_eq!((halves.len(), halves[0].row), (1, 3));
    let left: Vec<_> = desk.journal.half_uploads_of(&old_id).unwrap();
    assert_eq!((left.len(), left[0].key.as_str()), (1, "in/data/gone"));
    assert_eq!(desk.journal.left_over().unwrap()[0].job, old_id);
    assert_eq!(desk.journal.queue().unwrap().len(), 1);
    // And once more, with the arrived one as it was.
    let record = desk.record(new);
    record.finished(1, 3, arrived());
    desk.journal.flush().await.unwrap();
    drop(record);
    let planned = spec::upload(&plan, &decided);
    let third = desk
        .journal
        .enter(wish(), planned, State::Running, at(9), None)
        .await
        .unwrap();
    let seen = desk.journal.job(&third.id).unwrap();
    assert_eq!(seen.files_done, 0, "nobody could look whether it is there");
    assert_eq!(desk.journal.half_uploads_of(&third.id).unwrap().len(), 1);
}

#[tokio::test]
async fn a_download_that_was_moved_away_is_fetched_again() {
    let (desk, here) = (desk(), tempfile::tempdir().unwrap());
    let wish = || NewJob {
        fingerprint: Some("f".into()),
        ..job("x")
    };
    let (plan, decided) = (
        download_plan(here.path(), &["kept", "moved"]),
        Decided::default(),
    );
    let enter = async || {
        let planned = spec::download(&plan, &decided);
        desk.journal
            .enter(wish(), planned, State::Running, at(0), None)
            .await
            .unwrap()
    };
    let record = desk.record(enter().await);
    let file = std::fs::File::create(here.path().join("kept")).unwrap();
    file.set_len(5).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1))
        .unwrap();
    record.finished(0, 5, arrived());
    record.finished(1, 5, arrived());
    desk.journal.flush().await.unwrap();
    drop(record);
    let again = enter().await;
    let states: Vec<FileState> = desk
        .journal
        .files(&again.id, 0..9, false)
        .unwrap()
        .iter()
        .map(|row| row.state)
        .collect();
    assert_eq!(states, [FileState::Done, FileState::Waiting]);
}

#[tokio::test]
async fn a_job_whose_rows_were_not_all_written_never_was() {
    let desk = desk();
    let entered = desk.upload(job("x"), &["a"], State::Entering).await;
    desk.journal.tidy(at(99)).await.unwrap();
    assert!(desk.journal.job(&entered.id).is_ok(), "it is being entered");
    let id = entered.id.clone();
    drop(entered);
    desk.journal.tidy(at(99)).await.unwrap();
    assert!(matches!(
        desk.journal.job(&id),
        Err(JournalError::NoSuchJob)
    ));
}

// Promise: A deletion of objects that could not be listed is not gone on with.
#[tokio::test]
async fn a_deletion_of_what_nobody_saw_ends_when_it_is_cut_off() {
    let desk = desk();
    let seen = Some(Seen::of(2, Some(3), Some("etag")));
    for (seen, state) in [(None, State::Cancelled), (seen, State::Running)] {
        let plan = DeletePlan {
            bucket: "bkt".into(),
            keys: vec!["a".into(), "b".into()],
            seen: vec![None, seen],
            bytes: 2,
            ..DeletePlan::default()
        };
        let id = cut_off_deletion(&desk, &plan).await;
        desk.journal.tidy(at(9)).await.unwrap();
        let left = desk.journal.job(&id).unwrap();
        assert_eq!((left.state, left.files_done), (state, 1));
        if state == State::Running {
            let RestoredWork::Delete(again) = desk.journal.restore(left.n).unwrap().work else {
                panic!("it was a deletion");
            };
            assert_eq!((again.keys, again.seen), (plan.keys, plan.seen));
        }
    }
}

/// Its first row is done.
async fn cut_off_deletion(desk: &Desk, plan: &DeletePlan) -> String {
    let planned = spec::delete(plan);
    let entered = desk
        .journal
        .enter(job("x"), planned, State::Running, at(0), None)
        .await
        .unwrap();
    let id = entered.id.clone();
    let record = desk.record(entered);
    record.done(0);
    desk.journal.flush().await.unwrap();
    drop(record);
    id
}
