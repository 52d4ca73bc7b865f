"""Jobs for many customers: tags, imports and exports that go on by themselves, with errors by row, and taken back."""

import csv
import io
import uuid

import pytest
import requests

import sending
from common import ROOT
from numbers_of_radar import until
from office import run_function, visited_office

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def office(world):
    """Two cards and three visitors of the first one, and a wait for the end of a job."""
    office = visited_office(world, visitors=3)

    def ended(member, job):
        """The schedule sends new jobs every minute; this runs it at once, until the job has ended."""
        run_function(world, "CrmJobsFunctionName", send="due")
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


def sent(member, name, content_type):
    """The upload of a sample of the readers."""
    file = (ROOT / "shared/tables/samples" / name).read_bytes()
    made = sending.ticket(member, "customer_table", content_type, len(file)).expect(201)
    answer = sending.post(made, file)
    assert answer.status_code == 204, (answer.status_code, answer.text)
    return made["upload_id"]


def test_files_of_excel_and_gbk_are_previewed_imported_and_taken_back(office):
    lin = office["lin"]
    for name, content_type, head in (("excel.xlsx", XLSX, 3), ("gbk.csv", "text/csv", 1)):
        looking = post(lin, "/v1/customer-imports/preview", {"upload_id": sent(lin, name, content_type)}).expect(202)["job_id"]
        assert office["run"](lin, looking)["state"] == "done"
        found = lin.get(f"/v1/jobs/{looking}/preview").expect(200)["preview"]
        assert (found["header_row"], found["row_count"], found["columns"][0]["name"]) == (head, 3, "姓名")
        assert office["chen"].get(f"/v1/jobs/{looking}/preview").status == 404
        columns = [column["guess"] for column in found["columns"][:5]]
        started = post(lin, "/v1/customer-imports", {"preview_id": looking, "columns": columns}).expect(202)["job_id"]
        job = office["run"](lin, started)
        assert (job["state"], job["done"], job["failed"]) == ("done", 3, 0), job
        known = lin.get("/v1/customers?q=13812345678").expect(200)["items"]
        assert [(customer["name"], customer["company"]) for customer in known] == [("王敏", "青岛云岭贸易有限公司")]
        undone = office["run"](lin, post(lin, f"/v1/customer-imports/{started}/undo", {}).expect(202)["job_id"])
        assert (undone["state"], undone["done"]) == ("done", 3)


def test_a_list_is_exported_for_its_member_and_the_file_is_read_again(office):
    lin = office["lin"]
    person = post(lin, "/v1/customers", {"profile": {"name": "=吴越", "mobile": "13912350009"}}).expect(201)["person_id"]
    started = post(lin, "/v1/customer-exports", {"filter": {"q": "吴越"}}).expect(202)["job_id"]
    assert office["run"](lin, started)["state"] == "done"
    answer = requests.get(lin.get(f"/v1/customer-exports/{started}").expect(200)["file"]["url"], timeout=30)
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert answer.status_code == 200 and lines[0][:2] == ["姓名", "手机"]
    assert [(line[0], line[1], line[-1]) for line in lines[1:]] == [("'=吴越", "'+8613912350009", person)]
    assert office["chen"].get(f"/v1/customer-exports/{started}").status == 404
    assert office["company"].boss.get(f"/v1/customer-exports/{started}").status == 200
