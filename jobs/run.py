"""`photobatch run`: converge a folder to what a manifest and a recipe ask for; safe to repeat."""

from __future__ import annotations

from datetime import datetime

import typer

from jobs import environment, options
from jobs.unattended import EmptyExit, Grace, MetricsFile, MetricsPort, Prune, unattended
from jobs.wanting import assumed_prices, recipe_from, source
from pipeline.durations import moment, seconds


def run(
    manifest: options.Manifest,
    out: options.Out,
    recipe: options.Recipe = None,
    endpoint: options.EndpointSlug = None,
    set_: options.Settings = None,
    key: options.Key = None,
    limit: options.Limit = None,
    cap: options.Cap = None,
    cap_file: options.CapFile = None,
    assume_price: options.AssumePrice = None,
    rpm: options.Rpm = None,
    concurrency: options.Concurrency = None,
    api: options.Api = "queue",
    base_url: options.BaseUrl = None,
    sandbox: options.Sandbox = False,
    max_failures: options.MaxFailures = None,
    deadline: options.Deadline = None,
    no_preflight: options.NoPreflight = False,
    settle_after: options.SettleAfter = "5m",
    images_to: options.ImagesTo = None,
    name: options.Name = None,
    no_ai_label: options.NoAiLabel = False,
    no_full_decode: options.NoFullDecode = False,
    platform: options.Platform = None,
    images: options.Images = None,
    encoding: options.Encoding = None,
    encoding_errors: options.EncodingErrors = "strict",
    delimiter: options.Delimiter = None,
    image_base_url: options.ImageBaseUrl = None,
    allow_private: options.AllowPrivate = False,
    check_images: options.CheckImages = False,
    prune: Prune = False,
    grace: Grace = None,
    empty_exit: EmptyExit = 0,
    metrics_file: MetricsFile = None,
    metrics_port: MetricsPort = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Converge a folder to what a manifest and a recipe ask for. Safe to repeat: only what is missing is paid.

    Examples:
      photobatch run catalog.csv --recipe relight.toml --out out/autumn --cap 50

      photobatch run catalog.csv --endpoint ic-light --set prompt='{title} on oak' --out out/oak --sandbox
    """
    from jobs.conducting import conduct_here
    from pipeline.api import Settings
    from pipeline.wanted import Wanted

    prices = assumed_prices(assume_price)
    settings = Settings(
        base_url=base_url,
        sandbox=sandbox,
        api=api,  # type: ignore[arg-type]  # Settings refuses other words
        cap_usd=cap,
        cap_file=cap_file,
        rpm=rpm,
        concurrency=concurrency,
        max_failures=max_failures,
        deadline=None if deadline is None else moment(deadline, datetime.now().astimezone()),
        preflight=not no_preflight,
        settle_after_s=seconds(settle_after, name="--settle-after"),
        full_decode=not no_full_decode,
        ai_label=not no_ai_label,
        images_to=images_to,
        name=name,
        prune=prune,
        assume_price=prices,
        api_key=environment.api_key(),
        prices_cache=environment.prices_cache(),
    )
    wanted = Wanted(
        source(manifest),
        recipe_from(recipe, endpoint, set_),
        key=key,
        limit=limit,
        platform=platform,
        images=images,
        encoding=encoding,
        encoding_errors=encoding_errors,
        delimiter=delimiter,
        image_base_url=image_base_url,
        allow_private=allow_private,
        check_images=check_images,
        assumed_nano=settings.assumed_nano,
    )
    alone = unattended(grace, empty_exit, metrics_file, metrics_port)
    raise typer.Exit(conduct_here(settings, out, wanted, command="run", quiet=quiet, json_only=json, unattended=alone))
