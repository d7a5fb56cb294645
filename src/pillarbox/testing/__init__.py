"""Fakes, contract suites and dialogs: public, for whoever writes a part of a mail system or tests one."""
