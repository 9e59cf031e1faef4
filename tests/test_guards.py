"""The guards of conftest.py: a test cannot leave this machine, act in somebody's name, or stop the loop."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipeline
from pipeline.ledger import Ledger


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_connection_to_another_machine_is_refused(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as outside, pytest.raises(RuntimeError, match="this machine only"):
        outside.connect((address, 80))


def test_a_name_of_the_outside_world_is_not_looked_up() -> None:
    with pytest.raises(RuntimeError, match=r"example\.org"):
        socket.getaddrinfo("example.org", 443)


def test_loopback_is_open() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()


async def test_sleeping_in_the_loop_is_refused_and_in_a_thread_is_not() -> None:
    with pytest.raises(RuntimeError, match="inside the event loop"):
        time.sleep(0)  # noqa: ASYNC251  # what the guard is for
    await asyncio.to_thread(time.sleep, 0)


async def test_waiting_for_the_ledger_in_a_coroutine_of_the_engine_is_refused_and_in_a_test_is_not(
    tmp_path: Path,
) -> None:
    place = str(Path(pipeline.__file__).with_name("impatient.py"))
    engine: dict[str, Any] = {}
    exec(compile("async def work(ledger): ledger.meta('provider')", place, "exec"), engine)
    ledger = Ledger(tmp_path)

    with pytest.raises(RuntimeError, match=r"a coroutine of impatient\.py"):
        await engine["work"](ledger)

    assert ledger.meta("provider") is None
    ledger.close()


def test_settings_of_the_person_who_runs_the_tests_are_hidden_from_subprocesses(tmp_path: Path) -> None:
    program = "import os, pathlib; print('SEGMIND_API_KEY' in os.environ, pathlib.Path.home(), pathlib.Path.cwd())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == "False"
    assert Path(said[1]) == Path(os.environ["HOME"])
    assert Path(said[2]) == tmp_path.resolve()


@given(st.integers())
def test_properties_run_inside_the_guards(number: int) -> None:
    assert Path.cwd().name.startswith("test_properties")
    assert number == int(str(number))
