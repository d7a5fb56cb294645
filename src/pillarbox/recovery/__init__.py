"""Backup, archive, restore, play-forward, drill and standby: on the ports of `model/recovery.py`."""
