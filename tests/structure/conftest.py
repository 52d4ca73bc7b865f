"""Lets the tests here import the modules beside them and those that they look into, from wherever pytest is started."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE.parents[1] / "scripts" / "lib", HERE.parent / "e2e", HERE):
    sys.path.insert(0, str(folder))
