"""Mail from and to files: mbox, Maildir and trees of .eml files, with flags and dates."""
