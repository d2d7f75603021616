"""The outermost filter: whatever goes wrong inside, the client gets a Status."""

import logging
from collections.abc import Awaitable

from kapi.contracts.server import ASGIApp, Message, Receive, Scope, Send
from kapi.contracts.storage import StorageError, Unavailable
from kapi.endpoints.answer import send_answer, status_answer
from kapi.meta.errors import StatusError, internal_error, service_unavailable

log = logging.getLogger("kapi.server")

STORAGE_RETRY_AFTER = 1
"""Seconds; not said of writes that may have happened, as clients repeat whatever has a Retry-After."""
_READS = ("GET", "HEAD")


def with_panic_recovery(app: ASGIApp) -> ASGIApp:
    """Turn every exception into a Status; unexpected ones are logged with their traceback and become a 500.

    This is one of the three places in kapi that catch Exception. Once an answer has begun, the connection is
    closed instead.
    """

    async def recover(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        def watch_send(message: Message) -> Awaitable[None]:
            nonlocal begun
            begun = True  # nothing but the start of the answer can come first
            return send(message)

        try:
            await app(scope, receive, watch_send)
        except StatusError as error:
            failure = error
        except Unavailable as error:
            log.error("storage is unavailable: %s", error)
            harmless = error.refused or scope.get("method") in _READS
            failure = service_unavailable(f"storage is unavailable: {error}", STORAGE_RETRY_AFTER if harmless else 0)
        except StorageError as error:
            log.error("storage failed: %s", error)
            failure = internal_error(f"storage failed: {error}")
        except Exception:
            log.exception("request failed: %s %s", scope.get("method"), scope.get("path"))
            failure = internal_error("the server met an unexpected condition; its log has the details")
        else:
            return
        if not begun:
            answer = status_answer(scope, failure)
            await send_answer(scope, send, answer)

    return recover
