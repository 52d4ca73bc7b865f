"""The local stack with the demo company.

    scripts/dev [up]              start, build, deploy, make the demo, print the radar
    scripts/dev down              stop; everything is kept
    scripts/dev reset             stop and forget everything
    scripts/dev status            what runs where
    scripts/dev radar             print the radar again
    scripts/dev logs FUNCTION     its log lines (-f: go on)
    scripts/dev token NAME        a token of boss, lin, chen, wang or of a visitor: v001 ... v150
    scripts/dev watch STAFF       what visitors do on the card of lin, chen or wang, as it happens
    scripts/dev send KIND STAFF   visitor v001 does KIND on the card of lin, chen or wang
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import datetime
from typing import Any, Callable

import requests
from botocore.exceptions import BotoCoreError, ClientError
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

import process
import show
from common import ROOT, StepFailed, fail, functions, locked, step, wait_for
from demo import Demo
from stack import LocalStack

STATE_DIR = ROOT / ".dev"
FOLLOW_SECONDS = 1.0
FEED_SECONDS = 15


def local_stack() -> LocalStack:
    """IAM is on, so that a missing permission fails here as it does on AWS."""
    return LocalStack(ROOT, STATE_DIR, persist=True, auth=True)


def running_stack() -> LocalStack:
    stack = local_stack()
    if not stack.running() or "deployed" not in stack.state:
        raise StepFailed("the local stack does not run", "scripts/dev up")
    return stack


def up(_options: argparse.Namespace) -> None:
    started = time.monotonic()
    with locked(STATE_DIR / "lock", "wait for the other scripts/dev to end"):
        stack = local_stack()
        with step("emulator and WeChat simulator"):
            stack.up()
        print("  build (quick profile; the first time takes minutes)", flush=True)
        build()
        with step("deploy the template"):
            stack.deploy()
        demo = Demo(stack)
        demo.ensure()
        show.radar(demo)
    sent = demo.state["sent"]
    print(f"\nsent: {sent['events']} events in {sent['batches']} batches of {sent['visitors']} visitors")
    show.try_next(demo)
    print(f"\nready after {time.monotonic() - started:.0f} s")


def build() -> None:
    done = subprocess.run([str(ROOT / "scripts" / "build"), "quick"], cwd=ROOT, check=False)
    if done.returncode != 0:
        raise StepFailed("the build failed", "mend what the compiler names above, then scripts/dev")


def down(_options: argparse.Namespace) -> None:
    with locked(STATE_DIR / "lock", "wait for the other scripts/dev to end"):
        with step("stop the emulator (it writes its state) and the simulator"):
            local_stack().down()


def reset(options: argparse.Namespace) -> None:
    down(options)
    shutil.rmtree(STATE_DIR)
    print("  forgot the local stack; built functions and tools are kept")


def status(_options: argparse.Namespace) -> None:
    stack = local_stack()
    for name in ("emulator", "simulator"):
        record = stack.state.get(name)
        where = f"http://127.0.0.1:{record['port']} (pid {record['pid']})" if record else "never started"
        print(f"  {name:<10} {'runs' if process.alive(record) else 'stopped'}  {where}")
    if not stack.running() or "deployed" not in stack.state:
        print("next: scripts/dev up")
        return
    print(f"  API        {stack.api}")
    print(f"  sockets    {stack.live}")
    for name in ("StatsQueueUrl", "StatsDeadLetterQueueUrl", "LiveQueueUrl", "LiveDeadLetterQueueUrl"):
        print(f"  {name.removesuffix('Url'):<22} {queue_depth(stack, stack.outputs[name])} messages")
    for name in functions():
        print(f"  {name:<22} {len(stack.function_pids(name))} process(es)")


def queue_depth(stack: LocalStack, url: str) -> int:
    found = stack.boto("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])


def radar(_options: argparse.Namespace) -> None:
    show.radar(demo_of(running_stack()))


def logs(options: argparse.Namespace) -> None:
    stack, since_ms, seen = running_stack(), 0, set()
    while True:
        for at_ms, line in stack.logs(options.function, since_ms):
            if (at_ms, line) not in seen:
                print(line, flush=True)
                seen.add((at_ms, line))
            since_ms = max(since_ms, at_ms)
        if not options.follow:
            return
        seen = {entry for entry in seen if entry[0] >= since_ms}
        time.sleep(FOLLOW_SECONDS)


def token(options: argparse.Namespace) -> None:
    print(demo_of(running_stack()).login(options.name)["token"])


def watch(options: argparse.Namespace) -> None:
    """Prints the lines of a card's live socket until interrupted; docs/api/live.md explains the frames."""
    demo = demo_of(running_stack())
    staff_of(demo, options.staff)
    headers = {"Authorization": f"Bearer {demo.login(options.staff)['token']}"}
    with connect(demo.stack.live, additional_headers=headers) as socket:
        socket.send(json.dumps({"action": "resume"}))
        for text in socket:
            frame = json.loads(text)
            print(f"  {frame['type']} {frame.get('seq', '')}", flush=True)
            for item in reversed(frame.get("items", [])):
                print(f"    {show.moment(item['at'])}  {item['text']}", flush=True)


