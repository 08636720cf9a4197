"""Print pip's constraints for the oldest versions of the core dependencies that pyproject.toml allows."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
for dependency in project["dependencies"]:
    print(re.sub(r"^([\w-]+)>=([\d.]+),.*$", r"\1==\2", dependency))
