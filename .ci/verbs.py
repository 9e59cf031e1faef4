"""Print the verbs of a Makefile with their `##` comments (no grep or awk: Windows has neither)."""

import re
import sys
from pathlib import Path

VERB = re.compile(r"^([a-z]+):.*?## (.+)$", re.MULTILINE)

for verb, meaning in VERB.findall(Path(sys.argv[1]).read_text(encoding="utf-8")):
    print(f"  make {verb:<9} {meaning}")
