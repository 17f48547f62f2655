//! How a connection is made: directly, or through the account's or the system's proxy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

use super::DOING;
use super::explain::Failure;
use crate::config::{HttpSettings, Patience};
use crate::error::{ErrorKind, StoreError};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Transport = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Makes connections for the S3 client: proxy if there is one, TLS if the store has it, and a
/// limit on how long all of that may take.
#[derive(Clone)]
pub(crate) struct Connector {
    secured: HttpsConnector<Route>,
    limit: Duration,
}

impl Connector {
    pub fn new(settings: &HttpSettings, patience: Patience) -> Result<Self, StoreError> {
        let route = Route::new(settings, patience, super::tls(settings)?)?;
        let secured = https(super::tls(settings)?, route);
        Ok(Self {
            secured,
            limit: patience.connect,
        })
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Routed>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.secured.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.secured.call(uri);
        let limit = self.limit;
        Box::pin(async move {
            tokio::time::timeout(limit, connecting)
                .await
                .unwrap_or_else(|_| {
                    let message = format!("nobody answered within {} seconds", limit.as_secs());
                    Err(Failure::new(ErrorKind::Unreachable, message).into())
                })
        })
    }
}

fn https<C>(tls: ClientConfig, inner: C) -> HttpsConnector<C> {
    hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(inner)
}

/// Which proxy to use for which address.
#[derive(Clone)]
pub(crate) struct Proxies(Arc<Matcher>);

impl Proxies {
    pub fn new(settings: &HttpSettings) -> Result<Self, StoreError> {
        let matcher = match &settings.proxy {
            Some(url) => {
                check_proxy(url)?;
                Matcher::builder().all(url.as_str()).build()
            }
            None => Matcher::from_system(),
        };
        Ok(Self(Arc::new(matcher)))
    }
}

impl Proxies {
    /// What a plain request through an HTTP proxy must carry to be let through; over TLS the
    /// tunnel carries it.
    pub fn authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        if uri.scheme_str() == Some("https") {
            return None;
        }
        let proxy = self.0.intercept(uri)?;
        proxy
            .uri()
            .scheme_str()
            .is_some_and(|scheme| scheme.starts_with("http"))
            .then(|| proxy.basic_auth().cloned())?
    }
}

/// Whether a proxy's address is of a kind that can be used.
pub(crate) fn check_proxy(url: &Url) -> Result<(), StoreError> {
    let known = matches!(
        url.scheme(),
        "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h"
    );
    if known && url.host().is_some() {
        return Ok(());
    }
    let message =
        "the proxy's address must begin with http://, https:// or socks5:// and name a host";
    Err(StoreError::new(ErrorKind::Proxy, DOING, message))
}

/// The system's names, and what RFC 6761 says of `.localhost`, which not every system knows: names
/// below it are this computer. A bucket's own host at a store on this computer is such a name.
#[derive(Clone)]
struct Names(GaiResolver);

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Self::Response, Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let host = name.as_str().to_owned();
        if host.ends_with(".localhost") {
            let here: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            let addresses: Vec<_> = here.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect();
            return Box::pin(async { Ok(addresses.into_iter()) });
        }
        let looking = self.0.call(name);
        Box::pin(async move {
            let unknown = || {
                Failure::new(
                    ErrorKind::HostUnknown,
                    format!("there is no host called {host}"),
                )
            };
            let found: Vec<SocketAddr> = looking.await.map_err(|_| unknown())?.collect();
            if found.is_empty() {
                Err(unknown())
            } else {
                Ok(found.into_iter())
            }
        })
    }
}

/// TCP to the store, or to a proxy that goes on from there.
#[derive(Clone)]
pub(crate) struct Route {
    tcp: HttpConnector<Names>,
    /// For proxies that are themselves reached over TLS.
    to_proxy: HttpsConnector<HttpConnector<Names>>,
    proxies: Proxies,
}

impl Route {
    fn new(
        settings: &HttpSettings,
        patience: Patience,
        tls: ClientConfig,
    ) -> Result<Self, StoreError> {
        let mut tcp = HttpConnector::new_with_resolver(Names(GaiResolver::new()));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(patience.connect));
        tcp.set_keepalive(Some(Duration::from_mins(1)));
        let to_proxy = https(tls, tcp.clone());
        Ok(Self {
            tcp,
            to_proxy,
            proxies: Proxies::new(settings)?,
        })
    }

    async fn through(mut self, proxy: Intercept, uri: Uri) -> Result<Routed, BoxError> {
        let address = proxy.uri().clone();
        let plain = |io| Routed {
            io: MaybeHttpsStream::Http(io),
            absolute: false,
        };
        let (user, password) = proxy
            .raw_auth()
            .map(|(u, p)| (u.to_owned(), p.to_owned()))
            .unwrap_or_default();
        let routed = match address.scheme_str().unwrap_or_default() {
            scheme @ ("socks5" | "socks5h") => {
                let mut socks =
                    SocksV5::new(address.clone(), self.tcp).local_dns(scheme == "socks5");
                if !user.is_empty() {
                    socks = socks.with_auth(user, password);
                }
                socks
                    .call(uri)
                    .await
                    .map(plain)
                    .map_err(|e| proxy_failure(&address, &e))?
            }
            scheme @ ("socks4" | "socks4a") => {
                let mut socks =
                    SocksV4::new(address.clone(), self.tcp).local_dns(scheme == "socks4");
                socks
                    .call(uri)
                    .await
                    .map(plain)
                    .map_err(|e| proxy_failure(&address, &e))?
            }
            _ if uri.scheme_str() == Some("https") => {
                let mut tunnel = Tunnel::new(address.clone(), self.to_proxy);
                if let Some(auth) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(auth.clone());
                }
                let io = tunnel
                    .call(uri)
                    .await
                    .map_err(|e| proxy_failure(&address, &e))?;
                Routed {
                    io,
                    absolute: false,
                }
            }
            _ => {
                let io = self
                    .to_proxy
                    .call(address.clone())
                    .await
                    .map_err(|e| proxy_failure(&address, e.as_ref()))?;
                Routed { io, absolute: true }
            }
        };
        Ok(routed)
    }
}

fn proxy_failure(address: &Uri, error: &(dyn std::error::Error + 'static)) -> BoxError {
    let host = address.host().unwrap_or_default();
    let (kind, why) = super::explain::chain(error, Some(host));
    let why = match kind {
        ErrorKind::HostUnknown | ErrorKind::Unreachable => why,
        _ => error.to_string(),
    };
    Failure::new(
        ErrorKind::Proxy,
        format!("the proxy {host} did not let the connection through: {why}"),
    )
    .into()
}

impl Service<Uri> for Route {
    type Response = Routed;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Routed, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut route = self.clone();
        Box::pin(async move {
            if let Some(proxy) = route.proxies.0.intercept(&uri) {
                return route.through(proxy, uri).await;
            }
            let io = route.tcp.call(uri).await?;
            Ok(Routed {
                io: MaybeHttpsStream::Http(io),
                absolute: false,
            })
        })
    }
}

/// A connection, and whether requests on it must name the whole address, as plain proxies want.
pub(crate) struct Routed {
    io: Transport,
    absolute: bool,
}

impl Connection for Routed {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.absolute)
    }
}

impl Read for Routed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Routed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}
