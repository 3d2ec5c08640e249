"""The embedded server: one at a time, gone with its owner, back after any death."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hub import postgres, tether
from hub.home import ROOT
from tests.product import alive, wait_for

FAST = {"fsync": "off"}

OWNER = f"""
import sys, time
sys.path[:0] = [{str(ROOT / "platform")!r}]
from hub.postgres import Server
server = Server(options={FAST})
server.start()
print(server.process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "a home with spaces"


@pytest.fixture
def server(home: Path) -> Iterator[postgres.Server]:
    server = postgres.Server(home, FAST)
    yield server
    server.stop()


@pytest.fixture
def owner(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which has started the server of this home; its first line is the server's process id."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER], env=os.environ | {"UNBLEED_HOME": str(home)}, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield process
        process.kill()


def server_of(owner: "subprocess.Popen[str]") -> int:
    assert owner.stdout
    return int(owner.stdout.readline())


def query(home: Path, statement: str) -> object:
    with psycopg.connect(**postgres.address(home), autocommit=True) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row and row[0]


def test_it_runs_in_a_path_with_spaces_and_keeps_rows(server: postgres.Server, home: Path) -> None:
    server.start()
    query(home, "CREATE TABLE kept AS SELECT 7 AS n")
    server.stop()
    assert not postgres.answers(home)
    server.start()
    assert query(home, "SELECT n FROM kept") == 7
    assert str(query(home, "SHOW server_version")).startswith("18.")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no syncfs")
def test_after_a_kill_it_does_not_wait_for_each_of_its_files(server: postgres.Server, home: Path) -> None:
    server.start()
    assert query(home, "SHOW recovery_init_sync_method") == "syncfs"


def test_only_this_user_reaches_it(server: postgres.Server, home: Path) -> None:
    server.start()
    assert query(home, "SHOW listen_addresses") == ""
    for path in (server.folder, server.data, postgres.socket_folder(home)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


def test_folders_above_keep_their_modes_and_owners(server: postgres.Server, home: Path) -> None:
    home.parent.chmod(0o700)
    before = home.parent.stat()
    server.start()
    after = home.parent.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert server.data.stat().st_uid == os.geteuid()


def test_a_second_server_on_the_same_data_is_refused_by_name(server: postgres.Server, home: Path) -> None:
    server.start()
    with pytest.raises(postgres.AlreadyRunning, match=rf"already runs on .*: process {os.getpid()} .*UNBLEED_HOME"):
        postgres.Server(home).start()
    assert postgres.answers(home), "the first one is left alone"


def test_a_command_uses_the_server_that_runs(owner: "subprocess.Popen[str]", home: Path) -> None:
    server_of(owner)
    assert postgres.ensure(home) is None
    assert postgres.owner(home) == f"process {owner.pid} (-c)"


def test_no_server_is_started_where_a_database_is_given(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/unbleed")
    assert postgres.ensure(home) is None
    assert not home.exists()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_an_owner_that_is_killed_leaves_no_server_behind(owner: "subprocess.Popen[str]", sign: signal.Signals) -> None:
    server = server_of(owner)
    owner.send_signal(sign)
    owner.wait(60)
    wait_for(lambda: not alive(server), "end of the server")


def test_it_comes_back_with_all_commits_after_everything_was_killed(
    owner: "subprocess.Popen[str]", server: postgres.Server, home: Path
) -> None:
    first = server_of(owner)
    query(home, "CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(first, signal.SIGKILL)
    owner.kill()
    owner.wait(60)
    assert (server.data / "postmaster.pid").exists(), "nobody had time to tidy up"
    server.start()
    assert query(home, "SELECT n FROM kept") == 7


def test_a_process_id_that_now_names_something_else_does_not_stop_it(server: postgres.Server, home: Path) -> None:
    server.start()
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server.start()
    assert postgres.answers(home)


def test_a_first_start_that_was_cut_off_is_made_anew(server: postgres.Server, home: Path) -> None:
    (server.folder / "data.new").mkdir(parents=True)
    (server.folder / "data.new" / "PG_VERSION").write_text("18\n")
    server.start()
    assert postgres.answers(home)


def test_data_of_another_major_version_is_refused(server: postgres.Server) -> None:
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(postgres.ServerError, match=r"written by PostgreSQL 17, but the installed server is 18.*pg_dump"):
        server.start()


def test_a_server_that_does_not_start_shows_its_own_words(home: Path) -> None:
    server = postgres.Server(home, {"shared_buffers": "nonsense"})
    with pytest.raises(postgres.ServerError, match="nonsense"):
        server.start()
    assert postgres.owner(home) is None, "the lock is free again"


def test_a_folder_too_deep_for_a_socket_gets_one_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("long " * 20).strip() / "ümlaut, comma"
    server = postgres.Server(deep, FAST)
    try:
        server.start()
        assert len(str(postgres.socket_folder(deep))) < 80
        assert postgres.answers(deep)
    finally:
        server.stop()
    assert not postgres.socket_folder(deep).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user needs no user namespace")
def test_root_without_user_namespaces_is_told_what_to_do(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forbidding = tmp_path / "tether.py"
    forbidding.write_text(f"raise SystemExit({tether.NO_NAMESPACE})")
    monkeypatch.setattr(tether, "__file__", str(forbidding))
    with pytest.raises(postgres.ServerError, match=r"refuses to run as root.*--user 1000:1000.*DATABASE_URL"):
        postgres.Server(home).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can play another user here")
def test_an_ordinary_user_runs_it_as_it_is(home: Path) -> None:
    become_plain = [sys.executable, "-I", "-S", str(tether.__file__), str(os.getpid()), "SIGKILL", "plain"]
    code = OWNER.replace("time.sleep(600)", "import os; print(os.geteuid(), server.stop())")
    done = subprocess.run(
        [*become_plain, sys.executable, "-c", code],
        env=os.environ | {"UNBLEED_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.split()[1:] == [str(tether.PLAIN_ID), "None"], done.stderr
