//! The chat template: Jinja from a model folder, which is not trusted.

use std::sync::Arc;
use std::time::Duration;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, ErrorKind};
use serde::Serialize;

use crate::confined::{Confined, Lost};
use crate::error::{EngineError, Result};

/// Instructions one rendering may execute. A real template takes about 50 for a
/// message; a template that loops is stopped after well under a second.
const FUEL: u64 = 2_000_000;
/// Larger than any published template.
const MAX_TEMPLATE_BYTES: usize = 128 << 10;
/// Limits of one compilation or rendering, which fuel does not set: one instruction
/// may double a text, or search all of it. Real templates take a millisecond.
const TIME: Duration = Duration::from_secs(2);
const BYTES: usize = 128 << 20;
/// Compiling recurses with every operator of an expression, as often as they fit into
/// the longest template. Stack is only taken as far as it is used.
const STACK_BYTES: usize = 256 << 20;
const NAME: &str = "chat";

/// One message, as the template sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

/// A compiled chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Arc<Environment<'static>>,
    confined: Confined,
    bos_token: String,
    eos_token: String,
}

impl ChatTemplate {
    /// Compiles `source`.
    ///
    /// # Errors
    /// [`EngineError::ModelDamaged`] when it is not valid Jinja,
    /// [`EngineError::ModelUnsupported`] when compiling it exceeds its limits.
    pub fn new(source: String, bos_token: Option<&str>, eos_token: &str) -> Result<Self> {
        if source.len() > MAX_TEMPLATE_BYTES {
            return Err(EngineError::ModelDamaged(
                "the chat template is too large".into(),
            ));
        }
        let confined = Confined::new(BYTES, TIME, STACK_BYTES);
        // Constants are computed while it is compiled.
        let environment = confined.run(move || compile(source)).map_err(exceeded)??;
        Ok(Self {
            environment: Arc::new(environment),
            confined,
            bos_token: bos_token.unwrap_or_default().to_owned(),
            eos_token: eos_token.to_owned(),
        })
    }

    /// Renders `messages` up to where the answer begins.
    ///
    /// # Errors
    /// [`EngineError::InvalidMessages`] when the template refuses them,
    /// [`EngineError::ModelUnsupported`] when it fails or never ends.
    pub fn render(&self, messages: &[Message]) -> Result<String> {
        let environment = self.environment.clone();
        let context = minijinja::context! {
            messages => Serde(messages),
            add_generation_prompt => true,
            bos_token => self.bos_token.as_str(),
            eos_token => self.eos_token.as_str(),
        };
        self.confined
            .run(move || {
                environment
                    .get_template(NAME)
                    .and_then(|template| template.render(context))
                    .map_err(|error| describe(&error))
            })
            .map_err(exceeded)?
    }
}

fn compile(source: String) -> Result<Environment<'static>> {
    let mut environment = Environment::new();
    // As Hugging Face renders them.
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .expect("the default delimiters"),
    );
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", raise_exception);
    environment.set_fuel(Some(FUEL));
    environment
        .add_template_owned(NAME, source)
        .map_err(|error| {
            EngineError::ModelDamaged(format!(
                "the chat template is not valid (line {}: {:?})",
                error.line().unwrap_or(0),
                error.kind()
            ))
        })?;
    Ok(environment)
}

fn exceeded(lost: Lost) -> EngineError {
    let problem = match lost {
        Lost::Exceeded => "takes too much time or memory",
        Lost::Panicked => "fails",
        Lost::NotRun => "took too much time or memory before",
    };
    EngineError::ModelUnsupported(format!(
        "its chat template {problem}; get the model from another source"
    ))
}

/// What templates call to refuse messages. The reason is the template's own text.
fn raise_exception(reason: &str, _ignored: Kwargs) -> std::result::Result<Value, minijinja::Error> {
    // The kind is one that rendering itself never gives.
    Err(minijinja::Error::new(
        ErrorKind::SyntaxError,
        reason.to_owned(),
    ))
}

