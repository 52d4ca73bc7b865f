"""A member's own voice introduction of a product (F57)."""

import pytest
import requests

import sample_files
from sending import ready, ticket
from world import object_id


@pytest.fixture
def owner(company):
    """A member with an untouched card."""
    return company.member("林晓", radar=False)


def record(person, frames=50):
    return ready(person, "voice", "audio/aac", sample_files.aac(frames))


def test_a_visitor_hears_what_each_member_says_about_a_product(company, owner, staff, visitor):
    product = object_id("prd_")
    for person, frames in ((owner, 30), (staff, 60)):
        answer = person.put(f"/v1/products/{product}/voice", {"upload_id": record(person, frames)}).expect(200)
        assert (answer["product_id"], answer["voice"]["duration_ms"]) == (product, 64 * frames)
    for person, frames in ((owner, 30), (staff, 60)):
        page = visitor.get(f"/v1/cards/{person.card_id}/voices").expect(200)
        heard = {item["product_id"]: item["voice"] for item in page["items"]}[product]
        answer = requests.get(heard["media"]["url"], timeout=10)
        assert (answer.content, answer.headers["content-type"]) == (sample_files.aac(frames), "audio/aac")


def test_the_last_introduction_stands_and_is_taken_away_again(owner, visitor):
    product, voices = object_id("prd_"), f"/v1/cards/{owner.card_id}/voices"
    first, second = record(owner), record(owner)
    for upload in (first, second, second):
        answer = owner.put(f"/v1/products/{product}/voice", {"upload_id": upload}).expect(200)
        assert answer["voice"]["media"]["upload_id"] == upload
    answer = owner.put(f"/v1/products/{product}/voice", {"upload_id": first})
    assert answer.expect(422, "invalid", "/upload_id")["errors"][0]["code"] == "upload_used"
    assert [item["voice"]["media"]["upload_id"] for item in visitor.get(voices).expect(200)["items"]] == [second]
    for _ in range(2):
        assert owner.put(f"/v1/products/{product}/voice", {"upload_id": None}).expect(200)["voice"] is None
    assert visitor.get(voices).expect(200)["items"] == []


def test_a_voice_is_ones_own(company, owner, admin, staff, visitor):
    product = object_id("prd_")
    ticket(admin, "voice", "audio/aac", 9, owner.card_id).expect(403, "role_required")
    answer = staff.put(f"/v1/products/{product}/voice", {"upload_id": record(owner)})
    assert answer.expect(422, "invalid", "/upload_id")["errors"][0]["code"] == "unknown_upload"
    visitor.put(f"/v1/products/{product}/voice", {"upload_id": None}).expect(403, "role_required")
    company.boss.put(f"/v1/products/{product}/voice", {"upload_id": None}).expect(404, "not_found")  # has no card


def test_the_list_comes_page_by_page(owner, visitor):
    products = sorted(object_id("prd_") for _ in range(3))
    for product in products:
        owner.put(f"/v1/products/{product}/voice", {"upload_id": record(owner, 2)}).expect(200)
    items = visitor.api.pages(f"/v1/cards/{owner.card_id}/voices", visitor.token, limit=2)
    assert [item["product_id"] for item in items] == products
