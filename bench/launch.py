"""Run a command and note its peak memory: ``launch.py PLACE COMMAND ...``.

A process begins as a copy of the one that starts it, and the system counts that copy as its peak.  Behind this small
process the peak is the command's own.  Writes kilobytes (macOS: bytes) to PLACE; nothing on Windows.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> None:
    place, *command = sys.argv[1:]
    code = subprocess.call(command)
    try:
        import resource
    except ImportError:
        sys.exit(code)
    Path(place).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss), encoding="ascii")
    sys.exit(code)


if __name__ == "__main__":
    main()
