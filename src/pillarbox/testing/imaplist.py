"""A strict reader for the parenthesised lists IMAP sends, and checks of ENVELOPE and BODYSTRUCTURE against their
grammar (RFC 9051 section 9). For tests: raises NotImap, or fails an assertion, on anything that is not allowed."""


class NotImap(AssertionError):
    """The bytes are no parenthesised list."""


def read_list(data: bytes) -> list[object]:
    """The one list that `data` is: lists, bytes for strings, None for NIL, int for numbers."""
    value, at = _value(data, 0)
    if at != len(data) or not isinstance(value, list):
        raise NotImap(data[at : at + 40])
    return value


def _value(data: bytes, at: int) -> tuple[object, int]:
    first = data[at : at + 1]
    if first == b"(":
        return _items(data, at + 1)
    if first == b'"':
        return _quoted(data, at + 1)
    if first == b"{":
        end = data.index(b"}\r\n", at)
        size = int(data[at + 1 : end])
        text = data[end + 3 : end + 3 + size]
        if len(text) != size or b"\0" in text:
            raise NotImap(data[at : at + 40])
        return text, end + 3 + size
    end = at
    while end < len(data) and data[end : end + 1] not in b" ()":
        end += 1
    word = data[at:end]
    if word == b"NIL":
        return None, end
    if not word.isdigit():
        raise NotImap(data[at : at + 40])
    return int(word), end


def _items(data: bytes, at: int) -> tuple[list[object], int]:
    items: list[object] = []
    while data[at : at + 1] != b")":
        if items and data[at : at + 1] == b" ":
            at += 1
        elif items and data[at : at + 1] != b"(":  # only lists may follow without a space
            raise NotImap(data[at : at + 40])
        item, at = _value(data, at)
        items.append(item)
    return items, at + 1


def _quoted(data: bytes, at: int) -> tuple[bytes, int]:
    out = bytearray()
    while True:
        byte = data[at]
        if byte == 34:
            return bytes(out), at + 1
        if byte == 92:
            at += 1
            byte = data[at]
            if byte not in b'"\\':
                raise NotImap(data[at : at + 40])
        elif byte in b"\r\n\0" or byte > 127:
            raise NotImap(data[at : at + 40])
        out.append(byte)
        at += 1


def check_envelope(value: object) -> None:
    """env-date SP env-subject SP six address lists SP env-in-reply-to SP env-message-id"""
    assert isinstance(value, list) and len(value) == 10
    for at in (0, 1, 8, 9):
        assert value[at] is None or isinstance(value[at], bytes)
    for addresses in value[2:8]:
        assert addresses is None or (isinstance(addresses, list) and addresses)
        for entry in addresses or ():
            assert isinstance(entry, list) and len(entry) == 4
            assert all(item is None or isinstance(item, bytes) for item in entry)


def check_body(value: object, extended: bool) -> None:
    """body, with or without its extension data"""
    assert isinstance(value, list)
    if isinstance(value[0], list):
        children = [item for item in value if isinstance(item, list)]
        count = next(at for at, item in enumerate(value) if not isinstance(item, list))
        for child in children[:count]:
            check_body(child, extended)
        assert isinstance(value[count], bytes)
        assert len(value) == count + (5 if extended else 1)
        return
    assert isinstance(value[0], bytes) and isinstance(value[1], bytes)
    assert value[2] is None or (isinstance(value[2], list) and len(value[2]) % 2 == 0 and value[2])
    assert isinstance(value[5], bytes) and isinstance(value[6], int)
    size = 7
    if value[0] == b"text":
        assert isinstance(value[7], int)
        size = 8
    elif value[0] == b"message" and value[1] in (b"rfc822", b"global"):
        check_envelope(value[7])
        check_body(value[8], extended)
        assert isinstance(value[9], int)
        size = 10
    assert len(value) == size + (4 if extended else 0)
