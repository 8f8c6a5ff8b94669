"""Write the JSON schemas of these streams: `python -m tap_invoicetronic.fattura`. A test fails when that is due."""

import json
from pathlib import Path

from tap_invoicetronic.fattura.schema import schema_of
from tap_invoicetronic.fattura.tables import KEYS

_FOLDER = Path(__file__).parent.parent / "schemas"

for stream in KEYS:
    text = json.dumps(schema_of(stream), indent=2, ensure_ascii=False)
    (_FOLDER / f"{stream}.json").write_text(f"{text}\n", encoding="utf-8")
