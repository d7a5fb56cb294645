"""The languages Pillarbox speaks, as state machines without I/O."""
