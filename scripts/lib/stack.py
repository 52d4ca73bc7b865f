"""The whole product on this machine: MiniStack, the WeChat simulator, the real template.

    stack = LocalStack(ROOT, state_dir, persist=False, auth=True)
    stack.up()            # simulator and emulator
    stack.deploy()        # keys, sam deploy, routes; nothing to do when nothing has changed
    requests.get(stack.api + "/v1/me")
    stack.down()

Everything listens on 127.0.0.1. State, logs and process ids are in `state_dir`; the ports stay
the same over a restart, so that printed URLs stay valid.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config

import gaps
import process
import template
from common import StepFailed, functions, read_json, wait_for, write_json
from credentials import Credentials

REGION = "us-east-1"
STAGE = "dev"
START_SECONDS = 60
STOP_SECONDS = 30
DEPLOY_SECONDS = 300
# The time-out decides how long a message of a killed aggregator stays hidden: six times this.
PARAMETERS = {
    "Stage": STAGE,
    "TokenVerificationKeys": f"/mingpian/{STAGE}/token/jwks",
    "CursorKeyId": f"/mingpian/{STAGE}/cursor/key-id",
    "DeletionProtection": "false",
    "LogRetentionDays": "7",
    "AggregatorTimeoutSeconds": "10",
}


# The account of the simulator's SMS side.
SMS_ACCOUNT = {
    "secret_id": "AKIDlocal", "secret_key": "local-sms-key", "sdk_app_id": "1400000000",
    "sign_name": "名片", "template_id": "1000001", "region": "ap-guangzhou",
}  # fmt: skip


class LocalStack:
    """One emulator and one simulator with the template deployed to them."""

    def __init__(self, root: Path, state_dir: Path, persist: bool = False, auth: bool = True) -> None:
        self.root = root.resolve()
        self.state_dir = state_dir.resolve()
        self.persist = persist
        self.auth = auth
        self.state_file = self.state_dir / "stack.json"
        self.logs_dir = self.state_dir / "logs"
        self.state: dict[str, Any] = read_json(self.state_file)
        self._clients: dict[str, Any] = {}

    # ---- what callers read

    @property
    def endpoint(self) -> str:
        """The AWS endpoint, for AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.state['emulator']['port']}"

    @property
    def simulator(self) -> str:
        """The base URL of the WeChat simulator."""
        return f"http://127.0.0.1:{self.state['simulator']['port']}"

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return self.state["deployed"]["outputs"]

    @property
    def api(self) -> str:
        """The base URL of the API; `$default` is the stage's name, not a variable."""
        return f"{self.endpoint}/_aws/execute-api/{self.outputs['ApiId']}/$default"

    @property
    def live(self) -> str:
        """The URL of the live sockets."""
        return f"ws://127.0.0.1:{self.state['emulator']['port']}/_aws/execute-api/{self.outputs['LiveApiId']}/v1"

    @property
    def operator_key(self) -> str:
        return self.state["operator_key"]

    def boto(self, service: str) -> Any:
        """A client of the emulator. It never looks at the user's own AWS settings."""
        if service not in self._clients:
            self._clients[service] = boto3.Session().client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=60),
            )
        return self._clients[service]

    def running(self) -> bool:
        return process.alive(self.state.get("emulator")) and process.alive(self.state.get("simulator"))

    def function_pids(self, name: str) -> list[int]:
        """The processes of a function, for a test that kills one."""
        return process.children_with(
            {"AWS_LAMBDA_FUNCTION_NAME": f"mingpian-{STAGE}-{name}", "AWS_ENDPOINT_URL": self.endpoint}
        )

    def logs(self, name: str, since_ms: int = 0) -> list[tuple[int, str]]:
        """The log lines of a function with their times, oldest first."""
        client, group = self.boto("logs"), f"/aws/lambda/mingpian-{STAGE}-{name}"
        found: list[tuple[int, str]] = []
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms):
            found += [(event["timestamp"], event["message"].rstrip("\n")) for event in page["events"]]
        return sorted(found, key=lambda line: line[0])

    # ---- what callers do

    def up(self) -> None:
        """Starts the processes that do not run yet and waits until they answer."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        if not self.persist:
            self.down()
            self._forget()
        self._start_simulator()
        if self._start_emulator() and not self._stack_exists():
            self.state.pop("deployed", None)
        self._make_sms_account()
        self._save()

    def deploy(self, parameters: dict[str, str] | None = None) -> bool:
        """Deploys the template if it, the functions or the parameters changed; returns whether it did."""
        vendors = {"WeChatBaseUrl": self.simulator, "SmsBaseUrl": self.simulator}
        gateways = {"ConnectionsBaseUrl": f"{self.endpoint}/_aws/execute-api", "S3BaseUrl": self.endpoint}
        chosen = {**PARAMETERS, **vendors, **gateways, **(parameters or {})}
        assembled = self._assemble()
        fingerprint = self._fingerprint(chosen, assembled)
        if self.state.get("deployed", {}).get("fingerprint") == fingerprint:
            return False
        self._make_keys()
        self.state.pop("deployed", None)
        self._save()
        self._sam_deploy(chosen, assembled)
        outputs = self._describe()["Outputs"]
        values = {item["OutputKey"]: item["OutputValue"] for item in outputs}
        gaps.close(self.boto, values["ApiId"])
        self.state["deployed"] = {"fingerprint": fingerprint, "outputs": values}
        self._save()
        return True

    def register_app(self, appid: str, app_secret: str) -> None:
        """Registers a mini-program at the simulator and stores its secret in the stack."""
        requests.post(f"{self.simulator}/_sim/apps", json={"appid": appid, "secret": app_secret}, timeout=10)
        Credentials(STAGE, self.boto).put_wechat_secret(appid, app_secret)

    def sent_codes(self, phone: str) -> list[str]:
        """The radar codes that were sent to a number, the oldest first."""
        answer = requests.post(f"{self.simulator}/_sim/sms/sent", json={"phone": phone}, timeout=10)
        return [item["values"][0] for item in answer.json()["items"]]

    def login_code(self, appid: str, openid: str) -> str:
        """A login code of wx.login for the person with this openid."""
        answer = requests.post(f"{self.simulator}/_sim/codes", json={"appid": appid, "openid": openid}, timeout=10)
        return answer.json()["code"]

    def down(self) -> None:
        """Stops both processes; with `persist` the emulator writes its state first."""
        process.stop(self.state.get("emulator"), STOP_SECONDS)
        process.stop(self.state.get("simulator"), STOP_SECONDS)
        shutil.rmtree(self.state_dir / "tmp", ignore_errors=True)

    # ---- how

    def _save(self) -> None:
        write_json(self.state_file, self.state)

    def _forget(self) -> None:
        shutil.rmtree(self.state_dir / "ministack", ignore_errors=True)
        for name in ("deployed", "operator_key"):
            self.state.pop(name, None)

    def _port(self, name: str) -> int:
        return process.free_port(self.state.get(name, {}).get("port"))

    def _start_simulator(self) -> None:
        if process.alive(self.state.get("simulator")):
            return
        port = self._port("simulator")
        script = self.root / "tests" / "simulator" / "wechat.py"
        argv = [sys.executable, str(script), "--port", str(port), "--state", str(self.state_dir / "simulator.json")]
        record = process.start(argv, _clean_environment(), self.logs_dir / "simulator.log", self.root)
        self.state["simulator"] = {**record, "port": port}
        self._save()
        self._wait_until_ready("simulator", f"{self.simulator}/_sim/health")

    def _start_emulator(self) -> bool:
        if process.alive(self.state.get("emulator")):
            return False
        # An emulator that was killed leaves its functions behind; they have its state directory in their environment.
        own = {"STATE_DIR": str(self.state_dir / "ministack")}
        process.end_all_with(own)
        port = self._port("emulator")
        temporary = self.state_dir / "tmp"
        temporary.mkdir(exist_ok=True)
        # Functions inherit this environment, so it has no variable of the user.
        env = _clean_environment() | {
            "AUTH": "true" if self.auth else "false",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",  # else functions cannot call back
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "1" if self.persist else "0",
            "TMPDIR": str(temporary),
            **own,
        }
        argv = [str(Path(sys.executable).parent / "ministack")]
        record = process.start(argv, env, self.logs_dir / "ministack.log", self.state_dir)
        self.state["emulator"] = {**record, "port": port}
        self._clients.clear()
        self._save()
        self._wait_until_ready("emulator", f"{self.endpoint}/_ministack/health")
        return True

    def _wait_until_ready(self, name: str, url: str) -> None:
        def answers() -> bool:
            if not process.alive(self.state[name]):
                raise StepFailed(f"the {name} ended at once", f"read the end of {self.logs_dir}/")
            try:
                return requests.get(url, timeout=2).ok
            except requests.RequestException:
                return False

        wait_for(answers, f"an answer of the {name}", START_SECONDS, f"read the end of {self.logs_dir}/")

    def _make_sms_account(self) -> None:
        """The account is made up: the simulator accepts any account registered here."""
        requests.post(f"{self.simulator}/_sim/sms/accounts", json=SMS_ACCOUNT, timeout=10)
        Credentials(STAGE, self.boto).put_sms_secret(SMS_ACCOUNT)

    def _make_keys(self) -> None:
        credentials = Credentials(STAGE, self.boto)
        made = credentials.init()
        if made or "operator_key" not in self.state:
            self.state["operator_key"] = made or credentials.rotate_operator_key()
            self._save()

    def _assemble(self) -> Path:
        try:
            return template.write(self.root)
        except template.WrongPart as error:
            raise StepFailed(str(error), "fix that file; scripts/template assembles again") from error

    def _fingerprint(self, parameters: dict[str, str], assembled: Path) -> str:
        digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
        built = self.root / ".build" / "lambda"
        for name in functions():
            path = built / name / "bootstrap"
            if not path.exists():
                raise StepFailed(f"{path} is missing", "scripts/build quick")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        for path in (assembled, self.root / "samconfig.toml", self.root / "scripts" / "lib" / "gaps.py"):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def _sam_deploy(self, parameters: dict[str, str], assembled: Path) -> None:
        log = self.logs_dir / "sam-deploy.log"
        argv = [str(Path(sys.executable).parent / "sam"), "deploy"]
        argv += ["--config-file", str(self.root / "samconfig.toml"), "--config-env", "dev"]
        argv += ["--template-file", str(assembled), "--no-progressbar"]
        argv += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
        env = _clean_environment() | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "SAM_CLI_TELEMETRY": "0",
        }
        with log.open("wb") as output:
            done = subprocess.run(
                argv, env=env, cwd=self.root, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                timeout=DEPLOY_SECONDS, check=False,
            )  # fmt: skip
        if done.returncode != 0:
            tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])
            raise StepFailed(f"sam deploy failed\n{tail}", f"read {log}; scripts/dev reset starts from nothing")

    def _describe(self) -> dict[str, Any]:
        return self.boto("cloudformation").describe_stacks(StackName=gaps.STACK)["Stacks"][0]

    def _stack_exists(self) -> bool:
        """Whether the emulator that was just started still has the earlier deployment."""
        if "deployed" not in self.state:
            return False
        client = self.boto("cloudformation")
        try:
            status = client.describe_stacks(StackName=gaps.STACK)["Stacks"][0]["StackStatus"]
        except client.exceptions.ClientError:
            return False
        return status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def _clean_environment() -> dict[str, str]:
    """The few variables that a program needs to run, and nothing about the user's AWS account."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONUNBUFFERED": "1"}


def sleep_until_quiet(stack: LocalStack, queue_url: str, seconds: float) -> None:
    """Waits until the queue has no message, neither waiting nor in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def empty() -> bool:
        found = stack.boto("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
        return all(int(found["Attributes"][name]) == 0 for name in names)

    wait_for(empty, "an empty radar-stats queue", seconds, "scripts/dev logs radar-aggregator", pause=0.5)
    time.sleep(0.2)
