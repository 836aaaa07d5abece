//! Hearth's inference core.
//!
//! A model folder goes in, text comes out: tokenizing, chat template, prefill and
//! decode over a cache that is bound in place, sampling, stop strings and
//! UTF-8-safe detokenizing, for several conversations at once, on one thread of
//! its own.
//!
//! Direction of imports: [`error`] ← [`manifest`], [`device`], [`tokenizer`],
//! [`template`], [`sampler`], [`guide`], [`runtime`], [`provider`], [`profile`], `memory`
//! ← `kv_memory` ← [`cache`] ← [`model`] ← [`onnx_model`] ← `proof`; [`model`] ←
//! [`answer`] ← [`sequence`]; [`prefix`], [`window`] ← [`slots`] ← [`scheduler`] ←
//! [`generator`] ← [`load`] ← `py`, the only folder that names `PyO3`.

// Allowed in `confined`, in `memory`, and where `kv_memory` and `cache` make and bind
// views of it.
#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod answer;
pub mod answer_text;
pub mod cache;
pub mod candidates;
#[allow(unsafe_code)] // says why at its top
pub mod confined;
pub mod detokenize;
pub mod device;
pub mod error;
pub mod events;
#[cfg(test)]
mod fake_model;
pub mod folder;
pub mod generator;
pub mod graph;
pub mod guide;
pub mod guide_compiler;
pub mod json_schema;
mod kv_memory;
pub mod load;
pub mod mailbox;
pub mod manifest;
#[allow(unsafe_code)] // says why at its top
mod memory;
pub mod model;
pub mod onnx_model;
pub mod prefix;
pub mod profile;
pub mod prompt;
mod proof;
pub mod provider;
pub mod runtime;
pub mod sampler;
pub mod sampling;
pub mod scheduler;
pub mod sequence;
pub mod slots;
pub mod stop;
pub mod template;
pub mod token_bytes;
pub mod tokenizer;
pub mod window;

#[cfg(feature = "python")]
mod py;
