//! A Lambda environment for one process: the Runtime API, and the process behind it.

use std::collections::BTreeMap;
use std::io::{BufReader, Result};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::http::{Message, Serve, listen};

/// How long a process may take for its first poll, and for an invocation.
const PATIENCE: Duration = Duration::from_secs(60);
/// The interval of the checks whether the process lives.
const LOOK: Duration = Duration::from_millis(20);
/// The address of the Runtime API.
const API: &str = "/2018-06-01/runtime/";

/// The outcome of an invocation.
#[derive(Debug)]
pub(crate) enum InvocationOutcome {
    /// The function's answer.
    Answer(Vec<u8>),
    /// The function reported an error.
    Failed(String),
    /// The process ended during the invocation.
    Died,
}

/// The state of the Runtime API.
#[derive(Debug, Default)]
struct RuntimeState {
    /// The invocation that waits for a poll: number and payload.
    waiting: Option<(u64, Vec<u8>)>,
    /// The outcome of the last one, with its number.
    done: Option<(u64, InvocationOutcome)>,
    first_poll: Option<Instant>,
}

#[derive(Debug, Default)]
struct RuntimeApi {
    state: Mutex<RuntimeState>,
    changed: Condvar,
}

impl RuntimeApi {
    fn lock(&self) -> MutexGuard<'_, RuntimeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is an invocation, and takes it.
    fn next(&self) -> Message {
        let mut state = self.lock();
        if state.first_poll.is_none() {
            state.first_poll = Some(Instant::now());
            self.changed.notify_all();
        }
        loop {
            if let Some((number, payload)) = state.waiting.take() {
                let mut message = Message::answer("200 OK", payload);
                let arn = "arn:aws:lambda:us-east-1:000000000000:function:lab";
                let headers = [
                    ("lambda-runtime-aws-request-id", number.to_string()),
                    // Far away: the laboratory has its own time-out.
                    ("lambda-runtime-deadline-ms", "4102444800000".to_owned()),
                    ("lambda-runtime-invoked-function-arn", arn.to_owned()),
                ];
                message.headers.extend(headers.map(|(name, value)| (name.to_owned(), value)));
                return message;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, number: &str, outcome: InvocationOutcome) {
        if let Ok(number) = number.parse() {
            self.lock().done = Some((number, outcome));
            self.changed.notify_all();
        }
    }
}

impl Serve for RuntimeApi {
    fn serve(&self, mut connection: BufReader<TcpStream>) -> Result<()> {
        while let Some(request) = Message::read(&mut connection)? {
            let (_, path) = request.target();
            let words: Vec<_> = path.trim_start_matches(API).split('/').map(str::to_owned).collect();
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            let answer = match words.as_slice() {
                ["invocation", "next"] => self.next(),
                ["invocation", number, "response"] => {
                    self.done(number, InvocationOutcome::Answer(request.body));
                    Message::answer("202 Accepted", Vec::new())
                }
                ["invocation", number, "error"] => {
                    self.done(number, InvocationOutcome::Failed(String::from_utf8_lossy(&request.body).into_owned()));
                    Message::answer("202 Accepted", Vec::new())
                }
                // A failed start ends the process, which logs the reason itself.
                _ => Message::answer("202 Accepted", Vec::new()),
            };
            answer.write(connection.get_mut())?;
        }
        Ok(())
    }
}

/// A function that runs.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    api: Arc<RuntimeApi>,
    count: u64,
    /// From spawning the process to its first poll.
    pub(crate) cold_start: Duration,
}

impl Process {
    /// Starts a binary with this environment and nothing else, and waits for its first poll.
    ///
    /// # Errors
    /// If it cannot be started, or ends before it polls; its output has the reason.
    pub(crate) fn start(binary: &Path, environment: &BTreeMap<String, String>) -> Result<Self> {
        Self::start_under(&[], binary, environment)
    }

    /// Starts it under a tool that runs binaries, given as its name and arguments.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn start_under(tool: &[String], binary: &Path, environment: &BTreeMap<String, String>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let api = Arc::new(RuntimeApi::default());
        listen(listener, Arc::clone(&api));
        let mut command = Command::new(tool.first().map_or(binary, Path::new));
        command.args(tool.iter().skip(1));
        if !tool.is_empty() {
            command.arg(binary);
        }
        command.env_clear().envs(environment).env("AWS_LAMBDA_RUNTIME_API", address);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let begun = Instant::now();
        let mut process = Self { child: command.spawn()?, api, count: 0, cold_start: Duration::ZERO };
        let first_poll = process.wait(|state| state.first_poll.take())?;
        process.cold_start = first_poll.ok_or(std::io::ErrorKind::BrokenPipe)? - begun;
        Ok(process)
    }

    /// Asks the process to end, and waits until it has ended: a tool writes its report then.
    ///
    /// # Errors
    /// If the system knows neither the process nor the signal.
    pub(crate) fn end(mut self) -> Result<()> {
        Command::new("kill").arg(self.pid().to_string()).status()?;
        self.child.wait().map(|_| ())
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Calls the function.
    ///
    /// # Errors
    /// If the process neither answers nor ends.
    pub(crate) fn invoke(&mut self, payload: Vec<u8>) -> Result<InvocationOutcome> {
        self.count += 1;
        let number = self.count;
        self.api.lock().waiting = Some((number, payload));
        self.api.changed.notify_all();
        let done = self.wait(|state| state.done.take_if(|(done, _)| *done == number))?;
        Ok(done.map_or(InvocationOutcome::Died, |(_, outcome)| outcome))
    }

    /// Waits for a value from the state; `None` if the process has ended.
    fn wait<T>(&mut self, mut look: impl FnMut(&mut RuntimeState) -> Option<T>) -> Result<Option<T>> {
        let begun = Instant::now();
        let mut state = self.api.state.lock().unwrap_or_else(PoisonError::into_inner);
        while begun.elapsed() < PATIENCE {
            if let Some(found) = look(&mut state) {
                return Ok(Some(found));
            }
            if self.child.try_wait()?.is_some() {
                return Ok(None);
            }
            state = self.api.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        Err(std::io::ErrorKind::TimedOut.into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
