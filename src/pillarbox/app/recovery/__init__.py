"""Recovery put to work on a site: what is backed up where, the jobs of the keeper, and restores."""
