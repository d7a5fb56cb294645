"""Which function reads which command, and reading the beginning of a framed one.

`state.RULES` has the keys of both tables: where each is legal.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.commands import (
    copy,
    expunge,
    fetch,
    names,
    quota,
    search,
    select,
    simple,
    sort,
    store,
    thread,
)
from pillarbox.wire.imap.commands.append import AppendStart, parse_append, parse_replace
from pillarbox.wire.imap.commands.authenticate import Authenticate, authenticate
from pillarbox.wire.imap.commands.cancelupdate import CancelUpdate, cancelupdate
from pillarbox.wire.imap.commands.enable import Enable, enable
from pillarbox.wire.imap.commands.esearch import Esearch, esearch
from pillarbox.wire.imap.commands.identify import Id, identify
from pillarbox.wire.imap.commands.list import List, Lsub, list_, lsub
from pillarbox.wire.imap.commands.login import Login, login
from pillarbox.wire.imap.commands.status import Status, status
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.fragments import Literal

Command = (
    simple.Capability | simple.Noop | simple.Logout | simple.StartTls | simple.Check | simple.Close
    | simple.Unauthenticate | simple.Unselect | simple.Namespaces | simple.Idle | Id | Authenticate | Login | Enable
    | select.Select
    | names.Create | names.Delete | names.Rename | names.Subscribe | names.Unsubscribe | List | Lsub | Status
    | quota.GetQuota | quota.GetQuotaRoot | quota.SetQuota | search.Search | fetch.Fetch | store.Store
    | copy.Copy | copy.Move | expunge.Expunge | sort.Sort | thread.Thread | Esearch | CancelUpdate
)  # fmt: skip
Parse = Callable[[bytes, Cursor], Command]

PARSERS: Mapping[bytes, Parse] = MappingProxyType(
    {
        b"CAPABILITY": simple.capability,
        b"NOOP": simple.noop,
        b"ID": identify,
        b"LOGOUT": simple.logout,
        b"STARTTLS": simple.starttls,
        b"AUTHENTICATE": authenticate,
        b"LOGIN": login,
        b"ENABLE": enable,
        b"UNAUTHENTICATE": simple.unauthenticate,
        b"SELECT": select.select,
        b"EXAMINE": select.examine,
        b"CREATE": names.create,
        b"DELETE": names.delete,
        b"RENAME": names.rename,
        b"SUBSCRIBE": names.subscribe,
        b"UNSUBSCRIBE": names.unsubscribe,
        b"LIST": list_,
        b"LSUB": lsub,
        b"NAMESPACE": simple.namespace,
        b"STATUS": status,
        b"IDLE": simple.idle,
        b"GETQUOTA": quota.getquota,
        b"GETQUOTAROOT": quota.getquotaroot,
        b"SETQUOTA": quota.setquota,
        b"CHECK": simple.check,
        b"CLOSE": simple.close,
        b"UNSELECT": simple.unselect,
        b"EXPUNGE": expunge.expunge,
        b"SEARCH": search.search,
        b"SORT": sort.sort,
        b"THREAD": thread.thread,
        b"ESEARCH": esearch,
        b"CANCELUPDATE": cancelupdate,
        b"FETCH": fetch.fetch,
        b"STORE": store.store,
        b"COPY": copy.copy,
        b"MOVE": copy.move,
        b"UID EXPUNGE": expunge.uid_expunge,
        b"UID SEARCH": search.uid_search,
        b"UID SORT": sort.uid_sort,
        b"UID THREAD": thread.uid_thread,
        b"UID FETCH": fetch.uid_fetch,
        b"UID STORE": store.uid_store,
        b"UID COPY": copy.uid_copy,
        b"UID MOVE": copy.uid_move,
    }
)

STREAMING: Mapping[bytes, Callable[[bytes, Cursor, Literal], AppendStart | None]] = MappingProxyType(
    {
        b"APPEND": parse_append,
        b"REPLACE": partial(parse_replace, uid=False),
        b"UID REPLACE": partial(parse_replace, uid=True),
    }
)
"""Those whose message is streamed: read up to the literal that is announced."""


class Head(NamedTuple):
    """A command's tag and verb (in capitals; UID and its verb together), and the cursor behind them.

    An empty `tag` means that there is none to be had; an empty `verb`, that none follows the tag.
    """

    tag: bytes
    verb: bytes
    cursor: Cursor


def head(text: bytes, utf8: bool = False) -> Head:
    """command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF, its first words"""
    cursor = Cursor(text, 0, utf8)
    try:
        tag = grammar.tag(cursor)
    except ParseError:
        return Head(b"", b"", cursor)
    try:
        cursor.space()
        verb = grammar.atom(cursor).upper()
        if verb == b"UID":
            cursor.space()
            verb += b" " + grammar.atom(cursor).upper()
    except ParseError:
        return Head(tag, b"", cursor)
    return Head(tag, verb, cursor)
