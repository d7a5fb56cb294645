"""The roof: settings file, construction of all parts, supervisor and workers, the command line."""
