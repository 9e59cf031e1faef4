"""What the sandbox tells about itself, under ``/sandbox/``: bills, requests, faults and state.  No key is needed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from aiohttp import web

from pipeline.errors import InputError
from pipeline.money import usd
from pipeline.sandbox.answers import as_json
from pipeline.sandbox.faults import FAULTS, plan_from
from pipeline.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from pipeline.sandbox.backend import Backend

WELCOME = """photobatch sandbox: a local provider; nothing here costs money.

POST /v1/<endpoint>, /v2/<endpoint>     with x-api-key: any key that begins with SG_
GET  /v1/get-user-credits               balance
GET  /sandbox/bills                     what was billed
GET  /sandbox/requests                  every request and its answer
GET  /sandbox/state                     jobs and money
POST /sandbox/faults                    {"rules": [...], "rates": {...}}; [] clears
"""


class ControlRoutes:
    """Handlers for tests and people."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def welcome(self, request: web.Request) -> web.Response:
        """``GET /``."""
        del request
        return web.Response(text=WELCOME)

    async def bills(self, request: web.Request) -> web.Response:
        """``GET /sandbox/bills``."""
        del request
        account = self._backend.account
        bills = [bill.as_json() for bill in account.bills.values()]
        return as_json({"bills": bills, "count": len(bills), "total_usd": usd(account.billed_nano)})

    async def requests(self, request: web.Request) -> web.Response:
        """``GET /sandbox/requests``."""
        del request
        return as_json({"requests": self._backend.log.as_json(), "counts": self._backend.log.counts})

    async def faults(self, request: web.Request) -> web.Response:
        """``GET /sandbox/faults``."""
        del request
        return as_json({**self._backend.faults.as_json(), "known": list(FAULTS)})

    async def set_faults(self, request: web.Request) -> web.Response:
        """``POST /sandbox/faults``: replaces the plan; an empty list clears it."""
        try:
            self._backend.faults = plan_from(await request.json())
        except InputError as error:
            raise Refusal(400, str(error)) from error
        except ValueError as error:
            raise Refusal(400, f"the fault plan is not JSON: {error}") from error
        return as_json(self._backend.faults.as_json())

    async def state(self, request: web.Request) -> web.Response:
        """``GET /sandbox/state``."""
        del request
        backend, account = self._backend, self._backend.account
        return as_json(
            {
                "balance_usd": usd(account.balance_nano),
                "billed_usd": usd(account.billed_nano),
                "reserved_usd": usd(account.reserved_nano),
                "bills": len(account.bills),
                "jobs": Counter(job.status for job in backend.jobs.by_id.values()),
                "requests": backend.log.counts,
                "faults": backend.faults.as_json(),
            }
        )
