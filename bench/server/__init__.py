"""A server of Productive's API that is faster than any of its readers, from rows that the sandbox rendered once."""
