"""Whose a credential is: a vendor tells accounts apart by the credential of a request, at one and the same URL.

Here an account's credentials are those of the sandbox with its name at the end: `sandbox-token.acme`,
`ik_live_sandbox.acme`, `sandbox-user.acme`.
"""

from __future__ import annotations

_SEPARATOR = "."


def credential_of(credential: str, account: str) -> str:
    """Return a credential of the sandbox as an account has it; unchanged for the account without a name."""
    return f"{credential}{_SEPARATOR}{account}" if account else credential


def account_of(credential: str) -> str:
    """Return the account that a credential belongs to; empty for that without a name."""
    return credential.partition(_SEPARATOR)[2]
