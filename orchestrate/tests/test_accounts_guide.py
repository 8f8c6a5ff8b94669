"""The table of docs/many-accounts.md says of each key what the JSON schema says."""

from __future__ import annotations

import re
from pathlib import Path

from invoicing_orchestrate.accounts import DEFAULT_TIME_LIMIT_MINUTES, Account, json_schema

GUIDE = Path(__file__).parents[2] / "docs" / "many-accounts.md"


def test_the_guide_has_each_key_of_an_account_as_the_schema_describes_it() -> None:
    keys = json_schema()["$defs"]["account"]["properties"]
    table = GUIDE.read_text(encoding="utf-8").partition("| key of an account |")[2].partition("\n\n")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE)) == {
        name: key["description"] for name, key in keys.items()
    }


def test_the_schema_states_the_defaults_of_the_code() -> None:
    keys = json_schema()["$defs"]["account"]["properties"]
    defaults = {name: key["default"] for name, key in keys.items() if "default" in key}
    account = Account("acme", "tap-x")
    assert defaults == {name: getattr(account, name) for name in defaults}
    assert defaults["time_limit_minutes"] == DEFAULT_TIME_LIMIT_MINUTES
