"""Uploads (F39, F41, F42, F45, F46, R14): from the ticket to the file on the card."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

import sample_files
from sample_files import MB
from sending import inspected, post, ready, send, ticket
from world import absent_id

GOOD = {
    "avatar, jpeg": ("avatar", "image/jpeg", sample_files.jpeg()),
    "photo, png": ("photo", "image/png", sample_files.png()),
    "photo, webp": ("photo", "image/webp", sample_files.webp()),
    "photo of 65,535 by 65,535": ("photo", "image/jpeg", sample_files.jpeg(size=(65_535, 65_535))),
    "card video": ("card_video", "video/mp4", sample_files.mp4()),
    "voice, mp3": ("voice", "audio/mpeg", sample_files.mp3()),
    "voice, m4a": ("voice", "audio/mp4", sample_files.m4a()),
    "voice, aac": ("voice", "audio/aac", sample_files.aac()),
}
BAD = {
    "a text named .jpg": ("photo", "image/jpeg", "你好".encode(), "wrong_type"),
    "a page as a picture": ("avatar", "image/png", b"<!DOCTYPE html><script>alert(1)</script>", "wrong_type"),
    "a png as a jpeg": ("photo", "image/jpeg", sample_files.png(), "wrong_type"),
    "a sound as a video": ("card_video", "video/mp4", sample_files.m4a(), "wrong_type"),
    "half a picture": ("photo", "image/png", sample_files.png()[:40], "damaged"),
    "half a video": ("card_video", "video/mp4", sample_files.mp4()[:-5], "damaged"),
    "a video without length": ("card_video", "video/mp4", sample_files.mp4(duration_ms=0), "damaged"),
    "a voice of 61 seconds": ("voice", "audio/mp4", sample_files.m4a(61_000), "too_long"),
}


@pytest.fixture
def owner(company):
    """A member with an untouched card."""
    return company.member("林晓", radar=False)


def fetch(media):
    """The answer to a client at a signed address."""
    answer = requests.get(media["url"], timeout=60)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("purpose, kind, file", GOOD.values(), ids=GOOD)
def test_a_good_file_is_ready_a_moment_after_it_was_sent(staff, purpose, kind, file):
    found = send(staff, purpose, kind, file)
    assert (found["state"], found["reason"], found["used"]) == ("ready", None, False), found
    assert (found["duration_ms"] is None) == (purpose in ("avatar", "photo"))


@pytest.mark.parametrize("purpose, kind, file, code", BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_with_its_reason(staff, purpose, kind, file, code):
    found = send(staff, purpose, kind, file)
    assert (found["state"], found["reason"]["code"]) == ("refused", code), found
    assert found["reason"]["detail"]
    wanted = {"avatar": "avatar", "photo": "photos", "card_video": "video"}.get(purpose)
    if wanted:
        ids = {"upload_ids": [found["upload_id"]]} if wanted == "photos" else {"upload_id": found["upload_id"]}
        version = staff.get(f"/v1/cards/{staff.card_id}").expect(200)["version"]
        answer = staff.put(f"/v1/cards/{staff.card_id}/{wanted}", {"version": version, **ids})
        assert answer.expect(422, "invalid")["errors"][0]["code"] == "upload_refused"


def test_avatar_photos_and_video_are_shown_on_the_card_byte_for_byte(owner, visitor):
    card, version = f"/v1/cards/{owner.card_id}", 1
    pictures = [sample_files.png(width) for width in range(1, 10)]
    with ThreadPoolExecutor(5) as pool:
        photos = list(pool.map(lambda file: ready(owner, "photo", "image/png", file), pictures))
    avatar = ready(owner, "avatar", "image/jpeg", sample_files.jpeg())
    video = ready(owner, "card_video", "video/mp4", sample_files.mp4())
    for part, body in (
        ("avatar", {"upload_id": avatar}), ("photos", {"upload_ids": photos}), ("video", {"upload_id": video}),
    ):
        changed = owner.put(f"{card}/{part}", {"version": version, **body}).expect(200)
        version += 1
        assert changed["version"] == version
    seen = visitor.get(card).expect(200)
    assert [photo["upload_id"] for photo in seen["photos"]] == photos
    assert [fetch(photo).content for photo in seen["photos"]] == pictures
    picture, film = fetch(seen["avatar"]), fetch(seen["video"])
    assert (picture.content, picture.headers["content-type"]) == (sample_files.jpeg(), "image/jpeg")
    assert (film.content, film.headers["content-type"]) == (sample_files.mp4(), "video/mp4")
    assert picture.headers["content-disposition"] == "inline"
    visitor_of_list = visitor.get(f"{card}/vcard").expect(200)
    assert "PHOTO;VALUE=uri:http" in visitor_of_list.replace("\r\n ", "")
    # In another order, fewer, and none.
    for ids in (photos[::-1], photos[3:5], []):
        changed = owner.put(f"{card}/photos", {"version": version, "upload_ids": ids}).expect(200)
        version += 1
        assert [photo["upload_id"] for photo in changed["photos"]] == ids
    answer = owner.put(f"{card}/photos", {"version": version, "upload_ids": photos[:1]})
    assert answer.expect(422, "invalid", "/upload_ids/0")["errors"][0]["code"] == "upload_used"


def test_the_place_in_a_photo_is_not_published(owner):
    file = sample_files.jpeg(sample_files.exif(), b"<script>")
    avatar = ready(owner, "avatar", "image/jpeg", file)
    changed = owner.put(f"/v1/cards/{owner.card_id}/avatar", {"version": 1, "upload_id": avatar}).expect(200)
    assert fetch(changed["avatar"]).content == sample_files.jpeg()


def test_the_tenth_photo_is_refused(owner):
    ids = [absent_id("upl_") for _ in range(10)]
    answer = owner.put(f"/v1/cards/{owner.card_id}/photos", {"version": 1, "upload_ids": ids})
    assert answer.expect(422, "invalid", "/upload_ids/9")["errors"][0]["code"] == "too_many"


def test_a_video_of_50_mb_passes_and_s3_refuses_a_byte_more(owner):
    file = sample_files.mp4(50 * MB)
    assert len(file) == 50 * MB
    ticket(owner, "card_video", "video/mp4", 50 * MB + 1).expect(422, "invalid", "/bytes")
    made = ticket(owner, "card_video", "video/mp4", 50 * MB).expect(201)
    refused = post(made, file + b"\0")
    assert (refused.status_code, "EntityTooLarge" in refused.text) == (400, True), refused.text
    assert owner.get(f"/v1/uploads/{made['upload_id']}").expect(200)["state"] == "waiting"
    assert post(made, file).status_code == 204
    assert inspected(owner, made["upload_id"])["state"] == "ready"
    body = {"version": 1, "upload_id": made["upload_id"]}
    changed = owner.put(f"/v1/cards/{owner.card_id}/video", body).expect(200)
    assert fetch(changed["video"]).content == file


def test_a_ticket_sends_its_own_file_and_no_other(world, company, staff):
    other = ticket(staff, "photo", "image/jpeg", 100).expect(201)
    made = ticket(staff, "photo", "image/jpeg", 100).expect(201)
    file = sample_files.jpeg()[:100]
    for fields in (
        {"key": other["fields"]["key"]}, {"key": f"media/{company.id}/{made['upload_id']}"},
        {"Content-Type": "text/html"}, {"policy": other["fields"]["policy"]}, {"x-amz-signature": "0" * 64},
        {"x-amz-meta-more": "1"}, {"x-amz-security-token": "made up"},
    ):
        assert post(made, file, **fields).status_code in (400, 403), fields
    bucket = world.stack.outputs["MediaBucketName"]
    found = world.stack.boto("s3").list_objects_v2(Bucket=bucket, Prefix=f"quarantine/{company.id}/")
    assert made["upload_id"] not in str(found.get("Contents", []))


def test_nobody_reads_or_writes_the_bucket_without_a_signature(world, staff):
    upload = ready(staff, "photo", "image/png", sample_files.png())
    version = staff.get(f"/v1/cards/{staff.card_id}").expect(200)["version"]
    body = {"version": version, "upload_ids": [upload]}
    shown = staff.put(f"/v1/cards/{staff.card_id}/photos", body).expect(200)["photos"][0]
    fetch(shown)
    bare = shown["url"].split("?")[0]
    assert requests.get(bare, timeout=10).status_code == 403
    assert requests.put(shown["url"], data=b"x", timeout=10).status_code == 403
    assert requests.delete(shown["url"], timeout=10).status_code == 403
    other = shown["url"].replace(upload, absent_id("upl_"))
    assert requests.get(other, timeout=10).status_code == 403


def test_a_card_is_changed_by_its_owner_the_admin_and_the_boss(company, owner, admin, staff, visitor):
    card, version = owner.card_id, 1
    for person in (owner, admin, company.boss):
        upload = ready(person, "avatar", "image/png", sample_files.png(), card)
        changed = person.put(f"/v1/cards/{card}/avatar", {"version": version, "upload_id": upload}).expect(200)
        version += 1
        assert changed["avatar"]["upload_id"] == upload
    entries = [line for line in company.boss.get("/v1/audit-log").expect(200)["items"] if line["target"] == card]
    assert [line["action"] for line in entries] == ["card_media", "card_media"]
    for person in (staff, visitor):
        ticket(person, "avatar", "image/png", 9, card).expect(403, "role_required")
        for part, body in (("avatar", {"upload_id": None}), ("photos", {"upload_ids": []}), ("video", {"upload_id": None})):
            answer = person.put(f"/v1/cards/{card}/{part}", {"version": version, **body})
            answer.expect(403, "role_required")
    assert owner.get(f"/v1/cards/{card}").expect(200)["version"] == version


def test_an_upload_is_for_its_card_its_purpose_and_one_use(world, owner, staff):
    card = f"/v1/cards/{owner.card_id}"
    mine, theirs = (ready(person, "photo", "image/png", sample_files.png()) for person in (owner, staff))
    waiting = ticket(owner, "avatar", "image/png", 9).expect(201)["upload_id"]
    foreign = world.company("别家公司").member("别家员工", radar=False)
    from_abroad = ready(foreign, "avatar", "image/png", sample_files.png())
    for upload, code in (
        (mine, "wrong_purpose"), (theirs, "unknown_upload"), (waiting, "upload_not_ready"),
        (from_abroad, "unknown_upload"), (absent_id("upl_"), "unknown_upload"),
    ):
        answer = owner.put(f"{card}/avatar", {"version": 1, "upload_id": upload})
        assert answer.expect(422, "invalid", "/upload_id")["errors"][0]["code"] == code
    ticket(owner, "avatar", "image/png", 9, foreign.card_id).expect(404, "not_found")
    owner.get(f"/v1/uploads/{from_abroad}").expect(404, "not_found")
    owner.put(f"{card}/photos", {"version": 1, "upload_ids": [mine]}).expect(200)
    assert owner.get(f"/v1/uploads/{mine}").expect(200)["used"] is True


def test_of_two_edits_made_from_the_same_version_one_is_made(owner):
    uploads = [ready(owner, "avatar", "image/png", sample_files.png(width)) for width in (1, 2)]

    def change(upload):
        return owner.put(f"/v1/cards/{owner.card_id}/avatar", {"version": 1, "upload_id": upload})

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(change, uploads))
    assert sorted(answer.status for answer in answers) == [200, 409], answers
    won = next(answer.body for answer in answers if answer.status == 200)
    shown = owner.get(f"/v1/cards/{owner.card_id}").expect(200)
    assert (shown["version"], shown["avatar"]["upload_id"]) == (2, won["avatar"]["upload_id"])


@pytest.mark.parametrize("change, pointer, code", [
    ({"purpose": "poster"}, "/purpose", "unknown_purpose"),
    ({"content_type": "image/svg+xml"}, "/content_type", "unknown_content_type"),
    ({"content_type": "video/mp4"}, "/content_type", "wrong_content_type"),
    ({"bytes": 0}, "/bytes", "out_of_range"),
    ({"bytes": 5 * MB + 1}, "/bytes", "out_of_range"),
    ({"bytes": -1}, "/bytes", "invalid_value"),
    ({"card_id": "crd_x"}, "/card_id", "invalid_id"),
    ({"key": "media/mine"}, "/key", "unknown_field"),
])  # fmt: skip
def test_a_bad_request_for_a_ticket_is_refused_with_its_pointer(staff, change, pointer, code):
    body = {"purpose": "avatar", "content_type": "image/png", "bytes": 5 * MB, **change}
    answer = staff.post("/v1/uploads", body, key=f"key-of-{pointer.strip('/')}-{code}")
    assert answer.expect(422, "invalid", pointer)["errors"][0]["code"] == code


def test_the_list_of_opened_cards_shows_avatars(company, owner):
    from numbers_of_radar import drain
    from world import event

    avatar = ready(owner, "avatar", "image/png", sample_files.png())
    owner.put(f"/v1/cards/{owner.card_id}/avatar", {"version": 1, "upload_id": avatar}).expect(200)
    visitor = company.visitor()
    visitor.send(event("view_card", owner.card_id))
    drain(company.world.stack)
    (item,) = visitor.get("/v1/my/cards").expect(200)["items"]
    assert fetch(item["card"]["avatar"]).content == sample_files.png()
