"""What the sandbox leaves to chance, from one seed: prices, latencies and the seeds of jobs.

Knows nothing of accounts or HTTP.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.money import nano

if TYPE_CHECKING:
    from pipeline.endpoints import Endpoint
    from pipeline.sandbox.options import SandboxOptions

UNPRICED_NANO = nano(0.05)
"""Price of an endpoint that names none: a plug-in's."""
FAST_S = (0.02, 0.05)
QUEUE_SHARE = 0.08
"""Part of the latency that is spent in the queue."""
SPREAD = 0.12
"""Sigma of the log-normal spread around the typical latency."""
MAX_SEED = 2**31 - 1


class Timing(NamedTuple):
    """How long a job waits and works, in seconds."""

    queue_s: float
    work_s: float


class Chance:
    """Draws in the order in which jobs are accepted."""

    def __init__(self, options: SandboxOptions) -> None:
        self._options = options
        self._random = random.Random(options.seed)  # noqa: S311 - a rehearsal must be repeatable, not secret
        self._warm: set[str] = set()

    def price_nano(self, endpoint: Endpoint, params: Mapping[str, Any]) -> int:
        """What a call of *endpoint* with *params* will cost, in nano-dollars."""
        prices = self._options.prices
        if isinstance(prices, Mapping) and endpoint.slug in prices:
            return nano(prices[endpoint.slug])
        if isinstance(prices, int | float):
            return nano(prices)
        price = endpoint.price_of(params)
        if price is None:
            return UNPRICED_NANO
        if prices == "random":
            return self._random.randint(price.low_nano, price.worst_nano)
        return price.typical_nano

    def timing(self, endpoint: Endpoint) -> Timing:
        """How long the next job of *endpoint* takes."""
        whole_s = self._whole_s(endpoint)
        if endpoint.slug not in self._warm:
            self._warm.add(endpoint.slug)
            return Timing(QUEUE_SHARE * whole_s + self._options.cold_boot_s, (1 - QUEUE_SHARE) * whole_s)
        return Timing(QUEUE_SHARE * whole_s, (1 - QUEUE_SHARE) * whole_s)

    def seed(self, endpoint: Endpoint, params: Mapping[str, Any]) -> int | None:
        """The seed that a job runs with: the one sent, or a drawn one; None when the endpoint has no seed."""
        if "seed" not in endpoint.fields:
            return None
        sent = params.get("seed", endpoint.defaults()["seed"])
        if sent is None or (endpoint.seed is not None and sent == endpoint.seed[1]):
            return self._random.randint(0, MAX_SEED)
        return int(sent)

    def _whole_s(self, endpoint: Endpoint) -> float:
        latency = self._options.latency
        if latency == "fast":
            return self._random.uniform(*FAST_S)
        if latency == "real":
            return endpoint.latency_s * self._random.lognormvariate(0, SPREAD)
        return float(latency)
