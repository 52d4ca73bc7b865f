"""The card of a member who has left shows it and leads to their successor."""

import uuid

import pytest

from operations import CARD_FIELDS
from world import absent_id, event


@pytest.fixture(scope="module")
def leaver(company):
    """A member who has left, with a visitor who knows their card and a share of it."""
    member, guest = company.member("离职者"), company.visitor()
    guest.send(event("view_card", member.card_id))
    share = {"card_id": member.card_id, "channel": "share"}
    share = guest.post("/v1/share-codes", share, key=uuid.uuid4().hex).expect(201)["share_code"]
    return {"member": member, "guest": guest, "share": share}


def set_status(company, member, status):
    company.boss.put(f"/v1/members/{member.member['id']}/status", {"status": status}).expect(200)


def successor(by, member, other):
    return by.put(f"/v1/members/{member.member['id']}/successor", {"member_id": other and other.member["id"]})


def shown(leaver):
    """The owner's state in all three places; they must agree."""
    member, guest = leaver["member"], leaver["guest"]
    from numbers_of_radar import drain

    drain(guest.company.world.stack)
    listed = guest.get("/v1/my/cards").expect(200)["items"]
    places = [
        guest.get(f"/v1/cards/{member.card_id}").expect(200),
        guest.get(f"/v1/share-codes/{leaver['share']}").expect(200),
        next(item["card"] for item in listed if item["card"]["id"] == member.card_id),
    ]
    states = [(place["owner_active"], place["successor"]) for place in places]
    assert states[0] == states[1] == states[2], states
    vcard = guest.get(f"/v1/cards/{member.card_id}/vcard").text
    assert ("已不在职" in vcard) == (not states[0][0])
    return states[0]


def test_a_card_leads_to_the_successor_until_its_owner_is_back(company, leaver, staff):
    member = leaver["member"]
    assert shown(leaver) == (True, None)
    successor(company.boss, member, staff).expect(409, "member_active")
    set_status(company, member, "left")
    assert shown(leaver) == (False, None)
    assert successor(company.boss, member, staff).expect(200)["successor_id"] == staff.member["id"]
    assert shown(leaver) == (False, {"card_id": staff.card_id, "name": "林晓"})
    assert "接任者：林晓" in leaver["guest"].get(f"/v1/cards/{member.card_id}/vcard").text.replace("\r\n ", "")
    version = company.boss.get(f"/v1/cards/{member.card_id}").expect(200)["version"]
    company.boss.put(f"/v1/cards/{member.card_id}", {"version": version, **CARD_FIELDS}).expect(200)
    assert shown(leaver)[1]["card_id"] == staff.card_id
    entries = company.boss.get("/v1/audit-log").expect(200)["items"]
    entry = next(line for line in entries if line["action"] == "member_successor")
    assert (entry["target"], entry["from"], entry["to"]) == (member.member["id"], "", staff.member["id"])
    set_status(company, member, "active")
    assert shown(leaver) == (True, None)


def test_a_chain_shows_the_direct_successor_only(company):
    first, second, third = (company.member(name) for name in ("第一", "第二", "第三"))
    for gone, after in ((first, second), (second, third)):
        set_status(company, gone, "disabled")
        successor(company.boss, gone, after).expect(200)
    names = [company.boss.get(f"/v1/cards/{member.card_id}").expect(200)["successor"] for member in (first, second, third)]
    assert [name and name["name"] for name in names] == ["第二", "第三", None]


def test_the_successor_must_be_active_and_is_set_only_by_callers_who_may_change_the_member(company, admin, staff):
    gone, other = company.member("又一位"), company.member("也离职")
    boss_like = company.member("离任管理员", role="admin")
    for member in (gone, other, boss_like):
        set_status(company, member, "left")
    path = f"/v1/members/{gone.member['id']}/successor"
    for bad in (other, gone, company.boss):  # has left, the member themselves, no card
        successor(company.boss, gone, bad).expect(422, pointer="/member_id")
    company.boss.put(path, {"member_id": absent_id("mem_")}).expect(422, pointer="/member_id")
    company.boss.put(path, {"member_id": "x"}).expect(422, pointer="/member_id")
    staff.put(path, {"member_id": staff.member["id"]}).expect(403, "role_required")
    successor(admin, boss_like, staff).expect(403, "role_required")
    successor(admin, gone, staff).expect(200)
    assert successor(admin, gone, None).expect(200)["successor_id"] is None
    assert company.boss.get(f"/v1/cards/{gone.card_id}").expect(200)["successor"] is None
