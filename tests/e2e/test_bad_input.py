"""Bad input gets a 4xx problem with pointer and code, and leaves nothing behind."""

import json
import uuid

import pytest

from day import parse_ms
from numbers_of_radar import until
from operations import CARD_FIELDS
from stored import function_logs, nothing_stored
from world import absent_id, batch_id, event, now_ms, object_id, product

DAY_MS = 86_400_000
EVENTS = "/v1/events"


def batch_of(card, change=None, **fields):
    """A batch with one good event, some of its fields replaced (None removes one)."""
    good = event("view_product", card, object=product("好茶"))
    for name, value in fields.items():
        if value is None:
            good.pop(name, None)
        else:
            good[name] = value
    batch = {"batch_id": batch_id(), "events": [good]}
    return {**batch, **(change or {})}


def uuid4_text():
    return str(uuid.uuid4())


# name -> (event fields that differ, pointer below the event, code or None)
BAD_EVENTS = {
    "unknown kind": ({"kind": "look"}, "/kind", "unknown_kind"),
    "kind in capitals": ({"kind": "VIEW_CARD"}, "/kind", "unknown_kind"),
    "kind is a number": ({"kind": 3}, "/kind", None),
    "kind is missing": ({"kind": None}, None, None),
    "card is missing": ({"card_id": None}, None, None),
    "card is no id": ({"card_id": "7"}, "/card_id", "invalid_id"),
    "card is another kind of id": ({"card_id": object_id("prd_")}, "/card_id", "invalid_id"),
    "card does not exist": ({"card_id": absent_id("crd_")}, "/card_id", "unknown_card"),
    "time is missing": ({"at": None}, None, None),
    "time without offset": ({"at": "2026-11-21T09:00:00"}, "/at", "invalid_time"),
    "time as a number": ({"at": 1_790_000_000}, "/at", None),
    "time in words": ({"at": "昨天"}, "/at", "invalid_time"),
    "the 30th of February": ({"at": "2026-02-30T09:00:00+08:00"}, "/at", "invalid_time"),
    "object of the wrong kind": ({"object": {"type": "article", "id": object_id("art_")}}, "/object/type", "not_allowed"),
    "object without an id": ({"object": {"type": "product"}}, "/object/id", "required"),
    "object with a foreign id": ({"object": {"type": "product", "id": object_id("vid_")}}, "/object/id", "invalid_id"),
    "object of an unknown type": ({"object": {"type": "house"}}, "/object/type", "unknown_type"),
    "object is missing": ({"object": None}, "/object", "required"),
    "object is a list": ({"object": []}, "/object", None),
    "object with an unknown field": ({"object": {**product("茶"), "colour": "red"}}, "/object/colour", None),
    "title is a number": ({"object": {**product("茶"), "title": 7}}, "/object/title", None),
    "duration where none belongs": ({"duration_ms": 5}, "/duration_ms", "not_allowed"),
    "dwell without duration": ({"kind": "dwell"}, "/duration_ms", "required"),
    "negative duration": ({"kind": "dwell", "duration_ms": -1}, "/duration_ms", None),
    "duration over an hour": ({"kind": "dwell", "duration_ms": 3_600_001}, "/duration_ms", "out_of_range"),
    "duration past 64 bits": ({"kind": "dwell", "duration_ms": 2**64}, "/duration_ms", None),
    "duration past 63 bits": ({"kind": "dwell", "duration_ms": 2**63}, "/duration_ms", "out_of_range"),
    "fraction of a millisecond": ({"kind": "dwell", "duration_ms": 1.5}, "/duration_ms", None),
    "duration as text": ({"kind": "dwell", "duration_ms": "5"}, "/duration_ms", None),
    "unknown field": ({"colour": "red"}, "/colour", None),
    "person chosen by the client": ({"person_id": absent_id("per_")}, "/person_id", None),
}


@pytest.mark.parametrize("case", BAD_EVENTS)
def test_one_bad_event_is_named_with_its_pointer_and_costs_no_other(case, world, staff, visitor):
    fields, pointer, code = BAD_EVENTS[case]
    body = batch_of(staff.card_id, **fields)
    body["events"].insert(0, event("view_card", staff.card_id))  # a good one before it
    answer = visitor.post(EVENTS, body).expect(202)
    assert answer["accepted"] == 1
    (dropped,) = answer["dropped"]
    assert dropped["index"] == 1
    if pointer is not None:
        # An error for an unknown field may point at the field or at its object.
        allowed = {f"/events/1{pointer}", f"/events/1{pointer}".rsplit("/", 1)[0]} if code is None else {f"/events/1{pointer}"}
        assert dropped["pointer"] in allowed, answer
    assert code in (None, dropped["code"]), answer
    again = visitor.post(EVENTS, body).expect(202)
    assert {**again, "received_at": ""} == {**answer, "received_at": ""}, "a retry is answered the same"


