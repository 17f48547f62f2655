//! A list of transfers that cannot be read.

use wherry_engine::commands::Desk;
use wherry_engine::contract::Event;

use crate::seat::Seat;

// Promise: A journal that turns out to be damaged is set aside, not deleted, and Wherry says so.
#[tokio::test]
async fn a_damaged_list_of_transfers_is_kept_and_said() {
    let seat = Seat::new();
    let folder = seat.home.path().join("wherry");
    let damaged = "this was a list of transfers once ".repeat(200);
    std::fs::create_dir_all(&folder).expect("makes it");
    std::fs::write(folder.join("transfers.sqlite"), &damaged).expect("writes");
    let mut events = seat.engine.events().listen();
    assert!(seat.engine.jobs().await.expect("lists").is_empty());
    let said = async {
        loop {
            if let Event::Trouble { problem } = events.next().await.expect("the engine lives") {
                return problem;
            }
        }
    };
    let problem = tokio::time::timeout(std::time::Duration::from_secs(20), said)
        .await
        .expect("it is said");
    assert_eq!(problem.code, "journal.damaged");
    let kept = folder.join("transfers.damaged-1.sqlite");
    assert_eq!(std::fs::read_to_string(kept).expect("is there"), damaged);
}
