"""The way to one server: it connects when a call needs it, again whenever it must, and not too often."""

import asyncio
import os
import ssl
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from kapi.contracts.storage import Unavailable
from kapi_storage.etcd3_calls import Bidirectional, Parse, Unary
from kapi_storage.etcd3_frames import message
from kapi_storage.etcd3_headers import Headers
from kapi_storage.etcd3_servers import Server
from kapi_storage.etcd3_session import Session
from kapi_storage.etcd3_status import Code, RpcError

AnswerT = TypeVar("AnswerT")

CONNECT_SECONDS = 3.0
FIRST_PAUSE, LAST_PAUSE = 0.05, 1.0
"""How long after a failed attempt to connect calls fail at once."""
_ALPN = "h2"


class TLSFiles(NamedTuple):
    """PEM files; without ``ca`` the authorities of the system are trusted."""

    ca: Path | None
    certificate: Path | None
    key: Path | None


def tls_context(files: TLSFiles) -> ssl.SSLContext:
    """Return what TLS needs. Raises Unavailable for files that cannot be read."""
    try:
        context = ssl.create_default_context(cafile=files.ca)
        if files.certificate is not None:
            context.load_cert_chain(files.certificate, files.key, password=lambda: "")
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        names = ", ".join(str(path) for path in files if path is not None)
        raise Unavailable(f"cannot use {names} for the connection to etcd: {_said(error)}") from error
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13 sets it; kube-apiserver takes what it refuses
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([_ALPN])
    return context


class Channel:
    """See the module."""

    def __init__(self, server: Server, tls: TLSFiles | None) -> None:
        """Take the server, and what TLS needs, if it is to be used: read for each connection, as files are renewed."""
        self.server = server
        self._tls = tls
        self._session: Session | None = None
        self._sessions: list[Session] = []
        self._connecting: asyncio.Task[Session] | None = None
        self._failed: RpcError | None = None
        self._again = 0.0
        self._pause = FIRST_PAUSE
        self._closed = False

    def headers(self, path: str) -> Headers:
        """Return the headers of the calls of a method."""
        return (
            (b":method", b"POST"),
            (b":scheme", b"https" if self._tls else b"http"),
            (b":path", path.encode()),
            (b":authority", self.server.target.encode()),
            (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
            (b"user-agent", b"kapi"),
            (b"hasleader", b"true"),
        )

    def call(
        self, headers: Headers, content: bytes, parse: Parse[AnswerT], timeout: float
    ) -> "asyncio.Future[AnswerT]":
        """Call a method; the future's exception is an RpcError. To cancel it recalls nothing."""
        call = Unary(headers, timeout, parse)
        session = self._session
        if session is not None:
            call.session = session
            session.begin(call, message(content), end=True)
        else:
            self._connect().add_done_callback(partial(self._begin, call, message(content)))
        return call.answer

    async def stream(self, headers: Headers, parse: Parse[AnswerT]) -> Bidirectional[AnswerT]:
        """Return a call that sends and gets many messages. Raises RpcError if there is no connection."""
        session = self._session
        if session is None:
            try:
                session = await asyncio.shield(self._connect())
            except RpcError as failure:
                raise _fresh(failure) from None
        return Bidirectional(session, headers, parse)

    async def close(self) -> None:
        """End all calls."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait((self._connecting,))
        for session in self._sessions:
            if not session.lost:
                session.close("the connection is not used any more")

    def _begin(self, call: Unary[AnswerT], content: bytes, connecting: "asyncio.Future[Session]") -> None:
        failure = None if connecting.cancelled() else connecting.exception()
        if connecting.cancelled():
            failure = RpcError(Code.CANCELLED, "the connection is not used any more", unsent=True)
        if failure is not None:
            call.on_failure(_fresh(failure))
        elif not call.answer.done():
            call.session = session = connecting.result()
            session.begin(call, content, end=True)

    def _connect(self) -> "asyncio.Future[Session]":
        """Return the attempt to connect that is under way, or begin one."""
        loop = asyncio.get_running_loop()
        if self._failed is not None and loop.time() < self._again:
            refused: asyncio.Future[Session] = loop.create_future()
            refused.set_exception(_fresh(self._failed))
            return refused
        if self._connecting is None or self._connecting.done():
            self._connecting = loop.create_task(self._open(), name="kapi-etcd3-connect")
            self._connecting.add_done_callback(_look_at)
        return self._connecting

    async def _open(self) -> Session:
        """Raises RpcError."""
        loop = asyncio.get_running_loop()
        try:
            session = await self._opened()
        except (OSError, TimeoutError, RpcError, Unavailable) as error:
            self._failed = RpcError(
                Code.UNAVAILABLE, f"cannot connect to {self.server.target}: {_said(error)}", unsent=True
            )
            self._again = loop.time() + self._pause
            self._pause = min(2 * self._pause, LAST_PAUSE)
            raise self._failed from error
        self._failed, self._pause = None, FIRST_PAUSE
        self._session = session if session.usable else None
        return session

    async def _opened(self) -> Session:
        loop = asyncio.get_running_loop()
        host, port = self.server.host, self.server.port
        context = tls_context(self._tls) if self._tls is not None else None
        async with asyncio.timeout(CONNECT_SECONDS):
            transport, session = await loop.create_connection(
                lambda: Session(self._forget), host, port, ssl=context, server_hostname=host if context else None
            )
            try:
                chosen = transport.get_extra_info("ssl_object")
                if chosen is not None and chosen.selected_alpn_protocol() != _ALPN:
                    raise RpcError(Code.UNAVAILABLE, "it does not speak HTTP/2")
                await session.ready
            except BaseException:
                session.close("given up")
                raise
        self._sessions = [*(one for one in self._sessions if not one.lost), session]
        return session

    def _forget(self, session: Session) -> None:
        """Use another connection for the calls to come."""
        if session is self._session:
            self._session = None


def _fresh(failure: BaseException) -> RpcError:
    """Return a failure once more for another caller, as each adds where it was raised."""
    if isinstance(failure, RpcError):
        return RpcError(failure.code, failure.details, unsent=failure.unsent)
    return RpcError(Code.INTERNAL, repr(failure), unsent=True)


def _said(error: Exception) -> str:
    """Return what is wrong in few words: asyncio and uvloop wrap those of the system in different ones of their own."""
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


def _look_at(task: "asyncio.Task[Session]") -> None:
    """Take note of a failure that nobody may be waiting for any more."""
    if not task.cancelled():
        task.exception()
