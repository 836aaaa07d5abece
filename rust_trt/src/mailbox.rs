//! Where callers and the engine thread meet: one lock, two conditions.
//!
//! Callers put commands in and take events out; neither ever waits for inference,
//! because the engine thread holds the lock only between steps, for microseconds.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{EngineError, Result};
use crate::events::{EndReason, Event, GenerationEnd, GenerationId, Timings};
use crate::guide::Guide;
use crate::sampling::Sampling;

/// A generation to be run.
#[derive(Debug)]
pub struct Request {
    /// Its id.
    pub generation: GenerationId,
    /// For whom it is; waiting requests of different owners take turns.
    pub owner: Option<Arc<str>>,
    /// Encoded prompt and beginning of the answer, at least one token.
    pub prompt: Vec<u32>,
    /// The text that the answer begins with.
    pub begun: Box<str>,
    /// Checked parameters.
    pub sampling: Sampling,
    /// The schema that the answer follows, compiled.
    pub guide: Option<Guide>,
    /// Set by the caller to cancel it.
    pub cancelled: Arc<AtomicBool>,
    /// When it was submitted.
    pub submitted: Instant,
}

/// How sequences are fed whose logits are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feeding {
    /// So many tokens a step.
    Chunks(usize),
    /// As a prompt, less its last token; that one for all sequences in one step.
    Together,
}

/// Work for the engine thread.
#[derive(Debug)]
pub enum Command {
    /// Run a generation.
    Generate(Request),
    /// Compute the logits after each of the sequences.
    Logits {
        /// Whole sequences.
        sequences: Vec<Vec<u32>>,
        /// How they are fed.
        feeding: Feeding,
        /// Where the answer goes.
        reply: SyncSender<Result<Vec<f32>>>,
    },
}

/// What the engine thread is to do next.
#[derive(Debug)]
pub enum Next {
    /// Take these commands, then step.
    Work(Vec<Command>),
    /// End everything and leave.
    Close,
}

#[derive(Debug, Default)]
struct State {
    commands: VecDeque<Command>,
    events: VecDeque<Event>,
    /// Every generation between its request and its end event.
    live: HashMap<GenerationId, Arc<AtomicBool>>,
    closing: bool,
    /// Set when no event will follow any more.
    finished: Option<EngineError>,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Mailbox {
    state: Mutex<State>,
    for_engine: Condvar,
    for_caller: Condvar,
    /// Most generations that may be live at a time.
    limit: usize,
}

impl Mailbox {
    /// A mailbox for at most `limit` live generations.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            state: Mutex::default(),
            for_engine: Condvar::new(),
            for_caller: Condvar::new(),
            limit,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that could panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The callers' side.

    /// Queues a generation.
    ///
    /// # Errors
    /// [`EngineError::EngineClosed`], [`EngineError::DuplicateGeneration`] or
    /// [`EngineError::EngineBusy`].
    pub fn submit(&self, request: Request) -> Result<()> {
        let mut state = self.lock();
        state.refuse_when_closed()?;
        if state.live.contains_key(&request.generation) {
            return Err(EngineError::DuplicateGeneration);
        }
        if state.live.len() >= self.limit {
            return Err(EngineError::EngineBusy(state.live.len()));
        }
        state
            .live
            .insert(request.generation.clone(), request.cancelled.clone());
        state.commands.push_back(Command::Generate(request));
        self.for_engine.notify_one();
        Ok(())
    }

    /// Queues any other command.
    ///
    /// # Errors
    /// [`EngineError::EngineClosed`].
    pub fn send(&self, command: Command) -> Result<()> {
        let mut state = self.lock();
        state.refuse_when_closed()?;
        state.commands.push_back(command);
        self.for_engine.notify_one();
        Ok(())
    }

    /// Cancels a generation; `false` when it is not live.
    pub fn cancel(&self, generation: &str) -> bool {
        let state = self.lock();
        let Some(cancelled) = state.live.get(generation) else {
            return false;
        };
        cancelled.store(true, Ordering::Release);
        self.for_engine.notify_one();
        true
    }

    /// Takes all events there are, waiting up to `timeout` for the first.
    ///
    /// # Errors
    /// [`EngineError::EngineClosed`] once there is none and none will follow.
    pub fn next_events(&self, timeout: Duration) -> Result<Vec<Event>> {
        let idle = |state: &mut State| state.events.is_empty() && state.finished.is_none();
        let (mut state, _) = self
            .for_caller
            .wait_timeout_while(self.lock(), timeout, idle)
            .unwrap_or_else(PoisonError::into_inner);
        match &state.finished {
            Some(error) if state.events.is_empty() => Err(error.clone()),
            _ => Ok(state.events.drain(..).collect()),
        }
    }

    /// Asks the engine thread to end.
    pub fn close(&self) {
        self.lock().closing = true;
        self.for_engine.notify_one();
    }

    // The engine thread's side.

    /// Takes the commands. An `idle` engine waits here until there is one, a
    /// generation is cancelled, or the engine is to close.
    pub fn next(&self, idle: bool) -> Next {
        let mut state = self.lock();
        if idle {
            let nothing = |state: &mut State| state.commands.is_empty() && !state.closing;
            state = self
                .for_engine
                .wait_while(state, nothing)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closing {
            Next::Close
        } else {
            Next::Work(state.commands.drain(..).collect())
        }
    }

    /// Publishes events. Text is joined to text of the same generation that nobody
    /// took yet, so that a slow caller finds a few long pieces, not a long queue.
    pub fn publish(&self, events: &mut Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let mut state = self.lock();
        for event in events.drain(..) {
            state.push(event);
        }
        self.for_caller.notify_all();
    }

    /// Ends every generation that is still live and says that nothing follows:
    /// after the last event callers get `error`.
    pub fn finish(&self, error: EngineError, reason: &EndReason) {
        let mut state = self.lock();
        state.closing = true;
        // Dropping a command's reply channel wakes its sender.
        state.commands.clear();
        let live: Vec<_> = state
            .live
            .drain()
            .map(|(generation, _)| generation)
            .collect();
        for generation in live {
            state.push(Event::End(GenerationEnd {
                generation,
                reason: reason.clone(),
                prompt_tokens: 0,
                cached_tokens: 0,
                completion_tokens: 0,
                timings: Timings::default(),
            }));
        }
        state.finished = Some(error);
        self.for_caller.notify_all();
    }
}

impl State {
    fn refuse_when_closed(&self) -> Result<()> {
        match &self.finished {
            Some(error) => Err(error.clone()),
            None if self.closing => Err(EngineError::closed()),
            None => Ok(()),
        }
    }

    fn push(&mut self, event: Event) {
        match &event {
            Event::Text(piece) => {
                let waiting = self.events.iter_mut().rev().find_map(|event| match event {
                    Event::Text(text) if text.generation == piece.generation => Some(text),
                    _ => None,
                });
                if let Some(text) = waiting {
                    text.text.push_str(&piece.text);
                    text.tokens += piece.tokens;
                    return;
                }
            }
            Event::End(end) => {
                self.live.remove(&end.generation);
            }
        }
        self.events.push_back(event);
    }
}

#[cfg(test)]
mod tests;
