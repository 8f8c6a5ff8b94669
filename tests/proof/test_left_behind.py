"""What a run leaves behind is searched: a secret in a text, a log, an error or a file is found."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING

import pytest

from scripts.all_taps import tap_names
from tests.proof.left_behind import assert_without_secrets, collected_log, error_text, secrets_of
from tests.proof.loading import Loading
from tests.proof.world import FACTS, World, small_sandbox

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("tap", tap_names())
def test_every_secret_of_a_tap_is_searched_for(tap: str, tmp_path: Path) -> None:
    for number, secret in enumerate(secrets_of(tap)):
        encoded = base64.b64encode(f"user:{secret}".encode())
        for text in (f"with {secret}", encoded):
            with pytest.raises(AssertionError, match=secret):
                assert_without_secrets(tap, {"a text": text})
        file = tmp_path / str(number) / "its.log"
        file.parent.mkdir()
        file.write_text(f"Bearer {secret}", encoding="utf-8")
        with pytest.raises(AssertionError, match=r"its\.log"):
            assert_without_secrets(tap, {}, file.parent)


def test_a_secret_in_a_log_line_or_in_the_cause_of_an_error_is_found() -> None:
    with collected_log() as log:
        logging.getLogger("tap-invobi").info("sent %s", "sandbox-token")
    error = RuntimeError("it failed")
    error.__cause__ = ValueError("with sandbox-token")

    for text in (*log.lines, error_text(error)):
        with pytest.raises(AssertionError, match="sandbox-token"):
            assert_without_secrets("tap-invobi", {"a text": text})
    assert_without_secrets("tap-invobi", {"nothing": "it failed, and ***"})


def test_each_run_of_the_proof_is_searched(caplog: pytest.LogCaptureFixture) -> None:
    """A stream whose rows hold the token in a field that is no secret: the run is refused."""
    with small_sandbox() as sandbox:
        world = World(sandbox, FACTS["tap-invobi"])
        invoices = sandbox.admin.system("invobi")
        invoices.update("invoices", invoices.records("invoices")[0]["id"], {"title": "with sandbox-token"})

        with pytest.raises(AssertionError, match="messages holds 'sandbox-token'"):
            Loading(world).run()

    assert caplog.records, "what the tap logged was searched, too"
