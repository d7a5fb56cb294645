"""The IMAP server: a typed command in, typed replies out, over the ports of the store and the directory."""
