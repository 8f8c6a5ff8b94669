"""Singer tap for the Covage client API."""
