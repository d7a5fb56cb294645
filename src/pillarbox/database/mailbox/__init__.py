"""The mailbox database: accounts, mailboxes and messages in a logged database."""
