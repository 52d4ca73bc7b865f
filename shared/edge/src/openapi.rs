//! The API document: the parts that all operations have in common are written here, once.
//!
//! Operations describe only what is special to them. [`document`] joins the functions' parts and
//! adds the rest: security, path parameters, problem answers and descriptions of answers.

use domain::card::settings::PhraseBook;
use domain::kernel::budget::BudgetName;
use domain::kernel::id::{
    AutomationRuleId, CardId, CompanyId, CustomFieldId, DealId, DepartmentId, FollowUpId, HandoverId, InvitationId,
    JobId, JoinRequestId, MemberId, MergeId, PersonId, ProductId, RecycleRuleId, SessionId, TagId, UploadId, ViewId,
};
use domain::kernel::text::ShareCode;
use serde_json::{Map, Value, json};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi, PartialSchema};

use crate::fresh;
use crate::problem::{FieldProblem, ProblemBody};

/// The conventions that a reader needs before the first call.
const ABOUT: &str = "\
Backend of an AI business card (商事名片).

Send JSON in UTF-8, at most 256 KiB. Times are RFC 3339; answers use `+08:00`. Days are `YYYY-MM-DD` in \
Asia/Shanghai. Money is an integer in fen (`_fen`). Durations are milliseconds (`_ms`).

Every error is a `Problem`. Use `code` in programs; show `detail` to the user. When an answer has the header \
`Retry-After`, wait that many seconds and send the same request again. The description of an operation names only \
the codes that it adds to these:

- Any operation: 400 `invalid_query`, 405 `method_not_allowed`, 429 `too_many_requests`, 500 `internal`, 503 \
`unavailable`.
- With `x-budgets`: 429 `budget_exhausted`. `budget` is the name of the one that is used up; the person, the \
company or the address has done too much. `Retry-After` says when it goes on.
- With a token: 401 `unauthorized` when it has expired, and 401 `rights_changed` when the role, the membership or the \
radar of the member has changed since it was made. After both, refresh the session and send the request again. Where \
an anonymous token is not enough: 403 `login_required`.
- With an id in the path: 404 `not_found`, also for things that the caller may not see.
- With a body: 400 `malformed_json`, 413 `body_too_large`, 415 `unsupported_media_type`, 422 `invalid`.
- With the header `Idempotency-Key`: 400 `idempotency_key_required`, 409 `already_exists`, 409 \
`request_in_progress`, 422 `idempotency_key_reused`.
- With `cursor`: 400 `invalid_cursor`.
- That writes: 409 `request_in_progress`, when another request changes the same thing at the same moment.

\"Idempotent\" means: a repeated request changes nothing more and gets the same kind of answer.";

/// The tags of the operations, with descriptions.
const TAGS: &[(&str, &str)] = &[
    ("organization", "Companies, login, members, invitations, departments, seats, radar grants and merges."),
    ("card", "Cards, their media, the company's card template and share codes."),
    ("settings", "Phrase books, greetings and the buttons of a card."),
    ("tracking", "Events that the mini-program records."),
    ("radar", "Feeds, numbers and analyses of what visitors do."),
    ("crm", "Close rates that members set, and closed deals."),
    ("video", "Tickets to send files, and the state of uploads."),
];

/// Title, security schemes and the problem schema.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "mingpian", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    components(schemas(ProblemBody, FieldProblem)),
    modifiers(&Security),
)]
pub struct ApiDoc;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let operator = ApiKey::Header(ApiKeyValue::new("X-Operator-Key"));
        components.add_security_scheme("operator", SecurityScheme::ApiKey(operator));
    }
}

/// The header of creating requests.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKey {
    /// A key that the client makes once for each thing to create, and sends again with each retry.
    /// A retry within 24 hours gets the first answer. 8 to 128 letters, digits, `_` or `-`.
    #[param(rename = "Idempotency-Key", min_length = 8, max_length = 128, pattern = "^[0-9A-Za-z_-]+$")]
    pub key: String,
}

