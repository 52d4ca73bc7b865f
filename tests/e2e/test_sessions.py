"""Sessions: refreshed without WeChat, listed and ended, and asked for anew where it matters."""

import pytest


@pytest.fixture
def person(company):
    """A new member."""
    return company.member("多端")


def refreshed(api, token):
    """The raw answer of a refresh."""
    return api.post("/v1/sessions/refresh", body={"refresh_token": token})


def test_a_session_goes_on_without_wechat(company, person):
    company.world.simulator.fault(times=1, status=500)
    try:
        body = refreshed(company.api, person.refresh_token).expect(200)
    finally:
        company.world.simulator.reset()
    assert body["member"]["id"] == person.member["id"]
    company.api.get("/v1/me", body["token"]).expect(200)
    assert refreshed(company.api, person.refresh_token).expect(200)["refresh_token"] == body["refresh_token"]


def test_a_copied_refresh_token_ends_the_session(company, person):
    first = person.refresh_token
    second = refreshed(company.api, first).expect(200)["refresh_token"]
    third = refreshed(company.api, second).expect(200)
    refreshed(company.api, first).expect(401, "session_ended")
    refreshed(company.api, third["refresh_token"]).expect(401, "session_ended")
    # In the same second it is the token of before, which the client would renew.
    company.api.get("/v1/me", third["token"], renew=False).expect(401, "rights_changed")


def test_devices_are_listed_and_ended(company, person):
    tablet = company.log_in(person.openid)
    listed = tablet.get("/v1/my/sessions").expect(200)["items"]
    assert [item["current"] for item in listed].count(True) == 1 and listed[0]["current"]
    tablet.delete("/v1/my/sessions", query={"keep_current": "true"}).expect(204)
    refreshed(company.api, person.refresh_token).expect(401, "session_ended")
    assert len(tablet.get("/v1/my/sessions").expect(200)["items"]) == 1


def test_who_is_disabled_is_logged_out_and_comes_back_as_a_visitor(company, person):
    company.boss.put(f"/v1/members/{person.member['id']}/status", {"status": "disabled"}).expect(200)
    person.get("/v1/me", renew=False).expect(401, "rights_changed")
    refreshed(company.api, person.refresh_token).expect(401, "session_ended")
    assert person.get("/v1/me").expect(200)["kind"] == "visitor"


def test_sessions_of_staff_are_ended_by_admins(company, admin, person):
    path = f"/v1/members/{person.member['id']}/sessions"
    assert admin.get(path).expect(200)["items"]
    admin.delete(path).expect(204)
    person.get("/v1/me", renew=False).expect(401, "rights_changed")
    admin.delete(f"/v1/members/{company.boss.member['id']}/sessions").expect(403, "role_required")
