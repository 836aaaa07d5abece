//! A JSON Schema that somebody asks an answer to follow: read, and kept from being
//! costly before anything is compiled from it.

use serde_json::{Number, Value};

use crate::error::{EngineError, Result};

/// Longest schema, in bytes.
pub const MAX_SCHEMA_BYTES: usize = 64 << 10;
/// Deepest nesting of arrays and objects.
pub const MAX_SCHEMA_DEPTH: usize = 32;
/// Longest regular expression, in bytes.
pub const MAX_PATTERN_BYTES: usize = 512;
/// Most regular expressions for names of properties: each is compared with each.
const MAX_PATTERN_PROPERTIES: usize = 16;
/// Largest count of items, properties or characters: each is unrolled.
pub const MAX_COUNT: u64 = 10_000;

/// Largest common multiple of every `multipleOf`, in units of the last decimal
/// place that any of them has: the grammar has a state for each remainder.
const MAX_MULTIPLE: u64 = 100_000;

const COUNTS: [&str; 6] = [
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
];

/// Reads a schema and bounds it.
///
/// # Errors
/// [`EngineError::InvalidSampling`] when it is no JSON object, or too large.
pub fn parse(text: &str) -> Result<Value> {
    if text.len() > MAX_SCHEMA_BYTES {
        return Err(invalid("it must have at most 65536 bytes"));
    }
    let schema: Value = serde_json::from_str(text).map_err(|error| {
        invalid(&format!(
            "it is not valid JSON (line {}, column {})",
            error.line(),
            error.column()
        ))
    })?;
    if !schema.is_object() {
        return Err(invalid("it must be a JSON object"));
    }
    let mut multiples = Vec::new();
    bound(&schema, 1, &mut multiples)?;
    if common_multiple(&multiples).is_none_or(|multiple| multiple > MAX_MULTIPLE) {
        return Err(invalid(
            "its values of multipleOf are too large, or have too many decimal places",
        ));
    }
    Ok(schema)
}

/// A keyword's name in `const`, `enum` or `properties` counts as the keyword: a value
/// there that is beyond its bound is none that anybody needs.
fn bound<'a>(value: &'a Value, depth: usize, multiples: &mut Vec<&'a Number>) -> Result<()> {
    if depth > MAX_SCHEMA_DEPTH {
        return Err(invalid("it must be nested at most 32 deep"));
    }
    match value {
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| bound(item, depth + 1, multiples)),
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            bound_keyword(key, member)?;
            if let ("multipleOf", Value::Number(number)) = (key.as_str(), member) {
                multiples.push(number);
            }
            bound(member, depth + 1, multiples)
        }),
        _ => Ok(()),
    }
}

fn bound_keyword(key: &str, value: &Value) -> Result<()> {
    let long_pattern = match key {
        "pattern" => value
            .as_str()
            .is_some_and(|pattern| pattern.len() > MAX_PATTERN_BYTES),
        "patternProperties" => value.as_object().is_some_and(|members| {
            members.len() > MAX_PATTERN_PROPERTIES
                || members.keys().any(|key| key.len() > MAX_PATTERN_BYTES)
        }),
        _ => false,
    };
    if long_pattern {
        return Err(invalid(
            "a pattern must have at most 512 bytes, and patternProperties at most 16 of them",
        ));
    }
    if COUNTS.contains(&key) && value.as_f64().is_some_and(|count| count > MAX_COUNT as f64) {
        return Err(invalid(&format!("its {key} must be at most {MAX_COUNT}")));
    }
    Ok(())
}

/// Of numbers in units of the last decimal place that any of them has; `None` when
/// it cannot be computed.
fn common_multiple(numbers: &[&Number]) -> Option<u64> {
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let parts: Vec<(&str, &str)> = texts
        .iter()
        .map(|text| text.split_once('.').unwrap_or((text, "")))
        .map(|(whole, decimals)| (whole, decimals.trim_end_matches('0')))
        .collect();
    let places = parts.iter().map(|(_, decimals)| decimals.len()).max();
    let places = places.unwrap_or(0);
    parts.iter().try_fold(1u64, |multiple, (whole, decimals)| {
        let units: u64 = format!("{whole}{decimals:0<places$}").parse().ok()?;
        (multiple / greatest_common_divisor(multiple, units)).checked_mul(units.max(1))
    })
}

fn greatest_common_divisor(mut one: u64, mut other: u64) -> u64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// A refusal of the schema.
#[must_use]
pub fn invalid(problem: &str) -> EngineError {
    EngineError::InvalidSampling {
        field: "json_schema",
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_schema_of_usual_size_is_read() {
        let schema = r#"{"type": "array", "items": {"enum": [1, null]}, "maxItems": 10000}"#;
        assert!(parse(schema).is_ok());
        let money = r#"{"items": [{"multipleOf": 0.05}, {"multipleOf": 50}, {"multipleOf": 5.0}]}"#;
        assert!(parse(money).is_ok());
    }

    #[test]
    fn what_is_no_schema_or_too_large_is_refused_with_a_reason() {
        let deep = format!("{}1{}", r#"{"not":"#.repeat(40), "}".repeat(40));
        let deepest = format!("{}1{}", r#"{"not":"#.repeat(4000), "}".repeat(4000));
        let long = format!(r#"{{"pattern": "{}"}}"#, "a".repeat(513));
        let key = format!(
            r#"{{"patternProperties": {{"{}": {{}}}}}}"#,
            "a".repeat(513)
        );
        for (text, expected) in [
            ("{\"type\":", "not valid JSON (line 1"),
            ("true", "must be a JSON object"),
            ("[]", "must be a JSON object"),
            (&deep, "32 deep"),
            (&deepest, "not valid JSON"),
            (
                r#"{"allOf": [{"multipleOf": 997}, {"multipleOf": 991}]}"#,
                "multipleOf",
            ),
            (r#"{"multipleOf": 1e-7}"#, "multipleOf"),
            (r#"{"multipleOf": -1}"#, "multipleOf"),
            (r#"{"minItems": 10001}"#, "minItems must be at most 10000"),
            (r#"{"items": {"maxLength": 1e300}}"#, "maxLength"),
            (&long, "512 bytes"),
            (&key, "512 bytes"),
            (&" ".repeat(65_537), "65536 bytes"),
        ] {
            let problem = problem(text);
            assert!(
                problem.contains("'json_schema'") && problem.contains(expected),
                "{problem}"
            );
        }
    }
}
