"""What each command does, one file per group of commands."""
