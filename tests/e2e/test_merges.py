"""Merges of identities: anonymous before the login, one phone number on two accounts, and undoing."""

import random
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from jws import Signer, parts
from numbers_of_radar import drain, expect_recount
from operations import GUARDED, Stage, nowhere
from stored import function_logs
from world import batch_id, event, mobile

DAY_MS = 86_400_000


def fresh():
    """A new openid."""
    return "o" + uuid.uuid4().hex


class Scene:
    """A company with a card, and everything that was sent to it."""

    def __init__(self, world):
        self.company = world.company("合并公司")
        self.card = self.company.member("林晓").card_id
        self.lines = []

    def visit(self, person, *kinds, back_ms=0):
        """A batch of a person, one event of each kind, in their order."""
        events = [event(kind, self.card, back_ms + len(kinds) - n) for n, kind in enumerate(kinds)]
        batch = {"batch_id": batch_id(), "events": events}
        self.lines.append({"person": person.id, "batch": batch})
        person.post("/v1/events", batch).expect(202)

    def expect(self, *same):
        """The radar must equal the recount, with these identities as one person each."""
        expect_recount(self.company, self.lines, [self.card], same=[[person.id for person in group] for group in same])

    def visitors(self):
        """Distinct visitors ever."""
        metrics = self.company.boss.get("/v1/radar/company/metrics").expect(200)
        return metrics["windows"]["total"]["visitors"]

    def grant(self, person, phone):
        """The answer to a phone grant."""
        code = self.company.world.simulator.phone_code(self.company.appid, phone)
        return person.post("/v1/my/phone", {"code": code})

    def merges(self):
        """All merges, the latest first."""
        return self.company.api.pages("/v1/merges", self.company.boss.token)


@pytest.fixture
def scene(world):
    return Scene(world)


@pytest.fixture(scope="module")
def signer(world):
    return Signer(world)


# ---- anonymous before the login

def test_events_before_the_login_count_for_the_person_who_logs_in(scene):
    before = scene.company.anonymous()
    assert before.kind == "anonymous" and before.id.startswith("per_")
    scene.visit(before, "view_card", "like", "open_chat")
    scene.visit(before, "view_card", "save_phone", back_ms=2 * DAY_MS)
    scene.expect()
    after = scene.company.log_in(fresh(), before=before.token)
    assert after.merge == "done" and after.id != before.id
    scene.visit(after, "view_card", "unlike", "save_phone", "open_chat")
    scene.expect([after, before])
    assert scene.visitors() == 1


def test_a_visitor_who_comes_back_anonymously_stays_one_visitor(scene):
    openid = fresh()
    first = scene.company.log_in(openid)
    scene.visit(first, "view_card", "like", back_ms=DAY_MS)
    drain(scene.company.world.stack)
    before = scene.company.anonymous()
    scene.visit(before, "view_card", "like", "view_card", back_ms=3 * DAY_MS)
    scene.expect()
    again = scene.company.log_in(openid, before=before.token)
    assert again.id == first.id
    scene.expect([again, before])
    # Late events of the anonymous identity count for the person. Repeating the token is idempotent.
    scene.visit(before, "view_card", "save_phone", back_ms=5 * DAY_MS)
    assert scene.company.log_in(openid, before=before.token).merge == "done"
    scene.expect([again, before])
    assert len(scene.merges()) == 1


def test_events_still_in_the_queue_at_the_login_are_counted_once(scene):
    people = []
    for _ in range(5):
        before = scene.company.anonymous()
        scene.visit(before, "view_card", "open_chat", "like")
        after = scene.company.log_in(fresh(), before=before.token)
        scene.visit(after, "view_card", "open_chat", "like")
        people.append([after, before])
    scene.expect(*people)
    assert scene.visitors() == 5


def test_the_list_of_cards_is_that_of_the_person(scene):
    before = scene.company.anonymous()
    scene.visit(before, "view_card", "view_card")
    after = scene.company.log_in(fresh(), before=before.token)
    scene.visit(after, "view_card")
    drain(scene.company.world.stack)
    items = after.get("/v1/my/cards").expect(200)["items"]
    assert [(item["card"]["id"], item["views"]) for item in items] == [(scene.card, 3)]


