"""The settings file: `pillarbox.toml` read, checked and written.

`load` answers `Settings` or raises `Failure(INVALID)` with one sentence that names the file, the key, and what to
do; for an unknown key the nearest known one is suggested. `render` writes every setting with its meaning, so that
what `render` wrote `load` reads back equal.
"""

import difflib
import ipaddress
import json
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Settings
from pillarbox.model.failure import Failure

_CHOICES: dict[tuple[str, str], tuple[str, ...]] = {
    ("server", "log_format"): ("text", "json"),
    ("server", "log_level"): ("debug", "info", "warning", "error"),
    ("tls", "minimum_version"): ("1.2", "1.3"),
    ("standby", "mode"): ("async", "sync"),
    ("standby", "when_gone"): ("continue", "stop"),
}
_MAY_BE_NEGATIVE = {("pop3", "expire_days")}
_MAY_NOT_BE_EMPTY = {("server", "listen"), ("storage", "log_volumes"), ("storage", "databases")}


def load(path: Path) -> Settings:
    """The settings in a file; what it leaves out has its default."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _invalid(
            path, "is not there; make a site with `pillarbox init DIR --domain …`, or name its directory with -C"
        ) from None
    except OSError as error:
        raise _invalid(path, f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _invalid(path, f"is not valid TOML: {error}") from error
    return from_table(table, path)


def from_table(table: dict[str, Any], path: Path) -> Settings:
    """The settings in a parsed file. Raises Failure(INVALID)."""
    sections = get_type_hints(Settings)
    values: dict[str, Any] = {}
    for name, content in table.items():
        if name not in sections:
            raise _invalid(path, f"has an unknown section [{name}]{_nearest(name, sections)}")
        if not isinstance(content, dict):
            raise _invalid(path, f"has {name} as a value; it is a section: write [{name}]")
        values[name] = _section(name, sections[name], content, path)
    settings = Settings(**values)
    _check_together(settings, path)
    return settings


def _section(name: str, kind: type, content: dict[str, Any], path: Path) -> Any:
    hints = get_type_hints(kind)
    for key, value in content.items():
        where = f"[{name}] {key}"
        if key not in hints:
            raise _invalid(path, f"has an unknown key {where}{_nearest(key, hints)}")
        expected = hints[key]
        if expected is float and type(value) is int:
            content[key] = value = float(value)
        if not _fits(value, expected):
            raise _invalid(path, f"{where} must be {_kind_name(expected)}, not {json.dumps(value, default=str)}")
        allowed = _CHOICES.get((name, key))
        if allowed and value not in allowed:
            raise _invalid(path, f"{where} must be one of {', '.join(allowed)}, not {json.dumps(value)}")
        if isinstance(value, int | float) and value < 0 and (name, key) not in _MAY_BE_NEGATIVE:
            raise _invalid(path, f"{where} must not be negative")
        if (name, key) in _MAY_NOT_BE_EMPTY and not value:
            raise _invalid(path, f"{where} needs at least one entry")
    return kind(**content)


def _fits(value: object, expected: Any) -> bool:
    if expected == list[str]:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return type(value) is expected


def _kind_name(expected: Any) -> str:
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    return names.get(expected, "a list of texts")


def _check_together(settings: Settings, path: Path) -> None:
    for listener in fields(settings.listeners):
        port = getattr(settings.listeners, listener.name)
        if port and not 0 < port + settings.server.port_offset < 65536:
            raise _invalid(path, f"[listeners] {listener.name} plus the port offset is not a port number")
    for network in settings.login.plaintext_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise _invalid(path, f"[login] plaintext_networks: {error}") from error
    for name in settings.storage.databases:
        if not name.replace("-", "").replace("_", "").isalnum() or name == "directory":
            raise _invalid(path, f"[storage] databases: {name!r} is not a name for a mailbox database")
    if len(set(settings.storage.databases)) != len(settings.storage.databases):
        raise _invalid(path, "[storage] databases names one twice")
    if len(settings.smtp.subaddress_separator) > 1:
        raise _invalid(path, "[smtp] subaddress_separator must be one character, or empty for none")


def _nearest(word: str, known: dict[str, Any]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(known))}"


def _invalid(path: Path, what: str) -> Failure:
    return Failure(FailureKind.INVALID, f"the settings file {path}: {what}" if what[0] == "[" else f"{path} {what}")


def render(settings: Settings) -> str:
    """The whole file: every setting, its meaning, its value."""
    lines = [
        "# Settings of this Pillarbox site. Sizes are octets, durations seconds.",
        "# After a change: `kill -HUP` the server (ports, workers, volumes and databases need a restart).",
    ]
    for section in fields(settings):
        lines += ["", f"[{section.name}]"]
        values = getattr(settings, section.name)
        assert is_dataclass(values)
        for item in fields(values):
            lines.append(f"# {item.metadata['help']}")
            lines.append(f"{item.name} = {_toml(getattr(values, item.name))}")
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    # JSON's texts, numbers, booleans and lists of texts are TOML's too.
    return json.dumps(value, ensure_ascii=False)
