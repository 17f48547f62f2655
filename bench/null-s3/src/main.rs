//! An S3 server that costs next to nothing.
//!
//! Beside a real server on the same computer, a client's wall time says more about the server.
//! This one throws away what it is sent and remembers its name, size and ETag; it serves a pattern
//! of any size; it lists keys that nobody ever stored. It believes every signature and every
//! `Content-MD5`. What it answers is what S3 answers, so that clients which verify can do so.
//!
//! A bucket called `objects-COUNT-BYTES` is there from the start with so many objects of that size;
//! every other bucket is empty, and there.

mod answers;
mod bucket;
mod listing;
mod pattern;
mod request;
mod uploads;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use crate::bucket::Buckets;

#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Milliseconds that every answer is held back.
    #[arg(long, default_value_t = 0)]
    latency: u64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind(args.listen).await?;
    // Whoever started this waits for the line.
    println!("http://{}", listener.local_addr()?);
    let buckets = Arc::new(Buckets::default());
    let latency = Duration::from_millis(args.latency);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream, Arc::clone(&buckets), latency));
    }
}

async fn serve(stream: TcpStream, buckets: Arc<Buckets>, latency: Duration) {
    let answering = service_fn(|request| {
        let buckets = Arc::clone(&buckets);
        async move {
            let answer = request::answer(request, &buckets).await;
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            Ok::<_, Infallible>(answer)
        }
    });
    // A client that goes away in the middle is its own affair.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), answering)
        .await;
}
