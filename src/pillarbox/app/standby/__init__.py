"""Standby in the processes of a site: shipping the log, following it, holding answers back, taking over."""
