"""Connections: listeners, TLS, limits, and the one loop that drives every wire session. asyncio lives here."""
