"""Calls of gRPC on a connection: with one answer, or with a stream of them (gRPC over HTTP/2:
https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from kapi_storage.etcd3_frames import MessageReader
from kapi_storage.etcd3_headers import Head, Headers
from kapi_storage.etcd3_session import Session, Stream
from kapi_storage.etcd3_status import Code, Failure, RpcError

AnswerT = TypeVar("AnswerT")
Parse = Callable[[bytes], AnswerT]

_NO_STATUS = Failure(Code.UNAVAILABLE, "etcd has ended the call without saying how")
_NO_GRPC = Failure(Code.UNKNOWN, "the server does not speak gRPC")


class _Call(Stream, Generic[AnswerT]):
    """What both have in common."""

    __slots__ = ("_ending", "_parse", "_reader")

    def __init__(self, headers: Headers, milliseconds: int, parse: Parse[AnswerT]) -> None:
        super().__init__(headers, milliseconds)
        self._parse = parse
        self._reader = MessageReader()
        self._ending: Failure | None = _NO_STATUS

    def on_head(self, head: Head) -> None:
        """Remember how the call ended, or that it will not go well."""
        if head.ended or head.failure is not None:
            self._ending = head.failure
        elif head.status and not head.grpc:
            self._ending = _NO_GRPC

    def _read(self, message: bytes) -> AnswerT:
        try:
            return self._parse(message)
        except Exception as error:  # what the generated code raises is its own affair
            raise RpcError(Code.INTERNAL, "etcd has sent what is no message") from error


class Unary(_Call[AnswerT]):
    """A call with one answer: ``answer``, whose exception is an RpcError."""

    __slots__ = ("_timer", "_value", "answer", "session")

    def __init__(self, headers: Headers, timeout: float, parse: Parse[AnswerT]) -> None:
        """Take the deadline in seconds: it begins to run now."""
        super().__init__(headers, max(1, int(timeout * 1000)), parse)
        loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[AnswerT] = loop.create_future()
        self.session: Session | None = None
        self._value: AnswerT | None = None
        self._timer = loop.call_later(timeout, self._too_late)

    def on_data(self, content: bytes) -> None:
        """Take the answer."""
        for message in self._reader.feed(content):
            self._value = self._read(message)

    def on_end(self) -> None:
        """Answer, if the server says that all went well."""
        if self._ending is not None:
            self.on_failure(RpcError(*self._ending))
        elif self._value is None:
            self.on_failure(RpcError(Code.INTERNAL, "etcd has sent no answer"))
        else:
            self._timer.cancel()
            if not self.answer.done():
                self.answer.set_result(self._value)

    def on_failure(self, failure: RpcError) -> None:
        """Pass on why there is no answer."""
        self._timer.cancel()
        if not self.answer.done():
            self.answer.set_exception(failure)

    def _too_late(self) -> None:
        if self.session is not None:
            self.session.drop(self)
        self.on_failure(RpcError(Code.DEADLINE_EXCEEDED, "etcd did not answer in time", unsent=self.id == 0))


class Bidirectional(_Call[AnswerT]):
    """A call that sends and gets messages until one side ends it."""

    __slots__ = ("_failure", "_held", "_messages", "_session", "_waiter")

    def __init__(self, session: Session, headers: Headers, parse: Parse[AnswerT]) -> None:
        """Take the connection that it is on; it has begun when the first message was written."""
        super().__init__(headers, 0, parse)
        self._session = session
        self._messages: deque[bytes] = deque()
        self._held = 0
        self._failure: RpcError | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def held(self) -> int:
        """How many bytes wait to be read."""
        return self._held

    @property
    def ended(self) -> bool:
        """Whether nothing more arrives; there may be something to read still."""
        return self._failure is not None

    def write(self, content: bytes) -> None:
        """Send a message (with its head); the first one begins the call."""
        if self._failure is None:
            if self.id or self.outgoing:
                self._session.send(self, content)
            else:
                self._session.begin(self, content, end=False)

    async def read(self) -> AnswerT:
        """Return the next message. Raises RpcError at the end. A reader that is cancelled ends nothing."""
        while not self._messages:
            if self._failure is not None:
                raise RpcError(self._failure.code, self._failure.details, unsent=self._failure.unsent)
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            try:
                await waiter
            finally:
                if self._waiter is waiter:  # who was cancelled may end after the next reader has begun
                    self._waiter = None
        return self.take()

    @property
    def readable(self) -> bool:
        """Whether ``take`` has something to return."""
        return bool(self._messages)

    def take(self) -> AnswerT:
        """Return the next message, which must be there. Raises RpcError for one that cannot be parsed."""
        message = self._messages.popleft()
        self._held -= len(message)
        self._session.taken(self)
        return self._read(message)

    def cancel(self) -> None:
        """End the call; who waits for a message, or asks for one, gets RpcError."""
        if self._failure is None:
            self._session.drop(self)
            self._messages.clear()
            self._held = 0
            self.on_failure(RpcError(Code.CANCELLED, "the call was cancelled"))

    def on_data(self, content: bytes) -> None:
        """Keep the messages that are whole."""
        for message in self._reader.feed(content):
            self._messages.append(message)
            self._held += len(message)
        self._wake()

    def on_end(self) -> None:
        """Let the reader know."""
        self.on_failure(RpcError(*(self._ending or (Code.UNAVAILABLE, "etcd ended the stream"))))

    def on_failure(self, failure: RpcError) -> None:
        """Let the reader know, when it has read all that came before."""
        if self._failure is None:
            self._failure = failure
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
