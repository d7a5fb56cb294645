"""Bars that show how restores of several databases go on."""

from rich.progress import Progress, TaskID

from pillarbox.app.recovery.moment import show_moment
from pillarbox.recovery.drill import Step
from pillarbox.recovery.restore import RestoreProgress

_COMPARING = "comparing"


class RestoreBars:
    """A bar for each database and phase; a phase is over when the next one of its database begins."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, tuple[str, TaskID]] = {}

    def hear(self, now: RestoreProgress) -> None:
        task = self._enter(now.database, now.phase, max(now.total, 1))
        note = f"{show_moment(now.time)[5:19]}, {now.records:,} records" if now.records else ""
        self._bar.update(task, completed=now.done, total=max(now.total, now.done, 1), note=note)

    def step(self, database: str, step: Step) -> None:
        """The next step of a drill."""
        if step is Step.COMPARING:
            self._enter(database, _COMPARING, None)
        elif step is Step.DONE and self._tasks.get(database, ("",))[0] == _COMPARING:
            self._end(database)

    def _enter(self, database: str, phase: str, total: int | None) -> TaskID:
        if database not in self._tasks or self._tasks[database][0] != phase:
            self._end(database)
            self._tasks[database] = (phase, self._bar.add_task(f"{database} {phase}", total=total, note=""))
        return self._tasks[database][1]

    def _end(self, database: str) -> None:
        if database in self._tasks:
            task = self._tasks[database][1]
            total = next(each.total for each in self._bar.tasks if each.id == task) or 1
            self._bar.update(task, completed=total, total=total)
