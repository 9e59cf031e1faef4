"""The table of answers other than success."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ErrorClass
from pipeline.provider.refusals import refusal
from pipeline.provider.wording import Hider, start_of, words_of

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z

FAILED = json.dumps(
    {"status": "FAILED", "error": "Prompt is Mandatory", "metrics": {"inference_time": 0.007, "total_time": 0.24}}
)
PAGE = "<!doctype html><html><head><title>405 Not Allowed</title><style>p{}</style></head><body><center>nginx</center>"

TABLE = [
    (400, '{"error": "Invalid input image: x"}', ErrorClass.BAD_REQUEST),
    (401, '{"error": "Unauthorized. API key is invalid"}', ErrorClass.BAD_KEY),
    (402, "", ErrorClass.NO_CREDITS),
    (403, '{"error": "insufficient_scope"}', ErrorClass.FORBIDDEN),
    (404, '{"error": "Request 1 not found"}', ErrorClass.NOT_FOUND),
    (405, PAGE, ErrorClass.BAD_REQUEST),
    (406, '{"error": "Insufficient credits: balance 0.01, needs 0.34"}', ErrorClass.NO_CREDITS),
    (406, '{"error": "Your team has reached its spend limit"}', ErrorClass.NO_CREDITS),
    (406, '{"error": "spending limit reached"}', ErrorClass.NO_CREDITS),
    (406, "monthly budget used up", ErrorClass.NO_CREDITS),
    (406, "quota exceeded", ErrorClass.NO_CREDITS),
    (406, '{"error": "Invalid content type"}', ErrorClass.REJECTED),
    (406, '{"error": "steps exceeds the limit of 50"}', ErrorClass.REJECTED),
    (406, '{"error": "white_balance must be one of auto, day"}', ErrorClass.REJECTED),
    (406, "", ErrorClass.REJECTED),
    (408, "", ErrorClass.GATEWAY),
    (410, '{"error": "model retired"}', ErrorClass.RETIRED),
    (413, "<html><title>413 Request Entity Too Large</title></html>", ErrorClass.BAD_REQUEST),
    (415, "", ErrorClass.BAD_REQUEST),
    (418, "", ErrorClass.BAD_REQUEST),
    (422, '{"error": "Validation Error: missing parameters"}', ErrorClass.BAD_REQUEST),
    (422, FAILED, ErrorClass.INFERENCE_FAILED),
    (429, '{"error": "rate_limit_exceeded"}', ErrorClass.RATE_LIMITED),
    (500, '{"error": "Internal Server Error"}', ErrorClass.SERVER_ERROR),
    (501, "", ErrorClass.SERVER_ERROR),
    (502, "<html><h1>502 Bad Gateway</h1></html>", ErrorClass.GATEWAY),
    (503, "", ErrorClass.GATEWAY),
    (504, "Request timed out", ErrorClass.GATEWAY),
    *[(status, "", ErrorClass.GATEWAY) for status in range(520, 525)],
    (599, "", ErrorClass.SERVER_ERROR),
    (301, "", ErrorClass.BAD_REQUEST),
    (307, "", ErrorClass.BAD_REQUEST),
]


@pytest.mark.parametrize(("status", "text", "expected"), TABLE)
def test_status_and_text_decide_the_class(status: int, text: str, expected: ErrorClass) -> None:
    error = refusal(status, text, {}, now=NOW)

    assert (error.error_class, error.http_status) == (expected, status)
    assert error.sent
    assert error.answered is (status not in (408, 520, 524))  # what a proxy says of a silent server is no answer
    assert str(error)


def test_a_redirect_says_why_it_is_not_followed() -> None:
    error = refusal(302, "", {"Location": "https://login.example/x?y=1"}, now=NOW)

    assert "redirected to login.example" in str(error)
    assert "carry the key" in str(error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"error": "no"}', "no"),
        ('{"message": "slow down"}', "slow down"),
        ('{"detail": [{"msg": "field required", "loc": ["body"]}]}', "field required"),
        (
            '{"error": "invalid_token", "error_description": "it expired", "status_code": 401}',
            "invalid_token: it expired",
        ),
        ('{"error": {"message": "deep"}}', "deep"),
        ('["one", "two"]', "one; two"),
        ('{"code": 7}', '{"code": 7}'),
        ("  plain\n words ", "plain words"),
        (PAGE, "405 Not Allowed nginx"),
        ("<html><body>a &lt; b<script>x()</script></body></html>", "a < b"),
        ("", ""),
        ("null", "null"),
        ("[" * 100_000, "[" * 499 + "…"),
    ],
)
def test_a_body_of_any_kind_is_put_into_words(text: str, words: str) -> None:
    assert words_of(text) == words


def test_long_words_are_shortened() -> None:
    assert len(words_of("x" * 9999)) == 500


def test_keys_are_hidden_wherever_they_stand() -> None:
    hide = Hider("secret-key-1")

    said = hide("bad secret-key-1 and SG_0123456789ABCDEF")

    assert said == "bad [key] and [key]"
    assert "secret" not in repr(hide)


@pytest.mark.parametrize(
    "echoed",
    [
        r"secret/key-\u0031 and \u0053G_0123456789\u0061bcdef",
        r"secret\/key-1 and SG_0123456789\\u0061BCDEF",
        "secret&#47;key-1 and SG_0123456789&#97;bcdef",
        "secret&sol;key-&#x31; and SG&lowbar;0123456789&amp;#x61;bcdef",
        "secret%2fkey-1 and SG%5F0123456789abcdef",
    ],
)
def test_keys_are_hidden_however_they_are_escaped(echoed: str) -> None:
    assert Hider("secret/key-1")(f"bad {echoed}.") == "bad [key] and [key]."


def test_what_is_escaped_and_no_key_stays() -> None:
    text = r'{"a": "SG_0123\u0061", "b": "100&#37; of S\\G", "c": "https://x/%53G_?y=1&z=2"}'

    assert Hider("secret/key-1")(text) == text


def test_the_start_of_a_body_is_one_printable_line() -> None:
    assert start_of("a\nb\x00" + "c" * 500) == "a·b·" + "c" * 196


@pytest.mark.parametrize(
    "value",
    [
        "2026-09-21T14:14:20Z",
        "2026-09-21T14:14:20+00:00",
        "2026-09-21T16:14:20+02:00",
        "2026-09-21 14:14:20",
        "2026-09-21 14:14:20 UTC",
        "2026-09-21T14:14:20.000000",
        "1790000060",
        "1790000060.0",
        "1790000060000",
        "1790000060000000",
        "60",
        "60.0",
        "Mon, 21 Sep 2026 14:14:20 GMT",
    ],
)
def test_the_reset_time_is_read_in_every_format(value: str) -> None:
    error = refusal(429, "", {"x-rate-limit-reset-at-utc": value}, now=NOW)

    assert error.reset_at == pytest.approx(NOW + 60)


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "-5", "12:00", "9" * 400])
def test_a_reset_time_that_cannot_be_read_is_none(value: str) -> None:
    assert refusal(429, "", {"x-rate-limit-reset-at-utc": value}, now=NOW).reset_at is None


@pytest.mark.parametrize(
    ("value", "wait_s"), [("30", 30), ("Mon, 21 Sep 2026 14:13:50 GMT", 30), ("0", 0), ("soon", None)]
)
def test_retry_after_is_read_as_seconds_or_date(value: str, wait_s: float | None) -> None:
    assert refusal(429, "", {"Retry-After": value}, now=NOW).retry_after_s == wait_s


def test_a_wrong_clock_of_ours_does_not_stretch_the_wait() -> None:
    an_hour_slow = NOW - 3600
    headers = {"x-rate-limit-reset-at-utc": "2026-09-21T14:13:50Z", "Date": "Mon, 21 Sep 2026 14:13:20 GMT"}

    assert refusal(429, "", headers, now=an_hour_slow).reset_at == an_hour_slow + 30


@pytest.mark.parametrize("status", [400, 422, 429, 504])
def test_a_refusal_has_no_id_to_be_followed(status: int) -> None:
    error = refusal(status, '{"request_id": "r-1", "status": "FAILED"}', {"x-request-id": "r-1"}, now=NOW)

    assert error.request_id is None
    assert "r-1" in error.body_start


@given(st.integers(300, 999), st.text() | st.binary().map(lambda raw: raw.decode("latin-1")), st.text())
def test_no_answer_is_too_odd_for_a_class(status: int, text: str, header: str) -> None:
    error = refusal(status, text, {"x-rate-limit-reset-at-utc": header, "Retry-After": header, "Date": header}, now=NOW)

    assert isinstance(error.error_class, ErrorClass)
    assert len(str(error)) < 600
