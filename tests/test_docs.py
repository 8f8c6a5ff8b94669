"""What the documentation names exists: files, targets of make, commands and options of Meltano, variables, jobs."""

from __future__ import annotations

import json
import re
import shlex
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml
from meltano.cli.cli import cli
from meltano.core.project import PROJECT_ENVIRONMENT_ENV

from invoicing_orchestrate.command import main as orchestrate
from scripts.all_taps import tap_classes, tap_names
from scripts.local_world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "hub" / "README.md",
    ROOT / "orchestrate" / "README.md",
    ROOT / "analyze" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
MELTANO: dict[str, Any] = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
MADE_BY_MELTANO = (".env", ".meltano/")
INVENTED = re.compile("acme|boats|tap_x")
"""In the names of what the pages about adding add, and of what stands for any tap."""


def code(page: Path) -> list[str]:
    """Return what a page shows as code: spans, and lines of blocks."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^(?: {4}|\t)(?! *[-|])(\S.*)$", text, re.MULTILINE)
    return [*blocks, *re.findall(r"`([^`\n]+)`", text)]


def meltano_commands(page: Path) -> list[list[str]]:
    """Return the commands of Meltano that a page shows, without comments."""
    return [words[1:] for words in commands(page) if words[0] == "meltano"]


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the commands of programs of ours and of Meltano that a page shows: name and arguments, without comments."""
    for each in code(page):
        shown = re.split(r" {2,}#|;", each)[0].removeprefix(".venv/bin/")
        found = re.search(r"(?:^|[ =/])((?:meltano|orchestrate|tap-[a-z0-9]+) +-?[a-z-].*)", shown)
        if found:
            yield shlex.split(re.split(r" >>? ", found[1])[0])


def checked(command: list[str]) -> click.Command:
    """Find a command of Meltano and check each option; return the last subcommand.

    Raises:
        AssertionError: If Meltano has no such command or option.
    """
    at: click.Command = cli
    options = {name for parameter in at.params for name in parameter.opts}
    for word in command:
        if word.startswith("-"):
            name = word.partition("=")[0]
            assert name in options, f"{' '.join(command)}: {at.name} has no option {name}"
        elif isinstance(at, click.Group):
            assert word in at.commands, f"{' '.join(command)}: {at.name} has no command {word}"
            at = at.commands[word]
            options |= {name for parameter in at.params for name in parameter.opts}
    return at


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_of_meltano_exists(page: Path) -> None:
    jobs = {job["name"] for job in MELTANO["jobs"]}
    plugins = {plugin["name"] for kind in MELTANO["plugins"].values() for plugin in kind}
    plugins |= {
        f"{lock['name']}:{name}"
        for path in (ROOT / "plugins").glob("*/*.lock")
        for lock in [json.loads(path.read_text(encoding="utf-8"))]
        for name in lock.get("commands", ())
    }
    for words in meltano_commands(page):
        command = [word for word in words if word != "…"]
        last = checked(command)
        if last.name == "run":
            blocks = [word for word in command[command.index("run") + 1 :] if not word.startswith("-")]
            assert set(blocks) <= jobs | plugins | commands_of_plugins(), command


def commands_of_plugins() -> set[str]:
    """Return the commands of utilities, as `meltano run` takes them."""
    locks = [json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "plugins" / "utilities").glob("*.lock")]
    return {f"{lock['name']}:{command}" for lock in locks for command in lock["commands"]}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        target
        for each in code(page)
        for match in re.findall(r"\bmake((?: [a-z][a-z-]+)+)", each)
        for target in match.split()
    }
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    spans = [each for each in re.findall(r"`([^`\s]+)`", text) if re.fullmatch(r"[\w.*-]+(/[\w.*-]+)*/?", each)]
    paths = [each for each in spans if re.search(r"/|\.(md|yml|toml|py|json|lock)$|^\.env$", each)]
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    named = [name for name in [*paths, *links] if not name.startswith(MADE_BY_MELTANO) and not INVENTED.search(name)]
    assert [name for name in named if not exists(name, page.parent)] == []


_MADE = frozenset({".postgres", "accounts.yml", "dist", "output/invoices.html", "output/site"})
"""What a target of the Makefile makes, and what users write."""