# name -> event fields that differ, and what the feed shows of the title
MENDED_EVENTS = {
    "title with NUL": ({"object": product("a\u0000b")}, "ab"),
    "title with escape": ({"object": product("\u001b[31m红")}, "[31m红"),
    "title with a line break": ({"object": product("两\n行")}, "两 行"),
    "title with what a queue refuses": ({"object": product("\uffff门\ufffe锁")}, "门锁"),
    "title too long": ({"object": product("茶" * 61)}, "茶" * 59 + "…"),
    "title of nothing": ({"object": product(" \u0007 ")}, None),
    "share code too long": ({"share_code": "s" * 33}, "好茶"),
    "share code with a separator": ({"share_code": "a#b"}, "好茶"),
    "share code is empty": ({"share_code": ""}, "好茶"),
    "1970": ({"at": "1970-01-01T00:00:00Z"}, "好茶"),
    "9999": ({"at": "9999-12-31T23:59:59Z"}, "好茶"),
}


def test_what_can_be_mended_is_counted(company):
    member, guest = company.member("修补匠"), company.visitor()
    for fields, _ in MENDED_EVENTS.values():
        answer = guest.post(EVENTS, batch_of(member.card_id, **fields)).expect(202)
        assert (answer["accepted"], answer["dropped"]) == (1, [])
    half = json.dumps(batch_of(member.card_id, object=product("半个"))).replace("\\u4e2a", "\\u4e2a\\ud83d")
    assert guest.post(EVENTS, raw=half.encode()).expect(202)["accepted"] == 1, "half an emoji"

    def lines():
        return member.get(f"/v1/radar/cards/{member.card_id}/feed", query={"limit": 100}).expect(200)["items"]

    until(lambda: len(lines()) == len(MENDED_EVENTS) + 1, 20, why="all of them in the feed")
    titles = sorted(str(line["object"]["title"]) for line in lines())
    assert titles == sorted([str(title) for _, title in MENDED_EVENTS.values()] + ["半个"])


def test_of_eleven_cards_the_first_ten_are_looked_up(staff, visitor):
    body = batch_of(staff.card_id) | {"events": [event("view_card", absent_id("crd_")) for _ in range(11)]}
    answer = visitor.post(EVENTS, body).expect(202)
    assert [dropped["code"] for dropped in answer["dropped"]] == ["unknown_card"] * 10 + ["too_many_cards"]


# name -> the whole body as a function of a card id
BAD_BATCHES = {
    "no events": (lambda card: batch_of(card, {"events": []}), "/events"),
    "101 events": (lambda card: batch_of(card, {"events": [event("view_card", card)] * 101}), "/events"),
    "events is an object": (lambda card: batch_of(card, {"events": {}}), "/events"),
    "a time of sending in words": (lambda card: batch_of(card, {"sent_at": "刚才"}), "/sent_at"),
    "no batch id": (lambda card: {"events": [event("view_card", card)]}, None),
    "batch id is a UUIDv4": (lambda card: batch_of(card, {"batch_id": uuid4_text()}), "/batch_id"),
    "batch id in capitals": (lambda card: batch_of(card, {"batch_id": batch_id().upper()}), "/batch_id"),
    "batch id of last month": (lambda card: batch_of(card, {"batch_id": batch_id(now_ms() - 30 * DAY_MS)}), "/batch_id"),
    "batch id of tomorrow": (lambda card: batch_of(card, {"batch_id": batch_id(now_ms() + DAY_MS)}), "/batch_id"),
    "unknown field": (lambda card: batch_of(card, {"person_id": absent_id("per_")}), None),
    "a list": (lambda card: [batch_of(card)], None),
    "a text": (lambda card: "events", None),
    "null": (lambda card: None, None),
}


@pytest.mark.parametrize("case", BAD_BATCHES)
def test_a_bad_batch_is_refused_as_a_whole(case, staff, visitor):
    make, pointer = BAD_BATCHES[case]
    answer = visitor.post(EVENTS, raw=json.dumps(make(staff.card_id)).encode())
    answer.expect(422)
    if pointer is not None:
        assert any(found.startswith(pointer) for found in answer.pointers()), answer


