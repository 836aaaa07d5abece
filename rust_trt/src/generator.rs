//! The engine: a thread that owns a model, and the handle that callers hold.
//!
//! How a model folder becomes one is in `load`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{EngineError, Result};
use crate::events::{EndReason, Event};
use crate::guide_compiler::Guides;
use crate::mailbox::{Command, Feeding, Mailbox, Next, Request};
use crate::model::LanguageModel;
use crate::prompt::{PromptEncoder, encode_begun};
use crate::sampling::Sampling;
use crate::scheduler::Scheduler;
use crate::sequence::Language;
use crate::template::Message;
use crate::tokenizer::Tokenizer;

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// Name for people.
    pub name: String,
    /// Model family.
    pub architecture: String,
    /// Tokens of prompt and answer together.
    pub context_length: usize,
    /// Width of the logits.
    pub vocab_size: usize,
    /// Name of the device in use.
    pub device: &'static str,
    /// Threads it computes with.
    pub threads: usize,
    /// Whether answers that run at the same time are computed together.
    pub decodes_together: bool,
}

/// A running engine. Dropping it closes it.
#[derive(Debug)]
pub struct Engine {
    info: ModelInfo,
    tokenizer: Arc<Tokenizer>,
    prompt: PromptEncoder,
    guides: Guides,
    mailbox: Arc<Mailbox>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Starts an engine around `model`.
    ///
    /// # Errors
    /// [`EngineError::EngineClosed`] when the system gives no thread.
    pub fn start<M: LanguageModel + Send + 'static>(
        model: M,
        info: ModelInfo,
        language: Language,
        prompt: PromptEncoder,
        max_active: usize,
        max_waiting: usize,
    ) -> Result<Self> {
        let mailbox = Arc::new(Mailbox::new(max_active.saturating_add(max_waiting)));
        let tokenizer = language.tokenizer.clone();
        let guides = Guides::new(tokenizer.clone(), language.stop_token_ids.clone());
        let scheduler = Scheduler::new(model, language, max_active);
        let theirs = mailbox.clone();
        let thread = std::thread::Builder::new()
            .name("hearth-engine".into())
            .spawn(move || run(scheduler, &theirs))
            .map_err(|error| {
                EngineError::EngineClosed(format!("The system gave no thread ({error})."))
            })?;
        Ok(Self {
            info,
            tokenizer,
            prompt,
            guides,
            mailbox,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// What was loaded.
    #[must_use]
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The model's tokenizer.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Tokens of a conversation, template included, and of an answer that began with
    /// `begun`.
    ///
    /// # Errors
    /// As [`PromptEncoder::encode`].
    pub fn encode_chat(&self, messages: &[Message], begun: &str) -> Result<Vec<u32>> {
        let mut tokens = self.prompt.encode(&self.tokenizer, messages)?;
        tokens.extend(encode_begun(&self.tokenizer, begun)?);
        Ok(tokens)
    }

    /// Queues an answer to `messages` that goes on from `begun`, and returns the tokens of
    /// both. Never waits for inference. Where answers have to wait, owners take turns. An
    /// answer that has filled the context already ends at once, for its length.
    ///
    /// # Errors
    /// [`EngineError::ContextFull`], [`EngineError::EngineBusy`],
    /// [`EngineError::DuplicateGeneration`], [`EngineError::EngineClosed`],
    /// [`EngineError::InvalidSampling`] for a bias of an unknown token or a schema for the
    /// rest of an answer, or as
    /// [`Guides::compile`] and [`PromptEncoder::encode`].
    pub fn submit(
        &self,
        generation: &str,
        owner: Option<&str>,
        messages: &[Message],
        begun: &str,
        sampling: Sampling,
    ) -> Result<usize> {
        let submitted = Instant::now();
        if let Some((id, _)) = sampling
            .logit_bias
            .iter()
            .find(|(id, _)| *id as usize >= self.info.vocab_size)
        {
            return Err(EngineError::InvalidSampling {
                field: "logit_bias",
                problem: format!("this model has no token {id}"),
            });
        }
        if sampling.json_schema.is_some() && !begun.is_empty() {
            return Err(EngineError::InvalidSampling {
                field: "json_schema",
                problem: "an answer cannot go on with one".into(),
            });
        }
        let mut prompt = self.prompt.encode(&self.tokenizer, messages)?;
        let tokens = prompt.len();
        // One position at least must be left for the answer.
        if tokens >= self.info.context_length {
            return Err(EngineError::ContextFull {
                tokens,
                limit: self.info.context_length,
            });
        }
        if prompt.is_empty() {
            return Err(EngineError::InvalidMessages(
                "the chat template made nothing of them".into(),
            ));
        }
        prompt.extend(encode_begun(&self.tokenizer, begun)?);
        let tokens = prompt.len();
        let guide = sampling
            .json_schema
            .as_deref()
            .map(|schema| self.guides.compile(schema))
            .transpose()?;
        self.mailbox.submit(Request {
            generation: generation.into(),
            owner: owner.map(Into::into),
            prompt,
            begun: begun.into(),
            sampling,
            guide,
            cancelled: Arc::default(),
            submitted,
        })?;
        Ok(tokens)
    }

    /// Cancels a generation; `false` when it is not live. Its end event follows.
    pub fn cancel(&self, generation: &str) -> bool {
        self.mailbox.cancel(generation)
    }

    /// Takes all events there are, waiting up to `timeout` for the first.
    ///
    /// # Errors
    /// [`EngineError::EngineClosed`] after the last event of a closed engine.
    pub fn next_events(&self, timeout: Duration) -> Result<Vec<Event>> {
        self.mailbox.next_events(timeout)
    }

    /// Logits after each of the sequences, shape `[sequences, vocab]`, computed between
    /// the steps of running answers.
    ///
    /// # Errors
    /// [`EngineError::ContextFull`], [`EngineError::InvalidMessages`] for no tokens
    /// or unknown ones, [`EngineError::EngineBusy`] for sequences together while
    /// answers run, [`EngineError::InferenceFailed`], [`EngineError::EngineClosed`].
    pub fn logits(&self, sequences: Vec<Vec<u32>>, feeding: Feeding) -> Result<Vec<f32>> {
        let known = |&id: &u32| (id as usize) < self.info.vocab_size;
        let known = |tokens: &Vec<u32>| !tokens.is_empty() && tokens.iter().all(known);
        if sequences.is_empty() || !sequences.iter().all(known) {
            return Err(EngineError::InvalidMessages(
                "a token id is unknown, or there is none".into(),
            ));
        }
        let (reply, answer) = sync_channel(1);
        self.mailbox.send(Command::Logits {
            sequences,
            feeding,
            reply,
        })?;
        answer.recv().unwrap_or_else(|_| Err(EngineError::closed()))
    }

    /// Ends all generations and the thread, and waits for it. May be called again.
    pub fn close(&self) {
        self.mailbox.close();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // It catches its own panics, so there is nothing to learn from the result.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

/// The engine thread. Whatever happens in it, every live generation gets its end
/// event and every waiting caller an answer.
fn run<M: LanguageModel>(mut scheduler: Scheduler<M>, mailbox: &Mailbox) {
    let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut scheduler, mailbox)));
    if outcome.is_ok() {
        mailbox.finish(EngineError::closed(), &EndReason::Cancelled);
    } else {
        let error = EngineError::crashed();
        mailbox.finish(error.clone(), &EndReason::Failed(error));
    }
}

fn work<M: LanguageModel>(scheduler: &mut Scheduler<M>, mailbox: &Mailbox) {
    let mut events = Vec::new();
    while let Next::Work(commands) = mailbox.next(scheduler.is_idle()) {
        for command in commands {
            match command {
                Command::Generate(request) => scheduler.submit(request),
                Command::Logits {
                    sequences,
                    feeding,
                    reply,
                } => {
                    // Whoever asked may have gone.
                    let _ = reply.send(scheduler.logits(&sequences, feeding));
                }
            }
        }
        scheduler.step(&mut Instant::now, &mut events);
        mailbox.publish(&mut events);
    }
    scheduler.cancel_all(Instant::now(), &mut events);
    mailbox.publish(&mut events);
}

#[cfg(test)]
mod tests;
