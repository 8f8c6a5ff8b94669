"""A local server that imitates the five vendors' APIs, written from their documentation alone."""
