"""The morning report: the same object in every dress; and notices, which never fail a job."""

from __future__ import annotations

import asyncio
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from rich.console import Console

from jobs.morning import headline, markdown, outcome, plain
from jobs.notices import hidden, notify
from jobs.tables import print_summary
from jobs.unattended import Unattended, exit_code, nothing_done, step_summary

if TYPE_CHECKING:
    from pathlib import Path


def summary(**changes: Any) -> dict[str, Any]:
    return {
        "rows": 12,
        "tasks": {"total": 12, "done": 12, "reused": 0, "failed": 0, "in_doubt": 0, "invalid": 0, "open": 0},
        "cost": {"estimated_usd": 3.1, "billed_usd": 3.1, "reserved_usd": 0.0, "cap_usd": None},
        "requests": {"submit": 2, "poll": 4, "http_429": 0, "http_5xx": 0},
        "elapsed_s": 12.0,
        "stopped_by": None,
        "exit_code": 0,
        "this_run": {"rows_new": 2, "rows_left": 1, "done": 2, "reused": 0, "billed_usd": 0.52},
        **changes,
    }


QUIET = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # in apprise, under Python 3.11
NOTHING = {"requests": {"submit": 0, "poll": 1, "http_429": 0, "http_5xx": 0}, "this_run": {"done": 0}}


@pytest.mark.parametrize(
    ("changes", "word", "said"),
    [
        ({}, "success", "shop: 2 done, $0.52"),
        (NOTHING, "nothing", "shop: nothing to do"),
        ({"exit_code": 4, "stopped_by": "cap"}, "cap", "shop: the cap was reached, 0 tasks stay open"),
        (
            {"exit_code": 4, "stopped_by": "cap", "this_run": {"cap_reached": "month"}},
            "cap",
            "shop: the month's cap was reached",
        ),
        (
            {"exit_code": 3},
            "failure",
            "shop: finished, some tasks failed or were invalid, or paid outputs are still to be fetched",
        ),
        (
            {"exit_code": 10, "stopped_by": "deadline"},
            "failure",
            "shop: the deadline stopped the run; resumable (exit code 10)",
        ),
        ({"exit_code": 10, "stopped_by": "failures"}, "failure", "shop: the failure limit stopped the run"),
        ({"exit_code": 10, "stopped_by": "connection"}, "failure", "shop: there was no connection to the provider"),
        (
            {"exit_code": 130, "stopped_by": "interrupted"},
            "failure",
            "shop: interrupted; what was paid for was finished first; resumable",
        ),
        (
            {"exit_code": 130, "stopped_by": "interrupted", "this_run": {"cut_off": True}},
            "failure",
            "shop: interrupted and cut off; what was paid for is fetched by the next run",
        ),
    ],
)
def test_a_night_has_one_of_four_outcomes_and_a_headline(changes: dict[str, Any], word: str, said: str) -> None:
    assert outcome(summary(**changes)) == word
    assert said in headline("shop", summary(**changes))


def test_the_report_says_rows_money_and_why() -> None:
    text = plain("shop", summary(message="the cap | is reached", exit_code=4, stopped_by="cap", balance_usd=7.5))

    assert "12, 2 new, 1 left the manifest" in text
    assert "$0.52 this run, $3.10 in this folder" in text
    assert "$7.50" in text
    assert "the cap | is reached" in text


def test_the_cap_of_a_month_is_not_shown_as_that_of_the_folder() -> None:
    out = StringIO()
    cost = {"estimated_usd": 1.0, "billed_usd": 0.22, "reserved_usd": 0.0, "cap_usd": 1.0}
    print_summary(summary(cost=cost, this_run={"cap_month_usd": 1.0}), console=Console(file=out, width=120))

    assert "$0.22 billed, $0.00 reserved, cap $1.00 a month over all its folders" in out.getvalue()


def test_the_report_says_what_was_paid_for_and_could_not_be_fetched() -> None:
    assert "2, at no cost: HTTP 500" in plain("shop", summary(unfetched={"tasks": 2, "why": "HTTP 500"}, exit_code=3))


def test_the_report_names_both_caps_of_a_job() -> None:
    assert "$5.00 a night, $0.08 a month" in plain("shop", summary(this_run={"cap_usd": 5.0, "cap_month_usd": 0.08}))


def test_the_page_of_a_job_is_a_table_that_survives_bars_and_line_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    step_summary(markdown("shop", summary(message="a | b\nc")))

    lines = page.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "### shop: 2 done, $0.52"
    assert "| why | a \\| b c |" in lines


def test_a_page_that_cannot_be_written_is_said_and_forgiven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    step_summary("text")
    assert "could not be written" in capsys.readouterr().err


def test_nothing_to_do_has_its_own_exit_code_when_asked() -> None:
    skipped = Unattended(empty_exit=99)
    assert nothing_done(summary(**NOTHING))
    assert exit_code(summary(**NOTHING), skipped) == 99
    assert exit_code(summary(), skipped) == 0
    assert exit_code(summary(**NOTHING, exit_code=3), skipped) == 3


@QUIET
async def test_notices_reach_their_service_with_secrets_from_the_environment() -> None:
    got: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/{secret}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    said: list[str] = []
    where = {"HOOK": f"json://127.0.0.1:{runner.addresses[0][1]}/secret"}
    sent = await asyncio.to_thread(
        notify, ["$HOOK"], "shop: done", "SG_0123456789abcdef", failed=True, say=said.append, environment=where
    )
    await runner.cleanup()

    assert (sent, said) == (1, [])
    assert (got[0]["title"], got[0]["message"], got[0]["type"]) == ("shop: done", "SG_…", "failure")


@QUIET
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("$UNSET", r"notice 1 \(\$UNSET\) was not sent: the variable UNSET is not set"),
        ("nonsense://secret", "notice 1 (nonsense://…) was not sent: apprise does not know"),
        ("json://127.0.0.1:9/secret", "notice 1 (json://…) was not sent: the service did not take it"),
    ],
)
def test_a_notice_that_fails_is_said_without_its_secret(address: str, said: str) -> None:
    heard: list[str] = []
    sent = notify([address], "t", "b", failed=False, say=heard.append, environment={})

    assert sent == 0
    assert heard[0].startswith(said.replace("\\", ""))
    assert "secret" not in heard[0]


def test_addresses_are_shown_without_what_may_be_secret() -> None:
    assert hidden("slack://token@channel") == "slack://…"
    assert hidden("${SLACK}") == "${SLACK}"
    assert hidden("just a token") == "…"
