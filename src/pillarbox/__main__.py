"""`python -m pillarbox` is the command `pillarbox`."""

from pillarbox.app.cli.main import main

main()
