"""The POP3 server: the handler between the language of `wire.pop3` and the ports of the model."""
