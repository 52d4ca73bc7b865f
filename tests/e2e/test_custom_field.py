"""Fields that a company adds to its customers."""

import uuid

import pytest

from office import visited_office


@pytest.fixture
def office(world):
    """Two cards and a visitor of the first one."""
    return visited_office(world)


def make(who, name, kind, options=(), key=None):
    """Makes a field."""
    body = {"name": name, "kind": kind, "options": [{"name": option} for option in options]}
    return who.post("/v1/customer-fields", body, key=key or uuid.uuid4().hex)


def fill(who, customer, values):
    """Sets values."""
    return who.put(f"/v1/customers/{customer.id}/custom-fields", {"values": values})


def shown(who, customer):
    """The texts of the customer's fields by name."""
    return {field["name"]: field["text"] for field in who.get(f"/v1/customers/{customer.id}").expect(200)["custom_fields"]}


def test_a_company_has_fields_of_its_own(office):
    boss, lin, visitor = office["boss"], office["lin"], office["visitor"]
    kinds = {
        "生日": ("date", (), "1990-02-03", "1990-02-03"),
        "预算": ("number", (), "012.50", "12.5"),
        "来源": ("one_of", ("展会", "转介绍"), "2", "2"),
        "兴趣": ("some_of", ("红茶", "绿茶", "白茶"), "3;1", "1;3"),
        "备用电话": ("phone", (), "138 0013 8000", "+8613800138000"),
        "口味": ("text", (), " 偏淡 ", "偏淡"),
    }
    made = {name: make(boss, name, kind, options).expect(201) for name, (kind, options, *_) in kinds.items()}
    assert [field["name"] for field in lin.get("/v1/customer-fields").expect(200)["items"]] == list(kinds)
    assert make(lin, "部门", "text").status == 403
    values = {made[name]["field_id"]: given for name, (_, _, given, _) in kinds.items()}
    fill(lin, visitor, values).expect(200)
    assert shown(boss, visitor) == {name: stored for name, (*_, stored) in kinds.items()}


def test_wrong_values_are_named_and_change_nothing(office):
    boss, lin, visitor = office["boss"], office["lin"], office["visitor"]
    day = make(boss, "生日", "date").expect(201)["field_id"]
    some = make(boss, "兴趣", "some_of", ("红茶",)).expect(201)["field_id"]
    text = make(boss, "口味", "text").expect(201)["field_id"]
    refused = fill(lin, visitor, {day: "2026-02-30", some: "1;7", text: "偏淡"})
    assert refused.status == 422
    assert {error["pointer"] for error in refused.body["errors"]} == {f"/values/{day}", f"/values/{some}"}
    assert shown(lin, visitor) == {}


def test_renaming_touches_no_customer_and_what_is_deleted_is_gone(office):
    boss, lin, visitor = office["boss"], office["lin"], office["visitor"]
    field = make(boss, "兴趣", "some_of", ("红茶", "绿茶")).expect(201)["field_id"]
    fill(lin, visitor, {field: "1;2"}).expect(200)
    boss.put(f"/v1/customer-fields/{field}", {"name": "喜好", "options": [{"number": 2, "name": "龙井"}, {"name": "白茶"}]}).expect(200)
    assert shown(lin, visitor) == {"喜好": "2"}
    assert boss.delete(f"/v1/customer-fields/{field}").status == 204
    assert shown(lin, visitor) == {}
    assert fill(lin, visitor, {field: "2"}).status == 422
    assert boss.delete(f"/v1/customer-fields/{field}").status == 404


def test_a_value_comes_back_and_the_timeline_tells(office):
    boss, lin, visitor = office["boss"], office["lin"], office["visitor"]
    field = make(boss, "预算", "number").expect(201)["field_id"]
    fill(lin, visitor, {field: "1"}).expect(200)
    fill(lin, visitor, {field: "2"}).expect(200)
    same = fill(lin, visitor, {field: "2.0"}).expect(200)["custom_fields"][0]
    assert (same["text"], [before["text"] for before in same["before"]]) == ("2", ["1"])
    back = {"field_id": field, "set_at": same["before"][0]["set_at"]}
    restored = lin.put(f"/v1/customers/{visitor.id}/custom-fields/restored-value", back).expect(200)
    assert restored["custom_fields"][0]["text"] == "1"
    lines = boss.get(f"/v1/customers/{visitor.id}/timeline?kind=profile").expect(200)["items"]
    assert [line["custom_fields"] for line in lines] == [[field]] * 3
