"""`photobatch plan`: validate every row, count, price, estimate the time; spends nothing."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options
from jobs.console import print_json, say
from jobs.tables import below_worst_case, print_plan
from jobs.wanting import assumed_prices, recipe_from, source
from pipeline.words import many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ledger.counts import Invalid


def plan(
    manifest: options.Manifest,
    recipe: options.Recipe = None,
    endpoint: options.EndpointSlug = None,
    set_: options.Settings = None,
    key: options.Key = None,
    limit: options.Limit = None,
    out: Annotated[
        Path | None, options.option("--out", "Count what this folder has already.", None, "-o", parser=options.named)
    ] = None,
    cap: options.Cap = None,
    rpm: options.Rpm = None,
    platform: options.Platform = None,
    images: options.Images = None,
    encoding: options.Encoding = None,
    encoding_errors: options.EncodingErrors = "strict",
    delimiter: options.Delimiter = None,
    image_base_url: options.ImageBaseUrl = None,
    allow_private: options.AllowPrivate = False,
    check_images: options.CheckImages = False,
    base_url: options.BaseUrl = None,
    sandbox: options.Sandbox = False,
    assume_price: options.AssumePrice = None,
    invalid_csv: Annotated[
        Path | None, typer.Option("--invalid-csv", help="Write the invalid rows here as CSV.", parser=options.named)
    ] = None,
    json: options.Json = False,
) -> None:
    """Validate every row, count, price, estimate the time. Spends nothing.

    Exit code 0 when every row is valid, 3 when some are not, 2 when nothing can run.
    """
    from pipeline import api

    reading = {
        "key": key,
        "limit": limit,
        "platform": platform,
        "images": images,
        "encoding": encoding,
        "encoding_errors": encoding_errors,
        "delimiter": delimiter,
        "image_base_url": image_base_url,
        "check_images": check_images,
    }
    if allow_private:
        reading["allow_private"] = True
    made = api.plan(
        source(manifest),
        recipe_from(recipe, endpoint, set_),
        out=out,
        rpm=rpm,
        base_url=base_url,
        sandbox=sandbox,
        assume_price=assumed_prices(assume_price),
        **reading,
    )
    if invalid_csv is not None:
        _write_invalid(made.invalid, invalid_csv)
    if json:
        print_json(made.summary())
    else:
        print_plan(made)
        if invalid_csv is not None:
            say(f"{many(len(made.invalid), 'invalid task')} listed in {invalid_csv}")
    if warning := below_worst_case(made, None if cap is None else _left(cap, out)):
        say(warning)
    raise typer.Exit(made.exit_code)


def _write_invalid(invalid: Sequence[Invalid], path: Path) -> None:
    """List *invalid* tasks at *path* as CSV; raises InputError."""
    from pipeline.destination import complete, named_by_user
    from pipeline.ledger.export import guarded

    with (
        named_by_user(path, flag="--invalid-csv"),
        complete(path) as aside,
        aside.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(("row", "key", "step", "endpoint", "reason"))
        for bad in invalid:
            writer.writerow(map(guarded, (bad.row, bad.key, bad.step, bad.endpoint, bad.reason)))


def _left(cap: float, out: Path | None) -> int:
    """What *cap* leaves after what *out* has spent and holds, in nano-dollars."""
    from pipeline.inspection import reading
    from pipeline.ledger import FILE, counts
    from pipeline.money import nano

    if out is None or not (out / FILE).exists():
        return nano(cap)
    with reading(out) as db:
        billed, held, _ = counts.money(db)
    return nano(cap) - billed - held
