"""Customer tags and what is expected of a customer."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from office import visited_office


DAY_MS, SHANGHAI_MS = 86_400_000, 8 * 3_600_000


def day(ahead):
    """The day so many days ahead in Shanghai."""
    return time.strftime("%Y-%m-%d", time.gmtime((time.time_ns() // 1_000_000 + SHANGHAI_MS + ahead * DAY_MS) / 1000))


@pytest.fixture
def office(world):
    """Two cards and a visitor of the first one."""
    return visited_office(world)


def tag(who, name, group="客户来源", key=None):
    """Makes a tag."""
    return who.post("/v1/customer-tags", {"name": name, "group": group}, key=key or uuid.uuid4().hex)


def give(who, customer, add=(), remove=()):
    """Gives and takes tags."""
    return who.put(f"/v1/customers/{customer.id}/tags", {"add": list(add), "remove": list(remove)})


def names(who, customer):
    """The names of the customer's tags."""
    return [given["name"] for given in who.get(f"/v1/customers/{customer.id}").expect(200)["tags"]]


def test_a_company_begins_with_tags_and_members_make_their_own(office):
    lin, boss = office["lin"], office["boss"]
    begun = lin.get("/v1/customer-tags").expect(200)["items"]
    assert len(begun) == 11 and {one["group"] for one in begun} == {"客户意向", "跟进阶段", "客户类型"}
    made = tag(lin, "展会", key="one-and-the-same").expect(201)
    assert tag(lin, "展会", key="one-and-the-same").expect(201) == made
    taken = tag(boss, "展会")
    assert (taken.status, taken.body["errors"][0]["pointer"]) == (422, "/name")
    assert lin.get("/v1/customer-tags").expect(200)["items"] == [*begun, made]
    assert [lin.delete(f"/v1/customer-tags/{made['tag_id']}").status, office["visitor"].get("/v1/customer-tags").status] == [403, 403]


def test_parallel_tags_are_all_made(office):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: tag(office["lin"], f"标签{n}").expect(201)["tag_id"], range(16)))
    listed = [one["tag_id"] for one in office["lin"].get("/v1/customer-tags").expect(200)["items"]]
    assert set(made) <= set(listed) and len(listed) == 27


def test_a_customer_has_tags_through_renaming_merging_and_deleting(office):
    lin, boss, visitor = office["lin"], office["boss"], office["visitor"]
    one, two, three = (tag(lin, name).expect(201)["tag_id"] for name in ("甲", "乙", "丙"))
    given = give(lin, visitor, [one, two, three]).expect(200)["tags"]
    assert [(one["name"], one["given_by"]) for one in given] == [(name, lin.member["id"]) for name in "甲乙丙"]
    assert give(lin, visitor, [one]).expect(200)["tags"] == given
    boss.put(f"/v1/customer-tags/{one}", {"name": "新甲", "group": "客户来源"}).expect(200)
    for _ in range(2):
        boss.put(f"/v1/customer-tags/{two}/merge", {"into": three}).expect(204)
    assert names(lin, visitor) == ["新甲", "丙"]
    # The merged tag stands for the other one, to give and to take.
    assert [one["name"] for one in give(lin, visitor, remove=[two]).expect(200)["tags"]] == ["新甲"]
    assert [one["name"] for one in give(lin, visitor, [two]).expect(200)["tags"]] == ["新甲", "丙"]
    for _ in range(2):
        boss.delete(f"/v1/customer-tags/{three}").expect(204)
    assert names(lin, visitor) == ["新甲"]
    refused = give(lin, visitor, [three])
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/add")
    actions = [entry["action"] for entry in boss.get("/v1/audit-log?action=customer_tags").expect(200)["items"]]
    assert len(actions) == 6


def test_a_customer_has_at_most_fifty_tags(office):
    lin, visitor = office["lin"], office["visitor"]
    made = [tag(lin, f"标签{n}").expect(201)["tag_id"] for n in range(51)]
    give(lin, visitor, made[:50]).expect(200)
    over = give(lin, visitor, made[50:])
    assert (over.status, over.body["code"]) == (409, "limit_reached") and "50" in over.body["detail"]
    give(lin, visitor, made[50:], made[:1]).expect(200)


def test_what_is_expected_is_set_and_cleared_with_who_did_it(office):
    lin, boss, visitor = office["lin"], office["boss"], office["visitor"]
    path = f"/v1/customers/{visitor.id}/expected-close"
    none = lin.get(f"/v1/customers/{visitor.id}").expect(200)["expected_close"]
    assert none == {"expected_on": None, "overdue": False, "day_set": None, "amount_fen": None, "amount_set": None}
    first = lin.put(path, {"expected_on": day(30), "amount_fen": 128_000}).expect(200)
    assert (first["expected_on"], first["amount_fen"], first["overdue"]) == (day(30), 128_000, False)
    assert first["day_set"]["member_id"] == lin.member["id"]
    assert lin.put(path, {"amount_fen": 128_000}).expect(200) == first
    cleared = boss.put(path, {"amount_fen": None}).expect(200)
    assert (cleared["expected_on"], cleared["amount_fen"]) == (day(30), None)
    assert cleared["amount_set"]["member_id"] == boss.member["id"] and cleared["day_set"] == first["day_set"]
    for wrong in ({"expected_on": day(-1)}, {"amount_fen": 0}, {"amount_fen": 10**12}, {"amount_fen": 1.5}, {"on": day(1)}):
        assert lin.put(path, wrong).status == 422
    assert lin.get(f"/v1/customers/{visitor.id}").expect(200)["expected_close"] == cleared
