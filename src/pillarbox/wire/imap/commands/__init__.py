"""The commands of IMAP: one file for each (trivial ones together) with its noun and its grammar."""
