fn main() {
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