def staff_of(demo: Demo, name: str) -> dict[str, Any]:
    if name not in demo.state["staff"]:
        raise StepFailed(f"nobody is called {name}", f"use one of: {', '.join(demo.state['staff'])}")
    return demo.state["staff"][name]


def send(options: argparse.Namespace) -> None:
    """Sends one event and waits until the card's feed shows it."""
    demo = demo_of(running_stack())
    person = staff_of(demo, options.staff)
    started, wall = time.monotonic(), time.time()
    body = demo.send(options.kind, person["card_id"], "v001")
    print(f"POST /v1/events\n{json.dumps(body, ensure_ascii=False, indent=1)}")
    owner, path = demo.login(options.staff)["token"], f"/v1/radar/cards/{person['card_id']}/feed?limit=20"

    def newest() -> dict[str, Any] | None:
        items = demo.api.get(path, owner)["items"]
        return next((item for item in items if item["kind"] == options.kind and fresh(item["received_at"])), None)

    def fresh(moment: str) -> bool:
        return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp() > wall - 1

    item = wait_for(newest, "the event in the feed", FEED_SECONDS, "scripts/dev logs radar-aggregator")
    print(f"in the feed after {time.monotonic() - started:.1f} s: {item['text']}")


def demo_of(stack: LocalStack) -> Demo:
    demo = Demo(stack)
    if "staff" not in demo.state:
        raise StepFailed("the demo company is not made yet", "scripts/dev up")
    return demo


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/dev", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=up)
    commands = parser.add_subparsers(metavar="COMMAND")
    plain: list[Callable[[argparse.Namespace], None]] = [up, down, reset, status, radar]
    for run in plain:
        commands.add_parser(run.__name__).set_defaults(run=run)
    command = commands.add_parser("logs")
    command.add_argument("function", choices=functions())
    command.add_argument("-f", "--follow", action="store_true")
    command.set_defaults(run=logs)
    command = commands.add_parser("token")
    command.add_argument("name")
    command.set_defaults(run=token)
    command = commands.add_parser("watch")
    command.add_argument("staff")
    command.set_defaults(run=watch)
    command = commands.add_parser("send")
    command.add_argument("kind")
    command.add_argument("staff")
    command.set_defaults(run=send)
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    try:
        options.run(options)
    except StepFailed as error:
        return fail(error)
    except (BotoCoreError, ClientError, requests.RequestException, WebSocketException) as error:
        return fail(StepFailed(str(error), "scripts/dev status; scripts/dev down; scripts/dev up"))
    except subprocess.TimeoutExpired as error:
        return fail(StepFailed(str(error), "scripts/dev down, then scripts/dev up"))
    except BrokenPipeError:  # `scripts/dev status | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("\ninterrupted; scripts/dev goes on where it stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
