//! An HTTP server on loopback that remembers what it was asked, and ends when it is let go.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::serve::Listener;
use http_body_util::BodyExt as _;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::fault::{Fault, Faults, befall};

/// Bodies of requests are remembered up to this size; objects of the S3 side are larger.
const REMEMBERED: usize = 64 << 10;

/// One request, as it came in.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    /// With its query.
    pub path: String,
    pub headers: HeaderMap,
    /// Empty when it was large.
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A certificate for `localhost` and `127.0.0.1`, with its key.
#[derive(Debug, Clone)]
pub struct Tls {
    pub chain_file: PathBuf,
    pub key_file: PathBuf,
}

impl Tls {
    /// The one that the test bed made with the authority in this file.
    pub fn of_test_bed(ca_file: &Path) -> Self {
        Self {
            chain_file: ca_file.with_file_name("server-chain.pem"),
            key_file: ca_file.with_file_name("server.key"),
        }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let chain = CertificateDer::pem_file_iter(&self.chain_file)
            .and_then(Iterator::collect)
            .expect("the certificate is readable");
        let key = PrivateKeyDer::from_pem_file(&self.key_file).expect("the key is readable");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("the certificate fits its key");
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct Serving {
    /// `http://127.0.0.1:PORT`, or `https://localhost:PORT`; without a slash at the end.
    pub url: String,
    asked: Ledger,
    faults: Faults,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

type Ledger = Arc<Mutex<Vec<Asked>>>;

impl Serving {
    /// Serves in a thread of its own, so that tests may block theirs.
    pub fn start(app: Router) -> Self {
        Self::start_with(None, |_| app)
    }

    /// As [`Serving::start`], over TLS where a certificate is given; `app` is told the address first.
    pub fn start_with(tls: Option<&Tls>, app: impl FnOnce(&str) -> Router) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener
            .set_nonblocking(true)
            .expect("a listener can be asynchronous");
        let port = listener.local_addr().expect("it is bound").port();
        let acceptor = tls.map(Tls::acceptor);
        let url = match acceptor {
            Some(_) => format!("https://localhost:{port}"),
            None => format!("http://127.0.0.1:{port}"),
        };
        let (asked, faults) = (Ledger::default(), Faults::default());
        let app = app(&url)
            .layer(middleware::from_fn_with_state(faults.clone(), befall))
            .layer(middleware::from_fn_with_state(
                Arc::clone(&asked),
                write_down,
            ));
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("the runtime takes it");
                let serving = async {
                    match acceptor {
                        Some(acceptor) => {
                            axum::serve(
                                Encrypted {
                                    tcp: listener,
                                    acceptor,
                                },
                                app,
                            )
                            .await
                        }
                        None => axum::serve(listener, app).await,
                    }
                };
                tokio::select! {
                    ended = serving => ended.expect("serving goes on"),
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Self {
            url,
            asked,
            faults,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Everything that was asked so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How often this was asked: a method, and a word that the path contains.
    pub fn count(&self, method: &Method, path: &str) -> usize {
        let asked = self.asked();
        asked
            .iter()
            .filter(|asked| asked.method == *method && asked.path.contains(path))
            .count()
    }

    /// Breaks something. Of several faults that fit a request the first befalls it.
    pub fn fault(&self, fault: Fault) {
        self.faults.add(fault);
    }

    pub fn clear_faults(&self) {
        self.faults.clear();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed, and failed the test where it mattered.
            let _ = thread.join();
        }
    }
}

async fn write_down(State(ledger): State<Ledger>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let length: usize = parts
        .headers
        .get("content-length")
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .unwrap_or(usize::MAX);
    let (text, body) = if length <= REMEMBERED {
        // A client that goes away in the middle of a request gets no answer anyway.
        let whole = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        (
            String::from_utf8_lossy(&whole).into_owned(),
            Body::from(whole),
        )
    } else {
        (String::new(), body)
    };
    ledger
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Asked {
            method: parts.method.clone(),
            path: parts
                .uri
                .path_and_query()
                .map(ToString::to_string)
                .unwrap_or_default(),
            headers: parts.headers.clone(),
            body: text,
        });
    next.run(Request::from_parts(parts, body)).await
}

struct Encrypted {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.tcp).await;
            // Whoever does not get through the handshake, such as a client that does not trust the
            // authority, is no reason to stop.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
