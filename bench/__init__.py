"""The benchmark: tap-productive compared with other ways to read the same API."""