/// An error without the text that was being rendered: it could be a conversation.
fn describe(error: &minijinja::Error) -> EngineError {
    let line = error.line().unwrap_or(0);
    match error.kind() {
        ErrorKind::SyntaxError => EngineError::InvalidMessages(format!(
            "the model's chat template refuses them (line {line}); the roles must usually alternate between user and assistant"
        )),
        ErrorKind::OutOfFuel => EngineError::ModelUnsupported(
            "its chat template does not come to an end; get the model from another source".into(),
        ),
        kind => EngineError::ModelUnsupported(format!(
            "its chat template fails in line {line} ({kind:?})"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    pub(crate) const CHATML: &str = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    fn message(role: &str, content: &str) -> Message {
        Message {
            role: role.into(),
            content: content.into(),
        }
    }

    fn render(source: &str) -> Result<String> {
        ChatTemplate::new(source.into(), None, "<|im_end|>")?
            .render(&[message("user", "Hi there ")])
    }

    #[test]
    fn chatml() {
        assert_eq!(
            render(CHATML).unwrap(),
            "<|im_start|>user\nHi there <|im_end|>\n<|im_start|>assistant\n"
        );
    }

    #[test]
    fn python_methods_and_tokens_work() {
        let source = "{{ messages[0].content.strip().upper() }}{{ eos_token }}[{{ bos_token }}]{% if tools is defined %}x{% endif %}";
        assert_eq!(render(source).unwrap(), "HI THERE<|im_end|>[]");
    }

    #[test]
    fn a_block_takes_its_line_with_it() {
        assert_eq!(
            render("{% if true %}\n  {% if true %}\nx\n  {% endif %}\n{% endif %}").unwrap(),
            "x\n"
        );
    }

    #[test]
    fn raised_exceptions_are_invalid_messages() {
        let error = render("{{ raise_exception('roles must alternate') }}").unwrap_err();
        assert_eq!(error.code(), "invalid_messages");
    }

    #[test]
    fn a_template_that_loops_is_stopped() {
        let source = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}";
        let error = render(source).unwrap_err();
        assert_eq!(error.code(), "model_unsupported");
        assert!(
            error.to_string().contains("does not come to an end"),
            "{error}"
        );
    }

    /// Each ended the process or ran for minutes, but for the first.
    #[test]
    fn hostile_templates_are_refused_soon() {
        let doubled = "{% set x = x ~ x %}".repeat(60);
        let captured = "{% set x %}{{ x }}{{ x }}{% endset %}".repeat(60);
        let replaced = "{% set x = x | replace('a', x) %}".repeat(60);
        let constants = "{{ 'a' * 99999999 }}".repeat(50);
        let lists = "{% set x = (x + x) | list %}".repeat(60);
        for source in [
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}".into(),
            format!("{{% set x = 'ab' %}}{doubled}"),
            format!("{{% set x = 'ab' %}}{captured}"),
            format!("{{% set x = 'aaaaaaaa' %}}{replaced}"),
            format!("{{% set x = [1, 2] %}}{lists}{{{{ x | length }}}}"),
            constants,
            format!(
                "{{% for i in range(99999) %}}{}{{% endfor %}}",
                "x".repeat(1 << 16)
            ),
            "{{ '%999999999999d' % 1 }}{{ '%999999999999d' | format(1) }}".into(),
            "{{ 'a\nb' | indent(99999999999) }}".into(),
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".into(),
            "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}".into(),
            format!("{{{{ {}1{} }}}}", "(".repeat(60_000), ")".repeat(60_000)),
            "{% if true %}".repeat(9_000),
        ] {
            let began = Instant::now();
            let rendered = render(&source);
            assert!(began.elapsed() < 4 * TIME, "{source:.60}");
            let code = rendered.map_err(|error| error.code());
            assert!(
                matches!(code, Err("model_unsupported" | "model_damaged")),
                "{source:.60}: {:?}",
                code.map(|text| text.len())
            );
        }
    }

    #[test]
    fn deep_templates_do_not_overflow_the_stack() {
        for source in [
            format!("{{{{ {}1 }}}}", "not ".repeat(30_000)),
            format!("{{{{ {}1 }}}}", "-".repeat(130_000)),
            format!("{{{{ 1{} }}}}", " + 1".repeat(32_000)),
            format!("{{{{ x{} }}}}", "[0]".repeat(43_000)),
            format!("{{{{ x{} }}}}", "|list".repeat(26_000)),
            "{% if true %}".repeat(5_000) + &"{% endif %}".repeat(5_000),
        ] {
            // As good as refused.
            let _ = render(&source);
        }
    }

    #[test]
    fn long_conversations_are_within_the_limits() {
        let messages: Vec<_> = (0..2000)
            .map(|_| message("user", &"word ".repeat(500)))
            .collect();
        let template = ChatTemplate::new(CHATML.into(), None, "").unwrap();
        let text = template.render(&messages).unwrap();
        assert!(text.len() > 2000 * 2500);
    }

    #[test]
    fn broken_templates_are_damaged() {
        assert_eq!(
            render("{% for x in %}").unwrap_err().code(),
            "model_damaged"
        );
    }

    #[test]
    fn errors_never_quote_the_conversation() {
        for source in [
            "{{ messages[0].content.nonsense() }}",
            "{{ raise_exception(messages[0].content) }}",
            "{{ messages[0].content | nofilter }}",
            "{{ messages[0].content / 2 }}",
        ] {
            let error = render(source).unwrap_err().to_string();
            assert!(!error.contains("there"), "{error}");
        }
    }
}
