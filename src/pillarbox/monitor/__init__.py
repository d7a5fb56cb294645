"""Seeing what a server does: log lines, metrics, the health page."""
