"""Background processes that outlive the command that started them.

A process is remembered as its pid and its start time, so that a pid that the system has given
to somebody else is never signalled.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def start(argv: list[str], env: dict[str, str], log: Path, cwd: Path) -> Record:
    """Starts `argv` in a process group of its own, with its output in `log`, which begins anew."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    return {"pid": child.pid, "started": _start_time(child.pid)}


def alive(record: Record | None) -> bool:
    if not record:
        return False
    _reap(record["pid"])
    started = _start_time(record["pid"])
    return started is not None and started == record["started"]


def stop(record: Record | None, grace_seconds: float) -> None:
    """Asks the process to end, waits, then ends the rest of its group."""
    if not record or not alive(record):
        return
    os.kill(record["pid"], signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while alive(record) and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        os.killpg(record["pid"], signal.SIGKILL)
    except ProcessLookupError:
        pass
    _reap(record["pid"])


def children_with(variables: dict[str, str]) -> list[int]:
    """The pids of processes that were started with all these environment variables."""
    wanted = {f"{name}={value}".encode() for name, value in variables.items()}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted.issubset(environment):
            found.append(int(folder.name))
    return found


def end_all_with(variables: dict[str, str]) -> None:
    """Ends the processes that were started with these environment variables."""
    for pid in children_with(variables):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def free_port(preferred: int | None) -> int:
    """The preferred port if nobody listens there, else any free one."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise OSError("no free port on 127.0.0.1")


def _start_time(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat, or None when there is no such process or only its zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
