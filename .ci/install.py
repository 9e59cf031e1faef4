"""Bring .venv to what the lock files say: `install.py demo|dev|bench`.

Owns when something must be installed; pip owns how.  Uses the standard library only, because it runs before
anything is there, on whatever Python the machine has.  Knows no index: that is pip's own configuration.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PY = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
CI = ROOT / ".ci"
PIP = [str(PY), "-m", "pip", "--disable-pip-version-check", "--no-input"]

# In the order in which they are installed: what builds the project itself is in "dev" and in "build".
LOCKS = {
    "demo": ("requirements.txt", "requirements-build.txt"),
    "dev": ("requirements-dev.txt",),
    "bench": ("requirements-dev.txt", "requirements-bench.txt"),
}
# "dev" holds everything of "demo", "bench" everything of "dev": after the larger one, the smaller is there too.
SATISFIED_BY = {"demo": ("demo", "dev", "bench"), "dev": ("dev", "bench"), "bench": ("bench",)}


def main(kind: str) -> None:
    """Install what *kind* needs, unless it is already there."""
    if sys.version_info < (3, 11):
        sys.exit(
            f"error: Python 3.11 or newer is needed, {sys.executable} is {sys.version.split()[0]}\n"
            "hint: name a newer one, for example: make demo PYTHON=python3.12"
        )
    if not usable():
        create()
    if any(stamp(done).is_file() and stamp(done).read_text() == digest(done) for done in SATISFIED_BY[kind]):
        return
    for lock in LOCKS[kind]:
        say(f"installing {lock}")
        pip("install", "--quiet", "--require-hashes", "-r", str(CI / lock))
    say("installing photobatch")
    pip("install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp(kind).write_text(digest(kind))


def usable() -> bool:
    """Whether .venv has a Python that runs, is new enough and has pip (a moved or half-made one does not)."""
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"
    try:
        return subprocess.run([PY, "-c", probe], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def create() -> None:
    """Make .venv anew."""
    say(f"creating .venv with Python {sys.version.split()[0]}")
    try:
        venv.create(VENV, clear=True, with_pip=True, symlinks=os.name != "nt")
    except subprocess.CalledProcessError:
        sys.exit(
            f"error: {sys.executable} cannot create a virtual environment with pip\n"
            "hint: on Debian and Ubuntu: apt-get install python3-venv; then call make again"
        )


def digest(kind: str) -> str:
    """What an installation of *kind* depends on, as one hash: a changed lock or pyproject.toml installs again."""
    parts = [str(ROOT), *(CI.joinpath(lock).read_text(encoding="utf-8") for lock in LOCKS[kind])]
    parts.append((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def stamp(kind: str) -> Path:
    """The file that remembers the last installation of *kind*."""
    return VENV / f".installed-{kind}"


def pip(*words: str) -> None:
    """Run pip; its own messages say what went wrong."""
    if code := subprocess.run([*PIP, *words], cwd=ROOT, check=False).returncode:
        sys.exit(f"error: pip ended with {code}; the lines above say why\nhint: is the package index reachable?")


def say(line: str) -> None:
    """Tell on stderr what is being done."""
    print(f"setup: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:  # noqa: PLR2004  # program and kind
        sys.exit(f"usage: install.py {'|'.join(LOCKS)}")
    main(sys.argv[1])
