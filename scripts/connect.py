"""Connect a tap to your own account and database: asks, checks both, and writes `.env`.

`python -m scripts.connect tap-productive` asks for what is not set yet; `--non-interactive` takes everything from the
environment and `.env`. Nothing is written before everything is right.
"""

from __future__ import annotations

import argparse
import getpass
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values

from invoicing_orchestrate.destination import Destination
from scripts import dotenv_file
from scripts.all_taps import tap_classes, tap_names
from scripts.check_database import URL, fault
from scripts.database_facts import database_facts
from scripts.local_world import ROOT
from scripts.meltano_files import LOADER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_rest_core import RestTap

_INTERRUPTED = 130
_DATABASE_SETTINGS: dict[str, tuple[str, str]] = {
    "host": ("its host", "localhost"),
    "port": ("its port", "5432"),
    "user": ("the user that loads", ""),
    "password": ("its password", ""),
    "database": ("the database", ""),
}
"""What to ask for, and what an empty answer stands for."""


class CannotConnect(Exception):
    """What is wrong, in one line."""


class Answers:
    """The values of variables: from the environment, from `.env`, or asked for.

    Args:
        given: The variables of the environment and of `.env`.
        interactive: Whether to ask.
    """

    def __init__(self, given: Mapping[str, str], *, interactive: bool) -> None:
        """Take nothing yet."""
        self.interactive = interactive
        self.given = dict(given)
        self.taken: dict[str, str] = {}

    def take(self, variable: str, question: str, *, secret: bool, default: str = "") -> str:
        """Return the value of a variable, and keep it for the file.

        Args:
            variable: Its name.
            question: What it is, for whoever is asked.
            secret: Whether the answer is not shown.
            default: What an empty answer stands for.

        Raises:
            CannotConnect: If it is not set and nobody can be asked.
        """
        value = self.given.get(variable) or (self._asked(question, secret=secret, default=default))
        if not value:
            raise CannotConnect(f"{variable} is not set: {question}")
        self.taken[variable] = value
        return value

    def forget(self) -> None:
        """Ask again for what was taken."""
        for name in self.taken:
            self.given.pop(name, None)
        self.taken.clear()

    def again(self, question: str) -> bool:
        """Ask whether to try once more; no if nobody can be asked."""
        return self.interactive and input(f"{question} [Y/n] ").strip().lower() in {"", "y", "yes"}

    def _asked(self, question: str, *, secret: bool, default: str) -> str:
        if not self.interactive:
            return default
        prompt = f"{question}{f' [{default}]' if default else ''}: "
        while True:
            answer = getpass.getpass(prompt) if secret else input(prompt).strip()
            if answer or default:
                return answer or default


def set_already(project: Path) -> dict[str, str]:
    """Return the variables that are set, in the environment or in `.env`; empty ones count as not set.

    Args:
        project: The folder of `.env`.
    """
    from_file = {name: value for name, value in dotenv_values(project / ".env").items() if value}
    return from_file | {name: value for name, value in os.environ.items() if value}


def check_account(tap: str, tap_class: type[RestTap], answers: Answers) -> None:
    """Take the tap's required settings, and show which streams the account may read.

    Args:
        tap: The tap's name.
        tap_class: Its class.
        answers: Where settings come from.

    Raises:
        CannotConnect: If the API refuses them, and nobody enters others.
    """
    prefix = f"{tap.upper().replace('-', '_')}_"
    schema: Mapping[str, Any] = tap_class.config_jsonschema
    while True:
        for name in schema["required"]:
            entry = schema["properties"][name]
            question = f"{entry['title']} ({entry['description'].rstrip('.')})"
            answers.take(f"{prefix}{name.upper()}", question, secret=bool(entry.get("secret")))
        print(f"Reading one record of every stream of {tap} …", flush=True)
        environment = answers.given | answers.taken | {f"{prefix}LOGLEVEL": "WARNING"}
        command = [str(Path(sys.executable).with_name(tap)), "--config=ENV", "--test"]
        done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - our own
        if done.returncode == 0:
            return
        if not answers.again("Enter these settings again?"):
            raise CannotConnect(f"{tap} cannot read this account: see the line above. Nothing was written")
        answers.forget()


def check_database(tap: str, answers: Answers) -> None:
    """Take the settings of the database, and check that the loader can write there.

    Args:
        tap: The tap's name.
        answers: Where settings come from.

    Raises:
        CannotConnect: If it cannot, and nobody enters others.
    """
    while True:
        if URL in answers.given:
            settings = {"sqlalchemy_url": answers.take(URL, "the database", secret=True)}
        else:
            print("PostgreSQL:")
            settings = {
                name: answers.take(
                    f"TARGET_POSTGRES_{name.upper()}", question, secret=name == "password", default=default
                )
                for name, (question, default) in _DATABASE_SETTINGS.items()
            }
        destination = Destination.of(settings, tap.replace("-", "_"))
        wrong = fault(settings)
        if not wrong and destination is not None:
            said, wrong = database_facts(destination)
            print("\n".join(said))
        if not wrong:
            return
        print(wrong)
        if not answers.again("Enter the database again?"):
            raise CannotConnect("The loader cannot write to this database: see the line above. Nothing was written")
        answers.forget()


def main(arguments: Sequence[str] | None = None) -> int:
    """Connect a tap.

    Args:
        arguments: Those of the command line.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="make connect", description=__doc__)
    parser.add_argument("tap", nargs="?", default="", help=f"one of {', '.join(tap_names())}")
    parser.add_argument("--non-interactive", action="store_true", help="ask nothing: take variables")
    parser.add_argument("--project", type=Path, default=ROOT, help="the folder of meltano.yml and .env")
    options = parser.parse_args(arguments)
    if options.tap not in tap_names():
        print(f"Which tap? make connect TAP={tap_names()[-1]}: one of {', '.join(tap_names())}")
        return 2
    given = set_already(options.project)
    account, database = (Answers(given, interactive=not options.non_interactive) for _ in range(2))
    path: Path = options.project / ".env"
    try:
        check_account(options.tap, tap_classes()[options.tap], account)
        check_database(options.tap, database)
        values = account.taken | database.taken
        dotenv_file.write(path, values)
    except CannotConnect as error:
        print(error)
        return 1
    except EOFError:
        print("\nNo answer: nothing was written. With --non-interactive variables are taken")
        return 1
    except KeyboardInterrupt:
        print("\nNothing was written")
        return _INTERRUPTED
    except OSError as error:
        print(f"{path} cannot be written: {error.strerror}")
        return 1
    print(f"{path} holds {', '.join(values)}; only you can read it. Load your account:")
    print(f"    .venv/bin/meltano run {options.tap} {LOADER}")
    print(f"    .venv/bin/orchestrate load {options.tap}    # the same, with a record of the run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