def test_the_token_of_nobody_opens_what_everybody_sees_and_nothing_else(scene, staff):
    stage, served = Stage(staff.company, staff), []
    for file in GUARDED:
        answer = stage.send(file, nowhere(file), staff.company.anonymous().token)
        if answer.status in (200, 202):
            served.append(file)
        else:
            answer.expect(403, "login_required")
    assert served == [file for file in GUARDED if file.row["access"] == "anybody"] != []
    nobody = scene.company.anonymous()
    nobody.get(f"/v1/cards/{staff.card_id}").expect(404)


def test_a_token_that_does_not_fit_is_refused_and_the_login_stands(scene, world, signer):
    company, other = scene.company, world.company("另一家")
    visitor = company.visitor()
    header, claims = parts(company.anonymous().token)
    week = 7 * 86_400
    late = {**claims, "iat": claims["iat"] - 7200 - week, "nbf": claims["nbf"] - 7200 - week, "exp": claims["exp"] - 7200 - week}
    bad = {
        "another company's": other.anonymous().token,
        "a visitor's": visitor.token,
        "the boss's": company.boss.token,
        "no token": "abc",
        "empty": "",
        "too long": "x" * 10_000,
        "too old": signer.sign(header, {**late, "nbf": late["nbf"] - 60, "exp": late["exp"] - 60}),
        "a member's": signer.sign(header, {**parts(company.boss.token)[1], "ano": True}),
    }
    for kind, token in bad.items():
        assert company.log_in(fresh(), before=token).merge == "refused", kind
    assert company.log_in(fresh()).merge is None
    assert scene.merges() == []
    # A token that expired within the last week still identifies the person.
    ended = {**claims, "iat": claims["iat"] - 9000, "nbf": claims["nbf"] - 9000, "exp": claims["exp"] - 9000}
    assert company.log_in(fresh(), before=signer.sign(header, ended)).merge == "done"
    company.session(fresh(), before=5).expect(422, pointer="/anonymous_token")


def test_a_token_belongs_to_the_first_who_logs_in_with_it(scene):
    before = scene.company.anonymous()
    scene.visit(before, "view_card")
    first, second = fresh(), fresh()
    one = scene.company.log_in(first, before=before.token)
    other = scene.company.log_in(second, before=before.token)
    assert (one.merge, other.merge) == ("done", "refused")
    scene.visit(one, "view_card")
    scene.visit(other, "view_card")
    scene.expect([one, before])