/// Declares closed sets of strings, as schemas of fields that hold `&'static str`:
/// `#[schema(value_type = …)]`.
#[macro_export]
macro_rules! closed_sets {
    ($($(#[doc = $doc:literal])* $name:ident = $($value:literal)|+;)*) => {$(
        $(#[doc = $doc])*
        pub(crate) enum $name {}

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::schema::Schema> {
                let set = ::utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(::utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($value),+]))
                    .description(Some([$($doc.trim()),*].join(" ")));
                ::utoipa::openapi::RefOr::T(set.into())
            }
        }

        impl ::utoipa::ToSchema for $name {}
    )*};
}

/// Errors of joining the functions' parts.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A part cannot be written as JSON.
    #[error("a part is no JSON")]
    Json(#[from] serde_json::Error),
    /// Two different schemas have one name.
    #[error("two schemas are called {0}")]
    SchemaNamedTwice(String),
    /// A parameter in a path has no description.
    #[error("no schema for the path parameter {0}: add it to edge::openapi")]
    UnknownParameter(String),
}

/// The whole document of these parts.
///
/// # Errors
/// [`DocumentError`].
pub fn document(parts: impl IntoIterator<Item = utoipa::openapi::OpenApi>) -> Result<Value, DocumentError> {
    let (mut whole, mut paths, mut schemas) = (json!({}), Map::new(), Map::new());
    for part in parts {
        let mut part = serde_json::to_value(part)?;
        paths.extend(taken(&mut part["paths"]));
        for (name, schema) in taken(&mut part["components"]["schemas"]) {
            if schemas.get(&name).is_some_and(|known| *known != schema) {
                return Err(DocumentError::SchemaNamedTwice(name));
            }
            schemas.insert(name, schema);
        }
        whole = part;
    }
    let inlined: Map<_, _> = schemas.iter().filter(|(_, schema)| is_plain(schema)).map(owned).collect();
    schemas.retain(|name, _| !inlined.contains_key(name));
    schemas.values_mut().for_each(|schema| inline(schema, &inlined));
    refer_to_items(&mut schemas);
    for (path, item) in &mut paths {
        inline(item, &inlined);
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            complete(operation, path, &schemas)?;
        }
    }
    let tag = |(name, description): &(&str, &str)| json!({ "name": name, "description": description });
    whole["info"]["description"] = format!("{ABOUT}\n\n{}", fresh::paragraph(&paths)).into();
    whole["servers"] = servers();
    whole["tags"] = TAGS.iter().map(tag).collect();
    whole["paths"] = paths.into();
    whole["components"]["schemas"] = schemas.into();
    whole["components"]["responses"] = problems();
    whole["components"]["headers"] = json!({ "RetryAfter": retry_after() });
    Ok(whole)
}

fn taken(value: &mut Value) -> Map<String, Value> {
    value.as_object_mut().map(std::mem::take).unwrap_or_default()
}

fn owned((name, schema): (&String, &Value)) -> (String, Value) {
    (name.clone(), schema.clone())
}

/// Whether a schema is a bounded text, number or list: it is written where it is used.
fn is_plain(schema: &Value) -> bool {
    schema["type"].as_str().is_some_and(|kind| kind != "object") && schema.get("enum").is_none()
}

