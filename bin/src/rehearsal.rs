//! The simulated portal inside this process: the connector's transport answered by the simulator's state machine, with
//! no socket in between. The demo runs on it, and so do the deterministic tests.

use connectors::http::{Request, Response, Transport, TransportError};
use simulator::{Delivery, Exchange, Millis, Portal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// A portal that several hands change: the connector's calls, and whoever plays the CRM's users.
#[derive(Clone)]
pub struct Rehearsal {
    portal: Arc<Mutex<Portal>>,
    now: Arc<dyn Fn() -> Millis + Send + Sync>,
}

impl Rehearsal {
    /// A portal whose clock is `now`.
    pub fn new(portal: Portal, now: impl Fn() -> Millis + Send + Sync + 'static) -> Self {
        Self { portal: Arc::new(Mutex::new(portal)), now: Arc::new(now) }
    }

    /// The portal, to be changed or looked at.
    pub fn portal(&self) -> MutexGuard<'_, Portal> {
        self.portal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The portal's time.
    pub fn now(&self) -> Millis {
        (self.now)()
    }
}

impl Transport for Rehearsal {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let timeout = request.timeout;
        let asked = simulator::Request {
            method: request.method.as_str().to_owned(),
            path: request.path,
            headers: request.headers,
            body: request.body.unwrap_or_default(),
        };
        let Exchange { delivery, latency } = self.portal().exchange(self.now(), &asked);
        if latency >= timeout {
            return late(timeout).await;
        }
        match delivery {
            Delivery::Answer(answer) => {
                wait(latency).await;
                Ok(Response { status: answer.status, headers: answer.headers, body: answer.body })
            }
            Delivery::Timeout => late(timeout).await,
            Delivery::Reset => {
                wait(latency).await;
                Err(TransportError::Unknown("the connection was reset".to_owned()))
            }
            Delivery::Cut(_) => {
                wait(latency).await;
                Err(TransportError::Unknown("the connection closed before the answer was complete".to_owned()))
            }
        }
    }
}

async fn wait(latency: Duration) {
    if !latency.is_zero() {
        sleep(latency).await;
    }
}

async fn late(timeout: Duration) -> Result<Response, TransportError> {
    sleep(timeout).await;
    Err(TransportError::Unknown(format!("no answer within {} s", timeout.as_secs())))
}
