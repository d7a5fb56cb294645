"""Handlers, one package per protocol: an event in, replies out. They speak to ports only."""
