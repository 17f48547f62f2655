fn main() {
    // The pages are compiled in: without this, a program with old pages, or half of new ones, would
    // count as built.
    println!("cargo::rerun-if-changed=ui/dist");
    // Naming our commands makes Tauri ask the capability for each of them, also for pages that are
    // not Wherry's own.
    let commands = tauri_build::AppManifest::new().commands(&["call", "events"]);
    let attributes = tauri_build::Attributes::new().app_manifest(commands);
    if let Err(error) = tauri_build::try_build(attributes) {
        // A build script speaks to the developer through its exit code.
        println!("cargo::error={error:#}");
        std::process::exit(1);
    }
}
