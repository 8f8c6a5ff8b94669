"""Singer tap for Invobi."""
