"""Joining by an invitation: up to its limit of people, with and without a review, also concurrently."""

import os
import random
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import requests

from numbers_of_radar import until
from stored import function_logs, table_items
from world import absent_id

FUNCTION = "organization"
KILLS = 6


def key():
    return uuid.uuid4().hex


def seats(company):
    """The seats in the API, once they agree with members, invitations and requests."""
    found = company.boss.get("/v1/seats").expect(200)
    token = company.boss.token
    members = company.api.pages("/v1/members", token)
    links = company.api.pages("/v1/invitations", token)
    asked = company.api.pages("/v1/join-requests", token)
    held = sum(member["status"] == "invited" for member in members)
    held += sum(link["uses"] - link["used"] for link in links if link["state"] == "open")
    held += sum(request["state"] == "pending" for request in asked)
    assert found["used"] == sum(member["status"] == "active" for member in members), (found, members)
    assert found["reserved"] == held, (found, links, asked)
    assert found["limit"] == found["available"] + found["reserved"] + found["used"]
    return found


def holds(stack, company):
    """The sums of the stored holds of a company."""
    items = [item for item in table_items(stack) if item["type"]["S"] == "hold"]
    return sum(int(item["amount"]["N"]) for item in items if any(company.id in str(value) for value in item.values()))


def link_of(invited):
    return f"/v1/invitations/{invited['invitation']['id']}"


def request_of(session):
    return f"/v1/join-requests/{session['join_request']['id']}"


def test_a_link_tells_all_that_is_needed_and_who_comes_by_it_is_a_member_with_a_card(world):
    company = world.company("邀请公司", seats=5)
    request = key()
    body = {"uses": 2, "role": "staff", "expires_in_hours": 24, "note": "春季入职"}
    made = company.boss.post("/v1/invitations", body, key=request).expect(201)
    assert company.boss.post("/v1/invitations", body, key=request).expect(201) == made
    assert made["scene"] == made["invitation_code"].replace("-", "") and len(made["scene"]) == 16
    assert made["path"] == f"/pages/join/index?invitation={made['scene']}"
    assert seats(company) == {"limit": 5, "available": 2, "reserved": 2, "used": 1}
    by = {"code": made["scene"].upper(), "name": "林悦", "position": "顾问"}
    session = company.session("lin-yue", invitation=by).expect(201)
    assert (session["kind"], session["member"]["name"], session["member"]["role"]) == ("member", "林悦", "staff")
    card = world.api.get(f"/v1/cards/{session['member']['card_id']}", session["token"]).expect(200)
    assert (card["name"], card["position"], card["company"]) == ("林悦", "顾问", "邀请公司")
    assert company.session("lin-yue", invitation=by).expect(201)["member"]["id"] == session["member"]["id"]
    assert company.boss.get(link_of(made)).expect(200)["used"] == 1
    entries = company.boss.get("/v1/audit-log").expect(200)["items"]
    assert [line["action"] for line in entries] == ["member_joined", "invitation_created"]
    assert entries[0]["actor"] == {"type": "member", "id": session["member"]["id"]}
    assert entries[0]["from"] == made["invitation"]["id"]


def test_of_a_hundred_parallel_joins_on_a_link_for_ten_ten_become_members(world):
    company = world.company("十人链接公司", seats=100)
    invited = company.invite(10)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: company.join(f"joiner-{n}", invited, f"同事{n}"), range(100)))
    refused = [answer for answer in answers if answer.status != 201]
    assert len(refused) == 90
    for answer in refused:
        answer.expect(422, "invitation_used_up")
    assert seats(company) == {"limit": 100, "available": 89, "reserved": 0, "used": 11}
    joined = [line["target"] for line in company.api.pages("/v1/audit-log", company.boss.token)
              if line["action"] == "member_joined"]
    assert len(set(joined)) == len(joined) == 10


def test_a_link_for_more_people_than_there_are_seats_is_not_made(world):
    company = world.company("小席位公司", seats=11)
    body = {"uses": 100, "role": "staff"}
    company.boss.post("/v1/invitations", body, key=key()).expect(409, "seats_exhausted")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: company.boss.post("/v1/invitations", {**body, "uses": 6}, key=key()), range(8)))
    assert sum(answer.status == 201 for answer in answers) <= 1
    assert seats(company)["used"] == 1


