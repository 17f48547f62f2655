//! The HTTP side.

use std::convert::Infallible;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use wherry_engine::Engine;
use wherry_engine::commands::{dispatch_desk, dispatch_shell};

use crate::shell::Stand;

type Body = BoxBody<Bytes, Infallible>;

/// As in `tauri.conf.json`, but for the way commands travel.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub struct Door {
    engine: Engine,
    stand: Stand,
    ui: PathBuf,
}

pub async fn serve(listener: tokio::net::TcpListener, door: Arc<Door>) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let door = Arc::clone(&door);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let door = Arc::clone(&door);
                async move { Ok::<_, Infallible>(door.answer(request).await) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

impl Door {
    pub fn new(engine: Engine, ui: PathBuf) -> Self {
        Self {
            stand: Stand::beside(engine.clone()),
            engine,
            ui,
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        match (request.method().clone(), path.as_str()) {
            (Method::POST, "/call") => match read(request).await {
                Some(call) => json_answer(&self.call(call).await),
                None => status(StatusCode::BAD_REQUEST),
            },
            (Method::POST, "/test/picks") => {
                match read(request).await.map(serde_json::from_value) {
                    Some(Ok(paths)) => {
                        self.stand.will_pick(paths);
                        json_answer(&Value::Null)
                    }
                    _ => status(StatusCode::BAD_REQUEST),
                }
            }
            (Method::GET, "/test/seen") => json_answer(&self.stand.seen()),
            (Method::GET, "/events") => self.events(),
            (Method::GET, _) => self.file(&path).await,
            _ => status(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    async fn call(&self, mut call: Value) -> Value {
        let command = call["command"].as_str().unwrap_or_default().to_owned();
        let args = call["args"].take();
        let answer = match dispatch_shell(&self.stand, &command, args.clone()).await {
            Some(answer) => Some(answer),
            None => dispatch_desk(&self.engine, &command, args).await,
        };
        match answer {
            Some(Ok(ok)) => json!({ "ok": ok }),
            Some(Err(problem)) => json!({ "problem": problem }),
            None => {
                json!({ "problem": { "code": "test.unknown", "what": command, "todo": "", "remedies": [], "retry": false, "context": [] } })
            }
        }
    }

    fn events(&self) -> Response<Body> {
        let hello = stream::iter([Bytes::from_static(b": listening\n\n")]);
        let events = stream::unfold(self.engine.events().listen(), |mut listener| async move {
            let event = listener.next().await?;
            let text = serde_json::to_string(&event).unwrap_or_default();
            Some((Bytes::from(format!("data: {text}\n\n")), listener))
        });
        let frames = hello.chain(events).map(|bytes| Ok(Frame::data(bytes)));
        let mut response = Response::new(BodyExt::boxed(StreamBody::new(frames)));
        set(&mut response, header::CONTENT_TYPE, "text/event-stream");
        set(&mut response, header::CACHE_CONTROL, "no-store");
        response
    }

    async fn file(&self, path: &str) -> Response<Body> {
        let name = if path == "/" {
            "index.html"
        } else {
            path.trim_start_matches('/')
        };
        let inside = Path::new(name)
            .components()
            .all(|c| matches!(c, Component::Normal(_)));
        let Ok(bytes) = tokio::fs::read(self.ui.join(name)).await else {
            return status(StatusCode::NOT_FOUND);
        };
        if !inside {
            return status(StatusCode::NOT_FOUND);
        }
        let kind = match Path::new(name).extension().and_then(|e| e.to_str()) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript",
            Some("css") => "text/css",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            _ => "application/octet-stream",
        };
        let mut response = Response::new(full(bytes.into()));
        set(&mut response, header::CONTENT_TYPE, kind);
        set(&mut response, header::CONTENT_SECURITY_POLICY, POLICY);
        response
    }
}

async fn read(request: Request<Incoming>) -> Option<Value> {
    let body = request.into_body().collect().await.ok()?.to_bytes();
    serde_json::from_slice(&body).ok()
}

fn json_answer(value: &Value) -> Response<Body> {
    let mut response = Response::new(full(value.to_string().into()));
    set(&mut response, header::CONTENT_TYPE, "application/json");
    response
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = code;
    response
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).boxed()
}

fn set(response: &mut Response<Body>, name: header::HeaderName, value: &'static str) {
    response
        .headers_mut()
        .insert(name, header::HeaderValue::from_static(value));
}
