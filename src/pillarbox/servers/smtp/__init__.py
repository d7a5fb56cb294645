"""The SMTP, submission and LMTP servers: mail in, over one handler family (RFC 5321, RFC 6409, RFC 2033)."""
