"""The queue transport (``/v2``): submit, poll, fetch.  A request id makes a crash after the submit harmless."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pipeline.errors import CallError, ErrorClass
from pipeline.provider.charges import charges_of, identity
from pipeline.provider.client import Client, serialised
from pipeline.provider.pictures import pictures_in
from pipeline.provider.refusals import failure
from pipeline.provider.results import Progress, accepted_of, answer_of, progress_of, request_id_in, says_broken
from pipeline.provider.wording import parsed, start_of, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.provider.wire import Reply
    from pipeline.task import Accepted, Answer


class QueueProvider(Client):
    """Submits to the queue."""

    async def submit(self, endpoint: str, body: Mapping[str, Any]) -> Accepted | Answer:
        """Submit *body*: exactly one request.  Raises CallError; ``answered`` is False when it may be billed."""
        reply = await self._wire.post(
            self.hosts.queue(endpoint),
            serialised(body),
            total_s=self.timeouts.answer_s,
            most_bytes=self.timeouts.max_output_bytes,
        )
        if not reply.ok:
            error = self._wire.refuse(reply)
            error.may_go_on = reply.status == HTTPStatus.GATEWAY_TIMEOUT  # it may have been taken all the same
            raise error
        return self._taken(reply)

    def _taken(self, reply: Reply) -> Accepted | Answer:
        document = parsed(reply.body)
        charges = charges_of(reply.headers, document)
        told = document if isinstance(document, dict) else {}
        # Not from the header: on this path nobody documents that it is the id of the task.
        request_id = identity(told.get("request_id")) or request_id_in(reply.body)
        if says_broken(document):
            raise failure(reply.status, self._wire.text(reply))
        # Only then: an answer with an id that is not finished may echo its input image.
        finished = progress_of(document) is Progress.FINISHED or request_id is None
        if finished and (pictures := pictures_in(reply.body)):
            return answer_of(pictures, charges, request_id)
        if request_id is None:
            raise self._unheard(reply)
        return accepted_of(request_id, told, self.hosts)

    def _unheard(self, reply: Reply) -> CallError:
        """Give the error of a success without a request id: it is perhaps billed, and cannot be followed."""
        text = self._wire.text(reply)
        said = str(reply.cut) if reply.cut else f"the answer has no request id: {words_of(text) or 'it is empty'}"
        return CallError(
            said,
            reply.cut.error_class if reply.cut else ErrorClass.BAD_OUTPUT,
            http_status=reply.status,
            answered=False,
            body_start=start_of(text),
        )
