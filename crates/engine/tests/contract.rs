//! TypeScript's view of the contract must be the one Rust has now.

use std::path::Path;

#[test]
fn the_typescript_contract_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/lib/backend/contract.ts");
    let wanted = wherry_engine::typescript::contract();
    if std::env::var_os("WHERRY_WRITE_CONTRACT").is_some() {
        std::fs::create_dir_all(path.parent().expect("has a folder")).expect("creates the folder");
        std::fs::write(&path, &wanted).expect("writes the contract");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is not current: run `make contract`",
        path.display()
    );
}
