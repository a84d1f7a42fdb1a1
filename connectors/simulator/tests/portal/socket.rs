use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use simulator::{FaultKind, Portal, Settings, When, http};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::client::quiet;

struct Server {
    address: std::net::SocketAddr,
    token: String,
    portal: http::SharedPortal,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn server() -> Server {
    let settings = Settings { latency: Duration::ZERO, ..quiet() };
    let clock = Arc::new(AtomicI64::new(settings.start));
    let portal = http::share(Portal::new(settings));
    let token = portal.lock().unwrap().token().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let now = move || clock.fetch_add(1, Ordering::Relaxed);
    let serving = http::serve(listener, Arc::clone(&portal), now, async move {
        let _ = stopped.await;
    });
    let done = tokio::spawn(serving);
    Server { address, token, portal, stop, done }
}

impl Server {
    fn inject(&self, kind: FaultKind) {
        self.portal.lock().unwrap().inject(kind, When::next(1));
    }

    /// Sends a request and reads until the connection ends, however it ends.
    async fn ask(&self) -> (Vec<u8>, std::io::Result<()>) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "GET /account-info/v3/details HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            self.token
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut got = Vec::new();
        let ended = stream.read_to_end(&mut got).await.map(drop);
        (got, ended)
    }
}

#[tokio::test]
async fn an_answer_arrives_over_http_with_hubspots_headers() {
    let server = server().await;
    let (got, ended) = server.ask().await;
    let text = String::from_utf8(got).unwrap();
    assert!(ended.is_ok());
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.to_lowercase().contains("x-hubspot-ratelimit-max: 1000000"), "{text}");
    assert!(text.to_lowercase().contains("date: mon, 05 oct 2026"), "{text}");
    assert!(text.contains("\"portalId\":48213377"), "{text}");
    server.stop.send(()).unwrap();
    server.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reset_closes_the_connection_before_any_byte() {
    let server = server().await;
    server.inject(FaultKind::Reset);
    let (got, _) = server.ask().await;
    assert!(got.is_empty(), "{}", String::from_utf8_lossy(&got));
}

#[tokio::test]
async fn a_cut_closes_the_connection_inside_the_body() {
    let server = server().await;
    server.inject(FaultKind::Cut);
    let (got, _) = server.ask().await;
    let text = String::from_utf8(got).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let promised =
        head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ").map(str::to_owned)).unwrap();
    assert!(!body.is_empty() && body.len() < promised.parse().unwrap(), "{text}");
}

#[tokio::test]
async fn a_timeout_never_answers_and_does_not_keep_the_server_from_stopping() {
    let server = server().await;
    server.inject(FaultKind::TimeoutBefore);
    let waiting = tokio::time::timeout(Duration::from_millis(200), server.ask()).await;
    assert!(waiting.is_err());
    server.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), server.done).await.unwrap().unwrap().unwrap();
}
