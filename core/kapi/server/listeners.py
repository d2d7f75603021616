"""The sockets that the server listens on, bound before anything else is started."""

import errno
import socket

from kapi.config.completed import CompletedConfig


class BindError(Exception):
    """The address cannot be listened on; the message is one line."""


def bind(config: CompletedConfig) -> socket.socket:
    """Return a socket bound to the configured address and port (0: any free one). Raises BindError."""
    address, port = config.bind_address, config.secure_port
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        _prepare(bound, family, config.reuse_port)
        bound.bind((address, port))
        bound.listen(2048)
    except OSError as ex:
        bound.close()
        raise BindError(_explained(ex, address, port)) from ex
    bound.setblocking(False)
    return bound


def _prepare(bound: socket.socket, family: int, reuse_port: bool) -> None:
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if reuse_port:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def _explained(ex: OSError, address: str, port: int) -> str:
    if ex.errno == errno.EADDRINUSE:
        return f"port {port} of {address} is in use: stop what listens there, or choose another with --secure-port"
    if ex.errno == errno.EACCES:
        return f"no permission to listen on port {port}: choose one above 1023 with --secure-port"
    if ex.errno == errno.EADDRNOTAVAIL:
        return f"{address} is not an address of this machine: choose another with --bind-address"
    return f"cannot listen on {address} port {port}: {ex.strerror}"
