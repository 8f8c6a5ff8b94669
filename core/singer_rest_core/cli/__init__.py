"""The command line: settings, errors in one line, progress."""
