"""Refuse what must not be in the tree: index addresses, a build machine's paths, keys, unowned notes, stray names.

Prints one line per finding, `file:line: what and why`, and ends with 1 when there is any.  `tidy.py DIR` looks at
another tree.  Uses the standard library only; the patterns are written so that they do not find themselves.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TOP = frozenset(
    {
        ".ci",
        ".dockerignore",
        ".editorconfig",
        ".gitattributes",
        ".github",
        ".gitignore",
        ".readthedocs.yaml",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Dockerfile",
        "LICENSE",
        "Makefile",
        "README.md",
        "bench",
        "docs",
        "jobs",
        "manifests",
        "mkdocs.yml",
        "pipeline",
        "pyproject.toml",
        "tests",
    }
)

SANDBOX_KEY = "SG_" + "0123456789abcdef"
"""The documented key of examples and tests; every other one may be somebody's."""

PATTERNS = {
    "a host of a package index: where packages come from is the machine's own configuration": re.compile(
        r"\b(?:pypi\.org|pypi\.python\.org|pythonhosted\.org|test\.pypi\.org|registry\.npmjs\.org)\b"
        r"|--(?:extra-)?index-url[ =]|--find-links[ =]|--trusted-host[ =]"
    ),
    "a path of the machine it was written on": re.compile(
        r"(?<![\w.}~])/(?:root|home/(?!(?:user|you|me)\b)\w+|Users/(?!(?:you|me)\b)\w+)/"
    ),
    "an API key": re.compile(rf"\b(?!{SANDBOX_KEY}\b)SG_[0-9a-f]{{16}}\b"),
    "a note without an owner: do it, or write it into the changelog or the docs": re.compile(
        r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b"
    ),
}
EXEMPT = frozenset({"LICENSE", ".ci/tidy.py"})
BINARY = frozenset({".jpg", ".jpeg", ".png", ".webp", ".parquet", ".gz", ".ico", ".woff2", ".zip", ".xlsx"})
SKIPPED = frozenset({".git", ".venv", "out", "dist", "__pycache__"})


def main(root: Path) -> int:
    """Print what is wrong under *root*; the exit code."""
    findings = [*stray(root), *(line for path in files(root) for line in bad_lines(root, path))]
    print("\n".join(findings) or "tidy: nothing to complain about")
    return 1 if findings else 0


def files(root: Path) -> list[Path]:
    """Every file of the project: what git would commit, or everything when there is no git."""
    try:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True, encoding="utf-8").stdout
        found = [root / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        found = [path for path in root.rglob("*") if not SKIPPED & set(path.relative_to(root).parts)]
    return sorted({path for path in found if path.is_file()})


def stray(root: Path) -> Iterator[str]:
    """Names at the top level that the project does not know."""
    names = {path.relative_to(root).parts[0] for path in files(root)}
    for name in sorted(names - TOP):
        yield f"{name}: not a known name of the top level (see TOP in .ci/tidy.py)"


def bad_lines(root: Path, path: Path) -> Iterator[str]:
    """The lines of one file that match a pattern."""
    name = path.relative_to(root).as_posix()
    if name in EXEMPT or path.suffix.lower() in BINARY:
        return
    text = path.read_bytes().decode("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in PATTERNS.items():
            if pattern.search(line):
                yield f"{name}:{number}: {what}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT))
