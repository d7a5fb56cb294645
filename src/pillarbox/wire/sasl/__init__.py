"""SASL, server side, without I/O: how a client proves who it is. One file per mechanism (RFC 4422)."""
