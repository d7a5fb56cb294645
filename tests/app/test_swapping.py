"""A recovered database is put in place under a running server: all mail is there once, and nothing is thrown away."""

import shutil
from pathlib import Path

import pytest

from pillarbox.app.build import place_of, schema_of
from pillarbox.app.dismounted import alone, dismounted
from pillarbox.app.site import Site
from pillarbox.app.swapping import dial_tone_of, discard_kept, install, kept_of
from pillarbox.base.failure import FailureKind
from pillarbox.database.live import LiveVolumes
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Until
from pillarbox.testing.server import Server
from pillarbox.testing.twodatabases import back, imap, lmtp, subjects, two_databases

pytestmark = pytest.mark.process


def back_up(site: Server, target: Path) -> None:
    """A copy of the database `second` as it is now, for `recover`."""
    target.mkdir()
    with LiveVolumes(place_of(Site.load(site.path), "second")).pin() as pinned:
        shutil.copy(pinned.path, target / "second.db")


def recover(site: Server, copy: Path, log: Path, until: Until) -> Path:
    """The copy played forward on the data volume; its file."""
    directory = site.path / "data" / "recovering"
    shutil.copytree(copy, directory)
    recovered = RecoveringDatabase(directory, "second", schema_of("second"))
    recovered.log.mkdir(parents=True)
    for segment in log.glob("*.log"):
        shutil.copy(segment, recovered.log)
    recovered.play(until, lambda played: None)
    assert list(recovered.check()) == []
    return recovered.file


def uid_validity(site: Server) -> bytes:
    with imap(site, "bob") as client:
        client.select("INBOX", readonly=True)
        [value] = client.response("UIDVALIDITY")[1]
        assert isinstance(value, bytes)
        return value


def test_lost_worked_empty_restored_and_merged(tmp_path: Path) -> None:
    with two_databases(tmp_path / "site") as site:
        lmtp(site, "bob", subject="in the backup")
        back_up(site, tmp_path / "copy")
        lmtp(site, "bob", subject="in the log")
        validity = uid_validity(site)
        site.command("database", "dismount", "second")
        (site.path / "data" / "second.db").unlink()
        site.command("database", "dial-tone", "second")
        back(site, "second")
        lmtp(site, "bob", subject="while empty")
        assert subjects(site, "bob") == ["while empty"]

        house = Site.load(site.path)
        state = dial_tone_of(house, "second")
        assert state is not None and state.made and not state.merge
        with pytest.raises(Failure, match="restore second first"):
            discard_kept(house, "second")
        file = recover(site, tmp_path / "copy", site.path / "log" / state.lost / "second", Until())
        result = install(house, "second", file, to_end=True, checked=True)
        assert result.merge_due and result.generation == 1
        back(site, "second")
        assert subjects(site, "bob") == ["in the backup", "in the log"]
        assert uid_validity(site) == validity
        lmtp(site, "bob", subject="newest")
        for merged in (1, None):
            if merged is None:
                with pytest.raises(RuntimeError, match="no dial-tone mail"):
                    site.command("database", "merge-back", "second")
            else:
                assert f"merged {merged} messages" in site.command("database", "merge-back", "second")
            assert sorted(subjects(site, "bob")) == ["in the backup", "in the log", "newest", "while empty"]
        site.stop()
        site.start()
        assert "all is well" in site.command("database", "verify", "second")
        assert kept_of(house, "second") == [state.lost, result.kept]
        assert discard_kept(house, "second") == [state.lost, result.kept]
        assert not list(site.path.glob("*/second.*-2*"))


def test_back_to_an_earlier_moment(tmp_path: Path) -> None:
    with two_databases(tmp_path / "site") as site:
        back_up(site, tmp_path / "copy")
        lmtp(site, "bob", subject="wanted")
        house = Site.load(site.path)
        until = Until(lsn=LiveVolumes(place_of(house, "second")).position().lsn)
        lmtp(site, "bob", subject="unwanted")
        validity = uid_validity(site)
        file = recover(site, tmp_path / "copy", site.path / "log" / "second", until)
        result = install(house, "second", file, to_end=False)
        assert result.generation == 2 and not result.merge_due
        back(site, "second")
        assert subjects(site, "bob") == ["wanted"]
        assert uid_validity(site) > validity
        lmtp(site, "alice", "bob", subject="after")
        site.kill()
        site.start()
        assert subjects(site, "bob") == ["wanted", "after"]
        assert "all is well" in site.command("database", "verify", "second")
        assert (site.path / "data" / result.kept / "second.db").exists()


def test_what_is_damaged_is_not_put_in_place(tmp_path: Path) -> None:
    with two_databases(tmp_path / "site") as site:
        lmtp(site, "bob", subject="x" * 300)
        back_up(site, tmp_path / "copy")
        file = tmp_path / "copy" / "second.db"
        data = bytearray(file.read_bytes())
        data[data.rindex(b"\x28\xb5\x2f\xfd") + 10] ^= 1
        file.write_bytes(data)
        with pytest.raises(Failure, match="left as it is") as caught:
            install(Site.load(site.path), "second", file, to_end=True)
        assert caught.value.kind is FailureKind.CORRUPT
        assert site.healthy() and subjects(site, "bob") == ["x" * 300]


def test_whoever_does_not_let_go_is_named_and_nothing_is_moved(tmp_path: Path) -> None:
    with two_databases(tmp_path / "site") as site:
        house = Site.load(site.path)
        with pytest.raises(Failure, match=r"still open in process \d+"), alone(house, "second", 0.1):
            pass
        assert dismounted(house, "second") is None and site.healthy()


def test_an_interrupted_exchange_is_ended_by_mounting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with two_databases(tmp_path / "site") as site:
        back_up(site, tmp_path / "copy")
        lmtp(site, "bob", subject="unwanted")
        file = recover(site, tmp_path / "copy", tmp_path, Until())
        monkeypatch.setattr("pillarbox.app.swapping.mount", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            install(Site.load(site.path), "second", file, to_end=False)
        assert set(lmtp(site, "alice", "bob")) == {"bob"}
        assert "generation 2" in site.command("database", "mount", "second")
        back(site, "second")
        assert subjects(site, "bob") == []