/// Writes plain schemas where they are used, and each paragraph of a description as one line.
fn inline(value: &mut Value, plain: &Map<String, Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| inline(item, plain)),
        Value::Object(fields) => {
            if let Some(Value::Object(schema)) = referred(fields).and_then(|name| plain.get(name)) {
                fields.remove("$ref");
                add(fields, schema.clone());
            }
            fields.values_mut().for_each(|field| inline(field, plain));
            flatten_null(fields);
            lift_description(fields);
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text =
                    text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Moves the description of the field to the schema in "null or this schema".
fn lift_description(fields: &mut Map<String, Value>) {
    let Some(Value::Array(items)) = fields.get_mut("oneOf") else { return };
    let mut references = items.iter_mut().filter_map(Value::as_object_mut).filter(|item| item.contains_key("$ref"));
    if let (Some(reference), None) = (references.next(), references.next())
        && let Some(text) = reference.remove("description")
    {
        fields.entry("description").or_insert(text);
    }
}

/// Adds the fields that are not there yet.
fn add(fields: &mut Map<String, Value>, more: Map<String, Value>) {
    for (key, value) in more {
        fields.entry(key).or_insert(value);
    }
}

/// The name of the schema in a reference.
fn referred(fields: &Map<String, Value>) -> Option<&str> {
    fields.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")
}

/// Writes "null or this plain schema" as one schema with two types.
fn flatten_null(fields: &mut Map<String, Value>) {
    let Some(Value::Array(items)) = fields.get("oneOf") else { return };
    let is_null = |item: &&Value| item["type"] == "null";
    let [Some(_), Some(Value::Object(schema))] = [items.iter().find(is_null), items.iter().find(|i| !is_null(i))]
    else {
        return;
    };
    if items.len() != 2 || !is_plain(&Value::Object(schema.clone())) {
        return;
    }
    let mut schema = schema.clone();
    let kind = schema.remove("type");
    fields.remove("oneOf");
    fields.insert("type".to_owned(), json!([kind, "null"]));
    add(fields, schema);
}

/// Pages refer to the schema of their items, which the derive macro writes out again.
fn refer_to_items(schemas: &mut Map<String, Value>) {
    let known: Vec<_> = schemas.keys().cloned().collect();
    for (page, schema) in schemas {
        if let Some(item) = page.strip_prefix("PageBody_").filter(|item| known.iter().any(|name| name == item)) {
            schema["properties"]["items"]["items"] = json!({ "$ref": format!("#/components/schemas/{item}") });
        }
    }
}

/// Adds the parts that all operations have in common.
fn complete(operation: &mut Value, path: &str, schemas: &Map<String, Value>) -> Result<(), DocumentError> {
    let Some(operation) = operation.as_object_mut() else { return Ok(()) };
    operation.entry("security").or_insert_with(|| json!([{ "bearer": [] }]));
    let mut parameters = Vec::new();
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        parameters.push(path_parameter(name)?);
    }
    if let Some(Value::Array(own)) = operation.remove("parameters") {
        parameters.extend(own.into_iter().map(without_null));
    }
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), parameters.into());
    }
    let budgets = budgets(operation);
    if let Some(Value::Object(responses)) = operation.get_mut("responses") {
        responses.values_mut().for_each(|response| describe(response, schemas));
        responses.insert("429".to_owned(), json!({ "$ref": "#/components/responses/TooManyRequests" }));
        responses.insert("4XX".to_owned(), json!({ "$ref": "#/components/responses/ClientProblem" }));
        responses.insert("5XX".to_owned(), json!({ "$ref": "#/components/responses/ServerProblem" }));
    }
    operation.insert("x-budgets".to_owned(), budgets.into());
    Ok(())
}

/// The names of the budgets of an operation: its own, and those that its callers have everywhere.
fn budgets(operation: &Map<String, Value>) -> Vec<Value> {
    let own = operation.get("x-budgets").and_then(Value::as_array).cloned().unwrap_or_default();
    let needs = |scheme: &str| {
        operation["security"].as_array().is_some_and(|all| all.iter().any(|one| one.get(scheme).is_some()))
    };
    let common = [("bearer", BudgetName::Requests), ("operator", BudgetName::OperatorKeyGuesses)];
    let common = common.into_iter().filter(|(scheme, _)| needs(scheme)).map(|(_, budget)| json!(budget.name()));
    common.chain(own).collect()
}

