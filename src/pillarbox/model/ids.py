"""Identifiers of the mail model: plain integers, told apart by type.

An `AccountId` is given by the directory and never used twice, not even after its person was deleted.
All others are given by the mailbox database that holds the thing.
"""

from typing import NewType

AccountId = NewType("AccountId", int)
MailboxId = NewType("MailboxId", int)
EmailId = NewType("EmailId", int)
ContentId = NewType("ContentId", int)
Uid = NewType("Uid", int)
ModSeq = NewType("ModSeq", int)
