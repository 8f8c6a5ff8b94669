"""Requests to an API: the client, where a token may be sent, retries, rate limits, logins."""

from singer_rest_core.api.client import ApiClient, ClientOptions
from singer_rest_core.api.oauth import Login, PasswordGrant
from singer_rest_core.api.rate_limit import RateLimiter, Usage
from singer_rest_core.api.rate_limit_rules import Bucket, Rule, Window

__all__ = [
    "ApiClient",
    "Bucket",
    "ClientOptions",
    "Login",
    "PasswordGrant",
    "RateLimiter",
    "Rule",
    "Usage",
    "Window",
]
