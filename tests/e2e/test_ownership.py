"""Who owns a customer: claims from the pool, assignments, collaborators, and what colleagues see."""

import uuid

import pytest

from office import visited_office


@pytest.fixture(scope="module")
def office(world):
    """Two cards and a visitor of the first one."""
    return visited_office(world)


def at(customer, more=""):
    """A path of the customer."""
    return f"/v1/customers/{customer.id}{more}"


def test_a_customer_goes_from_the_pool_to_whoever_claims_them(office):
    boss, lin, chen, visitor = office["company"].boss, office["lin"], office["chen"], office["visitor"]
    assert chen.post(at(visitor, "/claim"), {}, key=uuid.uuid4().hex).status == 404
    lin.delete(at(visitor, "/owner")).expect(204)
    assert chen.get(at(visitor)).expect(200)["may_claim"] is True
    claimed = chen.post(at(visitor, "/claim"), {}, key=uuid.uuid4().hex).expect(201)
    assert (claimed["member_id"], claimed["reason"]) == (chen.member["id"], "claimed")
    again = lin.post(at(visitor, "/claim"), {}, key=uuid.uuid4().hex)
    assert (again.status, again.body["code"]) == (409, "already_owned")
    assert boss.get(at(visitor)).expect(200)["owner"]["member_id"] == chen.member["id"]
    assigned = boss.put(at(visitor, "/owner"), {"member_id": lin.member["id"]}).expect(200)
    assert assigned["reason"] == "assigned"
    assert chen.get(at(visitor)).status == 404
    lines = lin.get(at(visitor, "/timeline?kind=ownership")).expect(200)["items"]
    assert [line["ownership"]["reason"] for line in lines] == ["assigned", "claimed", "returned"]


def test_a_collaborator_sees_and_then_edits(office):
    lin, chen, visitor = office["lin"], office["chen"], office["visitor"]
    path = at(visitor, f"/collaborators/{chen.member['id']}")
    lin.put(path, {"access": "view"}).expect(200)
    assert chen.put(at(visitor, "/profile"), {"name": "王敏"}).status == 403
    lin.put(path, {"access": "edit"}).expect(200)
    chen.put(at(visitor, "/profile"), {"name": "王敏"}).expect(200)
    chen.delete(path).expect(204)
    assert chen.get(at(visitor)).status == 404
