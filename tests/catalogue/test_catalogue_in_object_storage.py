"""Manifests, images and outputs in a private bucket, over real HTTP to an S3 server on loopback."""

from __future__ import annotations

import asyncio
import csv
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import obstore
import pytest

import pipeline
from pipeline.storage import CloudStorage, NoSuchObject
from pipeline.storage.location import parse_object
from tests.catalogue.commands import RELIGHT, csv_file, photo, photobatch

if TYPE_CHECKING:
    from pathlib import Path


LIGHT = dict(setting.removeprefix("--set=").split("=") for setting in RELIGHT[1:])


def put(url: str, data: bytes) -> None:
    prefix, _, name = url.rpartition("/")
    asyncio.run(CloudStorage().replace(prefix, name, data))


def get(url: str) -> bytes:
    return asyncio.run(CloudStorage().get(url))


def names(prefix: str) -> list[str]:
    async def listed() -> list[str]:
        return sorted([each.url.removeprefix(f"{prefix}/") async for each in CloudStorage().list(prefix)])

    return asyncio.run(listed())


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def catalogue(bucket: str) -> str:
    """A manifest in the bucket whose images are objects of the same bucket."""
    put(f"{bucket}/in/mug.jpg", photo((10, 90, 200)))
    put(f"{bucket}/in/jug.jpg", photo((90, 200, 10)))
    lines = ["sku,title,image_url", f"M,Mug,{bucket}/in/mug.jpg", f"J,Jug,{bucket}/in/jug.jpg"]
    put(f"{bucket}/catalogue.csv", "\n".join(lines).encode())
    return f"{bucket}/catalogue.csv"


def run(manifest: str | Path, *flags: str) -> dict[str, int]:
    done = photobatch("run", manifest, *RELIGHT, "--sandbox", "--out", "out", "--json", *flags)
    assert done.code in (0, 3), done.err
    tasks: dict[str, int] = done.summary["tasks"] | {"calls": done.summary["requests"]["submit"]}
    return tasks


def test_a_manifest_and_its_private_images_run_from_a_bucket(catalogue: str, tmp_path: Path) -> None:
    tasks = run(catalogue)

    assert (tasks["done"], tasks["calls"]) == (2, 2)
    lines = rows(tmp_path / "out" / "results.csv")
    assert [line["image_source"] for line in lines] == ["s3://shop/in/mug.jpg", "s3://shop/in/jug.jpg"]
    assert not any("X-Amz" in value or "secret" in value for line in lines for value in line.values())


def test_an_object_that_changed_is_made_anew_and_nothing_else(catalogue: str, tmp_path: Path) -> None:
    run(catalogue)
    put("s3://shop/in/jug.jpg", photo((1, 2, 3)))

    tasks = run(catalogue)

    assert (tasks["done"], tasks["calls"]) == (2, 1)
    assert len(list((tmp_path / "out" / "superseded").rglob("*.*"))) == 1


def test_an_object_that_is_missing_makes_its_row_invalid_before_money_is_spent(bucket: str) -> None:
    put(f"{bucket}/in/mug.jpg", photo())
    csv_file_ = "sku,image_url\nM,s3://shop/in/mug.jpg\nX,s3://shop/in/none.jpg\n"
    put(f"{bucket}/catalogue.csv", csv_file_.encode())

    planned = photobatch("plan", f"{bucket}/catalogue.csv", *RELIGHT, "--json")

    assert planned.code == 3
    assert (planned.summary["to_pay"], planned.summary["invalid"]) == (1, 1)
    assert "s3://shop/in/none.jpg" in planned.summary["invalid_rows"][0]["reason"]


def test_checking_images_opens_objects_as_well(bucket: str, tmp_path: Path) -> None:
    put(f"{bucket}/good.jpg", photo())
    put(f"{bucket}/page.jpg", b"<html>log in</html>")
    manifest = csv_file(tmp_path / "c.csv", "sku,image_url", "G,s3://shop/good.jpg", "P,s3://shop/page.jpg")

    assert photobatch("plan", manifest, *RELIGHT, "--json").summary["invalid"] == 0
    checked = photobatch("plan", manifest, *RELIGHT, "--json", "--check-images").summary

    assert [bad["key"] for bad in checked["invalid_rows"]] == ["P"]
    assert "HTML" in checked["invalid_rows"][0]["reason"]


