"""Standby by log shipping: the protocol between two servers, without input or output, and who of them is active."""
