"""The invoicing APIs as one local server, written from their vendors' documentation alone."""
