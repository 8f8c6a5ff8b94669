"""Where the model is built: what dbt is told is what target-postgres uses, whatever a password holds."""

from __future__ import annotations

import json
import os
import socketserver
import struct
import subprocess
import threading
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pytest
from typing_extensions import override

if TYPE_CHECKING:
    from pathlib import Path

    from tests.model_world import Dbt

pytestmark = pytest.mark.slow

PASSWORDS = ("p@ss", "pa$WORD", "50%", "a:b/c?d#e", "{{ x }}", "'\"\\ ", "12345")
_PROTOCOL = 3
_SHOW = """
import json, sys
import invoicing_dbt
try:
    print(json.dumps(invoicing_dbt.connection_variables(json.loads(sys.argv[1]))))
except invoicing_dbt.SettingsError as error:
    sys.exit(str(error))
"""


def variables(dbt: Dbt, **settings: object) -> dict[str, Any]:
    """Return the variables that dbt is run with, for settings of target-postgres."""
    done = attempt(dbt, settings)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def attempt(dbt: Dbt, settings: object) -> subprocess.CompletedProcess[str]:
    """Ask for the variables."""
    command = [dbt.python, "-c", _SHOW, json.dumps(settings)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_arrives_as_it_is_from_a_url_and_from_settings(dbt: Dbt, password: str) -> None:
    url = (
        f"postgresql+psycopg://some%40user:{quote(password, safe='')}@db.example.com:5433/ware%2Fhouse?sslmode=require"
    )
    by_url = variables(dbt, sqlalchemy_url=url)
    by_parts = variables(
        dbt,
        host="db.example.com",
        port=5433,
        user="some@user",
        password=password,
        database="ware/house",
        ssl_enable=True,
        ssl_mode="require",
    )

    assert by_url == by_parts
    assert by_url == {
        "INVOICING_DBT_HOST": "db.example.com",
        "INVOICING_DBT_PORT": "5433",
        "INVOICING_DBT_USER": "some@user",
        "DBT_ENV_SECRET_INVOICING_PASSWORD": password,
        "INVOICING_DBT_DATABASE": "ware/house",
        "PGSSLMODE": "require",
        "PGTZ": "UTC",
    }


class _AskingServer(socketserver.StreamRequestHandler):
    """What PostgreSQL does until it knows the password, which it then refuses."""

    passwords: ClassVar[list[str]] = []

    @override
    def handle(self) -> None:
        while True:
            length, code = struct.unpack("!ii", self.rfile.read(8))
            self.rfile.read(length - 8)
            if code >> 16 == _PROTOCOL:
                break
            self.wfile.write(b"N")  # neither TLS nor GSSAPI
        self.wfile.write(b"R" + struct.pack("!ii", 8, 3))
        (length,) = struct.unpack("!xi", self.rfile.read(5))
        self.passwords.append(self.rfile.read(length - 4).rstrip(b"\0").decode())


@pytest.mark.parametrize("password", ["p@ss $WORD $1 50% {{ x }} a:b/c?d#e '\"\\", "0012345"])
def test_the_database_gets_the_password_as_it_is(dbt: Dbt, password: str) -> None:
    """Also through dbt's profile, which renders variables as templates."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _AskingServer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        _AskingServer.passwords.clear()
        url = f"postgresql://user:{quote(password, safe='')}@127.0.0.1:{server.server_address[1]}/db"
        done = dbt.attempt(url, "debug", "--connection")
        server.shutdown()
        thread.join()

    assert done.returncode != 0
    assert _AskingServer.passwords
    assert set(_AskingServer.passwords) == {password}
    assert password not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "names no host and user and database"),
        ({"host": "h", "user": "u"}, "names no database"),
        ({"sqlalchemy_url": "postgresql://user:p@ss:word@host:x/db"}, "is not a PostgreSQL URL"),
        ({"sqlalchemy_url": "postgresql://user:p@word#/@127.0.0.1:1/db"}, "is not a PostgreSQL URL"),
        ({"sqlalchemy_url": "postgresql://user:p@word@127.0.0.1:1/db"}, "is not a PostgreSQL URL"),
        ({"sqlalchemy_url": "postgresql://u:p@h/d?fallback_application_name=x"}, "has fallback_application_name"),
        ({"host": "h", "user": "u", "database": "d", "ssh_tunnel.enable": True}, "SSH tunnel"),
    ],
)
def test_settings_without_a_way_to_the_database_say_so_in_one_line(
    dbt: Dbt, settings: dict[str, object], message: str
) -> None:
    done = attempt(dbt, settings)

    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "word" not in done.stderr.replace("password", "")


def test_variables_of_settings_and_of_the_command_line_are_put_together(dbt: Dbt) -> None:
    script = (
        "import invoicing_dbt, json\n"
        "print(json.dumps(invoicing_dbt.arguments_with_vars(['run', '--vars', '{b: 3}', '-s', 'x'],"
        ' {"DBT_VARS": \'{"a": 1, "b": 2, "c.d.e": "f.g"}\', "DBT_AS_OF": "2026-01-31"})))\n'
    )
    done = subprocess.run([dbt.python, "-c", script], capture_output=True, text=True, check=True)

    *others, variables_given = json.loads(done.stdout)
    assert others == ["run", "-s", "x", "--vars"]
    assert json.loads(variables_given) == {"a": 1, "b": 3, "c": {"d": {"e": "f.g"}}, "as_of": "2026-01-31"}


def test_a_folder_without_the_project_is_named(dbt: Dbt, tmp_path: Path) -> None:
    environment = {**os.environ, "MELTANO_PROJECT_ROOT": str(tmp_path)}
    done = subprocess.run([str(dbt.program), "build"], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == f"There is no transform/dbt_project.yml in {tmp_path}: go to the folder of meltano.yml\n"
