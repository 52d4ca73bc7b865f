"""Sending files as a mini-program does: a ticket, one form, and waiting until it is inspected.

What belongs here: how a test gets an upload. What does not: expectations about it.
"""

import time
import uuid

import requests

SECONDS = 30


def ticket(person, purpose, content_type, bytes_, card_id=None):
    """The raw answer of POST /v1/uploads."""
    body = {"purpose": purpose, "content_type": content_type, "bytes": bytes_}
    return person.post("/v1/uploads", body | ({"card_id": card_id} if card_id else {}), key=uuid.uuid4().hex)


def post(made, file, **fields):
    """Sends the file of a ticket, with changed fields; returns S3's raw answer."""
    form = {name: (None, value) for name, value in {**made["fields"], **fields}.items()}
    return requests.post(made["url"], files={**form, "file": ("tmp_a1b2.jpg", file)}, timeout=120)


def inspected(person, upload_id):
    """The upload once it has been inspected."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = person.get(f"/v1/uploads/{upload_id}").expect(200)
        if found["state"] != "waiting":
            return found
        assert time.monotonic() < deadline, f"not inspected within {SECONDS} s: {found}"
        time.sleep(0.1)


def send(person, purpose, content_type, file, card_id=None):
    """Sends a file; the upload once it has been inspected."""
    made = ticket(person, purpose, content_type, len(file), card_id).expect(201)
    answer = post(made, file)
    assert answer.status_code == 204, (answer.status_code, answer.text)
    return inspected(person, made["upload_id"])


def ready(person, purpose, content_type, file, card_id=None):
    """The id of a file that was sent and is ready."""
    found = send(person, purpose, content_type, file, card_id)
    assert found["state"] == "ready", found
    return found["upload_id"]
