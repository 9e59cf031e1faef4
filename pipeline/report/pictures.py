"""Which pictures a gallery shows of a task, and the small copies it keeps of them.

    thumbs/ab/<sha>.webp     small, of every output and every local input
    previews/ab/<sha>.webp   larger, of local inputs: the "before" of the slider
    looks.jsonl              what was seen in each pair (`flags.measure`), one line per pair

Everything is named by content, so nothing is made twice and an output that came anew is seen anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import endpoints
from pipeline.errors import RecipeError
from pipeline.report import helpers
from pipeline.report.flags import VERSION, Measures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

THUMB_SIDE = 384
"""Pixels: a tile is some 200 wide, and screens have two pixels where there was one."""
PREVIEW_SIDE = 1200
NAME_CHARACTERS = 20
"""Hexadecimal digits of the content's hash: 80 bits."""


class Pictures:
    """The small copies of one report folder.  ``known`` are local inputs by path: size, mtime_ns, sha256."""

    def __init__(self, report: Path, known: Mapping[str, tuple[int, int, str]]) -> None:
        self.report = report
        self.problems: list[str] = []
        self._known = known
        self._inputs: dict[str, str] = {}
        self._looks = _read_looks(report / "looks.jsonl")
        self._image_fields: dict[str, str] = {}
        self._made: dict[str, bool] = {}

    def input_of(self, endpoint: str, params: Mapping[str, Any]) -> tuple[Path, str] | None:
        """(path, sha256) of the local photo that a task was made of; None for one that is not here, or no longer."""
        path = params.get(self._image_field(endpoint))
        if not isinstance(path, str) or path.startswith(("http://", "https://", "data:")):
            return None
        if path not in self._inputs:
            self._inputs[path] = self._unchanged(path)
        return (Path(path), self._inputs[path]) if self._inputs[path] else None

    def thumb(self, sha256: str) -> Path:
        """Where the small copy of a picture is, or would be."""
        return self._place("thumbs", sha256)

    def preview(self, sha256: str) -> Path:
        """Where the larger copy of an input is, or would be."""
        return self._place("previews", sha256)

    def has(self, sha256: str) -> bool:
        """Whether there is a small copy."""
        if sha256 not in self._made:
            self._made[sha256] = self.thumb(sha256).exists()
        return self._made[sha256]

    def shrink(
        self,
        outputs: Iterable[tuple[Path, str]],
        inputs: Iterable[tuple[Path, str]],
        progress: Callable[[int, int], None],
    ) -> None:
        """Make the copies that are missing.  A picture that cannot be read is told in `problems`, once."""
        wanted: dict[str, dict[str, Any]] = {}
        for path, sha256 in outputs:
            self._want(wanted, path, {self.thumb(sha256): THUMB_SIDE})
        for path, sha256 in inputs:
            self._want(wanted, path, {self.thumb(sha256): THUMB_SIDE, self.preview(sha256): PREVIEW_SIDE})
        jobs = list(wanted.values())
        for count, (place, answer) in enumerate(helpers.done(jobs), 1):
            if "error" in answer:
                self.problems.append(f"{jobs[place]['source']}: {answer['error']}")
            progress(count, len(jobs))
        self._made.clear()

    def look(self, pairs: Iterable[tuple[str | None, str]]) -> None:
        """Look at pairs of (input's, output's sha256) that nobody looked at before; both need their small copies."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._looks and self.thumb(pair[1]).exists()]
        jobs = [{"before": self._small(before), "after": str(self.thumb(after))} for before, after in new]
        lines = []
        for place, answer in helpers.done(jobs):
            if "seen" in answer:
                before, after = new[place]
                self._looks[before, after] = Measures.load(answer["seen"])
                lines.append(json.dumps({"v": VERSION, "before": before, "after": after, **answer["seen"]}))
        if lines:
            with (self.report / "looks.jsonl").open("a", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")

    def seen(self, before: str | None, after: str) -> Measures | None:
        """What was seen in a pair; None when nobody looked."""
        return self._looks.get((before, after))

    def prune(self, used: set[str]) -> None:
        """Remove copies of pictures that are no longer shown; *used* are their sha256."""
        names = {sha256[:NAME_CHARACTERS] for sha256 in used}
        for kind in ("thumbs", "previews"):
            for path in (self.report / kind).glob("*/*.webp"):
                if path.stem not in names:
                    path.unlink(missing_ok=True)

    def _want(self, wanted: dict[str, dict[str, Any]], source: Path, targets: Mapping[Path, int]) -> None:
        missing = {str(path): side for path, side in targets.items() if not path.exists()}
        if missing:
            wanted.setdefault(next(iter(missing)), {"source": str(source), "targets": missing})

    def _small(self, sha256: str | None) -> str | None:
        if sha256 is None:
            return None
        path = self.thumb(sha256)
        return str(path) if path.exists() else None

    def _place(self, kind: str, sha256: str) -> Path:
        return self.report / kind / sha256[:2] / f"{sha256[:NAME_CHARACTERS]}.webp"

    def _image_field(self, endpoint: str) -> str:
        """The parameter that is the picture's origin: the first image that the endpoint takes."""
        if endpoint not in self._image_fields:
            try:
                images = endpoints.get(endpoint).images
            except RecipeError:  # a plug-in that was uninstalled since
                images = ()
            self._image_fields[endpoint] = images[0] if images else ""
        return self._image_fields[endpoint]

    def _unchanged(self, path: str) -> str:
        """The content of the file at *path*, if it is still what was sent; else nothing."""
        known = self._known.get(path)
        try:
            now = Path(path).stat()
        except (OSError, ValueError):
            return ""
        return known[2] if known is not None and known[:2] == (now.st_size, now.st_mtime_ns) else ""


def _read_looks(path: Path) -> dict[tuple[str | None, str], Measures]:
    looks: dict[tuple[str | None, str], Measures] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return looks
    for line in lines:
        try:
            kept = json.loads(line)
            if kept.pop("v") == VERSION:
                pair = (kept.pop("before"), kept.pop("after"))
                looks[pair] = Measures.load(kept)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # a line that a crash cut off is looked at again
    return looks
