"""Ground floor: clock, ids, units, failure kinds and settings. Standard library only."""
