//! What a graph is asked when it is loaded: does it keep its cache in place, and do rows
//! that decode together get the numbers that each would get alone?
//!
//! The answers depend on the kernels for this device and these weights, so they are found
//! out where they matter.

use std::collections::BTreeSet;

use crate::cache::Cache;
use crate::error::{EngineError, Result};
use crate::model::LanguageModel;
use crate::onnx_model::{LEAST_POSITIONS, OnnxModel, row_bytes};

/// Proves that `model` computes in place, and tells it and the caller whether its rows can
/// decode together.
///
/// On the processor it is done with a short cache of its own, so that rows that nobody
/// uses take no memory. A card has its memory already, and is only asked for shapes that
/// it was prepared for.
///
/// # Errors
/// [`EngineError::ModelUnsupported`], or [`EngineError::MemoryShort`] for the short cache.
pub(crate) fn prove(model: &mut OnnxModel) -> Result<bool> {
    let together = if model.is_on_device() {
        prove_here(model)?
    } else {
        prove_aside(model)?
    };
    model.set_decodes_together(together);
    Ok(together)
}

fn prove_aside(model: &mut OnnxModel) -> Result<bool> {
    let short = Cache::on_host(model.manifest(), model.rows(), LEAST_POSITIONS);
    let short = short.ok_or(EngineError::MemoryShort {
        needed: row_bytes(model.manifest(), LEAST_POSITIONS) * model.rows(),
        limit: None,
    })?;
    let own = model.exchange_cache(short);
    let together = prove_here(model)?;
    model.exchange_cache(own);
    Ok(together)
}

fn prove_here(model: &mut OnnxModel) -> Result<bool> {
    if !is_in_place(model).map_err(|error| not_run(&error))? {
        return Err(EngineError::ModelUnsupported(
            "its graph does not keep its cache in one place; export it with GroupQueryAttention"
                .into(),
        ));
    }
    decodes_together(model).map_err(|error| not_run(&error))
}

fn is_in_place(model: &mut OnnxModel) -> ort::Result<bool> {
    // From the middle of the vocabulary: control tokens at its ends may have empty rows in
    // the embedding, and then nothing is written that could be seen.
    let token = (model.manifest().vocab_size / 2) as u32;
    model.run(0..1, &[0], &[token])?;
    let first = model.cache().key(0, 0)?;
    model.run(0..1, &[1], &[token])?;
    let key = |position| model.cache().key(0, position);
    let is_empty = |key: &[u8]| key.iter().all(|&byte| byte == 0);
    Ok(key(0)? == first && !is_empty(&first) && !is_empty(&key(1)?) && is_empty(&key(2)?))
}

/// Rows of different age and with different tokens, together and each by itself.
fn decodes_together(model: &mut OnnxModel) -> ort::Result<bool> {
    let (rows, vocab) = (model.rows(), model.manifest().vocab_size);
    let token =
        |row: usize, past: usize| ((row * LEAST_POSITIONS + past + 1) * 7919 % vocab) as u32;
    let pasts: Vec<usize> = (0..rows)
        .map(|row| 1 + row % (LEAST_POSITIONS - 2))
        .collect();
    let last: Vec<u32> = pasts
        .iter()
        .enumerate()
        .map(|(row, &past)| token(row, past))
        .collect();
    // Kernels take rows in tiles and have another for what is left over: look at
    // both ends. The rows between only fill.
    let looked_at: BTreeSet<usize> = [0, 1, rows - 2, rows - 1].into();
    let mut alone = Vec::new();
    for &row in &looked_at {
        let tokens: Vec<u32> = (0..pasts[row]).map(|past| token(row, past)).collect();
        model.run(row..row + 1, &[0], &tokens)?;
        let logits = model.run(row..row + 1, &[pasts[row]], &last[row..=row])?;
        alone.push((row, logits.to_vec()));
    }
    for width in [2, rows] {
        let together = model.run(0..width, &pasts[..width], &last[..width])?;
        let same = |row: usize, logits: &[f32]| {
            let theirs = &together[row * vocab..(row + 1) * vocab];
            std::iter::zip(logits, theirs).all(|(a, b)| a.to_bits() == b.to_bits())
        };
        if !alone
            .iter()
            .filter(|(row, _)| *row < width)
            .all(|(row, logits)| same(*row, logits))
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn not_run(error: &ort::Error) -> EngineError {
    EngineError::ModelUnsupported(format!("its graph does not run here ({})", error.message()))
}
