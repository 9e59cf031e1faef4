"""What the commands of the night say to a person: in a mail, beside a run, of a rehearsal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.lock import hold
from tests.night.test_night_commands import photobatch

if TYPE_CHECKING:
    from pathlib import Path


def test_settings_are_shown_as_a_job_file_has_them(shop: Path) -> None:
    photobatch("init", shop / "catalog.csv")
    shown = photobatch("config", "nightly.toml").out

    assert re.search(r"^output\.ai_label +true ", shown, re.MULTILINE)
    assert re.search(r"^output\.prune +false ", shown, re.MULTILINE)
    assert re.search(r'^notify\.on +\["', shown, re.MULTILINE)


def test_an_export_of_a_rehearsal_warns(shop: Path) -> None:
    photobatch("init", shop / "catalog.csv")
    photobatch("nightly", "nightly.toml", "--sandbox", "--quiet")
    said = photobatch(
        "export", "out/catalog", "--to", "csv", "--image-base", "https://cdn.example.com", "-o", shop / "new.csv"
    )

    assert said.code == 0
    assert "warning: out/catalog holds a rehearsal" in said.err


def test_status_beside_a_run_says_that_it_is_at_work(shop: Path) -> None:
    photobatch("init", shop / "catalog.csv")
    photobatch("nightly", "nightly.toml", "--sandbox", "--quiet", "--cap-night", "0.3")
    out = shop / "out" / "catalog"

    assert "photobatch nightly JOB.toml --cap-night USD" in " ".join(photobatch("status", out).out.split())
    with hold(out, "resume"):
        beside = " ".join(photobatch("status", out).out.split())
    assert "open: a run is at work (`photobatch resume` (process" in beside
    assert "--cap-night" not in beside


def test_a_quiet_night_that_was_stopped_says_so_to_who_gets_the_mail(shop: Path) -> None:
    photobatch("init", shop / "catalog.csv")
    said = photobatch("nightly", "nightly.toml", "--sandbox", "--quiet", "--cap-night", "0.3")

    assert (said.code, said.out) == (4, "")
    assert "error: exit code 4: the cap stopped the run; resumable; the night's cap is reached" in said.err
