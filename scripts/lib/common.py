"""What all scripts share: paths, errors that name the next step, small files, progress lines."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".build" / "lambda"


class StepFailed(Exception):
    """A step failed. `next_step` tells the reader what to do about it."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


def functions() -> list[str]:
    """The names of the Lambda functions: the folders of functions/."""
    return sorted(path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml"))


def read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise StepFailed(f"{path} is not valid JSON: {error}", f"rm {path}") from error


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replaces the file in one step; only the owner can read it, because it holds keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
    fresh.replace(path)


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Holds a lock file; a second holder fails at once with `busy` as the next step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StepFailed(f"another command holds {path}", busy) from None
        yield


@contextmanager
def step(title: str) -> Iterator[None]:
    """Prints the step's title when it starts and its seconds when it ends."""
    started = time.monotonic()
    print(f"  {title} ...", end="", flush=True)
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - started:.1f} s", flush=True)


def wait_for(probe: Any, what: str, seconds: float, next_step: str, pause: float = 0.1) -> Any:
    """Calls `probe` until it returns something true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise StepFailed(f"{what} did not happen within {seconds:.0f} s", next_step)
        time.sleep(pause)


def fail(error: StepFailed) -> int:
    """Prints the error and its next step; the exit code of the command."""
    print(f"error: {error}\nnext: {error.next_step}", file=sys.stderr)
    return 1
