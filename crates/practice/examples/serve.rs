//! Serves a folder until it is told to stop: `cargo run -p wherry-practice --example serve -- FOLDER [PORT]`.
//! Prints the endpoint, the access key id and the secret, one a line. For trying other clients on it.

use secrecy::ExposeSecret;
use wherry_practice::{Practice, PracticeKey};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let port = arguments.next().and_then(|p| p.to_str()?.parse().ok());
    let key = PracticeKey::generate();
    let practice = Practice::start(folder.as_ref(), &key, port).await?;
    println!(
        "{}\n{}\n{}",
        practice.endpoint(),
        key.access_key_id,
        key.secret.expose_secret()
    );
    tokio::signal::ctrl_c().await?;
    practice.stop().await;
    Ok(())
}
