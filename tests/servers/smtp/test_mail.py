"""The answer that stands for all recipients."""

import pytest

from pillarbox.servers.smtp.mail import one_answer
from pillarbox.wire.smtp.replies import Reply, reply

KEPT = reply(250, "2.0.0", "kept")
FULL = reply(452, "4.2.2", "full")
DOWN = reply(451, "4.3.0", "down")
LOOP = reply(554, "5.4.6", "loop")
GONE = reply(550, "5.2.1", "gone")


@pytest.mark.parametrize(
    ("answers", "one"),
    [
        ([KEPT], KEPT),
        ([KEPT, KEPT], KEPT),
        ([KEPT, LOOP], LOOP),
        ([LOOP, GONE, KEPT], LOOP),
        ([LOOP, KEPT, FULL, DOWN], FULL),
        ([DOWN, LOOP], DOWN),
    ],
)
def test_one_answer(answers: list[Reply], one: Reply) -> None:
    assert one_answer(answers) is one
