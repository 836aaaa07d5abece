//! The engine: a thread that owns a model, and the handle that callers hold.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::device::Device;
use crate::error::{EngineError, Result};
use crate::events::{EndReason, Event};
use crate::folder::{self, TEMPLATE_FILE, TOKENIZER_FILE};
use crate::guide_compiler::Guides;
use crate::mailbox::{Command, Feeding, Mailbox, Next};
use crate::model::LanguageModel;
use crate::onnx_model::{Load, OnnxModel, row_bytes};
use crate::prompt::PromptEncoder;
use crate::proof;
use crate::provider;
use crate::runtime;
use crate::sampling::Sampling;
use crate::scheduler::Scheduler;
use crate::sequence::Language;
use crate::slots::PREFILL_CHUNK;
use crate::template::{ChatTemplate, Message};
use crate::tokenizer::Tokenizer;

/// Context in use when nobody asks for another: its cache costs memory.
const DEFAULT_CONTEXT: usize = 4096;

/// Most rows of a cache, unless more are to be active.
const MAX_ROWS: usize = 64;

/// How an engine is to be loaded.
#[derive(Debug, Clone)]
pub struct Options {
    /// The model folder.
    pub folder: PathBuf,
    /// ONNX Runtime's shared library.
    pub library: PathBuf,
    /// See [`Device::named`].
    pub device: String,
    /// What brings the device.
    pub provider: provider::Request,
    /// Threads to compute with; 0 for one each physical core.
    pub threads: usize,
    /// Tokens of prompt and answer together; 0 for 4096. Never beyond the model's.
    pub context_length: usize,
    /// Generations computed at a time; at least 1.
    pub max_active: usize,
    /// Most memory for keys and values, in bytes; 0 for what `max_active` takes. It
    /// is divided into rows of `context_length`; those beyond `max_active` keep ended
    /// chats.
    pub cache_bytes: usize,
    /// Generations that may wait beside them.
    pub max_waiting: usize,
}

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
    /// Loads a model folder and starts its engine. Takes seconds.
    ///
    /// # Errors
    /// All that concern models, the runtime and devices.
    pub fn load(options: &Options) -> Result<Self> {
        let device = Device::named(&options.device)?;
        let manifest = folder::read(&options.folder)?;
        let tokenizer = Tokenizer::read(&options.folder.join(TOKENIZER_FILE))?;
        let template =
            std::fs::read_to_string(options.folder.join(TEMPLATE_FILE)).map_err(|error| {
                EngineError::ModelDamaged(format!("{TEMPLATE_FILE} cannot be read ({error})"))
            })?;
        let template =
            ChatTemplate::new(template, manifest.bos_token.as_deref(), &manifest.eos_token)?;
        let wanted = if options.context_length == 0 {
            DEFAULT_CONTEXT
        } else {
            options.context_length
        };
        let mut info = ModelInfo {
            name: manifest.name.clone(),
            architecture: manifest.architecture.clone(),
            context_length: wanted.min(manifest.context_length),
            vocab_size: manifest.vocab_size,
            device: device.name(),
            threads: runtime::threads(options.threads),
            decodes_together: false,
        };
        let language = Language {
            tokenizer: Arc::new(tokenizer),
            stop_token_ids: manifest.stop_token_ids.clone(),
            context_length: info.context_length,
        };
        let max_active = options.max_active.max(1);
        let rows = rows(
            row_bytes(&manifest, info.context_length),
            max_active,
            options.cache_bytes,
        )?;
        let mut model = OnnxModel::open(
            &options.folder,
            manifest,
            &Load {
                library: &options.library,
                device,
                provider: &options.provider,
                threads: info.threads,
                // One more, for logits that somebody asks for between steps.
                rows: rows + 1,
                context_length: info.context_length,
                chunk: PREFILL_CHUNK,
            },
        )?;
        info.decodes_together = proof::prove(&mut model)?;
        Self::start(
            model,
            info,
            language,
            PromptEncoder::new(template),
            max_active,
            options.max_waiting,
        )
    }

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

    /// Tokens of a conversation, template included.
    ///
    /// # Errors
    /// As [`PromptEncoder::encode`].
    pub fn encode_chat(&self, messages: &[Message]) -> Result<Vec<u32>> {
        self.prompt.encode(&self.tokenizer, messages)
    }

    /// Queues an answer to `messages` and returns the prompt's tokens. Never waits
    /// for inference. Where answers have to wait, owners take turns.
    ///
    /// # Errors
    /// [`EngineError::ContextFull`], [`EngineError::EngineBusy`],
    /// [`EngineError::DuplicateGeneration`], [`EngineError::EngineClosed`],
    /// [`EngineError::InvalidSampling`] for a bias of an unknown token, or as
    /// [`Guides::compile`] and [`PromptEncoder::encode`].
    pub fn submit(
        &self,
        generation: &str,
        owner: Option<&str>,
        messages: &[Message],
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
        let prompt = self.encode_chat(messages)?;
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
        let guide = sampling
            .json_schema
            .as_deref()
            .map(|schema| self.guides.compile(schema))
            .transpose()?;
        self.mailbox
            .submit(generation, owner, prompt, sampling, guide, submitted)?;
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

/// Rows of a cache where each takes `row` bytes.
fn rows(row: usize, max_active: usize, cache_bytes: usize) -> Result<usize> {
    if cache_bytes == 0 {
        return Ok(max_active);
    }
    let rows = cache_bytes / row.max(1);
    if rows < max_active {
        return Err(EngineError::MemoryShort {
            needed: row.saturating_mul(max_active),
            limit: Some(cache_bytes),
        });
    }
    // More could never be told apart in a list that is searched for every prompt.
    Ok(rows.min(max_active.max(MAX_ROWS)))
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
mod tests {
    use super::*;
    use crate::fake_model::{BOMB, FakeModel, STOP, answer};
    use crate::tokenizer::testing::byte_tokenizer;

    /// An engine whose prompts are just the bytes of the messages.
    fn engine(max_active: usize, max_waiting: usize) -> Engine {
        let language = Language {
            tokenizer: Arc::new(byte_tokenizer()),
            stop_token_ids: vec![STOP],
            context_length: 1000,
        };
        let info = ModelInfo {
            name: "fake".into(),
            architecture: "fake".into(),
            context_length: 1000,
            vocab_size: 400,
            device: "cpu",
            threads: 1,
            decodes_together: true,
        };
        let template = "{% for message in messages %}{{ message.content }}{% endfor %}";
        let prompt = PromptEncoder::new(ChatTemplate::new(template.into(), None, "").unwrap());
        Engine::start(
            FakeModel::new(max_active),
            info,
            language,
            prompt,
            max_active,
            max_waiting,
        )
        .unwrap()
    }

    fn user(content: &str) -> [Message; 1] {
        [Message {
            role: "user".into(),
            content: content.into(),
        }]
    }

    /// All text of `generation` and the name of its end.
    fn wait(engine: &Engine, generation: &str) -> (String, &'static str) {
        let mut text = String::new();
        loop {
            for event in engine.next_events(Duration::from_secs(60)).unwrap() {
                match event {
                    Event::Text(piece) if &*piece.generation == generation => {
                        text.push_str(&piece.text);
                    }
                    Event::End(end) if &*end.generation == generation => {
                        return (text, end.reason.name());
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn an_answer_comes_through_the_thread() {
        let engine = engine(1, 1);
        assert_eq!(
            engine.submit("a", None, &user("hello"), Sampling::default()),
            Ok(5)
        );
        let expected = answer(&"hello".bytes().map(u32::from).collect::<Vec<_>>());
        assert_eq!(wait(&engine, "a"), (expected, "stop"));
    }

    #[test]
    fn a_prompt_that_fills_the_context_is_refused_with_both_numbers() {
        let error = engine(1, 1).submit("a", None, &user(&"x".repeat(1000)), Sampling::default());
        assert_eq!(
            error,
            Err(EngineError::ContextFull {
                tokens: 1000,
                limit: 1000
            })
        );
    }

    #[test]
    fn a_schema_is_compiled_before_anything_is_queued() {
        let engine = engine(1, 0);
        let guided = |schema: &str| Sampling {
            json_schema: Some(schema.into()),
            ..Sampling::default()
        };
        let refused = engine.submit("a", None, &user("x"), guided(r#"{"not": {}}"#));
        assert_eq!(refused.unwrap_err().code(), "invalid_sampling");
        engine
            .submit("a", None, &user("x"), guided(r#"{"const": 7}"#))
            .unwrap();
        assert_eq!(wait(&engine, "a"), ("7".to_owned(), "stop"));
    }

    #[test]
    fn a_panic_ends_all_generations_and_closes_with_an_error() {
        let engine = engine(1, 1);
        let error = engine
            .logits(vec![vec![BOMB]], Feeding::Chunks(1))
            .unwrap_err();
        assert_eq!(error.code(), "engine_closed");
        while engine.next_events(Duration::from_secs(60)).is_ok() {}
        let error = engine
            .submit("a", None, &user("x"), Sampling::default())
            .unwrap_err();
        assert_eq!(error, EngineError::crashed());
    }

    #[test]
    fn closing_twice_is_closing_once() {
        let engine = engine(1, 1);
        engine.close();
        engine.close();
        assert_eq!(
            engine.next_events(Duration::MAX),
            Err(EngineError::closed())
        );
        assert_eq!(
            engine.logits(vec![vec![1]], Feeding::Chunks(1)),
            Err(EngineError::closed())
        );
        assert!(!engine.cancel("a"));
    }

    #[test]
    fn rows_follow_from_the_memory_allowed() {
        assert_eq!(rows(100, 4, 0), Ok(4));
        assert_eq!(rows(100, 4, 799), Ok(7));
        assert_eq!(rows(1, 4, 1 << 30), Ok(64));
        let short = EngineError::MemoryShort {
            needed: 400,
            limit: Some(399),
        };
        assert_eq!(rows(100, 4, 399), Err(short));
    }

    #[test]
    fn unknown_tokens_are_refused_before_the_model() {
        let engine = engine(1, 1);
        for tokens in [vec![], vec![vec![]], vec![vec![1], vec![400]]] {
            assert_eq!(
                engine.logits(tokens, Feeding::Together).unwrap_err().code(),
                "invalid_messages"
            );
        }
    }
}
