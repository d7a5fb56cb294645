"""The nouns of a mail system and the ports between its parts. Pure: no I/O, no protocol words."""
