"""Share codes: who shared a card, and how visitors come to it (F50, F51)."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from numbers_of_radar import drain
from world import absent_id, event, object_id

SHARES = "/v1/share-codes"


def make(person, card, key=None, channel="share", **more):
    return person.post(SHARES, {"card_id": card, "channel": channel, **more}, key=key or uuid.uuid4().hex)


def test_people_who_share_a_card_get_a_code_that_identifies_them(company, staff, admin, visitor):
    for person, channel in ((visitor, "share"), (staff, "code"), (admin, "notification"), (company.boss, "share")):
        code = make(person, staff.card_id, channel=channel).expect(201)["share_code"]
        assert re.fullmatch(r"[\w-]{22,32}", code, re.A)
        for reader in (company.visitor(), staff, company.boss):
            assert reader.get(f"{SHARES}/{code}").expect(200) == {
                "card_id": staff.card_id, "object": {"type": "card", "id": None}, "channel": channel,
                "sharer": {"person_id": person.id}, "owner_active": True, "successor": None,
            }


def test_a_share_can_be_about_an_object(staff, visitor):
    for shared in ({"type": "product", "id": object_id("prd_")}, {"type": "article", "id": object_id("art_")},
                   {"type": "video", "id": object_id("vid_")}, {"type": "website", "id": None}):
        code = make(visitor, staff.card_id, object=shared).expect(201)["share_code"]
        assert visitor.get(f"{SHARES}/{code}").expect(200)["object"] == shared


def test_a_retry_gives_the_same_code_and_another_share_another(staff, visitor):
    key = uuid.uuid4().hex
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: make(visitor, staff.card_id, key=key), range(6)))
    codes = {answer.body["share_code"] for answer in answers if answer.status == 201}
    assert len(codes) == 1 and {answer.status for answer in answers} <= {201, 409}
    assert make(visitor, staff.card_id, key=key).expect(201)["share_code"] in codes
    make(visitor, staff.card_id, key=key, channel="code").expect(422, "idempotency_key_reused")
    assert make(visitor, staff.card_id).expect(201)["share_code"] not in codes


def test_visitors_who_come_with_a_code_send_it_in_their_events(company, staff):
    code = make(staff, staff.card_id, channel="code").expect(201)["share_code"]
    guest = company.visitor()
    guest.send(event("view_card", staff.card_id, share_code=code))
    drain(company.world.stack)
    feed = staff.get(f"/v1/radar/cards/{staff.card_id}/feed").expect(200)["items"]
    assert code in [item["share_code"] for item in feed]


BAD = {
    "no card": ({"card_id": None}, "/card_id"),
    "no id of a card": ({"card_id": "7"}, "/card_id"),
    "an unknown channel": ({"channel": "mail"}, "/channel"),
    "no channel": ({"channel": None}, "/channel"),
    "an object of an unknown type": ({"object": {"type": "house"}}, "/object/type"),
    "a product without its id": ({"object": {"type": "product"}}, "/object/id"),
    "a website with an id": ({"object": {"type": "website", "id": "prd_1"}}, "/object/id"),
    "an unknown field": ({"parent": "x"}, "/parent"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_share_is_refused_with_its_pointer(case, staff, visitor):
    change, pointer = BAD[case]
    body = {"card_id": staff.card_id, "channel": "share", **change}
    visitor.post(SHARES, body, key=uuid.uuid4().hex).expect(422, "invalid", pointer)


def test_a_card_that_does_not_exist_cannot_be_shared(visitor):
    make(visitor, absent_id("crd_")).expect(404, "not_found", "/card_id")


@pytest.mark.parametrize("code", ["A" * 22, "A" * 33, "a%23b", "%00", "中"])
def test_an_unknown_code_stands_for_nothing(code, visitor):
    visitor.get(f"{SHARES}/{code}").expect(404, "not_found")
