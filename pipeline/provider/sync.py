"""The blocking transport (``/v1``): one request, and its answer is the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.errors import CallError, ErrorClass
from pipeline.provider.charges import charges_of
from pipeline.provider.client import Client, serialised
from pipeline.provider.pictures import is_image, pictures_named
from pipeline.provider.refusals import failure
from pipeline.provider.results import accepted_of, answer_of, says_broken, waits
from pipeline.provider.wording import parsed, start_of, words_of
from pipeline.task import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.provider.charges import Charges
    from pipeline.provider.wire import Reply
    from pipeline.task import Accepted, Answer

GAVE_UP = 500
"""From this status on, somebody before or behind the model gave up on a call that may have been at work for a minute:
what becomes of it nobody documents."""


class SyncProvider(Client):
    """Sends blocking calls."""

    async def submit(self, endpoint: str, body: Mapping[str, Any]) -> Accepted | Answer:
        """Send *body* and wait for its answer: exactly one request.

        Raises CallError.  ``answered`` is False when it may be billed and nothing tells; when the answer broke off
        but gave its request id, that is in the error, and the result can be had from ``wait`` or ``remembered``.
        """
        reply = await self._wire.post(
            self.hosts.blocking(endpoint),
            serialised(body),
            total_s=self.timeouts.blocking_s,
            most_bytes=self.timeouts.max_output_bytes,
        )
        if not reply.ok:
            error = self._wire.refuse(reply)
            error.may_go_on = error.answered and reply.status >= GAVE_UP
            raise error
        if reply.cut:
            raise _cut(reply, reply.cut)
        if is_image(reply.body):
            return answer_of((Picture(data=reply.body),), charges_of(reply.headers))
        return self._read(reply, parsed(reply.body))

    def _read(self, reply: Reply, document: Any) -> Accepted | Answer:
        charges = charges_of(reply.headers, _first_object(document))
        if says_broken(document):
            raise failure(reply.status, self._wire.text(reply))
        if charges.request_id and waits(document):
            return accepted_of(charges.request_id, document, self.hosts)
        pictures = pictures_named(document)
        if not pictures:
            raise self._pictureless(reply, charges)
        return answer_of(pictures, charges)

    def _pictureless(self, reply: Reply, charges: Charges) -> CallError:
        text = self._wire.text(reply)
        error = CallError(
            f"the answer is no image and names none: {words_of(start_of(text)) or 'it is empty'}",
            ErrorClass.BAD_OUTPUT,
            http_status=reply.status,
            body_start=start_of(text),
            request_id=charges.request_id,
            billed_nano=charges.billed_nano,
        )
        error.may_go_on = charges.request_id is None  # the history may know the call that it was the answer to
        return error


def _cut(reply: Reply, cut: CallError) -> CallError:
    """Give the error of a success whose body was lost: the headers may still say what to fetch."""
    charges = charges_of(reply.headers)
    return CallError(
        str(cut),
        cut.error_class,
        http_status=reply.status,
        answered=charges.request_id is not None or cut.error_class is ErrorClass.BAD_OUTPUT,
        request_id=charges.request_id,
        billed_nano=charges.billed_nano,
    )


def _first_object(document: Any) -> Any:
    if isinstance(document, list):
        return next((item for item in document if isinstance(item, dict)), None)
    return document
