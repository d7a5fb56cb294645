"""Bars that show how restores of several databases go on."""

from rich.progress import Progress, TaskID

from pillarbox.app.recovery.moment import show_moment
from pillarbox.recovery.drill import Step
from pillarbox.recovery.restore import RestoreProgress


class RestoreBars:
    """A bar for each database and phase."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def hear(self, now: RestoreProgress) -> None:
        key = (now.database, now.phase)
        text = f"{now.database} {now.phase}"
        if now.records:
            text += f", {now.records:,} records, {show_moment(now.time)}"
        if key not in self._tasks:
            self._tasks[key] = self._bar.add_task(text, total=max(now.total, 1))
        self._bar.update(self._tasks[key], completed=now.done, total=max(now.total, now.done, 1), description=text)

    def step(self, database: str, step: Step) -> None:
        """The next step of a drill."""
        if step is Step.COMPARING:
            self._tasks[database, "comparing"] = self._bar.add_task(f"{database} comparing", total=None)
        elif step is Step.DONE and (database, "comparing") in self._tasks:
            self._bar.update(self._tasks[database, "comparing"], completed=1, total=1)
