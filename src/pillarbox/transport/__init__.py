"""The transport: what may come in, where it goes, and getting it there."""
