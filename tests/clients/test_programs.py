"""Which pg_dump is taken for a server: real programs, and scripts that answer `--version` as one would."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from migration_manager.clients.programs import USUAL_FOLDERS, find_program
from migration_manager.errors import ConfigError
from tests.fixtures.postgres import embedded_binaries, need_embedded

DEBIANS = Path("/usr/lib/postgresql/15/bin/pg_dump")


def pretended(folder: Path, version: str) -> Path:
    """Write a pg_dump that says that it is of a version; returns its folder."""
    folder.mkdir(parents=True)
    program = folder / "pg_dump"
    program.write_text(f'#!/bin/sh\necho "pg_dump {version}"\n')
    program.chmod(0o755)
    return folder


def chosen(server: str, *folders: Path, configured: Path | None = None, usual: tuple[str, ...] = ()) -> Path:
    environ = {"PATH": os.pathsep.join(str(folder) for folder in folders)}
    return find_program("pg_dump", server, environ=environ, configured=configured, usual=usual).path


def test_the_same_major_version_comes_before_newer_ones_wherever_it_is(tmp_path: Path) -> None:
    newer, same = (
        pretended(tmp_path / "17", "(PostgreSQL) 17.2"),
        pretended(tmp_path / "14" / "bin", "(PostgreSQL) 14.1"),
    )
    assert chosen("14.20", newer, same) == same / "pg_dump"
    assert chosen("14.20", newer, usual=(f"{tmp_path}/*/bin",)) == same / "pg_dump"


def test_the_path_comes_before_the_usual_folders(tmp_path: Path) -> None:
    usual, on_path = (pretended(tmp_path / name / "bin", "(PostgreSQL) 14.1") for name in ("usual", "path"))
    assert chosen("14.3", on_path, usual=(str(usual),)) == on_path / "pg_dump"


def test_the_nearest_newer_one_comes_next_and_an_older_one_never(tmp_path: Path) -> None:
    folders = [pretended(tmp_path / v, f"(PostgreSQL) {v}") for v in ("12.1", "17.2", "16.9")]
    assert chosen("15.3", *folders) == tmp_path / "16.9" / "pg_dump"


def test_builds_of_others_and_versions_before_a_release_are_understood(tmp_path: Path) -> None:
    folder = pretended(tmp_path / "edb", "(EnterpriseDB) 14.3.0 (Debian 14.3-1)")
    assert chosen("14.1", folder) == folder / "pg_dump"
    beta = pretended(tmp_path / "beta", "(PostgreSQL) 19beta1")
    found = find_program("pg_dump", "19.0", environ={"PATH": str(beta)}, usual=())
    assert (found.major, found.minor, found.version) == (19, None, "19beta1")


def test_the_embedded_servers_programs_are_the_last_resort(tmp_path: Path) -> None:
    need_embedded()
    binaries = embedded_binaries()
    assert binaries is not None
    assert chosen("18.1", pretended(tmp_path / "old", "(PostgreSQL) 12.1")) == binaries / "pg_dump"


@pytest.mark.parametrize("odd", ["says nothing", "is no program", "a folder"])
def test_what_is_no_pg_dump_is_passed_over(tmp_path: Path, odd: str) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    if odd == "a folder":
        (folder / "pg_dump").mkdir()
    else:
        (folder / "pg_dump").write_text("#!/bin/sh\nexit 1\n" if odd == "says nothing" else "\0\1\2")
        (folder / "pg_dump").chmod(0o755)
    good = pretended(tmp_path / "good", "(PostgreSQL) 14.1")
    assert chosen("14.1", folder, good) == good / "pg_dump"


def test_a_relative_folder_of_the_path_is_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretended(tmp_path / "here", "(PostgreSQL) 14.1")
    monkeypatch.chdir(tmp_path / "here")
    good = pretended(tmp_path / "good", "(PostgreSQL) 14.1")
    assert chosen("14.1", Path(), good) == good / "pg_dump"


def test_a_configured_folder_is_the_only_one(tmp_path: Path) -> None:
    old, same = pretended(tmp_path / "old", "(PostgreSQL) 12.1"), pretended(tmp_path / "14", "(PostgreSQL) 14.1")
    assert chosen("14.1", configured=same) == same / "pg_dump"
    with pytest.raises(ConfigError, match=r"old/pg_dump \(12\.1\)"):
        chosen("14.1", same, configured=old)
    with pytest.raises(ConfigError, match=f"there is none in {tmp_path}"):
        chosen("14.1", same, configured=tmp_path)


def test_none_that_will_do_is_one_sentence_with_the_versions_and_the_ways_out(tmp_path: Path) -> None:
    folder = pretended(tmp_path / "old", "(PostgreSQL) 12.1")
    with pytest.raises(ConfigError) as refused:
        chosen("99.2", folder)
    said = refused.value.message
    assert "\n" not in said
    assert said.startswith("the server is PostgreSQL 99.2, which takes a pg_dump of version 99 or newer: ")
    assert f"{folder}/pg_dump (12.1)" in said
    assert refused.value.hint is not None
    for way in ("postgresql-client-99", "`pg_bin`", "migration-manager[embedded]"):
        assert way in refused.value.hint


def test_debians_folders_are_looked_through_and_its_wrapper_is_not_taken() -> None:
    if not DEBIANS.exists():
        pytest.skip("Debian's PostgreSQL 15 is not installed here")
    assert chosen("15.3", Path("/usr/bin"), usual=USUAL_FOLDERS) == DEBIANS
