use super::*;
use proptest::prelude::*;

#[test]
fn special_text_is_one_token_only_where_it_is_parsed() {
    let tokenizer = testing::byte_tokenizer();
    assert_eq!(tokenizer.encode("a<|im_end|>").unwrap(), [97, 257]);
    let plain = tokenizer.encode_plain("a<|im_end|>").unwrap();
    assert_eq!(plain, b"a<|im_end|>".map(u32::from));
}

#[test]
fn special_tokens_are_no_text() {
    let tokenizer = testing::byte_tokenizer();
    assert_eq!(tokenizer.decode(&[256, 104, 105, 257, 258]), "hi<think>");
}

#[test]
fn damaged_json_is_damaged() {
    assert_eq!(
        Tokenizer::parse(b"{\"model\":").unwrap_err().code(),
        "model_damaged"
    );
    assert_eq!(Tokenizer::parse(b"{}").unwrap_err().code(), "model_damaged");
}

/// `tokenizer.json` of the byte tokenizer, with something in the place of one part.
fn altered(part: &str, with: Value) -> Vec<u8> {
    let mut json = testing::byte_tokenizer_json();
    *json.pointer_mut(part).unwrap() = with;
    json.to_string().into_bytes()
}

#[test]
fn hostile_parts_are_refused_or_harmless() {
    use serde_json::json;
    let huge = json!({"id": u32::MAX, "content": "x", "single_word": false, "lstrip": false,
                      "rstrip": false, "normalized": false, "special": true});
    let long = json!({ "x".repeat(1 << 20): 0 });
    let pattern = json!({"type": "Split", "pattern": {"Regex": "(x+x+)+y"}, "behavior": "Isolated",
                         "invert": false});
    for (part, with) in [
        ("/added_tokens/0", huge),
        ("/model/vocab", long),
        ("/model/vocab", json!({"a": -1})),
        ("/model/vocab", json!({})),
        ("/model/merges", json!([["a", "nowhere"]])),
        ("/pre_tokenizer", pattern),
        ("/pre_tokenizer", json!({"type": "Split"})),
        ("/decoder", json!({"type": "Sequence", "decoders": []})),
        ("/decoder", json!(null)),
        ("/model", json!(null)),
    ] {
        match Tokenizer::parse(&altered(part, with)) {
            Ok(tokenizer) => {
                let _ = tokenizer.encode_plain(&"x".repeat(64));
                let _ = tokenizer.decode(&[0, 1, u32::MAX]);
            }
            Err(error) => {
                assert!(["model_damaged", "model_unsupported"].contains(&error.code()));
            }
        }
    }
}

/// `▁`, `▁a` and `a`, spelled as `SentencePiece` does, with a space before the first word.
fn sentencepiece() -> Tokenizer {
    use serde_json::json;
    let json = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": null, "post_processor": null,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "vocab": {"▁": 0, "a": 1, "▁a": 2}, "merges": [["▁", "a"]]}
    });
    Tokenizer::parse(json.to_string().as_bytes()).unwrap()
}

#[test]
fn the_space_of_a_first_word_is_that_of_no_later_one() {
    let tokenizer = sentencepiece();
    let ids = [2, 1, 2, 0, 2];
    assert_eq!(tokenizer.decode(&ids), "aa a  a");
    for cut in 1..ids.len() {
        let mut text = tokenizer.decode(&ids[..cut]);
        assert_eq!(tokenizer.encode_plain(&text).unwrap(), ids[..cut]);
        let mut rest = TextStream::after(&text);
        for &id in &ids[cut..] {
            rest.push(&tokenizer, id, &mut text);
        }
        assert_eq!(text, "aa a  a");
    }
    // Nothing was said yet: the first word is still to come.
    let mut text = String::new();
    TextStream::after("").push(&tokenizer, 2, &mut text);
    assert_eq!(text, "a");
}

proptest! {
    #[test]
    fn any_bytes_are_no_tokenizer(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(Tokenizer::parse(&bytes).unwrap_err().code(), "model_damaged");
    }

    #[test]
    fn any_token_ids_become_the_text_of_their_bytes(ids in prop::collection::vec(0u32..300, 0..40)) {
        let tokenizer = testing::byte_tokenizer();
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| tokenizer.bytes.of(id)).copied().collect();
        prop_assert_eq!(tokenizer.decode(&ids), String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn plain_encoding_comes_back(text in "\\PC{0,20}") {
        let tokenizer = testing::byte_tokenizer();
        prop_assert_eq!(tokenizer.decode(&tokenizer.encode_plain(&text).unwrap()), text);
    }

    #[test]
    fn plain_encoding_equals_parsing_where_nothing_is_special(text in "[ -;=-~а-яё🔥\n]{0,20}") {
        let tokenizer = testing::byte_tokenizer();
        prop_assert_eq!(tokenizer.encode_plain(&text).unwrap(), tokenizer.encode(&text).unwrap());
    }
}
