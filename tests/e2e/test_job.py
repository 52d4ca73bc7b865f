"""Jobs for many customers: tags and imports that go on by themselves, with errors by row, and taken back."""

import json
import uuid

import pytest

from numbers_of_radar import until
from office import visited_office


@pytest.fixture(scope="module")
def office(world):
    """Two cards and three visitors of the first one, and a wait for the end of a job."""
    office = visited_office(world, visitors=3)

    def ended(member, job):
        """The schedule sends new jobs every minute; this runs it at once, until the job has ended."""
        name = world.stack.outputs["CrmJobsFunctionName"]
        answer = world.stack.boto("lambda").invoke(FunctionName=name, Payload=json.dumps({"send": "due"}).encode())
        assert "FunctionError" not in answer, answer["Payload"].read()
        found = member.get(f"/v1/jobs/{job}").expect(200)
        return found if found["state"] not in ("queued", "running") else None

    def run(member, job):
        return until(lambda: ended(member, job), 60, 0.5, "the end of the job")

    return {**office, "run": run}


def post(member, path, body):
    """A creating request."""
    return member.post(path, body, key=uuid.uuid4().hex)


def test_many_customers_are_tagged_and_those_of_others_are_skipped(office):
    lin, chen, people = office["lin"], office["chen"], [visitor.id for visitor in office["visitors"]]
    tag = post(lin, "/v1/customer-tags", {"name": "展会", "group": "来源"}).expect(201)["tag_id"]
    for member, done in ((lin, 3), (chen, 0)):
        started = post(member, "/v1/customer-tags/bulk", {"person_ids": people, "add": [tag]}).expect(202)
        job = office["run"](member, started["job_id"])
        assert (job["state"], job["done"], job["skipped"]) == ("done", done, 3 - done)
    tags = lin.get(f"/v1/customers/{people[0]}").expect(200)["tags"]
    assert [given["tag_id"] for given in tags] == [tag]
    assert chen.get(f"/v1/jobs/{started['job_id']}").status == 200
    assert lin.get(f"/v1/jobs/{started['job_id']}").status == 404


def test_a_table_is_imported_once_and_taken_back(office):
    lin = office["lin"]
    rows = [
        {"name": "赵敏", "mobile": "13912350001.0", "company": "临安笋业"},
        {"name": "钱多", "mobile": "1.391235E+9"},
        {"name": " ", "mobile": "13912350003"},
        {"name": "孙立"},
    ]
    started = post(lin, "/v1/customer-imports", {"rows": rows}).expect(202)["job_id"]
    job = office["run"](lin, started)
    assert (job["done"], job["skipped"], job["failed"]) == (2, 0, 2)
    errors = lin.get(f"/v1/jobs/{started}/errors").expect(200)["items"]
    assert [(error["row"], error["field"], error["code"]) for error in errors] == [(2, "mobile", "invalid_mobile"), (3, "name", "required")]
    assert post(lin, "/v1/customer-imports", {"rows": rows}).expect(202)["job_id"] == started
    known = post(lin, "/v1/customers", {"profile": {"name": "赵敏", "mobile": "13912350001"}})
    assert (known.status, known.body["code"]) == (409, "duplicate")
    assert lin.get(f"/v1/customers/{known.body['person_id']}").expect(200)["source"] == "import"
    undone = office["run"](lin, post(lin, f"/v1/customer-imports/{started}/undo", {}).expect(202)["job_id"])
    assert (undone["state"], undone["done"], undone["skipped"]) == ("done", 4, 0)
    assert lin.get(f"/v1/customers/{known.body['person_id']}").status == 404
