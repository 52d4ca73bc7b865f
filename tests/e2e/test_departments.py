"""Departments, and the directory of colleagues (F81, R2)."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from world import absent_id


def key():
    return uuid.uuid4().hex


def make(by, name, parent=None, **more):
    return by.post("/v1/departments", {"name": name, "parent_id": parent}, key=more.get("key") or key())


def made(by, name, parent=None):
    return make(by, name, parent).expect(201)["id"]


def tree(person):
    return person.get("/v1/departments").expect(200)


def put(by, member, department):
    return by.put(f"/v1/members/{member['id']}/department", {"department_id": department})


def change(by, department, name, parent, version):
    return by.put(f"/v1/departments/{department}", {"name": name, "parent_id": parent, "version": version})


@pytest.fixture
def company(world):
    """A company for each test."""
    return world.company("部门公司")


def test_the_heads_make_the_tree_and_every_member_reads_it(company):
    staff, admin, visitor = company.member("林晓"), company.member("周敏", role="admin"), company.visitor()
    assert tree(staff) == {"version": 0, "items": []}
    east = make(admin, "华东").expect(201)
    assert east == {"id": east["id"], "name": "华东", "parent_id": None, "version": 1} and east["id"].startswith("dep_")
    sales = made(company.boss, "销售", east["id"])
    for member in (staff, admin, company.boss):
        found = tree(member)
        assert found["version"] == 2
        assert [(item["name"], item["parent_id"]) for item in found["items"]] == [("华东", None), ("销售", east["id"])]
    visitor.get("/v1/departments").expect(403, "role_required")
    for nobody in (staff, visitor):
        make(nobody, "越权").expect(403, "role_required")
        change(nobody, sales, "越权", None, 2).expect(403, "role_required")
        nobody.delete(f"/v1/departments/{sales}").expect(403, "role_required")
        put(nobody, staff.member, sales).expect(403, "role_required")


def test_a_department_is_renamed_and_moved_from_the_version_that_was_read(company):
    boss = company.boss
    east, north = made(boss, "华东"), made(boss, "华北")
    sales = made(boss, "销售", east)
    moved = change(boss, sales, "销售一部", north, 3).expect(200)
    assert moved["version"] == 4 and moved["items"][2] == {"id": sales, "name": "销售一部", "parent_id": north}
    change(boss, sales, "又改", None, 3).expect(409, "version_conflict")
    assert change(boss, sales, "销售一部", north, 3).expect(200) == moved, "the same again changes nothing"
    change(boss, north, "华北", sales, 4).expect(422, "invalid", "/parent_id")
    change(boss, north, "华北", north, 4).expect(422, "invalid", "/parent_id")
    change(boss, north, "华东", None, 4).expect(422, "invalid", "/name")
    change(boss, north, "华北", absent_id("dep_"), 4).expect(404, "not_found", "/parent_id")
    change(boss, absent_id("dep_"), "没有", None, 4).expect(404, "not_found")
    assert tree(boss) == moved


def test_the_tree_is_five_deep_and_names_are_once_among_siblings(company):
    boss, parent, version = company.boss, None, 0
    for depth in range(5):
        parent, version = made(boss, f"{depth}级", parent), version + 1
    make(boss, "六级", parent).expect(422, "invalid", "/parent_id")
    make(boss, "0级").expect(422, "invalid", "/name")
    top = made(boss, "另一棵")
    deep = tree(boss)["items"][0]["id"]
    change(boss, deep, "0级", top, version + 1).expect(422, "invalid", "/parent_id")
    assert tree(boss)["version"] == version + 1


BAD = {
    "no name": ({"parent_id": None}, "/name"), "an empty name": ({"name": " "}, "/name"),
    "a long name": ({"name": "部" * 31}, "/name"), "a control character": ({"name": "a\u0007"}, "/name"),
    "a number": ({"name": 7}, "/name"), "no id": ({"name": "部", "parent_id": "华东"}, "/parent_id"),
    "an id of something else": ({"name": "部", "parent_id": absent_id("mem_")}, "/parent_id"),
    "another field": ({"name": "部", "boss": "x"}, "/boss"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_department_is_refused_with_its_pointer(case, company):
    body, pointer = BAD[case]
    company.boss.post("/v1/departments", body, key=key()).expect(422, "invalid", pointer)
    assert tree(company.boss)["version"] == 0


def test_a_department_is_made_once_per_key_and_parallel_ones_are_all_kept(company):
    boss, ident = company.boss, key()
    first = make(boss, "华东", key=ident).expect(201)
    assert make(boss, "华东", key=ident).expect(201) == first
    make(boss, "华北", key=ident).expect(422, "idempotency_key_reused")
    make(boss, "华东").expect(422, "invalid", "/name")

    def insist(number):
        own = key()
        while (answer := make(boss, f"部门{number}", key=own)).status == 409:
            answer.expect(409, "request_in_progress")
        return answer.expect(201)["id"]

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(insist, range(16)))
    found = tree(boss)
    assert found["version"] == 17 and {item["id"] for item in found["items"]} == {first["id"], *ids}


def test_of_parallel_edits_of_the_tree_one_wins(company):
    boss = company.boss
    department = made(boss, "华东")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: change(boss, department, f"华东{number}", None, 1), range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7
    assert tree(boss) == next(answer.body for answer in answers if answer.status == 200)


def test_a_member_is_put_into_a_department_and_found_there(company):
    boss = company.boss
    east = made(boss, "华东")
    sales = made(boss, "销售", east)
    lin, chen = company.member("林悦"), company.member("陈嘉")
    invited = company.add_member("王珂")["member"]
    assert boss.get(f"/v1/members/{lin.member['id']}").expect(200)["department"] is None
    shown = put(boss, lin.member, sales).expect(200)
    assert shown["department"] == {"id": sales, "name": "销售"} and shown["id"] == lin.member["id"]
    assert put(boss, lin.member, sales).expect(200) == shown
    put(boss, invited, east).expect(200)
    assert boss.get(f"/v1/members/{lin.member['id']}").expect(200) == shown

    def found(department, **query):
        page = boss.get("/v1/members", query={"department": department, **query}).expect(200)
        return [(member["name"], member["department"]["name"]) for member in page["items"]]

    assert found(east) == [("林悦", "销售"), ("王珂", "华东")] and found(sales) == [("林悦", "销售")]
    assert found(east, status="invited") == [("王珂", "华东")]
    put(boss, chen.member, absent_id("dep_")).expect(404, "not_found", "/department_id")
    put(boss, {"id": absent_id("mem_")}, east).expect(404, "not_found")
    put(boss, chen.member, "华东").expect(422, "invalid", "/department_id")
    boss.get("/v1/members", query={"department": absent_id("dep_")}).expect(404, "not_found")
    boss.get("/v1/members", query={"department": "east"}).expect(400, "invalid_query")
    assert put(boss, lin.member, None).expect(200)["department"] is None
    assert found(sales) == []


def test_the_members_of_a_removed_department_are_in_the_one_above(company):
    boss = company.boss
    east = made(boss, "华东")
    sales = made(boss, "销售", east)
    lin = company.member("林悦")
    put(boss, lin.member, sales).expect(200)
    boss.delete(f"/v1/departments/{east}").expect(409, "department_not_empty")
    gone = boss.delete(f"/v1/departments/{sales}").expect(200)
    assert [item["id"] for item in gone["items"]] == [east]
    assert boss.delete(f"/v1/departments/{sales}").expect(200) == gone, "a repetition changes nothing"
    path = f"/v1/members/{lin.member['id']}"
    assert boss.get(path).expect(200)["department"] == {"id": east, "name": "华东"}
    listed = boss.get("/v1/members", query={"department": east}).expect(200)["items"]
    assert [member["name"] for member in listed] == ["林悦"]
    put(boss, lin.member, sales).expect(404, "not_found", "/department_id")
    boss.get("/v1/members", query={"department": sales}).expect(404)
    boss.delete(f"/v1/departments/{east}").expect(200)
    assert boss.get(path).expect(200)["department"] is None
    boss.delete(f"/v1/departments/{absent_id('dep_')}").expect(404, "not_found")


def test_removing_and_putting_at_once_leave_nobody_in_a_department_that_never_was(company):
    boss = company.boss
    east = made(boss, "华东")
    sales = made(boss, "销售", east)
    members = [company.add_member(f"成员{number}")["member"] for number in range(6)]
    with ThreadPoolExecutor(7) as pool:
        removal = pool.submit(lambda: boss.delete(f"/v1/departments/{sales}"))
        answers = list(pool.map(lambda member: put(boss, member, sales), members))
        assert removal.result().status in (200, 409)
    boss.delete(f"/v1/departments/{sales}").expect(200)
    for member, answer in zip(members, answers):
        assert answer.status in (200, 404, 409), answer
        there = boss.get(f"/v1/members/{member['id']}").expect(200)["department"]
        assert there == ({"id": east, "name": "华东"} if answer.status == 200 else None)


def test_each_change_is_recorded_in_the_audit_log(company):
    boss, lin = company.boss, company.member("林悦", radar=False)
    east = made(boss, "华东")
    change(boss, east, "东区", None, 1).expect(200)
    put(boss, lin.member, east).expect(200)
    boss.delete(f"/v1/departments/{east}").expect(200)
    log = company.api.pages("/v1/audit-log", boss.token)
    entries = [(line["action"], line["target"], line["from"], line["to"]) for line in log[:4]]
    assert entries == [
        ("department_removed", east, '{"name":"东区"}', ""), ("member_department", lin.member["id"], "", east),
        ("department_changed", east, '{"name":"华东"}', '{"name":"东区"}'), ("department_added", east, "", '{"name":"华东"}'),
    ]
    assert {line["actor"]["id"] for line in log[:4]} == {boss.member["id"]}


def test_the_directory_shows_active_colleagues_and_only_what_is_public(company):
    boss = company.boss
    east = made(boss, "华东")
    sales = made(boss, "销售", east)
    lin, chen = company.member("林悦", position="客户经理"), company.member("陈嘉", position="财务")
    company.add_member("还没来")
    left = company.member("走了")
    boss.put(f"/v1/members/{left.member['id']}/status", {"status": "left"}).expect(200)
    put(boss, lin.member, sales).expect(200)
    directory = company.api.pages("/v1/directory", chen.token, limit=1)
    assert [colleague["name"] for colleague in directory] == ["沈云", "林悦", "陈嘉"]
    assert directory[1] == {
        "name": "林悦", "position": "客户经理", "department": {"id": sales, "name": "销售"}, "card_id": lin.card_id,
    }

    def names(**query):
        return [colleague["name"] for colleague in chen.get("/v1/directory", query=query).expect(200)["items"]]

    assert names(q="林") == ["林悦"] and names(q="财务") == ["陈嘉"] and names(q="走") == []
    assert names(department=east) == ["林悦"] and names(department=east, q="财务") == []
    chen.get("/v1/directory", query={"department": absent_id("dep_")}).expect(404, "not_found")
    for bad in ({"department": "x"}, {"role": "boss"}, {"q": ""}):
        chen.get("/v1/directory", query=bad).expect(400, "invalid_query")
    company.visitor().get("/v1/directory").expect(403, "role_required")


def test_staff_see_their_own_data_and_the_directory_and_nothing_else_of_colleagues(company):
    """R2: private data of colleagues is absent; the lists for admins and the boss are for them alone."""
    lin, chen = company.member("林悦"), company.member("陈嘉")
    for question in ("feed", "today", "metrics"):
        lin.get(f"/v1/radar/cards/{lin.card_id}/{question}").expect(200)
        lin.get(f"/v1/radar/cards/{chen.card_id}/{question}").expect(404, "not_found")
        lin.get(f"/v1/radar/company/{question}").expect(404, "not_found")
    lin.get("/v1/me").expect(200)
    assert {colleague["card_id"] for colleague in company.api.pages("/v1/directory", lin.token)} >= {chen.card_id}
    lin.get(f"/v1/cards/{chen.card_id}").expect(200)
    for heads_only in ("/v1/members", f"/v1/members/{chen.member['id']}", f"/v1/members/{chen.member['id']}/radar"):
        lin.get(heads_only).expect(403, "role_required")
