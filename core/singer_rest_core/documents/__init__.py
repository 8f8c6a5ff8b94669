"""Documents beside the records: where they are kept, under which names, and what they are."""
