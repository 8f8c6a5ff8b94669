"""Pages from bytes to RECORD messages without a dict a record."""
