//! Every answer to a file of `events/`, and every accepted body, has the form in the API document.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::events::{all, call, load, prepared, row};
use testkit::world::World;

use crate::event_files::KeptDeadLetters;
use crate::functions::Functions;

/// The parts of `value` that do not match `schema`.
fn faults(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let schema = resolved(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let tries: Vec<_> = choices.iter().map(|choice| faults(document, choice, value, at)).collect();
        let fits = tries.iter().filter(|faults| faults.is_empty()).count();
        return if fits == 1 { Vec::new() } else { vec![format!("{at} fits {fits} choices: {tries:?}")] };
    }
    let mut found = Vec::new();
    if !of_type(schema, value) {
        found.push(format!("{at} is no {}: {value}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|set| !set.contains(value)) {
        found.push(format!("{at} is not in the closed set: {value}"));
    }
    let chars = value.as_str().map(|text| text.chars().count() as u64);
    let (min, max) = (schema["minLength"].as_u64(), schema["maxLength"].as_u64());
    if chars.is_some_and(|chars| min.is_some_and(|min| chars < min) || max.is_some_and(|max| chars > max)) {
        found.push(format!("{at} is too short or too long: {value}"));
    }
    // Patterns of ids begin with the prefix.
    let prefix = schema["pattern"].as_str().and_then(|pattern| Some(pattern.strip_prefix('^')?.split_once('[')?.0));
    if let (Some(prefix), Some(text)) = (prefix.filter(|prefix| prefix.ends_with('_')), value.as_str())
        && !text.starts_with(prefix)
    {
        found.push(format!("{at} does not begin with {prefix}: {value}"));
    }
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(faults(document, &schema["items"], item, &format!("{at}/{number}")));
    }
    if value.is_object() {
        found.extend(faults_of_fields(document, schema, value, at));
    }
    found
}

fn faults_of_fields(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let (mut known, mut required) = (Vec::new(), BTreeSet::new());
    fields(document, schema, &mut known, &mut required);
    let mut found = Vec::new();
    for (name, inner) in value.as_object().into_iter().flatten() {
        match known.iter().find(|(known, _)| known == name) {
            Some((_, schema)) => found.extend(faults(document, schema, inner, &format!("{at}/{name}"))),
            None if schema["additionalProperties"].is_object() => {
                found.extend(faults(document, &schema["additionalProperties"], inner, &format!("{at}/{name}")));
            }
            None => found.push(format!("{at}/{name} is not in the document")),
        }
    }
    let missing = required.into_iter().filter(|name| value.get(name).is_none());
    found.extend(missing.map(|name| format!("{at}/{name} is missing")));
    found
}

/// The fields of an object and of its parts.
fn fields<'a>(
    document: &'a Value,
    schema: &'a Value,
    known: &mut Vec<(&'a str, &'a Value)>,
    required: &mut BTreeSet<&'a str>,
) {
    let schema = resolved(document, schema);
    known.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, field)| (name.as_str(), field)));
    required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
    schema["allOf"].as_array().into_iter().flatten().for_each(|part| fields(document, part, known, required));
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.map_or(schema, |pointer| document.pointer(pointer).unwrap())
}

fn of_type(schema: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    schema["type"].as_array().map_or_else(|| is(&schema["type"]), |kinds| kinds.iter().any(is))
}

fn operation<'a>(document: &'a Value, id: &str) -> &'a Value {
    let items = document["paths"].as_object().unwrap().values();
    let mut operations = items.flat_map(|item| item.as_object().unwrap().values());
    operations.find(|found| found["operationId"] == id).unwrap()
}

/// The schema of an answer; `None` for one without JSON.
fn schema_of_answer<'a>(document: &'a Value, operation: &'a Value, status: u16) -> Option<&'a Value> {
    let responses = &operation["responses"];
    let range = format!("{}XX", status / 100);
    let response = responses.get(status.to_string()).or_else(|| responses.get(range)).unwrap();
    let content = resolved(document, response)["content"].as_object()?;
    content.iter().find(|(kind, _)| kind.ends_with("json")).map(|(_, content)| &content["schema"])
}

#[tokio::test]
async fn every_answer_and_accepted_body_is_as_the_document_says() {
    let document: Value = serde_json::from_str(include_str!("../../infra/openapi.json")).unwrap();
    let (mut found, mut checked) = (Vec::new(), 0);
    for function in ["organization", "card", "tracking", "radar", "crm", "video"] {
        for case in all(function) {
            let world = World::new().await;
            let functions = Functions::on(&world).await;
            if row(function, &case).is_some_and(|row| row.visited) {
                // It is about who has been there.
                let aggregator = crate::aggregator::aggregator(&world, KeptDeadLetters::default());
                let visit = serde_json::from_str(&load("radar-aggregator", "stats", &world)).unwrap();
                radar_aggregator::handle(&aggregator, visit, "r").await;
            }
            let payload = prepared(&case, &world, &|name| functions.router(name).clone()).await;
            let (status, answer) = call(functions.router(function), &payload).await;
            let operation = operation(&document, case.split('.').next().unwrap());
            if let Some(schema) = schema_of_answer(&document, operation, status) {
                found.extend(faults(&document, schema, &answer, &format!("{function}/{case} {status}")));
                checked += 1;
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let payload: Value = serde_json::from_str(&payload).unwrap();
            // Of a batch with an event that is not right, the rest is accepted.
            let is_whole = answer["dropped"].as_array().is_none_or(Vec::is_empty);
            if let Some(sent) = payload["body"].as_str().filter(|_| status < 300 && is_whole && schema.is_object()) {
                let sent = serde_json::from_str(sent).unwrap();
                found.extend(faults(&document, schema, &sent, &format!("{function}/{case} body")));
                checked += 1;
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
    assert!(checked > 200, "only {checked} answers and bodies were checked");
}

#[test]
fn an_answer_that_is_not_as_the_document_says_is_found() {
    let document = json!({"components": {"schemas": {
        "Role": {"type": "string", "enum": ["staff", "boss"]},
        "Member": {"type": "object", "required": ["id", "role"], "properties": {
            "id": {"type": "string", "pattern": "^mem_[0-9a-v]{26}$"},
            "role": {"$ref": "#/components/schemas/Role"},
            "note": {"type": ["string", "null"], "maxLength": 3},
        }},
    }}});
    let schema = json!({"$ref": "#/components/schemas/Member"});
    let count = |value: Value| faults(&document, &schema, &value, "").len();
    assert_eq!(count(json!({"id": "mem_1", "role": "boss", "note": null})), 0);
    for bad in [
        json!({"id": "mem_1"}),
        json!({"id": "per_1", "role": "boss"}),
        json!({"id": "mem_1", "role": "king"}),
        json!({"id": "mem_1", "role": "boss", "note": "abcd"}),
        json!({"id": "mem_1", "role": "boss", "other": 1}),
        json!({"id": 7, "role": "boss"}),
    ] {
        assert_eq!(count(bad.clone()), 1, "{bad}");
    }
}
