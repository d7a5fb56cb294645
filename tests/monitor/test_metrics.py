"""Counting in many processes: the sum is right, and what a dead worker counted is not lost."""

import json
import os
from pathlib import Path

import pytest

from pillarbox.base.metrics import COMMIT_WRITES, COMMITS, CONNECTIONS_OPEN
from pillarbox.monitor.http import MonitorServer
from pillarbox.monitor.logging import make_log
from pillarbox.monitor.metrics import ProcessCounters, WorkerMetrics


def counted(directory: Path, name: str, commits: int) -> ProcessCounters:
    counters = ProcessCounters(directory, name)
    counters.count(COMMITS, commits, database="mailboxes")
    counters.adjust(CONNECTIONS_OPEN, 2, protocol="imap")
    for value in (1, 2, 4, 5000):
        counters.observe(COMMIT_WRITES, value, database="mailboxes")
    counters.save()
    return counters


def test_processes_are_added_up(tmp_path: Path) -> None:
    total = WorkerMetrics(tmp_path)
    counted(tmp_path, "worker-0", 3)
    counted(tmp_path, "worker-1", 4).save()
    text = total.render().decode()
    # Both have this process's id, but a name of their own.
    assert 'pillarbox_commits_total{database="mailboxes"} 7.0' in text
    assert 'pillarbox_connections_open{protocol="imap"} 4.0' in text
    assert 'pillarbox_commit_writes_bucket{database="mailboxes",le="2.0"} 4.0' in text
    assert 'pillarbox_commit_writes_bucket{database="mailboxes",le="+Inf"} 8.0' in text
    assert 'pillarbox_commit_writes_count{database="mailboxes"} 8.0' in text


def test_a_dead_worker_s_counts_stay_and_its_gauges_go(tmp_path: Path) -> None:
    total = WorkerMetrics(tmp_path)
    counted(tmp_path, "worker-0", 3)
    total.worker_died(os.getpid())
    text = total.render().decode()
    assert 'pillarbox_commits_total{database="mailboxes"} 3.0' in text
    assert "connections_open" not in text


def test_what_was_left_by_an_earlier_run_does_not_count(tmp_path: Path) -> None:
    counted(tmp_path, "worker-0", 3)
    assert b"commits" not in WorkerMetrics(tmp_path).render()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /metrics HTTP/1.1", b"200"),
        (b"GET /metrics?x HTTP/1.0", b"200"),
        (b"GET / HTTP/1.1", b"404"),
        (b"POST /metrics HTTP/1.1", b"405"),
        (b"EHLO there", b"400"),
    ],
)
def test_the_endpoint_answers_two_pages(request_line: bytes, status: bytes) -> None:
    answer = MonitorServer(lambda: b"numbers\n", {}).answer(request_line + b"\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert b"Content-Length: %d" % len(body) in head


def test_health_says_what_is_wrong() -> None:
    said: list[str] = []
    server = MonitorServer(lambda: b"", {"workers": lambda: said})
    request = b"GET /healthz HTTP/1.1\r\n\r\n"
    assert server.answer(request).startswith(b"HTTP/1.1 200")
    said.append("worker 1 is not serving")
    answer = server.answer(request)
    assert answer.startswith(b"HTTP/1.1 503")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["troubles"] == {"workers": ["worker 1 is not serving"]}


def test_log_lines_are_for_people_or_programs(capsys: pytest.CaptureFixture[str]) -> None:
    make_log("text", "info").info("message accepted", size=5, session="abc", subject="a b")
    assert "info message accepted session=abc size=5 subject='a b'" in capsys.readouterr().err
    make_log("json", "info").info("message accepted", size=5)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["size"]) == ("message accepted", "info", 5)
    assert line["timestamp"].endswith("Z")
    make_log("text", "error").info("not this")
    assert capsys.readouterr().err == ""
    try:
        raise ValueError("why")
    except ValueError as error:
        make_log("text", "info").error("crashed", exc_info=error)
    assert "ValueError: why" in capsys.readouterr().err
