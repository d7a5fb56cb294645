"""Targets: where backups and logs go, each an implementation of `model.recovery.Target`."""
