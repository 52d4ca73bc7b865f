"""A client of the live radar that does what docs/api/live.md asks of a mini-program.

What belongs here: the protocol. What does not: expectations.
"""

import json
import time

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

TIMEOUT_S = 30


def handshake(world, token=None, headers=None):
    """An open socket, or the HTTP status it was rejected with."""
    sent = dict(headers or {})
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    try:
        return connect(world.stack.live, additional_headers=sent, open_timeout=TIMEOUT_S, close_timeout=5).__enter__()
    except InvalidStatus as refused:
        return refused.response.status_code


class LiveClient:
    """One device: the events that it has shown, in order, each line once."""

    def __init__(self, person, last=None):
        self.person, self.last = person, last
        self.shown, self.frames, self.seconds = [], [], {}
        self.resets = self.repeats = self.gaps = 0
        self.socket = handshake(person.company.world, person.token)
        assert not isinstance(self.socket, int), f"refused with {self.socket}"
        self.resume()

    def say(self, **action):
        """Sends a frame."""
        self.socket.send(json.dumps(action))

    def resume(self):
        """Asks for the missed frames."""
        self.say(action="resume", **({} if self.last is None else {"last_seq": self.last}))

    def step(self, seconds):
        """Reads one frame, if one comes in time; returns whether it did."""
        try:
            frame = json.loads(self.socket.recv(timeout=seconds))
        except TimeoutError:
            return False
        self.frames.append(frame)
        if frame["type"] in ("hello", "reset"):
            self.resets += frame["type"] == "reset"
            if self.last is None or frame["type"] == "reset" or frame["seq"] > self.last:
                self.last = frame["seq"]
        elif frame["type"] == "events":
            self.events(frame)
        return True

    def events(self, frame):
        """Shows the next frame, ignores a repeated one, and asks for missing ones."""
        if self.last is None:
            return  # before the answer to resume: that number includes it
        if frame["seq"] <= self.last:
            self.repeats += 1
        elif frame["seq"] > self.last + 1:
            self.gaps += 1
            self.resume()
        else:
            self.last = frame["seq"]
            now = time.monotonic()
            for item in reversed(frame["items"]):
                self.shown.append(item)
                self.seconds[item["id"]] = now

    def until(self, question, why, seconds=TIMEOUT_S):
        """Reads frames until the answer is true."""
        deadline = time.monotonic() + seconds
        while not question():
            assert time.monotonic() < deadline, f"{why} did not come; frames: {self.frames[-5:]}"
            self.step(0.1)
        return self

    def ready(self):
        """Waits for the answer to the first resume."""
        return self.until(lambda: any(frame["type"] in ("hello", "reset") for frame in self.frames), "an answer to resume")

    def titles(self):
        """The titles of the things shown, in order."""
        return [item["object"]["title"] for item in self.shown]

    def quiet(self, seconds=1.0):
        """Reads the frames that come in this time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.step(0.1)
        return self

    def closed(self, seconds=TIMEOUT_S):
        """Waits until the server has closed the socket."""
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                self.step(0.1)
        except ConnectionClosed:
            return True
        return False

    def leave(self):
        """Closes the socket; returns the last number, for coming back."""
        self.socket.close()
        return self.last
