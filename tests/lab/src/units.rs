//! Units of DynamoDB for which the emulator's numbers are wrong: it counts at most two items of a
//! transaction, and nothing for a read that finds nothing. So units of writes are computed here, by
//! the rules that AWS publishes, from the items before and after.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use store::{EXPIRY_ATTRIBUTES, KEY_ATTRIBUTES};

use crate::operation::Operation;

/// Bytes of a write unit.
const WRITE_UNIT: usize = 1_024;

/// Attribute names and values, as they are on the wire.
pub(crate) type WireItem = Map<String, Value>;

/// The key of each item that a request writes or checks.
pub(crate) fn written_keys(operation: &Operation, asked: &Value) -> Vec<Value> {
    let actions: Vec<&Value> = match operation.name.as_str() {
        "TransactWriteItems" => list(&asked["TransactItems"]).iter().filter_map(inner).collect(),
        "BatchWriteItem" => {
            let tables = asked["RequestItems"].as_object();
            tables.into_iter().flat_map(Map::values).flat_map(list).filter_map(inner).collect()
        }
        _ => vec![asked],
    };
    actions.into_iter().filter_map(key).collect()
}

/// The table of a write; there is only one.
pub(crate) fn table_of(asked: &Value) -> Option<&str> {
    let tables = asked["RequestItems"].as_object().and_then(|tables| tables.keys().next()).map(String::as_str);
    let of_action = || list(&asked["TransactItems"]).first().and_then(inner)?["TableName"].as_str();
    tables.or_else(|| asked["TableName"].as_str()).or_else(of_action)
}

/// The units of a write by the type of the item: for every key the item before and after, `None` if
/// there is none.
pub(crate) fn of_write(operation: &Operation, items: &[(Option<WireItem>, Option<WireItem>)]) -> BTreeMap<String, f64> {
    let times = if operation.name == "TransactWriteItems" { 2 } else { 1 };
    let mut units = BTreeMap::new();
    for (before, after) in items {
        let table = weight(before.as_ref()).max(weight(after.as_ref())).max(1);
        // An index is updated later, by an ordinary write, also after a transaction.
        let all = table * times + of_index(before.as_ref(), after.as_ref());
        let kind = after.as_ref().or(before.as_ref()).and_then(|item| item.get("type")?["S"].as_str());
        *units.entry(kind.unwrap_or("nothing").to_owned()).or_default() += all as f64;
    }
    units
}

/// The units of a read: the emulator's number, and the units that it omits.
pub(crate) fn of_read(operation: &Operation, asked: &Value, reply: &Value) -> f64 {
    let counted = sum(&reply["ConsumedCapacity"]);
    if operation.name == "BatchGetItem" {
        return counted + missing(asked, reply);
    }
    // A query that finds nothing costs as much as one small item.
    counted.max(least(asked))
}

fn missing(asked: &Value, reply: &Value) -> f64 {
    let tables = asked["RequestItems"].as_object();
    let missing = |(table, request): (&String, &Value)| {
        let found = list(&reply["Responses"][table]).len() + list(&reply["UnprocessedKeys"][table]["Keys"]).len();
        list(&request["Keys"]).len().saturating_sub(found) as f64 * least(request)
    };
    tables.into_iter().flatten().map(missing).sum()
}

fn least(request: &Value) -> f64 {
    if request["ConsistentRead"] == true { 1.0 } else { 0.5 }
}

