"""Values and records: exact JSON, timestamps, conforming to a schema, where rows are in a page."""
