"""Prints one extra's requirements from pyproject.toml, so that `make lock` pins it alone: extra.py NAME."""

import sys
import tomllib
from pathlib import Path

pyproject = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
sys.stdout.write("\n".join(pyproject["project"]["optional-dependencies"][sys.argv[1]]) + "\n")
