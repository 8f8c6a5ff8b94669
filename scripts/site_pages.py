"""Hooks of MkDocs: pages that stand elsewhere in the repository, such as the READMEs of the taps."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

_ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_REST = "More"


def sources() -> dict[str, str]:
    """Return where each page that is not in docs/ stands in the repository, by its place in the site."""
    taps = sorted(path.parent.name for path in _ROOT.glob("taps/*/README.md"))
    return {f"taps/{name}.md": f"taps/{name}/README.md" for name in taps} | {
        "orchestrate.md": "orchestrate/README.md",
        "page.md": "analyze/README.md",
        "contributing.md": "CONTRIBUTING.md",
        "changelog.md": "CHANGELOG.md",
    }


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give every page of docs/ a place: those that the nav does not name are in its last section."""
    named = set(re.findall(r"[\w./-]+\.md", str(config.nav)))
    rest = sorted(path.name for path in Path(config.docs_dir).glob("*.md") if path.name not in named)
    nav = [entry for entry in config.nav or [] if not (isinstance(entry, dict) and _REST in entry)]
    config.nav = [*nav, *([{_REST: rest}] if rest else [])]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand elsewhere."""
    for place, source in sources().items():
        text = (_ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - MkDocs' signature
    """Point links to where pages are in the site; a link to a file that is not in it becomes the file's name."""
    place = page.file.src_uri
    source = sources().get(place, f"docs/{place}")
    places = {path: site for site, path in sources().items()}

    def moved(link: re.Match[str]) -> str:
        text, target = link.groups()
        path, _, anchor = target.partition("#")
        if "://" in target or not path:
            return link[0]
        full = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        site = places.get(full, full.removeprefix("docs/") if full.startswith("docs/") else None)
        if site is None:
            return f"{text} (`{full}`)"
        to = posixpath.relpath(site, posixpath.dirname(place) or ".")
        return f"[{text}]({to}{f'#{anchor}' if anchor else ''})"

    return _LINK.sub(moved, markdown)
