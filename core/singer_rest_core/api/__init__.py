"""Requests to an API: the client, where a token may go, retries, rate limits, logins."""
