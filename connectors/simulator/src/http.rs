//! The portal on a socket.
//!
//! Latency is slept, a timeout never answers, a reset closes the connection before a byte of the answer, a cut closes it
//! inside the body. Requests are carried out one after another; only their waiting overlaps.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::response::Response as HttpResponse;
use axum::serve::IncomingStream;
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::{Delivery, Millis, Portal, Request, Response};

/// A portal that a server and a test share.
pub type SharedPortal = Arc<Mutex<Portal>>;

/// No client has reason to send more.
const LARGEST_BODY: usize = 16 << 20;

/// Puts a portal behind a lock.
pub fn share(portal: Portal) -> SharedPortal {
    Arc::new(Mutex::new(portal))
}

/// Serves a portal until `shutdown` resolves. `clock` says what time it is for each request.
pub async fn serve<C, S>(listener: TcpListener, portal: SharedPortal, clock: C, shutdown: S) -> io::Result<()>
where
    C: Fn() -> Millis + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let (stop, stopped) = watch::channel(false);
    let state = Shared { portal, clock: Arc::new(clock), stopped };
    let app = Router::new().fallback(handle).with_state(state);
    let service = app.into_make_service_with_connect_info::<Breaker>();
    axum::serve(BreakableListener(listener), service)
        .with_graceful_shutdown(async move {
            shutdown.await;
            // Requests that wait for a timeout's end would hold the server for ever.
            let _ = stop.send(true);
        })
        .await
}

#[derive(Clone)]
struct Shared {
    portal: SharedPortal,
    clock: Arc<dyn Fn() -> Millis + Send + Sync>,
    stopped: watch::Receiver<bool>,
}

async fn handle(
    State(mut shared): State<Shared>,
    ConnectInfo(breaker): ConnectInfo<Breaker>,
    request: HttpRequest,
) -> HttpResponse {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return plain(413);
    };
    let request = Request {
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: body.to_vec(),
    };
    let exchange = {
        let now = (shared.clock)();
        // A panic in another handler leaves the portal usable: it changes state only in whole steps.
        shared.portal.lock().unwrap_or_else(PoisonError::into_inner).exchange(now, &request)
    };
    // A sleep of nothing still waits for the timer's next tick.
    if !exchange.latency.is_zero() {
        tokio::time::sleep(exchange.latency).await;
    }
    match exchange.delivery {
        Delivery::Answer(response) => whole(response),
        Delivery::Cut(response) => cut(response),
        Delivery::Reset => {
            breaker.0.store(true, Ordering::Release);
            plain(500)
        }
        Delivery::Timeout => {
            // An error means that the server is gone, which ends the wait as well.
            let _ = shared.stopped.wait_for(|stopped| *stopped).await;
            breaker.0.store(true, Ordering::Release);
            plain(504)
        }
    }
}

fn plain(status: u16) -> HttpResponse {
    whole(Response { status, headers: Vec::new(), body: Vec::new() })
}

fn whole(response: Response) -> HttpResponse {
    let body = Body::from(response.body);
    build(response.status, &response.headers, body)
}

fn cut(response: Response) -> HttpResponse {
    let body = Body::new(Breaking { prefix: Some(Bytes::from(response.body)), pause: None });
    build(response.status, &response.headers, body)
}

fn build(status: u16, headers: &[(String, String)], body: Body) -> HttpResponse {
    let mut builder = HttpResponse::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    builder.body(body).unwrap_or_else(|error| {
        tracing::error!(%error, "the portal made a response that HTTP cannot carry");
        HttpResponse::new(Body::empty())
    })
}

/// How long a breaking body waits, so that its first piece leaves before the connection does.
const LAST_BREATH: Duration = Duration::from_millis(20);

/// A body that breaks after its first piece; `Content-Length` has promised more.
struct Breaking {
    prefix: Option<Bytes>,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl HttpBody for Breaking {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(prefix) = self.prefix.take() {
            return Poll::Ready(Some(Ok(Frame::data(prefix))));
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(LAST_BREATH)));
        pause.as_mut().poll(cx).map(|()| Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}

/// Tells a connection to break before the next byte is written.
#[derive(Clone, Default)]
struct Breaker(Arc<AtomicBool>);

struct BreakableListener(TcpListener);

struct Breakable {
    stream: TcpStream,
    breaker: Breaker,
}

impl axum::serve::Listener for BreakableListener {
    type Io = Breakable;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
        // Small answers should not wait for the client's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not switch off Nagle's algorithm");
        }
        (Breakable { stream, breaker: Breaker::default() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, BreakableListener>> for Breaker {
    fn connect_info(stream: IncomingStream<'_, BreakableListener>) -> Self {
        stream.io().breaker.clone()
    }
}

impl Breakable {
    fn broken(&self) -> bool {
        self.breaker.0.load(Ordering::Acquire)
    }
}

impl AsyncRead for Breakable {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.broken() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