def test_killing_the_function_while_sixty_people_join_loses_and_doubles_nobody(world):
    company = world.company("不死公司", seats=100)
    invited = company.invite(60)
    rng = random.Random(11)

    def join(number):
        """Like a mini-program: an answer that is not ours is retried."""
        for _ in range(60):
            try:
                answer = company.join(f"tough-{number}", invited, f"同事{number}")
            except (requests.RequestException, AssertionError, TypeError, KeyError):
                answer = None
            if answer is not None and answer.status < 500:
                return answer
            time.sleep(0.1)
        raise AssertionError("the function did not come back")

    killed = 0
    with ThreadPoolExecutor(10) as pool:
        joining = [pool.submit(join, number) for number in range(60)]
        while killed < KILLS and not all(job.done() for job in joining):
            for pid in world.stack.function_pids(FUNCTION):
                try:
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    pass
            time.sleep(rng.uniform(0.1, 0.6))
        answers = [job.result() for job in joining]
    assert killed >= 2, "nothing was killed"
    people = {answer.expect(201)["person_id"] for answer in answers}
    members = {answer.body["member"]["id"] for answer in answers}
    assert len(people) == len(members) == 60
    until(lambda: company.boss.get("/v1/seats").status == 200, 30, 0.2, "the function to be back")
    assert seats(company) == {"limit": 100, "available": 39, "reserved": 0, "used": 61}
    assert holds(world.stack, company) == 0
    names = [member["name"] for member in company.api.pages("/v1/members", company.boss.token)]
    assert len(set(names)) == len(names) == 61


def test_a_link_revoked_in_the_middle_gives_back_what_was_not_used(world):
    company = world.company("撤链公司", seats=60)
    invited = company.invite(40)
    with ThreadPoolExecutor(12) as pool:
        joining = [pool.submit(company.join, f"joiner-{n}", invited) for n in range(50)]
        revoking = [pool.submit(company.boss.delete, link_of(invited)) for _ in range(3)]
        answers = [job.result() for job in joining]
        assert {job.result().status for job in revoking} <= {200, 409}
    after = company.boss.delete(link_of(invited)).expect(200)
    joined = sum(answer.status == 201 for answer in answers)
    assert after["used"] == joined and after["state"] in ("revoked", "used_up")
    for answer in answers:
        if answer.status != 201:
            assert answer.expect(422)["code"] in ("invitation_revoked", "invitation_used_up")
    assert seats(company) == {"limit": 60, "available": 59 - joined, "reserved": 0, "used": 1 + joined}
    company.join("late", invited).expect(422, after["state"] == "revoked" and "invitation_revoked" or "invitation_used_up")


def test_with_review_one_waits_as_a_visitor_until_an_admin_decides(world):
    company = world.company("审核公司", seats=10)
    invited = company.invite(2, review=True)
    asked = company.join("asker", invited, "周岚").expect(201)
    assert asked["kind"] == "visitor" and asked["join_request"]["state"] == "pending"
    assert company.join("asker", invited).expect(201)["join_request"] == asked["join_request"]
    assert seats(company) == {"limit": 10, "available": 7, "reserved": 2, "used": 1}
    shown = company.boss.get("/v1/join-requests", query={"state": "pending"}).expect(200)["items"]
    assert [(item["id"], item["name"]) for item in shown] == [(asked["join_request"]["id"], "周岚")]
    approved = company.boss.put(request_of(asked), {"decision": "approve"}).expect(200)
    assert company.boss.put(request_of(asked), {"decision": "approve"}).expect(200) == approved
    company.boss.put(request_of(asked), {"decision": "reject"}).expect(409, "join_request_decided")
    assert company.log_in("asker").member["id"] == approved["member_id"]
    other = company.join("other", invited).expect(201)
    rejected = company.boss.put(request_of(other), {"decision": "reject"}).expect(200)
    assert (rejected["state"], rejected["member_id"]) == ("rejected", None)
    assert company.join("other", invited).expect(201)["join_request"]["state"] == "rejected"
    assert seats(company) == {"limit": 10, "available": 8, "reserved": 0, "used": 2}
    entries = [line["action"] for line in company.boss.get("/v1/audit-log").expect(200)["items"]]
    assert entries == ["join_rejected", "member_joined", "invitation_created"]


def test_of_twenty_parallel_decisions_one_counts(world):
    company = world.company("双审公司", seats=10)
    asked = company.join("asker", company.invite(review=True)).expect(201)
    decisions = ["approve", "reject"] * 10
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda what: company.boss.put(request_of(asked), {"decision": what}), decisions))
    accepted = {what for what, answer in zip(decisions, answers) if answer.status == 200}
    assert len(accepted) == 1 and {answer.status for answer in answers} <= {200, 409}
    assert seats(company)["used"] == 1 + (accepted == {"approve"})


def test_a_code_that_opens_nothing_says_why_and_two_codes_at_once_are_refused(world):
    company = world.company("错码公司", seats=10)
    company.session("a", invitation={"code": "0123-4567-89ab-cdef", "name": "甲"}).expect(422, "invitation_invalid")
    company.session("a", invitation={"code": "zz", "name": "甲"}).expect(422, pointer="/invitation/code")
    invited = company.invite(1)
    by = {"code": invited["invitation_code"], "name": "甲"}
    company.session("a", claim=invited["invitation_code"]).expect(422, "claim_code_invalid")
    company.session("a", claim=invited["invitation_code"], invitation=by).expect(422, pointer="/invitation")
    for bad, pointer in (({"name": ""}, "name"), ({"name": "名" * 31}, "name"), ({"position": "位" * 31}, "position"),
                         ({"role": "boss"}, "role")):
        company.session("a", invitation={**by, **bad}).expect(422, pointer=f"/invitation/{pointer}")
    company.session("a", invitation={"code": by["code"]}).expect(422, pointer="/invitation/name")
    other = world.company("别家错码公司")
    other.session("a", invitation=by).expect(422, "invitation_invalid")
    company.boss.delete(link_of(invited)).expect(200)
    company.session("a", invitation=by).expect(422, "invitation_revoked")
    assert seats(company)["used"] == 1


