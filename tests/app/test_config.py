"""The settings file: what is written is read back; what is wrong is named."""

import dataclasses
from pathlib import Path

import pytest

from pillarbox.app import config
from pillarbox.base.settings import Server, Settings, Smtp
from pillarbox.model.failure import Failure


def test_what_render_writes_load_reads_back(tmp_path: Path) -> None:
    settings = Settings(server=Server(hostname="mx.example.test", port_offset=20000), smtp=Smtp(recipients=7))
    path = tmp_path / "pillarbox.toml"
    path.write_text(config.render(settings))
    assert config.load(path) == settings


def test_an_empty_file_has_every_default(tmp_path: Path) -> None:
    path = tmp_path / "pillarbox.toml"
    path.write_text("")
    assert config.load(path) == Settings()


def test_every_setting_is_explained() -> None:
    for section in dataclasses.fields(Settings()):
        for item in dataclasses.fields(getattr(Settings(), section.name)):
            assert item.metadata["help"].endswith("."), f"[{section.name}] {item.name}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[smtp]\nrecipient = 5", "unknown key [smtp] recipient; did you mean recipients?"),
        ("[smpt]\nrecipients = 5", "unknown section [smpt]; did you mean smtp?"),
        ("[smtp]\nrecipients = 'many'", '[smtp] recipients must be a whole number, not "many"'),
        ("[smtp]\nrecipients = true", "[smtp] recipients must be a whole number, not true"),
        ("[smtp]\nrecipients = -1", "must not be negative"),
        ("[server]\nlog_format = 'xml'", "must be one of text, json"),
        ("[server]\nport_offset = 70000", "is not a port number"),
        ("[storage]\nlog_volumes = []", "needs at least one entry"),
        ("[storage]\ndatabases = ['a', 'a']", "names one twice"),
        ("[login]\nplaintext_networks = ['localhost']", "localhost"),
        ("server = 5", "write [server]"),
        ("[server", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "pillarbox.toml"
    path.write_text(text)
    with pytest.raises(Failure) as raised:
        config.load(path)
    assert says in raised.value.public
    assert str(path) in raised.value.public


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="pillarbox init"):
        config.load(tmp_path / "pillarbox.toml")
