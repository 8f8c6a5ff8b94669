"""Become the fuzzer of one target: `python -m tests.fuzz.one_target TARGET [OPTION OF LIBFUZZER …] FOLDER …`."""

from __future__ import annotations

import sys

import atheris

_INSTRUMENTED = ["singer_rest_core", "tap_invoicetronic", "zipfile", "asn1crypto"]

# Only what is imported here for the first time has its coverage followed.
with atheris.instrument_imports(include=_INSTRUMENTED):
    from tests.fuzz.targets import TARGETS


if __name__ == "__main__":
    atheris.Setup(sys.argv[1:], TARGETS[sys.argv[1]])
    atheris.Fuzz()
