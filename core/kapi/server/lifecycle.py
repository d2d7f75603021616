"""The life of a server as events, in the order in which they happen."""

import asyncio


class Lifecycle:
    """Tells the parts of a server how far it is. Every event is set once and stays set.

    - ``started``: requests can be served (hooks may still be at work: ``/readyz`` knows);
    - ``shutdown_initiated``: the end has been asked for; ``/readyz`` fails from here on, requests are still served;
    - ``not_accepting``: no new connections are taken; watches end;
    - ``drained``: no request is under way any more; the storage may stop.
    """

    def __init__(self) -> None:
        """Begin with nothing having happened."""
        self.started = asyncio.Event()
        self.shutdown_initiated = asyncio.Event()
        self.not_accepting = asyncio.Event()
        self.drained = asyncio.Event()

    async def check_shutdown(self) -> None:
        """Fail once the end has been asked for (the ``shutdown`` check of ``/readyz``)."""
        if self.shutdown_initiated.is_set():
            raise ShuttingDown("process is shutting down")


class ShuttingDown(Exception):
    """The server is on its way out."""
