//! Listening on loopback, from start to stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Result, s3_error};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::error::PracticeError;
use crate::key::PracticeKey;
use crate::protocol::Protocol;
use crate::shelf::Shelf;

/// How long requests under way may finish in after a stop.
const PATIENCE: Duration = Duration::from_secs(3);

/// A running practice store. Dropping it stops it without waiting for requests under way.
#[derive(Debug)]
pub struct Practice {
    endpoint: Url,
    port: u16,
    stopping: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

impl Practice {
    /// Serves `folder`, which is made when missing, to whoever signs with `key`.
    ///
    /// `preferred_port` is taken when it is free, so that an account keeps its address; else any
    /// free port is, and the account's endpoint has to be brought up to date from
    /// [`Practice::endpoint`].
    pub async fn start(
        folder: &Path,
        key: &PracticeKey,
        preferred_port: Option<u16>,
    ) -> Result<Self, PracticeError> {
        let at = folder.to_owned();
        let opened = tokio::task::spawn_blocking(move || Shelf::open(&at)).await;
        let shelf = opened
            .map_err(std::io::Error::other)
            .and_then(|shelf| shelf)
            .map_err(|source| PracticeError::Folder {
                folder: folder.to_owned(),
                source,
            })?;
        let listener = listen(preferred_port).await.map_err(PracticeError::Port)?;
        let port = listener.local_addr().map_err(PracticeError::Port)?.port();
        let endpoint = Url::parse(&format!("http://127.0.0.1:{port}"))
            .map_err(|e| PracticeError::Port(std::io::Error::other(e)))?;

        let mut service = S3ServiceBuilder::new(Protocol::new(Arc::new(shelf)));
        service.set_auth(OneKey {
            id: key.access_key_id.clone(),
            secret: key.secret.expose_secret().into(),
        });
        let stopping = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, service.build(), stopping.clone()));
        tracing::info!(%endpoint, folder = %folder.display(), "the practice store is open");
        Ok(Self {
            endpoint,
            port,
            stopping,
            serving: Some(serving),
        })
    }

    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops taking requests and waits, briefly, for those under way.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        if let Some(serving) = self.serving.take() {
            let _ = serving.await;
        }
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn listen(preferred: Option<u16>) -> std::io::Result<TcpListener> {
    if let Some(port) = preferred {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => return Ok(listener),
            Err(e) => tracing::info!(port, %e, "the practice store's usual port is taken"),
        }
    }
    TcpListener::bind(("127.0.0.1", 0)).await
}

async fn serve(listener: TcpListener, service: S3Service, stopping: CancellationToken) {
    let http = Builder::new(TokioExecutor::new());
    let graceful = GracefulShutdown::new();
    loop {
        let socket = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => socket,
                Err(e) => {
                    // Out of file descriptors, most likely: accepting at once again would spin.
                    tracing::warn!(%e, "the practice store could not take a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let _ = socket.set_nodelay(true);
        let connection = http
            .serve_connection(TokioIo::new(socket), service.clone())
            .into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::debug!(%e, "a connection to the practice store broke");
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(PATIENCE, graceful.shutdown()).await;
}

struct OneKey {
    id: String,
    secret: SecretKey,
}

#[async_trait::async_trait]
impl S3Auth for OneKey {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.id {
            Ok(self.secret.clone())
        } else {
            Err(s3_error!(
                InvalidAccessKeyId,
                "The practice store does not know this access key."
            ))
        }
    }
}