/// An optional parameter may be absent, but never `null`.
fn without_null(mut parameter: Value) -> Value {
    let schema = &mut parameter["schema"];
    if let Some(Value::Array(choices)) = schema.get("oneOf")
        && let Some(choice) = choices.iter().find(|choice| choice["type"] != "null")
    {
        *schema = choice.clone();
    }
    if let Some(Value::Array(kinds)) = schema.get("type")
        && let Some(kind) = kinds.iter().find(|kind| **kind != "null")
    {
        schema["type"] = kind.clone();
    }
    parameter
}

/// An answer without a description gets the one of its schema.
fn describe(response: &mut Value, schemas: &Map<String, Value>) {
    if response["description"].as_str().is_some_and(|own| !own.is_empty()) {
        return;
    }
    let schema = &response["content"]["application/json"]["schema"];
    let named = schema.as_object().and_then(referred).and_then(|name| schemas.get(name));
    let text = named.and_then(|schema| schema["description"].as_str()).unwrap_or("Done. The answer has no body.");
    let text = text.to_owned();
    response["description"] = text.into();
    if response["content"].is_null() {
        response.as_object_mut().map(|response| response.remove("content"));
    }
}

/// The names between braces in a path.
fn path_parameter(name: &str) -> Result<Value, DocumentError> {
    let (schema, description) = match name {
        "card_id" => (CardId::schema(), "The card."),
        "person_id" => (PersonId::schema(), "The visitor or customer."),
        "member_id" => (MemberId::schema(), "The member."),
        "company_id" => (CompanyId::schema(), "The company."),
        "department_id" => (DepartmentId::schema(), "The department."),
        "deal_id" => (DealId::schema(), "The deal."),
        "follow_up_id" => (FollowUpId::schema(), "The follow-up."),
        "invitation_id" => (InvitationId::schema(), "The invitation."),
        "join_request_id" => (JoinRequestId::schema(), "The request to join."),
        "merge_id" => (MergeId::schema(), "The merge."),
        "product_id" => (ProductId::schema(), "The product."),
        "tag_id" => (TagId::schema(), "The tag."),
        "field_id" => (CustomFieldId::schema(), "The field."),
        "view_id" => (ViewId::schema(), "The view."),
        "automation_rule_id" => (AutomationRuleId::schema(), "The rule of automation."),
        "rule_id" => (RecycleRuleId::schema(), "The rule."),
        "handover_id" => (HandoverId::schema(), "The handover."),
        "job_id" => (JobId::schema(), "The job."),
        "upload_id" => (UploadId::schema(), "The upload."),
        "session_id" => (SessionId::schema(), "The session."),
        "share_code" => (ShareCode::schema(), "The share code."),
        "book" => (PhraseBook::schema(), "The phrase book."),
        unknown => return Err(DocumentError::UnknownParameter(unknown.to_owned())),
    };
    let schema = serde_json::to_value(schema)?;
    Ok(json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema }))
}

fn problems() -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let problem = |description: &str| {
        json!({
            "description": description,
            "headers": { "Retry-After": { "$ref": "#/components/headers/RetryAfter" } },
            "content": { "application/problem+json": { "schema": schema } },
        })
    };
    json!({
        "ClientProblem": problem("The request cannot be done. `code` says why."),
        "TooManyRequests": problem("Too much in too short a time: `budget_exhausted`, with the name of one of \
            `x-budgets` in `budget`, or `too_many_requests` of the gateway or WeChat."),
        "ServerProblem": problem("The request failed on the server's side. It may be sent again."),
    })
}

fn retry_after() -> Value {
    json!({
        "description": "Seconds to wait before the same request is sent again. Present with 409 \
            `request_in_progress`, with 429 and with 503 `unavailable`.",
        "schema": { "type": "integer", "format": "int32", "minimum": 1 },
    })
}

fn servers() -> Value {
    json!([{ "url": "/", "description": "The HTTP API of a deployed stack: its output `ApiUrl`." }])
}

#[cfg(test)]
#[path = "openapi_tests.rs"]
mod tests;
