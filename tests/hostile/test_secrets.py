"""No secret is in anything that a run leaves behind, no token leaves its origin, and no document its folder."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import pytest

from scripts.all_taps import tap_names
from scripts.local_world import ROOT
from tests.hostile.middleman import middleman
from tests.hostile.secret_collector import SecretCollector, forms_of, said_by_an_api
from tests.proof.world import small_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Pipeline
    from tests.hostile.middleman import Answer

SECRETS = {
    "tap-productive": ("TAP_PRODUCTIVE_AUTH_TOKEN", "sandbox-token"),
    "tap-invoicetronic": ("TAP_INVOICETRONIC_API_KEY", "ik_test_sandbox"),
    "tap-invobi": ("TAP_INVOBI_API_TOKEN", "sandbox-token"),
    "tap-covage": ("TAP_COVAGE_PASSWORD", "sandbox-password"),
    "tap-2invoice": ("TAP_2INVOICE_ACCESS_TOKEN", "sandbox-token"),
}
"""The variable of each tap's secret, and what the sandbox takes."""

SECRET = 'ik_test_se"cr+t/=%41\\tok~en&4711'
"""Other characters in every form."""

LEADS_AWAY = {
    "tap-productive": "/payments",
    "tap-invoicetronic": "/webhook",
    "tap-invobi": "/prompts",
    "tap-covage": "/quote",
    "tap-2invoice": "/products",
}
"""A list whose first answer leads to another host."""

REFUSED = {
    "tap-productive": "/tasks",
    "tap-invoicetronic": "/company",
    "tap-invobi": "/prompts/labels",
    "tap-covage": "/catalog/category",
    "tap-2invoice": "/branch-offices",
}
"""A list whose answers repeat the secret."""

SELECTED = {
    "tap-productive": ("invoices", "payments", "tasks"),
    "tap-invobi": ("invoices", "prompts", "prompt_labels", "invoice_documents"),
    "tap-covage": ("invoices", "invoice_documents", "quotes", "catalog_categories"),
    "tap-2invoice": ("invoices", "products", "branch_offices"),
    "tap-invoicetronic": ("company", "webhook", "send", "fattura"),
}


def as_the_sandbox_knows_it(text: str, taken: str) -> str:
    """Return a header or a form with the secret that the sandbox takes in place of ours."""
    scheme, _, rest = text.partition(" ")
    if scheme == "Basic":
        inner = base64.b64decode(rest).decode().replace(SECRET, taken)
        return f"Basic {base64.b64encode(inner.encode()).decode()}"
    return text.replace(SECRET, taken).replace(quote_plus(SECRET), quote_plus(taken))


@pytest.mark.slow
@pytest.mark.one_at_a_time
@pytest.mark.parametrize("tap", tap_names())
def test_nothing_that_a_run_leaves_behind_holds_a_secret(pipeline: Pipeline, tmp_path: Path, tap: str) -> None:
    variable, taken = SECRETS[tap]
    tokens: list[str] = []

    with (
        small_sandbox() as sandbox,
        middleman("") as elsewhere,
        middleman(sandbox.url, lambda text: as_the_sandbox_knows_it(text, taken)) as between,
    ):
        sandbox.admin.set_limits([])

        def change(answer: Answer) -> None:
            path = answer.path.partition("?")[0].rstrip("/")
            if b'"access_token"' in answer.content:
                body = json.loads(answer.content)
                tokens.extend(body[name] for name in ("access_token", "refresh_token") if body.get(name))
            elif path.endswith(LEADS_AWAY[tap]):
                answer.status = 302
                answer.headers["location"] = f"{elsewhere.url}/?token={quote_plus(SECRET)}"
            elif path.endswith(REFUSED[tap]):
                said = " ".join(map(said_by_an_api, [SECRET, *tokens]))
                answer.status, answer.content = 422, json.dumps({"message": f"not with {said}", "title": said}).encode()

        between.change = change
        environment = {
            **pipeline.environment,
            "SANDBOX_URL": between.url,
            variable: SECRET,
            "MELTANO_CLI_LOG_LEVEL": "debug",
            "LOGLEVEL": "DEBUG",
        }
        code, output = replace(pipeline, tap=tap, environment=environment).selecting(*SELECTED[tap]).run()

        assert code != 0, "two lists failed"
        assert any(SECRET in request or quote_plus(SECRET) in request or "Basic" in request for request in between.sent)
        assert elsewhere.sent == []
    collector = SecretCollector([SECRET, *tokens])
    collector.text("what was printed", output)
    collector.folder(tmp_path)
    # Meltano gives a tap its settings in a file, which it deletes in the end.
    collector.folder(ROOT / ".meltano" / "run", but=["*.config.json"])
    if (ROOT / ".meltano" / "logs").exists():
        collector.folder(ROOT / ".meltano" / "logs")
    assert collector.found == []
    assert "***" in output
    assert collector.searched > 10_000


def test_the_collector_finds_a_secret_in_every_form(tmp_path: Path) -> None:
    for number, form in enumerate(forms_of(SECRET)):
        (tmp_path / f"{number}.log").write_text(f"before{form}after", encoding="utf-8")
        collector = SecretCollector([SECRET])
        collector.folder(tmp_path)
        assert len(collector.found) > number
    collector = SecretCollector([SECRET])
    collector.text("basic", base64.b64encode(f"user-name:{SECRET}".encode()))
    collector.text("clean", "nothing here, and ***")
    assert {found.partition(" ")[0] for found in collector.found} == {"basic"}
