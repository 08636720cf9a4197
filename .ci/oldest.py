"""Print pip's constraints for the oldest versions of the core dependencies that pyproject.toml allows."""

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
for dependency in project["dependencies"]:
    name, oldest = re.fullmatch(r"([\w-]+)>=([\d.]+),<\d+", dependency).groups()
    sys.stdout.write(f"{name}=={oldest}\n")
