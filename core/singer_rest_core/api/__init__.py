"""Requests to an API: the client, where a token may be sent, retries, rate limits, logins."""

from singer_rest_core.api.client import ApiClient
from singer_rest_core.api.client_options import ClientOptions
from singer_rest_core.api.oauth import Login, PasswordGrant
from singer_rest_core.api.rate_limit import RateLimiter, Usage
from singer_rest_core.api.rate_limit_rules import Bucket, Rule, Window
from singer_rest_core.api.response_body import body_file, body_start

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
    "body_file",
    "body_start",
]
