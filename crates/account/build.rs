//! Compiles every preset in `providers/` in, so that adding a provider is adding a file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=providers");
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the crate is"));
    let mut files: Vec<PathBuf> = fs::read_dir(root.join("providers"))
        .expect("the folder of presets is readable")
        .map(|entry| entry.expect("its entries are readable").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    let mut code = String::from("&[\n");
    for file in &files {
        let id = file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a preset's name is text");
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(
            id.chars().all(plain),
            "providers/{id}.toml: use lower-case letters, digits and hyphens only"
        );
        let path = file.to_str().expect("the path of the sources is text");
        writeln!(code, "    ({id:?}, include_str!({path:?})),").expect("a string takes it");
    }
    code.push_str("]\n");
    let out = env::var_os("OUT_DIR").expect("cargo says where to put it");
    fs::write(Path::new(&out).join("presets.rs"), code).expect("the list can be written");
}