/// The units of one table, or of a list of them.
fn sum(capacity: &Value) -> f64 {
    let of_tables = capacity.as_array().map(|tables| tables.iter().map(sum).sum());
    of_tables.unwrap_or_else(|| capacity["CapacityUnits"].as_f64().unwrap_or_default())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The only field of an object, which names the action.
fn inner(action: &Value) -> Option<&Value> {
    action.as_object()?.values().next()
}

fn key(action: &Value) -> Option<Value> {
    let from = action.get("Key").or_else(|| action.get("Item"))?;
    let part = |name: &str| Some((name.to_owned(), from.get(name)?.clone()));
    KEY_ATTRIBUTES.into_iter().map(part).collect::<Option<Map<_, _>>>().map(Value::Object)
}

fn of_index(before: Option<&WireItem>, after: Option<&WireItem>) -> usize {
    let place = |item: Option<&WireItem>| -> Option<Vec<Value>> {
        EXPIRY_ATTRIBUTES.iter().map(|name| item?.get(*name).cloned()).collect()
    };
    match (place(before), place(after)) {
        (None, None) => 0,
        (Some(old), Some(new)) if old == new && before == after => 0,
        (Some(old), Some(new)) if old == new => weight(before).max(weight(after)),
        (old, new) => {
            let moved = |place: Option<Vec<Value>>, item| place.map_or(0, |_| weight(item));
            moved(old, before) + moved(new, after)
        }
    }
}

/// Write units of an item, 0 for none.
fn weight(item: Option<&WireItem>) -> usize {
    item.map_or(0, |item| size(item).div_ceil(WRITE_UNIT))
}

/// Bytes of an item: names and values.
fn size(item: &WireItem) -> usize {
    item.iter().map(|(name, value)| name.len() + inner(value).map_or(0, |inner| value_size(value, inner))).sum()
}

fn value_size(value: &Value, inner: &Value) -> usize {
    let text = |value: &Value| value.as_str().map_or(1, str::len);
    let one = |value: &Value| {
        value.as_object().and_then(|kind| kind.values().next()).map_or(0, |inner| value_size(value, inner))
    };
    if value.get("N").is_some() {
        return number_size(inner.as_str().unwrap_or_default());
    }
    if let Some(items) = inner.as_array() {
        let list = value.get("L").is_some();
        return if list {
            3 + items.iter().map(|item| 1 + one(item)).sum::<usize>()
        } else {
            items.iter().map(text).sum()
        };
    }
    if let Some(fields) = inner.as_object() {
        return 3 + fields.iter().map(|(name, field)| 1 + name.len() + one(field)).sum::<usize>();
    }
    // The text of bytes is base64.
    if value.get("B").is_some() { text(inner) * 3 / 4 } else { text(inner) }
}

/// Two digits a byte, one for the exponent, one for a minus.
fn number_size(text: &str) -> usize {
    let digits = text.trim_start_matches('-').trim_matches('0').len();
    digits.div_ceil(2) + 1 + usize::from(text.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(bytes: usize, expires: Option<&str>) -> WireItem {
        let [partition, sort] = KEY_ATTRIBUTES;
        let mut item = WireItem::new();
        item.insert(partition.to_owned(), json!({"S": "p"}));
        item.insert(sort.to_owned(), json!({"S": "s"}));
        item.insert("b".to_owned(), json!({"S": "x".repeat(bytes)}));
        for name in EXPIRY_ATTRIBUTES {
            item.extend(expires.map(|place| (name.to_owned(), json!({"S": place}))));
        }
        item
    }

    fn operation(name: &str) -> Operation {
        Operation::dynamodb(name)
    }

    fn written(name: &str, items: &[(Option<WireItem>, Option<WireItem>)]) -> f64 {
        of_write(&operation(name), items).values().sum()
    }

    #[test]
    fn a_write_weighs_the_larger_of_the_items_before_and_after() {
        let put = |before, after| written("PutItem", &[(before, after)]);
        assert_eq!(put(None, Some(item(100, None))), 1.0);
        assert_eq!(put(None, Some(item(1_100, None))), 2.0);
        assert_eq!(put(Some(item(3_000, None)), Some(item(10, None))), 3.0);
        assert_eq!(put(None, None), 1.0, "a condition that failed");
    }

    #[test]
    fn every_item_of_a_transaction_counts_twice() {
        let items = vec![(None, Some(item(100, None))); 10];
        assert_eq!(written("TransactWriteItems", &items), 20.0);
        assert_eq!(written("BatchWriteItem", &items), 10.0);
    }

    #[test]
    fn an_index_costs_what_changes_in_it() {
        let put = |before, after| written("PutItem", &[(before, after)]);
        let in_index = |place| Some(item(10, Some(place)));
        assert_eq!(put(None, in_index("a")), 2.0, "added");
        assert_eq!(put(in_index("a"), Some(item(10, None))), 2.0, "taken out");
        assert_eq!(put(in_index("a"), in_index("a")), 1.0, "nothing changed");
        assert_eq!(put(in_index("a"), in_index("b")), 3.0, "moved");
        assert_eq!(put(in_index("a"), Some(item(20, Some("a")))), 2.0, "changed in place");
    }

    #[test]
    fn the_keys_of_a_request_are_found_in_every_form() {
        let key = json!(
            KEY_ATTRIBUTES
                .map(|name| (name, json!({"S": "k"})))
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>()
        );
        let asked = json!({"TransactItems": [{"Put": {"Item": key}}, {"Update": {"Key": key}}, {"ConditionCheck": {"Key": key}}]});
        assert_eq!(written_keys(&operation("TransactWriteItems"), &asked), vec![key.clone(); 3]);
        let asked = json!({"RequestItems": {"t": [{"PutRequest": {"Item": key}}, {"DeleteRequest": {"Key": key}}]}});
        assert_eq!(written_keys(&operation("BatchWriteItem"), &asked), vec![key.clone(); 2]);
        assert_eq!(written_keys(&operation("UpdateItem"), &json!({"Key": key})), [key]);
    }

    #[test]
    fn a_read_that_finds_nothing_costs_too() {
        let asked = json!({"RequestItems": {"t": {"ConsistentRead": true, "Keys": [1, 2, 3]}}});
        let reply = json!({"Responses": {"t": [1]}, "ConsumedCapacity": [{"CapacityUnits": 2.0}]});
        assert_eq!(of_read(&operation("BatchGetItem"), &asked, &reply), 4.0);
        assert_eq!(of_read(&operation("Query"), &json!({}), &json!({"ConsumedCapacity": {"CapacityUnits": 0.0}})), 0.5);
    }

    #[test]
    fn sizes_follow_the_published_rules() {
        let of = |value: Value| value_size(&value, inner(&value).unwrap());
        assert_eq!(of(json!({"S": "名片"})), 6);
        assert_eq!(of(json!({"N": "1795233600000"})), 5);
        assert_eq!(of(json!({"N": "-12"})), 3);
        assert_eq!(of(json!({"BOOL": true})), 1);
        assert_eq!(of(json!({"L": [{"S": "ab"}, {"NULL": true}]})), 3 + 3 + 2);
        assert_eq!(of(json!({"M": {"a": {"S": "b"}}})), 3 + 3);
        assert_eq!(of(json!({"SS": ["ab", "c"]})), 3);
    }
}
