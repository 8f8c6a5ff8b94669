"""A distribution that was installed from a folder, and what the folder holds since."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from singer_rest_core.cli import stale_installs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {"things/__init__.py": "", "things/tap.py": "x = 1\n", "things/schemas/a.json": "{}", "things/py.typed": ""}


class Install:
    """A folder, and a copy of it as pip and uv install it."""

    def __init__(self, root: Path) -> None:
        """Install."""
        self.source, self.site = root / "the source", root / "site"
        for folder in (self.source, self.site):
            for name, text in FILES.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(text, encoding="utf-8")
        self.info = self.site / "things-1.0.dist-info"
        self.info.mkdir()
        (self.info / "METADATA").write_text("Metadata-Version: 2.1\nName: things\nVersion: 1.0\n", encoding="utf-8")
        names = [*FILES, *(f"things-1.0.dist-info/{name}" for name in ("METADATA", "RECORD", "direct_url.json"))]
        (self.info / "RECORD").write_text("".join(f"{name},,\n" for name in names), encoding="utf-8")
        self.origin({})

    def origin(self, dir_info: dict[str, bool], url: str | None = None) -> None:
        """Write where it came from."""
        content = {"url": url or self.source.as_uri(), "dir_info": dir_info}
        (self.info / "direct_url.json").write_text(json.dumps(content), encoding="utf-8")

    @property
    def lines(self) -> list[str]:
        """What is said of it, and of a distribution that is not there."""
        return list(stale_installs(["things", "no-such-thing"]))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """One that is current."""
    installed = Install(tmp_path)
    monkeypatch.syspath_prepend(str(installed.site))
    return installed


def test_nothing_is_said_of_a_current_one(install: Install) -> None:
    (install.source / "things" / "__pycache__").mkdir()
    (install.source / "things" / "__pycache__" / "tap.pyc").write_bytes(b"x")
    assert install.lines == []


@pytest.mark.parametrize(
    "change",
    [
        lambda source: (source / "things" / "tap.py").write_text("x = 2\n"),
        lambda source: (source / "things" / "schemas" / "a.json").write_text("[]"),
        lambda source: (source / "things" / "new.py").write_text(""),
        lambda source: (source / "things" / "schemas" / "a.json").unlink(),
    ],
)
def test_code_that_has_changed_since_is_told(install: Install, change: Callable[[Path], object]) -> None:
    change(install.source)
    assert install.lines == [
        f"things runs as it was installed from {install.source}, where it has changed since: install it anew"
    ]


def test_nothing_is_said_where_there_is_nothing_to_compare(install: Install) -> None:
    (install.source / "things" / "tap.py").write_text("x = 2\n")
    install.origin({"editable": True})
    assert install.lines == []
    install.origin({}, url="https://example.com/things-1.0.tar.gz")
    assert install.lines == []
    (install.info / "direct_url.json").write_text("not JSON", encoding="utf-8")
    assert install.lines == []
    (install.info / "direct_url.json").unlink()
    assert install.lines == []
    install.origin({})
    shutil.rmtree(install.source)
    assert install.lines == []
