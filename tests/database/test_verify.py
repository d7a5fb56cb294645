"""`verify` reads everything, says what is wrong, and changes nothing."""

from collections.abc import Callable
from typing import Any

import apsw
import pytest

from pillarbox.database.verify import Finding, Progress, verify
from pillarbox.testing.ledger import Ledger, put


@pytest.fixture
def site(make_site: Callable[..., Any]) -> Any:
    site = make_site(logs=2, segment_size=2000)
    database = site.create()
    for number in range(30):
        database.write_sync(lambda cursor, n=number: put(cursor, f"k{n:02}", b"value of %02d" % n))
    return site


def findings(site: Any) -> list[Finding]:
    return [found for found in verify(site.place, Ledger(), site.surroundings) if isinstance(found, Finding)]


def test_a_sound_database_has_no_findings_and_shows_its_progress(site: Any) -> None:
    steps = list(verify(site.place, Ledger(), site.surroundings))
    assert all(isinstance(step, Progress) for step in steps)
    parts = {step.part for step in steps}
    assert parts == {"database", "content", f"log {site.root / 'log1'}", f"log {site.root / 'log2'}"}
    for part in parts:
        done = [step.done for step in steps if step.part == part]
        assert done == sorted(done)
        assert Progress(part, max(done), max(done)) in steps


def test_a_changed_value_is_found_by_the_schema(site: Any) -> None:
    site.close()
    connection = apsw.Connection(str(site.place.file))
    connection.execute("UPDATE entry SET value = x'00' WHERE key = 'k07'")
    connection.close()
    assert findings(site) == [Finding("content", "entry k07: its value does not fit its checksum.")]


def test_an_index_that_disagrees_is_found(site: Any) -> None:
    site.close()
    connection = apsw.Connection(str(site.place.file))
    connection.execute("PRAGMA writable_schema = 1")
    connection.execute("UPDATE sqlite_master SET sql = replace(sql, '(crc)', '(value)') WHERE name = 'entry_crc'")
    connection.close()
    assert {found.part for found in findings(site)} == {"database"}


def test_damage_in_the_log_is_found_on_the_volume_it_is_on(site: Any) -> None:
    path = site.segments(2)[1]
    content = bytearray(path.read_bytes())
    content[600] ^= 1
    path.write_bytes(content)
    (found,) = findings(site)
    assert found.part == f"log {site.root / 'log2'}"
    assert str(path) in found.text


def test_a_damaged_header_of_the_first_segment_is_found(site: Any) -> None:
    path = site.segments(1)[0]
    path.write_bytes(b"x" + path.read_bytes()[1:])
    (found,) = findings(site)
    assert "header is damaged" in found.text


def test_a_log_that_ends_too_early_is_found(site: Any) -> None:
    path = site.segments(1)[-1]
    path.write_bytes(path.read_bytes()[:600])
    assert "the database contains 31" in findings(site)[0].text


def test_a_missing_volume_is_found(site: Any) -> None:
    site.log(1).parent.rename(site.root / "away")
    (found,) = findings(site)
    assert "cannot be read" in found.text


def test_a_database_file_that_is_none_is_found(site: Any) -> None:
    site.close()
    site.place.file.write_bytes(b"nonsense" * 4000)
    (found,) = findings(site)
    assert found.part == "database"
