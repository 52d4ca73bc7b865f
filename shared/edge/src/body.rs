//! Request bodies: bounded, JSON; each error points at its field.

use axum::body::{Body as HttpBody, Bytes};
use axum::extract::FromRequest;
use domain::kernel::field::FieldError;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_path_to_error::Segment;

use crate::problem::{Code, FieldProblem, Problem};

/// Largest request body, in bytes.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Longest part of a request that is repeated in an answer, in characters.
const ECHO_CHARS_MAX: usize = 40;

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<HttpBody>, _: &S) -> Result<Self, Problem> {
        parse(&read(request).await?).map(Self)
    }
}

/// The bytes of a JSON body.
pub(crate) async fn read(request: Request<HttpBody>) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::of(Code::NotJson));
    }
    match Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::of(Code::BodyTooLarge)),
        Err(error) => Err(Problem::of(Code::MalformedJson).caused_by(error)),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Parses a value, or returns the wrong field.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // A truncated body is reported before a wrong field.
        if error.inner().is_data() && serde_json::from_slice::<serde_json::Value>(bytes).is_ok() {
            Problem::invalid(vec![wrong(&error)])
        } else {
            Problem::of(Code::MalformedJson)
        }
    })?;
    json.end().map_err(|_| Problem::of(Code::MalformedJson))?;
    Ok(value)
}

/// Parses a part of a body on its own; the pointer of an error is below the part.
///
/// # Errors
/// The wrong field.
pub fn parse_part<T: DeserializeOwned>(part: &RawValue) -> Result<T, FieldProblem> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(part.get())).map_err(|error| wrong(&error))
}

fn wrong(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldProblem {
    field(pointer(error.path()), &error.inner().to_string())
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escape(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

fn escape(key: &str) -> String {
    let shown: String = key.chars().filter(|c| !c.is_control()).take(ECHO_CHARS_MAX).collect();
    shown.replace('~', "~0").replace('/', "~1")
}

/// Serde's message as a field error. Serde returns errors as text only.
fn field(pointer: String, message: &str) -> FieldProblem {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let quoted = || message.split('`').nth(1).map(escape).unwrap_or_default();
    let problem = |pointer, code, detail| FieldProblem::new("", &FieldError::new(code, detail)).below(pointer);
    if let Some((code, rest)) = message.split_once('|') {
        let (below, detail) = rest.split_once('|').unwrap_or(("", rest));
        return FieldProblem { pointer: pointer + below, code: code.to_owned(), detail: detail.to_owned() };
    }
    if message.starts_with("unknown field") {
        let name = quoted();
        // The path already ends with the field if the format records it.
        let pointer = if pointer.ends_with(&format!("/{name}")) { pointer } else { format!("{pointer}/{name}") };
        problem(pointer, "unknown_field", "不支持的字段")
    } else if message.starts_with("missing field") {
        problem(format!("{pointer}/{}", quoted()), "required", "缺少必填字段")
    } else if message.starts_with("duplicate field") {
        problem(format!("{pointer}/{}", quoted()), "duplicate_field", "字段重复")
    } else if message.starts_with("invalid type") {
        problem(pointer, "wrong_type", "类型不正确")
    } else {
        problem(pointer, "invalid_value", "取值不正确")
    }
}

impl FieldProblem {
    fn below(self, pointer: String) -> Self {
        Self { pointer, ..self }
    }
}

#[cfg(test)]
mod tests {
    use domain::kernel::text::Line;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(rename = "list")]
        _list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(rename = "name")]
        _name: Line<3>,
        #[serde(rename = "n", default)]
        _n: u32,
    }

    fn refused(json: &str) -> (String, String) {
        let problem = format!("{:?}", parse::<Outer>(json.as_bytes()).unwrap_err());
        let part = |name: &str| {
            problem
                .split(&format!("{name}: \""))
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap_or("-")
                .to_owned()
        };
        (part("pointer"), part("code"))
    }

    #[test]
    fn every_refusal_points_at_its_field() {
        for (json, pointer, code) in [
            (r#"{}"#, "/list", "required"),
            (r#"{"list":[{}]}"#, "/list/0/name", "required"),
            (r#"{"list":[{"name":"a"},{"name":7}]}"#, "/list/1/name", "wrong_type"),
            (r#"{"list":[{"name":"abcd"}]}"#, "/list/0/name", "too_long"),
            (r#"{"list":[{"name":"a","x/y":1}]}"#, "/list/0/x~1y", "unknown_field"),
            (r#"{"list":[{"name":"a","name":"b"}]}"#, "/list/0/name", "duplicate_field"),
            (r#"{"list":[{"name":"a","n":-1}]}"#, "/list/0/n", "invalid_value"),
            (r#"{"list":[{"name":"a","n":99999999999}]}"#, "/list/0/n", "invalid_value"),
            (r#"{"list":7}"#, "/list", "wrong_type"),
        ] {
            assert_eq!(refused(json), (pointer.to_owned(), code.to_owned()), "{json}");
        }
    }

    #[test]
    fn a_part_is_read_on_its_own() {
        let part = |json: &str| parse_part::<Inner>(&RawValue::from_string(json.to_owned()).unwrap());
        assert!(part(r#"{"name":"a"}"#).is_ok());
        for (json, pointer, code) in [
            (r#"{"name":"abcd"}"#, "/name", "too_long"),
            (r#"{"n":1}"#, "/name", "required"),
            (r#"{"name":"a","x":1}"#, "/x", "unknown_field"),
            ("null", "", "wrong_type"),
            (r#"{"name":"\ud83d"}"#, "/name", "invalid_value"),
        ] {
            let error = part(json).unwrap_err();
            assert_eq!((error.pointer.as_str(), error.code.as_str()), (pointer, code), "{json}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_is_malformed() {
        let deep = format!("{{\"list\":[{{\"x\":{}", "[".repeat(300));
        for json in ["", "{", "{} {}", "nope", r#"{"list":[{"name":"a","n":1e999}]}"#, &deep] {
            assert_eq!(parse::<Outer>(json.as_bytes()).unwrap_err().code(), Code::MalformedJson, "{json}");
        }
        assert!(parse::<Outer>(b"{\"list\":[{\"name\":\"\xff\"}]}").is_err());
    }
}
