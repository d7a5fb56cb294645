"""Numbers of several processes, added up and shown to Prometheus."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from pillarbox.base.metrics import Metric, MetricKind
from pillarbox.monitor.metrics import ProcessCounters, WorkerMetrics
from pillarbox.monitor.numbers import read_numbers

APPLES = Metric("apples", "Apples picked.", ("kind", "tree"))
BASKETS = Metric("baskets", "Baskets open now.", (), MetricKind.GAUGE)
WEIGHT = Metric("weight", "Weight of an apple.", ("tree",), MetricKind.HISTOGRAM, (1.0, 2.0, 5.0))


def samples(metrics: WorkerMetrics) -> dict[str, float]:
    """What Prometheus would read."""
    return {
        sample.name + "".join(f" {key}={value}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def test_counts_of_all_processes_are_added_up(tmp_path: Path) -> None:
    metrics = WorkerMetrics(tmp_path)
    one, two = ProcessCounters(tmp_path, "worker-0"), ProcessCounters(tmp_path, "worker-1")
    one.count(APPLES, kind="red", tree="old")
    one.count(APPLES, 2, tree="old", kind="red")
    two.count(APPLES, 4, kind="red", tree="old")
    two.count(APPLES, kind="green", tree="old")
    metrics.count(APPLES, 10, kind="green", tree="old")
    assert samples(metrics) == {
        "pillarbox_apples_total kind=green tree=old": 11,
        "pillarbox_apples_total kind=red tree=old": 7,
    }


def test_histograms(tmp_path: Path) -> None:
    metrics = WorkerMetrics(tmp_path)
    counters = ProcessCounters(tmp_path, "worker-0")
    for value in (0.5, 1.0, 1.5, 7.0):
        counters.observe(WEIGHT, value, tree="old")
    ProcessCounters(tmp_path, "worker-1").observe(WEIGHT, 4.0, tree="old")
    assert samples(metrics) == {
        "pillarbox_weight_bucket le=1.0 tree=old": 2,
        "pillarbox_weight_bucket le=2.0 tree=old": 3,
        "pillarbox_weight_bucket le=5.0 tree=old": 4,
        "pillarbox_weight_bucket le=+Inf tree=old": 5,
        "pillarbox_weight_count tree=old": 5,
        "pillarbox_weight_sum tree=old": 14,
    }


def test_a_killed_worker_leaves_its_counts_to_its_successor_but_not_its_gauges(tmp_path: Path) -> None:
    metrics = WorkerMetrics(tmp_path)
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from pillarbox.base.metrics import Metric, MetricKind\n"
        "from pillarbox.monitor.metrics import ProcessCounters\n"
        "counters = ProcessCounters(Path(sys.argv[1]), 'worker-0')\n"
        "counters.count(Metric('apples', 'Apples picked.', ('kind', 'tree')), 3, kind='red', tree='old')\n"
        "counters.adjust(Metric('baskets', 'Baskets open now.', (), MetricKind.GAUGE), 5)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    killed.wait()
    assert samples(metrics) == {"pillarbox_apples_total kind=red tree=old": 3, "pillarbox_baskets": 5}
    metrics.worker_died(killed.pid)
    assert samples(metrics) == {"pillarbox_apples_total kind=red tree=old": 3, "pillarbox_baskets": 0}
    successor = ProcessCounters(tmp_path, "worker-0")
    successor.count(APPLES, kind="red", tree="old")
    successor.adjust(BASKETS, 1)
    assert samples(metrics) == {"pillarbox_apples_total kind=red tree=old": 4, "pillarbox_baskets": 1}


def test_a_new_run_begins_at_zero_and_other_files_are_left_alone(tmp_path: Path) -> None:
    ProcessCounters(tmp_path, "worker-7").adjust(BASKETS, 3)
    (tmp_path / "notes").write_text("mine")
    assert samples(WorkerMetrics(tmp_path)) == {}
    assert (tmp_path / "notes").exists()


def test_a_process_that_ends_takes_its_numbers_along(tmp_path: Path) -> None:
    metrics = WorkerMetrics(tmp_path)
    counters = ProcessCounters(tmp_path, "command")
    counters.adjust(BASKETS, 3)
    counters.close()
    counters.adjust(BASKETS, 1)
    counters.close()
    assert samples(metrics) == {}


def test_any_number_of_series(tmp_path: Path) -> None:
    metrics = WorkerMetrics(tmp_path)
    counters = ProcessCounters(tmp_path, "worker-0")
    for number in range(2000):
        counters.count(APPLES, number, kind=f'kind "{number}"\n', tree="ü" * (number % 20))
    found = {one.label_values[0]: one.values[0] for one in metrics.series()}
    assert found == {f'kind "{number}"\n': float(number) for number in range(2000)}
    assert len(samples(metrics)) == 2000


def test_threads_lose_nothing(tmp_path: Path) -> None:
    metrics = WorkerMetrics(tmp_path)
    counters = ProcessCounters(tmp_path, "worker-0")

    def work(number: int) -> None:
        for _ in range(2000):
            counters.adjust(BASKETS, 1)
            counters.observe(WEIGHT, 1.0, tree=str(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert samples(metrics)["pillarbox_baskets"] == 8000


def test_a_file_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "worker-0.numbers"
    path.write_bytes(b"something else" * 100)
    assert read_numbers(path) == (0, [])
    metrics = WorkerMetrics(tmp_path)
    path.write_bytes(b"something else" * 100)
    ProcessCounters(tmp_path, "worker-0").adjust(BASKETS, 2)
    assert samples(metrics) == {"pillarbox_baskets": 2}
    assert read_numbers(tmp_path / "gone") == (0, [])