def test_a_manifest_that_is_not_there_is_the_users_to_correct(bucket: str) -> None:
    planned = photobatch("plan", f"{bucket}/nothing.csv", *RELIGHT)

    assert planned.code == 2
    assert "s3://shop/nothing.csv" in planned.err


def test_outputs_and_results_are_in_the_bucket_too(catalogue: str, tmp_path: Path) -> None:
    run(catalogue, "--images-to", "s3://shop/out/autumn")

    lines = rows(tmp_path / "out" / "results.csv")
    assert names("s3://shop/out/autumn") == sorted(
        [*(line["output"] for line in lines), "results.csv", "results.parquet", "summary.json"]
    )
    for line in lines:
        assert get(f"s3://shop/out/autumn/{line['output']}") == (tmp_path / "out" / line["output"]).read_bytes()
    assert get("s3://shop/out/autumn/results.csv") == (tmp_path / "out" / "results.csv").read_bytes()


def test_the_folder_remembers_its_bucket_and_superseded_outputs_move_there_too(catalogue: str, tmp_path: Path) -> None:
    run(catalogue, "--images-to", "s3://shop/out")
    put("s3://shop/in/mug.jpg", photo((1, 2, 3)))

    run(catalogue)

    local = [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*/M/*.*")]
    assert sorted(local) == [name for name in names("s3://shop/out") if "/M/" in name]
    assert len(local) == 2


def test_what_was_made_before_there_was_a_bucket_goes_there_as_well(catalogue: str, tmp_path: Path) -> None:
    run(catalogue)

    tasks = run(catalogue, "--images-to", "s3://shop/late")

    assert tasks["calls"] == 0
    outputs = [line["output"] for line in rows(tmp_path / "out" / "results.csv")]
    assert set(outputs) <= set(names("s3://shop/late"))


def test_a_foreign_object_under_an_outputs_name_is_moved_aside_and_kept(catalogue: str) -> None:
    put("s3://shop/out/images/M/segmind-relighting-v2.png", b"somebody's own")

    run(catalogue, "--images-to", "s3://shop/out")

    aside = [name for name in names("s3://shop/out") if name.startswith("superseded/M/")]
    assert [get(f"s3://shop/out/{name}") for name in aside] == [b"somebody's own"]


def test_a_bucket_that_is_not_there_is_found_before_money_is_spent(catalogue: str, tmp_path: Path) -> None:
    done = photobatch("run", catalogue, *RELIGHT, "--sandbox", "--out", "out", "--images-to", "s3://nobodys/out")

    assert done.code == 2
    assert "--images-to s3://nobodys/out" in done.err
    assert not (tmp_path / "out").exists()


def test_a_task_is_not_done_before_the_bucket_has_its_output(catalogue: str, tmp_path: Path) -> None:
    run(catalogue, "--images-to", "s3://shop/out")

    with sqlite3.connect(tmp_path / "out" / "ledger.db") as db:
        done_at = dict(db.execute("SELECT path, finished_at FROM tasks JOIN outputs ON task_id=id"))
    db.close()

    bucket = CloudStorage()._client(parse_object("s3://shop/out/any"))
    for path, at in done_at.items():
        stored_at = obstore.head(bucket, f"out/{path}")["last_modified"].timestamp()
        assert stored_at <= at + 1  # the storage tells whole seconds


async def test_the_python_interface_reads_and_writes_buckets(catalogue: str, tmp_path: Path) -> None:
    result = await pipeline.run(
        catalogue,
        {"step": [{"name": "a", "endpoint": "segmind-relighting-v2", "params": {"image": "{image_url}", **LIGHT}}]},
        out=tmp_path / "out",
        sandbox=True,
        images_to="s3://shop/py",
    )

    assert result.summary["exit_code"] == 0
    assert await CloudStorage().get(f"s3://shop/py/{result.frame()['output'][0]}")
    with pytest.raises(NoSuchObject):
        await CloudStorage().get("s3://shop/py/images/none.png")


def test_without_the_extra_the_pip_line_is_said(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['obstore'] = None; from jobs.cli import main; main()"
    manifest = csv_file(tmp_path / "c.csv", "sku,image_url", "G,s3://shop/good.jpg")
    done = subprocess.run(
        [sys.executable, "-c", hidden, "plan", str(manifest), *RELIGHT], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert 'pip install "photobatch[cloud]"' in done.stderr
