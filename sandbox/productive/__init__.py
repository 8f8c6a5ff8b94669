"""The Productive API v2, and the organizations it serves."""
