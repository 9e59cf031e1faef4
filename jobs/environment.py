"""Settings from outside the command line: the environment, `.env`, TOML files, and the key.

Order: flag, environment, `.env`, `photobatch.toml` of the working folder, the user's `config.toml`.  Everything but
the flag ends as a `PHOTOBATCH_*` variable, so that there is one mechanism.  The key comes from `SEGMIND_API_KEY`, or
from the file that `SEGMIND_API_KEY_FILE` names, or from `key` beside the user's `config.toml`; never from a flag.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import platformdirs
from dotenv import dotenv_values

from pipeline.errors import RecipeError
from pipeline.paths import local_path
from pipeline.words import reason

PREFIX = "PHOTOBATCH_"
KEY = "SEGMIND_API_KEY"
KEY_FILE = "SEGMIND_API_KEY_FILE"


def config_folder() -> Path:
    """The user's own settings folder."""
    return Path(platformdirs.user_config_dir("photobatch", appauthor=False))


def prices_cache() -> Path:
    """Where billed prices are remembered for other folders."""
    return Path(platformdirs.user_cache_dir("photobatch", appauthor=False)) / "prices.json"


def load(folder: Path | None = None) -> dict[str, str]:
    """Put `.env` and TOML settings into the environment where it says nothing yet.

    Returns, by variable, where each value came from.  Raises RecipeError for a file that cannot be read.
    """
    folder = folder or Path.cwd()
    origins = {name: "environment" for name in os.environ if name.startswith(PREFIX) or name in (KEY, KEY_FILE)}
    for source, values in (
        (".env", _dotenv(folder / ".env")),
        ("photobatch.toml", _toml(folder / "photobatch.toml")),
        ("pyproject.toml", _toml(folder / "pyproject.toml", only_tool=True)),
        (str(config_folder() / "config.toml"), _toml(config_folder() / "config.toml")),
    ):
        for name, value in values.items():
            if name not in os.environ:
                os.environ[name] = value
                origins[name] = source
    return origins


def api_key() -> str | None:
    """The provider's key, or None.  Raises RecipeError for a key file that cannot be read."""
    if key := os.environ.get(KEY, "").strip():
        return key
    named = os.environ.get(KEY_FILE)
    path = local_path(named) if named else config_folder() / "key"
    if named is None and not path.exists():
        return None
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"the key file {path} cannot be read: {reason(error)}", hint=f"set {KEY} instead") from error


def variable(flag: str) -> str:
    """The environment variable of *flag*: ``--max-failures`` is ``PHOTOBATCH_MAX_FAILURES``."""
    return PREFIX + flag.removeprefix("--").upper().replace("-", "_")


def setting(name: str) -> str:
    """The name in a settings file that the variable *name* stands for."""
    return name.removeprefix(PREFIX).lower()


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    values = dotenv_values(path, encoding="utf-8")
    return {
        name: value
        for name, value in values.items()
        if value is not None and (name.startswith(PREFIX) or name in (KEY, KEY_FILE))
    }


def _toml(path: Path, *, only_tool: bool = False) -> dict[str, str]:
    """The settings of a TOML file: its `[tool.photobatch]` or `[photobatch]` table, else its top level."""
    if not path.is_file():
        return {}
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        if only_tool:
            return {}  # somebody else's file
        remedy = "save it as UTF-8" if isinstance(error, UnicodeDecodeError) else "text values need quotes"
        raise RecipeError(f"{path}: {error}", hint=remedy) from error
    table = data.get("tool", {}).get("photobatch")
    if table is None and not only_tool:
        table = data.get("photobatch", data)
    return _variables(path, table or {})


def _variables(path: Path, table: dict[str, Any]) -> dict[str, str]:
    variables = {}
    for name, value in table.items():
        if "key" in name.lower().replace("_", "-").split("-")[-1:] and "api" in name.lower():
            raise RecipeError(f"{path}: the key does not belong into a settings file", hint=f"set {KEY}")
        if isinstance(value, dict):
            continue
        variables[PREFIX + name.upper().replace("-", "_")] = _as_text(value)
    return variables


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return str(value)
