//! Faults that a test puts into a double: the network's and the portal's own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::stream;

/// Something that goes wrong with requests of one method whose path contains a word.
#[derive(Debug, Clone)]
pub struct Fault {
    method: Method,
    path: String,
    how: How,
    /// How many requests it still lets pass first.
    spared: usize,
    /// How many requests it then befalls.
    times: usize,
}

#[derive(Debug, Clone)]
enum How {
    LoseAnswer,
    Swallow,
    Delay(Duration),
    Answer {
        status: StatusCode,
        kind: &'static str,
        body: String,
    },
    Redirect {
        status: StatusCode,
        to: String,
    },
    InsteadOfAnswer {
        status: StatusCode,
        kind: &'static str,
        body: String,
    },
}

impl Fault {
    fn new(method: Method, path: &str, how: How) -> Self {
        Self {
            method,
            path: path.to_owned(),
            how,
            spared: 0,
            times: 1,
        }
    }

    /// The double does what it was asked; the connection breaks before the answer is through.
    pub fn lose_answer(method: Method, path: &str) -> Self {
        Self::new(method, path, How::LoseAnswer)
    }

    /// The connection breaks before the double does anything.
    pub fn swallow(method: Method, path: &str) -> Self {
        Self::new(method, path, How::Swallow)
    }

    /// The double is slow.
    pub fn delay(method: Method, path: &str, by: Duration) -> Self {
        Self::new(method, path, How::Delay(by))
    }

    /// This is answered, and nothing is done.
    pub fn answer(method: Method, path: &str, status: u16, kind: &'static str, body: &str) -> Self {
        let status = StatusCode::from_u16(status).expect("an HTTP status");
        let body = body.to_owned();
        Self::new(method, path, How::Answer { status, kind, body })
    }

    /// Somewhere else is pointed to, and nothing is done.
    pub fn redirect(method: Method, path: &str, status: u16, to: &str) -> Self {
        let status = StatusCode::from_u16(status).expect("an HTTP status");
        let to = to.to_owned();
        Self::new(method, path, How::Redirect { status, to })
    }

    /// The double does what it was asked, and then a gateway in front of it answers this.
    pub fn instead_of_answer(
        method: Method,
        path: &str,
        status: u16,
        kind: &'static str,
        body: &str,
    ) -> Self {
        let status = StatusCode::from_u16(status).expect("an HTTP status");
        let body = body.to_owned();
        Self::new(method, path, How::InsteadOfAnswer { status, kind, body })
    }

    /// Lets the next `spared` requests pass.
    #[must_use]
    pub fn after(self, spared: usize) -> Self {
        Self { spared, ..self }
    }

    /// Befalls the next `times` requests instead of one.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    #[must_use]
    pub fn forever(self) -> Self {
        self.times(usize::MAX)
    }
}

/// The faults of one double.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(fault);
    }

    pub(crate) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn take(&self, request: &Request) -> Option<How> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = faults.iter_mut().find(|fault| {
            fault.times > 0
                && fault.method == *request.method()
                && request.uri().path().contains(&fault.path)
        })?;
        if fault.spared > 0 {
            fault.spared -= 1;
            return None;
        }
        if fault.times != usize::MAX {
            fault.times -= 1;
        }
        Some(fault.how.clone())
    }
}

pub(crate) async fn befall(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    match faults.take(&request) {
        None => next.run(request).await,
        Some(How::LoseAnswer) => {
            next.run(request).await;
            broken()
        }
        Some(How::Swallow) => broken(),
        Some(How::Delay(by)) => {
            tokio::time::sleep(by).await;
            next.run(request).await
        }
        Some(How::Answer { status, kind, body }) => given(status, kind, body),
        Some(How::Redirect { status, to }) => (status, [(header::LOCATION, to)]).into_response(),
        Some(How::InsteadOfAnswer { status, kind, body }) => {
            next.run(request).await;
            given(status, kind, body)
        }
    }
}

fn given(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// An answer that never gets through: its body ends in an error, which closes the connection.
fn broken() -> Response {
    let lost = std::io::Error::other("the connection breaks here");
    Response::new(Body::from_stream(stream::once(async {
        Err::<bytes::Bytes, _>(lost)
    })))
}
