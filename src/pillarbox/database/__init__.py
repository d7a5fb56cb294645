"""Logged databases: engine, transaction log, recovery, verify; the mailbox schema and its operations."""