def test_of_parallel_logins_with_one_token_one_gets_it(scene):
    before = scene.company.anonymous()
    scene.visit(before, "view_card", "like")
    openids = [fresh() for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        people = list(pool.map(lambda openid: scene.company.log_in(openid, before=before.token), openids))
    outcomes = [person.merge for person in people]
    assert outcomes.count("done") == 1 and set(outcomes) <= {"done", "refused", "later"}, outcomes
    for person in people:
        scene.visit(person, "view_card", "like")
    scene.expect([people[outcomes.index("done")], before])


def test_a_person_has_ten_identities_at_most(scene):
    openid = fresh()
    outcomes = [scene.company.log_in(openid, before=scene.company.anonymous().token).merge for _ in range(11)]
    assert outcomes == ["done"] * 9 + ["refused"] * 2


def test_a_member_stays_the_same_member(scene):
    added = scene.company.add_member("先看后入")
    before = scene.company.anonymous()
    openid = fresh()
    session = scene.company.session(openid, claim=added["claim_code"], before=before.token).expect(201)
    assert (session["kind"], session["merge"]) == ("member", "done")
    assert scene.company.log_in(openid).member["id"] == added["member"]["id"]
    scene.company.api.get("/v1/me", before.token).expect(403, "login_required")


def test_an_anonymous_session_needs_a_mini_program_that_is_known(scene):
    post = scene.company.api.post
    post("/v1/sessions/anonymous", body={"appid": "wx" + uuid.uuid4().hex[:16]}).expect(404)
    post("/v1/sessions/anonymous", body={}).expect(422, pointer="/appid")
    post("/v1/sessions/anonymous", body={"appid": scene.company.appid, "code": "x"}).expect(422, pointer="/code")


# ---- one phone number

def test_people_who_grant_the_same_number_are_one_person_until_the_merge_is_undone(scene):
    phone = mobile()
    one, other = scene.company.visitor(), scene.company.visitor()
    scene.visit(one, "view_card", "like", "open_chat", back_ms=DAY_MS)
    scene.visit(one, "save_phone")
    scene.visit(other, "view_card", "unlike", "open_chat")
    scene.visit(other, "view_card", "save_phone", back_ms=4 * DAY_MS)
    scene.expect()
    masked = phone[:6] + "****" + phone[-4:]
    assert scene.grant(one, phone).expect(200) == {"phone": masked, "merge": None}
    assert scene.grant(one, phone).expect(200) == {"phone": masked, "merge": None}
    assert scene.grant(other, phone).expect(200) == {"phone": masked, "merge": "done"}
    assert scene.grant(one, phone).expect(200) == {"phone": masked, "merge": "done"}
    scene.expect([one, other])
    assert scene.visitors() == 1
    [merge] = scene.merges()
    assert (merge["person_id"], merge["other_person_id"]) == (other.id, one.id)
    assert (merge["reason"], merge["state"], merge["undone_at"], merge["undone_by"]) == ("phone", "active", None, None)
    scene.visit(one, "view_card", back_ms=2 * DAY_MS)
    undone = scene.company.boss.delete(f"/v1/merges/{merge['id']}").expect(200)
    assert undone["state"] == "undone" and undone["undone_by"] == scene.company.boss.member["id"]
    scene.visit(other, "view_card", back_ms=2 * DAY_MS)
    scene.expect()
    assert scene.visitors() == 2
    # Repeating it is idempotent, and the number does not merge them again.
    assert scene.company.boss.delete(f"/v1/merges/{merge['id']}").expect(200) == undone
    assert scene.merges() == [undone]
    for person in (other, one):
        assert scene.grant(person, phone).expect(200)["merge"] == "refused"
    scene.expect()
    entries = [entry for entry in scene.company.api.pages("/v1/audit-log", scene.company.boss.token)
               if entry["action"] == "merge_undone"]
    assert [(entry["target"], entry["from"], entry["to"]) for entry in entries] == [(merge["id"], "active", "undone")]


def test_a_new_number_replaces_the_old_one(scene):
    old, new = mobile(), mobile()
    one, other = scene.company.visitor(), scene.company.visitor()
    scene.grant(one, old).expect(200)
    scene.grant(one, new).expect(200)
    assert scene.grant(other, old).expect(200)["merge"] is None
    assert scene.grant(other, new).expect(200)["merge"] == "done"


def test_of_parallel_grants_of_one_number_all_are_one_person(scene):
    phone = mobile()
    people = [scene.company.visitor() for _ in range(4)]
    for person in people:
        scene.visit(person, "view_card", "like")

    def insist(person):
        return next(answer for answer in (scene.grant(person, phone) for _ in range(20)) if answer.status == 200)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(insist, people))
    scene.expect(people)
    assert len(scene.merges()) == 3


def test_a_bad_phone_code_is_refused(scene, world):
    visitor, simulator = scene.company.visitor(), world.simulator
    code = simulator.phone_code(scene.company.appid, mobile())
    visitor.post("/v1/my/phone", {"code": code}).expect(200)
    visitor.post("/v1/my/phone", {"code": code}).expect(422, "phone_code_invalid")
    foreign = simulator.phone_code(world.company("另一家").appid, mobile())
    visitor.post("/v1/my/phone", {"code": foreign}).expect(422, "phone_code_invalid")
    login_code = simulator.code(scene.company.appid, visitor.openid)
    visitor.post("/v1/my/phone", {"code": login_code}).expect(422, "phone_code_invalid")
    for body, pointer in (({}, "/code"), ({"code": ""}, "/code"), ({"code": "a b"}, "/code"), ({"code": "x", "phone": "1"}, "/phone")):
        visitor.post("/v1/my/phone", body).expect(422, "invalid", pointer=pointer)


def test_a_vendor_that_fails_merges_nobody_and_a_lost_access_token_is_renewed(scene, world):
    phone, one, other = mobile(), scene.company.visitor(), scene.company.visitor()
    scene.grant(one, phone).expect(200)
    world.simulator.control("POST", "forget-token", {"appid": scene.company.appid})
    scene.grant(one, phone).expect(200)
    world.simulator.fault(path="/wxa/business/getuserphonenumber", errcode=-1)
    try:
        scene.grant(other, phone).expect(503)
    finally:
        world.simulator.reset()
    assert scene.merges() == []
    assert scene.grant(other, phone).expect(200)["merge"] == "done"


