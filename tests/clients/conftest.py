"""Tools of front-end developers, run on infra/openapi.json: scripts/test contract."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPENAPI = ROOT / "infra" / "openapi.json"


class Tools:
    """The programs that `scripts/setup contract` has installed, run in a separate folder."""

    def __init__(self, home, folder):
        self.home, self.folder = Path(home), folder

    def node(self, name, *arguments):
        """Runs a program of an npm package; returns its output, and fails if the program fails."""
        return self.run(self.home / "node_modules" / ".bin" / name, *arguments)

    def generator(self, *arguments):
        """Runs openapi-generator."""
        jar = self.home / "jar" / "openapi_generator_cli" / "openapi-generator.jar"
        return self.run("java", "-jar", jar, *arguments)

    def run(self, *command):
        """Runs a program; returns its output."""
        environment = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "CI": "true"}
        done = subprocess.run(
            [str(part) for part in command], cwd=self.folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False,
        )
        assert done.returncode == 0, f"{command[0]}: {done.returncode}\n{done.stdout[-4000:]}"
        return done.stdout


@pytest.fixture
def tools(tmp_path):
    """The installed tools, run in a temporary folder."""
    home = os.environ.get("MINGPIAN_CONTRACT_TOOLS")
    assert home, "run scripts/test contract, or set MINGPIAN_CONTRACT_TOOLS=$(scripts/setup contract)"
    return Tools(home, tmp_path)