# name -> raw bytes that are no readable JSON document
BROKEN = {
    "nothing": b"",
    "half an object": b'{"batch_id": "',
    "text after the end": b"{} {}",
    "single quotes": b"{'a': 1}",
    "NaN": b'{"batch_id": NaN}',
    "a number past every float": b'{"batch_id": 1e400, "events": []}',
    "a bare control character": b'{"batch_id": "a\x00b", "events": []}',
    "invalid UTF-8": b'{"batch_id": "\xff\xfe", "events": []}',
    "half of a surrogate pair": b'{"batch_id": "\\ud83d", "events": []}',
    "a byte order mark": b'\xef\xbb\xbf{"batch_id": "x", "events": []}',
    "nested a thousand deep": b"[" * 1000 + b"]" * 1000,
    "nested inside a field": b'{"events": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    "the same key twice": b'{"batch_id": "x", "batch_id": "y", "events": []}',
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("path", [EVENTS, "/v1/members", "/v1/sessions"])
def test_a_broken_document_is_refused(case, path, company):
    answer = company.boss.post(path, raw=BROKEN[case], key=uuid4_text())
    assert answer.status in (400, 422), answer
    # MiniStack passes invalid UTF-8 on as U+FFFD; a unit test of the edge shows that the function itself rejects it.
    if case not in ("the same key twice", "invalid UTF-8"):
        answer.expect(400, "malformed_json")


@pytest.mark.parametrize("path", [EVENTS, "/v1/members", "/v1/sessions", "/v1/cards"])
def test_a_body_of_300_kilobytes_is_too_large(path, company):
    raw = json.dumps({"name": "a" * 300_000}).encode()
    company.boss.post(path, raw=raw, key=uuid4_text()).expect(413)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", ""])
def test_a_body_that_does_not_say_json_is_refused(kind, staff, visitor):
    raw = json.dumps(batch_of(staff.card_id)).encode()
    visitor.post(EVENTS, raw=raw, headers={"Content-Type": kind}).expect(415)


BAD_QUERIES = [
    {"limit": "0"}, {"limit": "101"}, {"limit": "-1"}, {"limit": "many"}, {"limit": ""}, {"limit": "1e2"},
    {"limit": "99999999999999999999"}, {"cursor": "x"}, {"cursor": "{}"}, {"cursor": "A" * 3000},
    {"cursor": "eyJQSyI6ImNvbV8wIn0"}, {"cursor": "\u0000"}, {"cursor": ""},
]


@pytest.mark.parametrize("query", BAD_QUERIES, ids=str)
def test_a_bad_page_is_refused(query, company, staff):
    for path in ("/v1/members", "/v1/radar/company/feed", f"/v1/radar/cards/{staff.card_id}/feed"):
        company.boss.get(path, query=query).expect(400)


def test_a_cursor_of_another_list_is_refused(company, staff, visitor):
    cursor = company.boss.get("/v1/members", query={"limit": 1}).expect(200)["next_cursor"]
    assert cursor
    for path in ("/v1/radar/company/feed", f"/v1/radar/cards/{staff.card_id}/feed"):
        company.boss.get(path, query={"limit": 1, "cursor": cursor}).expect(400)


@pytest.mark.parametrize("ident", ["x", "crd_", "crd_" + "z" * 26, "crd_" + "0" * 400, "%00", "%F0%9F%8E%81", "CRD_" + "0" * 26, "prd_" + "0" * 26])
def test_a_bad_id_in_a_path_is_a_card_that_does_not_exist(ident, company):
    for method, path in (("GET", f"/v1/cards/{ident}"), ("GET", f"/v1/radar/cards/{ident}/today")):
        answer = company.api.call(method, path, company.boss.token)
        assert answer.status in (400, 404), answer


BAD_MEMBERS = {
    "no name": ({"position": "顾问"}, None),
    "blank name": ({"name": "  ", "position": "顾问"}, "/name"),
    "name too long": ({"name": "名" * 31, "position": "顾问"}, "/name"),
    "control character": ({"name": "李\u0007", "position": "顾问"}, "/name"),
    "name is null": ({"name": None, "position": "顾问"}, "/name"),
    "unknown role": ({"name": "李", "position": "顾问", "role": "king"}, "/role"),
    "unknown field": ({"name": "李", "position": "顾问", "salary": 1}, None),
    "position is a list": ({"name": "李", "position": []}, "/position"),
}


@pytest.mark.parametrize("case", BAD_MEMBERS)
def test_a_bad_member_is_refused(case, company):
    body, pointer = BAD_MEMBERS[case]
    company.boss.post("/v1/members", body, key=uuid4_text()).expect(422, pointer=pointer)


def test_all_of_it_leaves_nothing_behind(world, company, staff, visitor):
    """The worst case of each kind again, with the table and queues compared before and after."""
    with nothing_stored(world.stack):
        for fields, _, _ in BAD_EVENTS.values():
            assert visitor.post(EVENTS, batch_of(staff.card_id, **fields)).expect(202)["accepted"] == 0
        for make, _ in BAD_BATCHES.values():
            visitor.post(EVENTS, raw=json.dumps(make(staff.card_id)).encode()).expect(422)
        for raw in BROKEN.values():
            for path in (EVENTS, "/v1/members", "/v1/sessions"):
                assert company.boss.post(path, raw=raw, key=uuid4_text()).status in (400, 422)
        for body, _ in BAD_MEMBERS.values():
            company.boss.post("/v1/members", body, key=uuid4_text()).expect(422)


TEXTS = ["春季新品礼盒🎁", "一家人👨‍👩‍👧‍👦🏳️‍🌈", "生僻字𠀀𪚥𠮷", "日本語・한국어·العربية", "e\u0301 と é"]


@pytest.mark.parametrize("text", TEXTS)
def test_characters_of_four_bytes_come_back_as_they_were(text, company, staff, visitor):
    card = staff.get(f"/v1/cards/{staff.card_id}").expect(200)
    changed = {"version": card["version"], **CARD_FIELDS, "phones": ["13800138000"], "address": text,
               "introduction": f"第一行\n{text}", "share_phrase": text, "welcome_text": text}
    saved = staff.put(f"/v1/cards/{staff.card_id}", changed).expect(200)
    seen = visitor.get(f"/v1/cards/{staff.card_id}").expect(200)
    assert saved["address"] == seen["address"] == seen["share_phrase"] == seen["welcome_text"] == text
    assert seen["introduction"] == f"第一行\n{text}"
    visitor.send(event("view_product", staff.card_id, object=product(text)))

    def shown():
        page = staff.get(f"/v1/radar/cards/{staff.card_id}/feed", query={"limit": 5}).expect(200)
        return any((item["object"] or {}).get("title") == text for item in page["items"])

    until(shown, 20, why="the title in the feed")


def test_the_largest_allowed_batch_is_accepted(staff, visitor):
    title = "𠀀" * 60
    visitor.send(*[event("view_product", staff.card_id, back_ms=100 - number, object=product(title)) for number in range(100)])


def test_early_and_late_batches_are_moved_not_refused(company, visitor):
    member = company.member("钟表匠")
    visitor.send({**event("view_card", member.card_id), "at": "2098-01-01T00:00:00+08:00"})
    visitor.send({**event("view_card", member.card_id), "at": "2020-06-01T00:00:00+08:00"})

    def both():
        return len(member.get(f"/v1/radar/cards/{member.card_id}/feed").expect(200)["items"]) == 2

    until(both, 20, why="both events in the feed")
    early, late = member.get(f"/v1/radar/cards/{member.card_id}/feed").expect(200)["items"][::-1]
    assert early["at"] == early["received_at"]
    assert parse_ms(late["at"]) == parse_ms(late["received_at"]) - 7 * DAY_MS
    windows = member.get(f"/v1/radar/cards/{member.card_id}/metrics").expect(200)["windows"]
    assert windows["total"]["views"] == windows["last_30_days"]["views"] == 2
    assert windows["last_7_days"]["views"] == 1


def test_the_logs_hold_nothing_that_identifies_a_person(world, company, staff, visitor):
    logs = function_logs(world.stack)
    assert logs, "no logs were found"
    secrets = {
        "token": visitor.token, "signature": visitor.token.rsplit(".", 1)[1], "open id": visitor.openid,
        "boss's token": company.boss.token, "phone": "13800138000", "app secret": company.secret,
        "operator key": world.stack.operator_key, "claim code": company.created["boss"]["claim_code"],
        "title": "春季新品礼盒🎁", "introduction": "第一行",
    }
    assert not [name for name, value in secrets.items() if value in logs]