def test_a_number_of_one_company_says_nothing_in_another(scene, world):
    phone, elsewhere = mobile(), Scene(world)
    scene.grant(scene.company.visitor(), phone).expect(200)
    assert elsewhere.grant(elsewhere.company.visitor(), phone).expect(200)["merge"] is None


def test_no_number_gets_into_an_answer_or_a_log(scene, world):
    phone = mobile()
    for person in (scene.company.visitor(), scene.company.visitor()):
        answer = scene.grant(person, phone)
        answer.expect(200)
        assert phone[3:] not in answer.text
    assert phone[3:] not in function_logs(world.stack)


# ---- together, and at the same time

def test_merges_list_page_by_page_and_only_for_who_administrates(scene):
    company = scene.company
    for _ in range(3):
        company.log_in(fresh(), before=company.anonymous().token)
    items = scene.merges()
    assert [item["id"] for item in items] == sorted((item["id"] for item in items), reverse=True)
    first = company.boss.get("/v1/merges", query={"limit": 2}).expect(200)
    rest = company.boss.get("/v1/merges", query={"limit": 2, "cursor": first["next_cursor"]}).expect(200)
    assert first["items"] + rest["items"] == items
    staff, visitor = company.member("员工"), company.visitor()
    for nobody in (staff, visitor):
        nobody.get("/v1/merges").expect(403, "role_required")
        nobody.delete(f"/v1/merges/{items[0]['id']}").expect(403, "role_required")
    company.member("管理员", role="admin").delete(f"/v1/merges/{items[0]['id']}").expect(200)


def test_undoing_one_of_several_merges_splits_where_it_tied(scene):
    phone = mobile()
    one, other = scene.company.visitor(), scene.company.visitor()
    before = [scene.company.anonymous(), scene.company.anonymous()]
    for person in (one, other, *before):
        scene.visit(person, "view_card", "like", "save_phone", back_ms=random.randrange(6) * DAY_MS)
    for person, anonymous in zip((one, other), before):
        assert scene.company.log_in(person.openid, before=anonymous.token).merge == "done"
        scene.grant(person, phone).expect(200)
    scene.expect([one, other, *before])
    merge = next(merge for merge in scene.merges() if merge["reason"] == "phone")
    scene.company.boss.delete(f"/v1/merges/{merge['id']}").expect(200)
    scene.expect([one, before[0]], [other, before[1]])
    # Nor through the anonymous identities.
    assert scene.company.log_in(other.openid, before=before[0].token).merge == "refused"


def test_merges_undone_merges_and_events_at_the_same_time_leave_the_right_numbers(scene):
    phone, people = mobile(), [scene.company.visitor() for _ in range(3)]
    anonymous = [scene.company.anonymous() for _ in range(3)]
    boss = scene.company.boss

    def live(number):
        rng = random.Random(number)
        for _ in range(8):
            for person in (people[number], anonymous[number]):
                kinds = rng.sample(["view_card", "like", "unlike", "open_chat", "save_phone", "forward"], 3)
                scene.visit(person, "view_card", *kinds, back_ms=rng.randrange(6) * DAY_MS)

    def merge(number):
        while scene.company.log_in(people[number].openid, before=anonymous[number].token).merge != "done":
            pass
        while scene.grant(people[number], phone).status != 200:
            pass

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda job: job[0](job[1]), [(live, n) for n in range(3)] + [(merge, n) for n in range(3)]))
    scene.expect([*people, *anonymous])
    merges = [merge for merge in scene.merges() if merge["reason"] == "login"]
    with ThreadPoolExecutor(6) as pool:
        undoing = [pool.submit(boss.delete, f"/v1/merges/{merge['id']}") for merge in merges for _ in range(2)]
        pool.submit(live, 1).result()
        for answer in undoing:
            assert answer.result().status in (200, 409), answer.result()
    for merge in merges:
        boss.delete(f"/v1/merges/{merge['id']}").expect(200)
    scene.expect(people)