def test_bad_invitations_are_refused_with_a_pointer(company):
    for bad, pointer in (({"uses": 0}, "uses"), ({"uses": 201}, "uses"), ({"uses": "3"}, "uses"), ({"uses": 1.5}, "uses"),
                         ({"expires_in_hours": 0}, "expires_in_hours"), ({"expires_in_hours": 721}, "expires_in_hours"),
                         ({"role": "emperor"}, "role"), ({"review": "yes"}, "review"), ({"note": "注" * 61}, "note"),
                         ({"colour": "red"}, "colour")):
        answer = company.boss.post("/v1/invitations", {"uses": 1, "role": "staff", **bad}, key=key())
        answer.expect(422, pointer=f"/{pointer}")
    company.boss.post("/v1/invitations", {"uses": 1, "role": "staff"}).expect(400, "idempotency_key_required")
    company.boss.get("/v1/invitations", query={"state": "closed"}).expect(400)
    company.boss.get("/v1/join-requests", query={"state": "closed"}).expect(400)
    company.boss.put(f"/v1/join-requests/{absent_id('jrq_')}", {"decision": "maybe"}).expect(422, pointer="/decision")


def test_only_the_boss_invites_admins_and_decides_about_them(company, admin, staff, visitor):
    for nobody in (staff, visitor):
        nobody.post("/v1/invitations", {"uses": 1, "role": "staff"}, key=key()).expect(403, "role_required")
    admin.post("/v1/invitations", {"uses": 1, "role": "admin"}, key=key()).expect(403, "role_required")
    company.boss.post("/v1/invitations", {"uses": 1, "role": "boss"}, key=key()).expect(403, "role_required")
    invited = company.invite(1, role="admin", review=True)
    shown = admin.get(link_of(invited)).expect(200)
    assert "code" not in " ".join(shown), "the code is shown to who makes the link, once"
    asked = company.join("would-be-admin", invited).expect(201)
    admin.put(request_of(asked), {"decision": "approve"}).expect(403, "role_required")
    admin.delete(link_of(invited)).expect(403, "role_required")
    company.boss.put(request_of(asked), {"decision": "approve"}).expect(200)
    assert company.log_in("would-be-admin").member["role"] == "admin"
    mine = company.invite(1, by=admin)
    assert admin.delete(link_of(mine)).expect(200)["state"] == "revoked"
    assert admin.delete(link_of(mine)).expect(200)["state"] == "revoked"


def test_codes_are_hashed_at_rest_and_neither_codes_nor_openids_are_logged(world):
    company = world.company("保密公司", seats=10)
    invited, openid = company.invite(2, review=True), f"secret-{uuid.uuid4().hex}"
    company.join(openid, invited).expect(201)
    shown = company.boss.get("/v1/join-requests")
    assert openid not in str(shown.expect(200))
    items = str(table_items(world.stack))
    for code in (invited["invitation_code"], invited["scene"]):
        assert code not in items and code not in function_logs(world.stack)
    assert openid not in function_logs(world.stack)


def test_a_lost_claim_code_is_replaced_and_the_old_one_is_dead(world):
    company = world.company("补码公司", seats=2)
    added = company.add_member("林悦")
    path, request = f"/v1/members/{added['member']['id']}/claim-codes", key()
    fresh = company.boss.post(path, {}, key=request).expect(201)
    assert company.boss.post(path, {}, key=request).expect(201) == fresh
    assert fresh["claim_code"] != added["claim_code"] and fresh["member"] == added["member"]
    assert seats(company) == {"limit": 2, "available": 0, "reserved": 1, "used": 1}
    company.session("lin", claim=added["claim_code"]).expect(422, "claim_code_invalid")
    lin = company.log_in("lin", claim=fresh["claim_code"])
    assert lin.member["id"] == added["member"]["id"]
    company.boss.post(path, {}, key=key()).expect(409, "already_member")
    company.boss.put(f"/v1/members/{lin.member['id']}/status", {"status": "left"}).expect(200)
    company.boss.post(path, {}, key=key()).expect(409, "member_inactive")
    company.boss.post(path, {"days": 3}, key=key()).expect(422)
    assert company.boss.get("/v1/audit-log").expect(200)["items"][1]["action"] == "claim_code_issued"


def test_an_admin_does_not_get_hold_of_another_admins_claim_code(company, admin, staff):
    added = company.add_member("新管理员", role="admin")
    path = f"/v1/members/{added['member']['id']}/claim-codes"
    for nobody in (admin, staff):
        nobody.post(path, {}, key=key()).expect(403, "role_required")
    company.boss.post(path, {}, key=key()).expect(201)
