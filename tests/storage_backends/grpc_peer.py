"""A gRPC server for tests of the client, made of the library h2, which raises on everything that HTTP/2 forbids."""

import asyncio
from contextlib import asynccontextmanager

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes, Settings

HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
GOOD = [("grpc-status", "0"), ("grpc-message", "")]


def framed(content: bytes) -> bytes:
    return b"\0" + len(content).to_bytes(4, "big") + content


class Peer(asyncio.Protocol):
    """One connection. ``answer`` is called with the peer, the number of a stream and all that arrived on it."""

    def __init__(self, server):
        self.server = server
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.bodies = {}
        self.headers = {}
        self.failure = None
        self.paced = {}

    def connection_made(self, transport):
        self.transport = transport
        self.server.peers.append(self)
        self.h2.local_settings = Settings(client=False, initial_values=self.server.settings)
        self.h2.initiate_connection()
        self.flush()

    def data_received(self, data):
        for event in self.h2.receive_data(data):
            if isinstance(event, RequestReceived):
                self.bodies[event.stream_id] = b""
                self.headers[event.stream_id] = dict(event.headers)
            elif isinstance(event, DataReceived):
                self.bodies[event.stream_id] += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self.server.on_data(self, event.stream_id)
            elif isinstance(event, StreamEnded):
                self.server.on_request(self, event.stream_id)
            elif isinstance(event, StreamReset):
                self.server.resets.append((event.stream_id, event.error_code))
            elif isinstance(event, ConnectionTerminated):
                self.server.goodbyes.append(event.error_code)
        self.pump()
        self.flush()

    def flush(self):
        self.transport.write(self.h2.data_to_send())

    def say(self, stream, content, headers=HEADERS):
        """Begin an answer, and send as much of the content as the client has room for; the rest follows."""
        if headers:
            self.h2.send_headers(stream, headers)
        self.paced[stream] = self.paced.get(stream, b"") + content
        self.pump()

    def pump(self):
        for stream, content in list(self.paced.items()):
            while content:
                room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(content))
                if room <= 0:
                    break
                self.h2.send_data(stream, content[:room])
                content = content[room:]
            self.paced[stream] = content
        self.flush()

    def end(self, stream, trailers=GOOD):
        self.h2.send_headers(stream, trailers, end_stream=True)
        self.flush()

    def reply(self, stream, content):
        """Answer at once; what is larger than the client's window must be sent otherwise."""
        self.say(stream, framed(content))
        self.end(stream)


def echo(peer, stream):
    peer.reply(stream, peer.bodies[stream][5:])


class Server:
    """What the peers have in common: settings to announce, what to do with requests, and what was noticed."""

    def __init__(self, on_request=echo, settings=None, on_data=lambda peer, stream: None):
        self.on_request = on_request
        self.on_data = on_data
        self.settings = {SettingCodes[name]: value for name, value in (settings or {}).items()}
        self.peers = []
        self.resets = []
        self.goodbyes = []


@asynccontextmanager
async def listening(make_protocol, **options):
    """Yield the port of a server."""
    server = await asyncio.get_running_loop().create_server(make_protocol, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
