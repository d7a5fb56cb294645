"""SMTP, submission and LMTP, server side, without I/O (RFC 5321, RFC 6409, RFC 2033)."""
