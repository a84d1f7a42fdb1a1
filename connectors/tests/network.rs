//! The real transport, against a socket on this machine, in real time.

use connectors::http::{MAX_BODY, Method, Request};
use connectors::{HttpTransport, Transport, TransportError};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Serves every connection with the same bytes, then closes it, or keeps it open and silent.
struct Server {
    base: String,
    heard: Arc<Mutex<Vec<String>>>,
}

async fn serve(answer: Vec<u8>, hold: bool) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (answer, ears) = (answer.clone(), Arc::clone(&ears));
            tokio::spawn(async move {
                let mut buffer = vec![0; 16 * 1024];
                let read = socket.read(&mut buffer).await.unwrap_or(0);
                ears.lock().unwrap().push(String::from_utf8_lossy(&buffer[..read]).into_owned());
                // The other side may have hung up, which is what some tests are about.
                let _ = socket.write_all(&answer).await;
                if hold {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            });
        }
    });
    Server { base, heard }
}

fn get(path: &str, timeout: Duration) -> Request {
    Request {
        method: Method::Get,
        path: path.to_owned(),
        headers: vec![("Authorization".to_owned(), "Bearer canary".to_owned())],
        body: None,
        timeout,
    }
}

const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_answer_arrives_with_status_headers_and_body() {
    let server =
        serve(b"HTTP/1.1 207 Multi-Status\r\nX-Trace: a\r\nContent-Length: 5\r\n\r\nhello".to_vec(), false).await;
    let transport = HttpTransport::new(&server.base).unwrap();
    let answer = transport.send(get("/crm/objects?x=a%2Cb", PATIENT)).await.unwrap();
    assert_eq!(
        (answer.status, answer.header("x-trace"), answer.body.as_slice()),
        (207, Some("a"), b"hello".as_slice())
    );
    let heard = server.heard.lock().unwrap()[0].clone();
    assert!(heard.starts_with("GET /crm/objects?x=a%2Cb HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("Bearer canary") && heard.contains("crmsync/"), "{heard}");
}

#[tokio::test]
async fn a_body_is_sent_as_given() {
    let server = serve(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), false).await;
    let transport = HttpTransport::new(&server.base).unwrap();
    let request = Request { method: Method::Post, body: Some(b"{\"a\":1}".to_vec()), ..get("/x", PATIENT) };
    let answer = transport.send(request).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert!(server.heard.lock().unwrap()[0].ends_with("{\"a\":1}"));
}

#[tokio::test]
async fn s6_a_redirect_is_an_answer_and_nobody_goes_there() {
    let elsewhere = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(), false).await;
    let location = format!("HTTP/1.1 302 Found\r\nLocation: {}/steal\r\nContent-Length: 0\r\n\r\n", elsewhere.base);
    let server = serve(location.into_bytes(), false).await;
    let answer = HttpTransport::new(&server.base).unwrap().send(get("/", PATIENT)).await.unwrap();
    assert_eq!(answer.status, 302);
    assert!(elsewhere.heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn silence_and_a_body_that_breaks_off_leave_the_outcome_unknown() {
    let silent = serve(Vec::new(), true).await;
    let error = HttpTransport::new(&silent.base).unwrap().send(get("/", Duration::from_millis(300))).await.unwrap_err();
    assert!(matches!(&error, TransportError::Unknown(text) if text.contains("in time")), "{error:?}");
    for broken in ["HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"results\":", "", "gibberish\r\n\r\n"] {
        let server = serve(broken.as_bytes().to_vec(), false).await;
        let error = HttpTransport::new(&server.base).unwrap().send(get("/", PATIENT)).await.unwrap_err();
        assert!(matches!(error, TransportError::Unknown(_)), "{broken:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_means_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = HttpTransport::new(&base).unwrap().send(get("/", PATIENT)).await.unwrap_err();
    assert!(matches!(&error, TransportError::NotSent(text) if !text.contains("canary")), "{error:?}");
}

#[tokio::test]
async fn s13_a_body_without_end_is_not_read_to_its_end() {
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1).into_bytes();
    answer.resize(answer.len() + MAX_BODY + 1, b' ');
    let server = serve(answer, false).await;
    let error = HttpTransport::new(&server.base).unwrap().send(get("/", PATIENT)).await.unwrap_err();
    assert!(matches!(&error, TransportError::TooLarge(text) if text.contains("32 MiB")), "{error:?}");
}

#[tokio::test]
async fn a_path_that_is_no_path_is_not_sent() {
    let server = serve(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), false).await;
    let transport = HttpTransport::new(&server.base).unwrap();
    for path in ["", "x", "@evil.example/", ":80/"] {
        let error = transport.send(get(path, PATIENT)).await.unwrap_err();
        assert!(matches!(error, TransportError::NotSent(_)), "{path}: {error:?}");
    }
    assert!(server.heard.lock().unwrap().is_empty());
}

#[test]
fn s7_a_base_that_would_send_the_token_in_the_clear_is_refused() {
    for base in ["http://api.hubapi.com", "http://192.168.0.1", "file:///etc/passwd", "api.hubapi.com"] {
        assert!(HttpTransport::new(base).is_err(), "{base}");
    }
    assert_eq!(HttpTransport::new("https://api.hubapi.com/").unwrap().base(), "https://api.hubapi.com");
}
