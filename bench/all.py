"""All benchmarks, one after the other; each prints its peer's figure beside ours, and the ratio."""

import subprocess
import sys
from pathlib import Path

ORDER = (
    "engine.py",
    "pump.py",
    "inbound.py",
    "importing.py",
    "imap.py",
    "backup.py",
    "restore.py",
    "recovery.py",
    "standby.py",
)


def main() -> None:
    for name in ORDER:
        print(f"== {name}", flush=True)
        subprocess.run([sys.executable, str(Path(__file__).with_name(name))], check=True)


if __name__ == "__main__":
    main()
