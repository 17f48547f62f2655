//! A long, thin line between a client and a server on one computer.
//!
//! Kernels on which this is measured may not know how to delay packets, so this does it with
//! bytes: what comes in on one side leaves on the other after half a round trip, and no faster than
//! the line is wide, all connections taken together, each direction for itself. A new connection
//! costs a round trip, as it does on a real line. What a real line has beside that (loss, slow
//! start) it has not.

mod line;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::net::{TcpListener, TcpStream};

use crate::line::Line;

#[derive(Parser)]
struct Args {
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The server behind the line.
    #[arg(long)]
    to: SocketAddr,
    /// Milliseconds for there and back.
    #[arg(long, default_value_t = 40)]
    round_trip: u64,
    /// Megabits a second, each way.
    #[arg(long, default_value_t = 200)]
    mbit: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind(args.listen).await?;
    // Whoever started this waits for the line.
    println!("http://{}", listener.local_addr()?);
    let one_way = Duration::from_millis(args.round_trip) / 2;
    let bytes_per_second = args.mbit * 1_000_000 / 8;
    let there = Arc::new(Line::new(one_way, bytes_per_second));
    let back = Arc::new(Line::new(one_way, bytes_per_second));
    loop {
        let (client, _) = listener.accept().await?;
        let (there, back) = (Arc::clone(&there), Arc::clone(&back));
        let to = args.to;
        tokio::spawn(async move {
            // The handshake, which this computer answered at once.
            tokio::time::sleep(2 * one_way).await;
            let Ok(server) = TcpStream::connect(to).await else {
                return;
            };
            if client.set_nodelay(true).is_err() || server.set_nodelay(true).is_err() {
                return;
            }
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::join!(
                there.carry(from_client, to_server),
                back.carry(from_server, to_client)
            );
        });
    }
}
