"""The flags that several commands share.  Each is also read from ``PHOTOBATCH_<FLAG>``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

READING = "How the manifest is read"
WHAT = "What to do"
HOW = "How it runs"
MONEY = "Money"


def option(flag: str, text: str, panel: str | None = None, *more: str, env: bool = True, **settings: Any) -> Any:
    """A flag with its help, its panel and its environment variable."""
    variable = f"PHOTOBATCH_{flag.removeprefix('--').upper().replace('-', '_')}" if env else None
    return typer.Option(flag, *more, help=text, envvar=variable, rich_help_panel=panel, **settings)


def listed(values: list[str] | None, flag: str) -> list[str]:
    """The values of a repeatable flag; without any, those of its variable, one per line or separated by ``;``."""
    if values:
        return values
    text = os.environ.get(f"PHOTOBATCH_{flag.removeprefix('--').upper().replace('-', '_')}", "")
    return [each.strip() for each in text.replace("\n", ";").split(";") if each.strip()]


MANIFEST = "CSV, TSV, Parquet, JSON lines, a shop's export, a folder of images, or - for standard input."
FAILURES = (
    "Stop at the Nth failure, or when P % of the last 50 failed. Default: 10 of the first 10, half of the last 50."
)
KEY = "What names a row: a column, or a template such as '{handle}-{position}'."
CAP_FILE = "The cap counts over all who name this file."
SETTING = "A parameter; columns in braces. Repeatable."
PRICE = "What a call of an endpoint without a known price costs at most. Repeatable."
SETTLE = "Age at which a call that the provider's history does not know was not billed."
DEADLINE = "Start nothing that would not be finished by then: 4h, 15m, 06:00."
RPM = "Calls per minute at most; 0: no limit. Default: start at 60 and learn."
IMAGES_TO = "Write outputs and results to object storage as well: s3://, gs:// or az://."
NAME = "How outputs are called below images/, columns in braces. Default: {key}/{step}."
API = "queue (submit, poll, fetch) or sync (one blocking call)."


def named(text: str | Path) -> Path:
    """A file or folder by its name; an empty one, of a variable that is not set, would be the current folder."""
    if not str(text).strip():
        raise typer.BadParameter("the name is empty: is a variable not set?  The current folder is .")
    return Path(text)


Manifest = Annotated[str, typer.Argument(help=MANIFEST)]
Folder = Annotated[Path, typer.Argument(help="The result folder.", parser=named, metavar="DIR")]
Out = Annotated[Path, option("--out", "The result folder.", None, "-o", parser=named, metavar="DIR")]

Recipe = Annotated[Path | None, option("--recipe", "TOML file with the steps.", WHAT, parser=named, metavar="RECIPE")]
EndpointSlug = Annotated[str | None, option("--endpoint", "A one-step recipe without a file.", WHAT)]
Settings = Annotated[list[str] | None, option("--set", SETTING, WHAT, env=False, metavar="NAME=TEMPLATE")]
Key = Annotated[str | None, option("--key", KEY, WHAT, metavar="COLUMN")]
Limit = Annotated[int | None, option("--limit", "Only the first N rows.", WHAT, min=1)]

Platform = Annotated[str | None, option("--platform", "Whose export it is; 'none' for nobody's.", READING)]
Images = Annotated[str | None, option("--images", "The separate image file of a Magento export.", READING)]
Encoding = Annotated[str | None, option("--encoding", "Such as cp1252. Default: UTF-8.", READING)]
EncodingErrors = Annotated[str, option("--encoding-errors", "strict or replace.", READING)]
Delimiter = Annotated[str | None, option("--delimiter", "Default: counted in the header.", READING)]
ImageBaseUrl = Annotated[str | None, option("--image-base-url", "What relative images are relative to.", READING)]
AllowPrivate = Annotated[bool, option("--allow-private", "Images may be in a private network.", READING)]
CheckImages = Annotated[bool, option("--check-images", "Look at every remote image before money is spent.", READING)]

Cap = Annotated[float | None, option("--cap", "Never spend more in this folder.", MONEY, metavar="USD", min=0)]
CapFile = Annotated[Path | None, option("--cap-file", CAP_FILE, MONEY, parser=named, metavar="CAP_FILE")]
AssumePrice = Annotated[list[str] | None, option("--assume-price", PRICE, MONEY, env=False, metavar="SLUG=USD")]


def one_provider(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    """Refuse an address beside --sandbox, which would not be asked; one from the settings gives way to the flag."""
    known = {**ctx.params, str(param.name): value}
    source = ctx.get_parameter_source("base_url")
    if known.get("sandbox") and known.get("base_url") and source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter("--sandbox and --base-url name two providers: give one of them")
    return value


Rpm = Annotated[float | None, option("--rpm", RPM, HOW, min=0)]
Concurrency = Annotated[int | None, option("--concurrency", "Calls in flight at most.", HOW, min=1)]
Api = Annotated[str, option("--api", API, HOW)]
BaseUrl = Annotated[
    str | None, option("--base-url", "Another provider's host root, such as a sandbox.", HOW, callback=one_provider)
]
Sandbox = Annotated[
    bool, option("--sandbox", "Rehearse on the embedded sandbox: free, no key.", HOW, callback=one_provider)
]
MaxFailures = Annotated[str | None, option("--max-failures", FAILURES, HOW, metavar="N|P%")]
Deadline = Annotated[str | None, option("--deadline", DEADLINE, HOW, metavar="DURATION")]
NoPreflight = Annotated[bool, option("--no-preflight", "Begin at once and validate as it goes.", HOW)]
ImagesTo = Annotated[str | None, option("--images-to", IMAGES_TO, HOW, metavar="s3://BUCKET/PREFIX")]
Name = Annotated[str | None, option("--name", NAME, HOW, metavar="TEMPLATE")]
NoAiLabel = Annotated[bool, option("--no-ai-label", "Do not mark outputs as made by AI.", HOW)]
NoFullDecode = Annotated[bool, option("--no-full-decode", "Check outputs by header and trailer only.", HOW)]
SettleAfter = Annotated[str, option("--settle-after", SETTLE, HOW, metavar="DURATION")]

Json = Annotated[bool, option("--json", "Print only the summary object.")]
Quiet = Annotated[bool, option("--quiet", "Print only errors.", None, "-q")]
