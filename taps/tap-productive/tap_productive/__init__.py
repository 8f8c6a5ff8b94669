"""Singer tap for Productive (productive.io)."""
