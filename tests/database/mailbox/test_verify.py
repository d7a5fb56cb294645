"""`verify` finds what is wrong, and names it."""

from typing import Any

import pytest

from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.testing.storecontract import ALICE, inbox, letter, put


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("UPDATE account SET octets = octets + 1", "octets"),
        ("UPDATE account SET modseq = 1", "modseq"),
        ("UPDATE mailbox SET unseen = unseen + 1 WHERE path = 'INBOX'", "unseen"),
        ("UPDATE mailbox SET uid_next = 2 WHERE path = 'INBOX'", "uid"),
        ("UPDATE mailbox SET path = 'Trash' WHERE path = 'Sent'", "2 mailboxes named 'Trash'"),
        ("DELETE FROM mailbox WHERE path = 'INBOX'", "has no inbox"),
        ("UPDATE mailbox SET account_id = 9 WHERE path = 'Junk'", "belongs to no account"),
        ("UPDATE placement SET flags = 1 WHERE mailbox_id = (SELECT id FROM mailbox WHERE path = 'Sent')", "different"),
        ("UPDATE placement SET keywords = 'x' WHERE uid = 2", "different flags"),
        ("DELETE FROM email WHERE id = (SELECT email_id FROM placement WHERE uid = 1)", "does not agree"),
        ("UPDATE email SET trace = x'00'", "does not agree"),
        ("DELETE FROM deleted_item", "lies nowhere"),
        ("UPDATE deleted_item SET account_id = 7", "deleted item"),
        ("UPDATE content SET hash = NULL WHERE id = (SELECT min(id) FROM content)", "has no content"),
        ("UPDATE content SET hash = x'00' WHERE id = (SELECT min(id) FROM content)", "the bytes of its hash"),
        ("UPDATE chunk SET data = x'00'", "fails its checksum"),
        ("DELETE FROM chunk", "has 0 octets"),
        ("UPDATE counter SET value = 1", "is in use"),
        ("INSERT INTO chunk (id, form, checksum, data) VALUES (1, 0, 0, x'')", "belongs to no content"),
    ],
)
def test_damage_is_found(database: Any, damage: str, sentence: str) -> None:
    async def test(store: Any, engine: Any) -> None:
        box = await inbox(store)
        await put(store, box, letter("one"), letter("two"), letter("three"))
        await store.copy(box.id, [2], (await store.mailbox(ALICE, "Sent")).id)
        await store.remove(box.id, [3])
        schema = MailboxSchema()
        with engine.read() as cursor:
            assert list(schema.verify(cursor)) == []
        found: list[str] = []

        def damaged(cursor: Any) -> None:
            cursor.execute(damage)
            found.extend(schema.verify(cursor))
            raise LookupError

        with pytest.raises(LookupError):
            await engine.write(damaged)
        assert any(sentence in each for each in found), found

    database.run(test)
