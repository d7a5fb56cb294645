"""How many connections are open, in all and from each client.

A client is an IPv4 address or an IPv6 /64: whoever has one IPv6 address has the other 2^64 of its network. Limits are
per process and kept in a dict of counts, a few hundred nanoseconds a connection. A limit of 0 means none.

`canonical` brings a peer's address into the one form used in logs, limits and policies: without scope, and IPv4
as IPv4 also where it came through an IPv6 socket.
"""

import socket


def canonical(address: str) -> str:
    """`::ffff:192.0.2.1` is `192.0.2.1`; `fe80::1%eth0` is `fe80::1`."""
    if ":" not in address:
        return address
    if "%" in address:
        address = address.partition("%")[0]
    if address.startswith("::ffff:") and "." in address:
        return address[7:]
    return address


def client_of(peer: str) -> str | bytes:
    """Whom a canonical address belongs to: the address itself, or the /64 of an IPv6 address."""
    if ":" not in peer:
        return peer
    try:
        return socket.inet_pton(socket.AF_INET6, peer)[:8]
    except OSError:
        return peer


class Limits:
    """Counts of open connections; `enter` before serving one and, where it answered True, `leave` after."""

    __slots__ = ("_clients", "_open", "_per_client", "_total")

    def __init__(self, per_client: int = 0, total: int = 0) -> None:
        self._per_client = per_client
        self._total = total
        self._open = 0
        self._clients: dict[str | bytes, int] = {}

    @property
    def open(self) -> int:
        """Connections open now."""
        return self._open

    def enter(self, peer: str) -> bool:
        """Whether one more connection from `peer` is welcome; counts it where it is."""
        if self._total and self._open >= self._total:
            return False
        client = client_of(peer)
        count = self._clients.get(client, 0)
        if self._per_client and count >= self._per_client:
            return False
        self._clients[client] = count + 1
        self._open += 1
        return True

    def leave(self, peer: str) -> None:
        """A connection that was let in is gone."""
        client = client_of(peer)
        count = self._clients[client]
        if count == 1:
            del self._clients[client]
        else:
            self._clients[client] = count - 1
        self._open -= 1