def exists(name: str, folder: Path) -> bool:
    """Return whether there is such a file or folder: from the root, from a page, or in a package."""
    packages = [ROOT / "core" / "singer_rest_core", *ROOT.glob("taps/*"), *ROOT.glob("taps/*/tap_*")]
    packages += ROOT.glob("loaders/*/*")
    name = name.rstrip("/")
    if name in _MADE:
        return True
    anywhere = [] if "/" in name else (ROOT / "core" / "singer_rest_core").rglob(name)
    return any(True for base in (ROOT, folder, *packages) for _ in base.glob(name)) or any(anywhere)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_exists(page: Path) -> None:
    known = {*settings_variables(), *meltano_variables()}
    named = re.findall(r"\b(?:TAP|TARGET|MELTANO)_[A-Z0-9_]*[A-Z0-9]\b", page.read_text(encoding="utf-8"))
    assert {name for name in named if name not in known} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_of_our_own_programs_exists(page: Path) -> None:
    taps = tap_classes()
    meltano_run = {name for parameter in cli.commands["run"].params for name in parameter.opts}
    for name, *arguments in commands(page):
        if name == "orchestrate":
            command = orchestrate.commands[arguments[0]]
            known = {option for parameter in command.params for option in parameter.opts} | meltano_run
        elif name in taps:
            known = {option for parameter in taps[name].get_singer_command().params for option in parameter.opts}
        else:
            continue
        options = [word.partition("=")[0] for word in arguments if word.startswith("--")]
        assert set(options) <= known, (name, *arguments)


def test_every_error_in_the_page_about_errors_is_one_that_is_printed() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    table = text.partition("| the line says |")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines()[2:] if line]
    assert len(rows) >= 20
    spans = [span for row in rows for span in re.findall(r"`([^`]+)`", row.split(" | ")[0])]
    ours = "\n".join(path.read_text(encoding="utf-8") for path in sources_of_errors())
    for span in spans:
        words = re.sub(r"\b(auth_token|TAP_PRODUCTIVE_AUTH_TOKEN|api_url|401)\b", "{}", span).strip()
        parts = [part.strip() for part in words.split("{}") if part.strip()]
        assert all(part in ours for part in parts) or words in OF_OTHERS, span


OF_OTHERS = {
    "403",
    "CERTIFICATE_VERIFY_FAILED",
    "Need either the sqlalchemy_url to be set or host",
    "Can't load plugin: sqlalchemy.dialects:postgres",
    "password authentication failed",
    "permission denied for",
    "pipeline is already running",
    "Block tap-nothing not found",
}
"""What the loader, PostgreSQL, OpenSSL, Meltano or the API print; other tests run into most of it."""


def sources_of_errors() -> Iterator[Path]:
    """Yield the source of core and the taps."""
    for folder in (ROOT / "core" / "singer_rest_core", *ROOT.glob("taps/*/tap_*")):
        yield from folder.rglob("*.py")


def settings_variables() -> Iterator[str]:
    """Yield the variable of each setting of a plugin, and of each of Meltano's extras that the project uses."""
    for path in (ROOT / "plugins").glob("*/*.lock"):
        lock = json.loads(path.read_text(encoding="utf-8"))
        for setting in lock["settings"]:
            yield re.sub(r"\W", "_", f"{lock['name']}_{setting['name']}").upper()
        yield f"{lock['namespace']}__SELECT".upper()
        yield f"{lock['namespace']}_LOGLEVEL".upper()


def meltano_variables() -> Iterator[str]:
    """Yield the variables of Meltano's options and of its own settings."""
    yield PROJECT_ENVIRONMENT_ENV
    for command in cli.commands.values():
        yield from (str(parameter.envvar) for parameter in command.params if parameter.envvar)
    own_settings = yaml.safe_load((files("meltano.core.bundle") / "settings.yml").read_text(encoding="utf-8"))
    for setting in own_settings["settings"]:
        yield re.sub(r"\W", "_", f"meltano_{setting['name']}").upper()


def test_the_page_about_running_names_every_tap_that_it_speaks_of() -> None:
    text = (ROOT / "docs" / "running-it.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\btap-[a-z0-9]+\b", text)) <= set(tap_names())
