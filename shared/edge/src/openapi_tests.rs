use super::*;

#[test]
fn a_plain_schema_is_written_where_it_is_used_and_keeps_the_field_s_sentence() {
    let plain = taken(&mut json!({ "Name": { "type": "string", "maxLength": 30, "description": "A name." } }));
    let reference = json!({ "$ref": "#/components/schemas/Name" });
    let mut given = json!({
        "a": { "$ref": "#/components/schemas/Name", "description": "The first name." },
        "b": { "oneOf": [{ "type": "null" }, reference], "description": "Another." },
        "c": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Role", "description": "A\nrole." }] },
    });
    inline(&mut given, &plain);
    let wanted = json!({
        "a": { "type": "string", "maxLength": 30, "description": "The first name." },
        "b": { "type": ["string", "null"], "maxLength": 30, "description": "Another." },
        "c": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Role" }], "description": "A role." },
    });
    assert_eq!(given, wanted);
}

#[test]
fn an_operation_gets_what_all_have_and_keeps_its_own() {
    let mut open = json!({ "security": [{}], "responses": { "204": { "description": "" } } });
    complete(&mut open, "/v1/cards/{card_id}", &Map::new()).unwrap();
    assert_eq!(open["security"], json!([{}]));
    assert_eq!(open["parameters"][0]["schema"]["pattern"], "^crd_[0-9a-v]{26}$");
    assert_eq!(open["responses"]["204"], json!({ "description": "Done. The answer has no body." }));
    assert_eq!(open["responses"]["5XX"]["$ref"], "#/components/responses/ServerProblem");
    let mut plain = json!({});
    complete(&mut plain, "/v1/me", &Map::new()).unwrap();
    assert_eq!(plain, json!({ "security": [{ "bearer": [] }], "x-budgets": ["requests"] }));
    let mut own = json!({ "security": [{ "operator": [] }], "x-budgets": ["sms"] });
    complete(&mut own, "/v1/me", &Map::new()).unwrap();
    assert_eq!(own["x-budgets"], json!(["operator_key_guesses", "sms"]));
}

#[test]
fn a_parameter_that_nobody_knows_is_an_error() {
    let unknown = complete(&mut json!({}), "/v1/x/{thing_id}", &Map::new());
    assert!(matches!(unknown, Err(DocumentError::UnknownParameter(name)) if name == "thing_id"));
}
