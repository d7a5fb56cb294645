"""The letter: headers, addresses, dates, the MIME tree, what IMAP shows of it, previews. Pure; needs only base."""
