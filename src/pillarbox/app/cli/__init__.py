"""The command line: one file per group of commands, all on the same site."""
