"""Which migrations are new since a git ref: asked of real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from migration_manager.errors import UsageError
from migration_manager.since import Since, names_since, refs

ONE, TWO, THREE = "001_one", "002_two", "003_three"


class Repository:
    """A git repository in which a subfolder, whose path has a blank, holds migrations."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "data base" / "migrations"
        self.folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str, cwd: Path | None = None) -> str:
        who = {f"GIT_{part}_{what}": "a@example.org" for part in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *words],
            cwd=cwd or self.root,
            env={**plain, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def write(self, name: str, text: str = "SELECT 1;\n", *, rollback: bool = True) -> None:
        (self.folder / f"{name}.sql").write_text(text)
        if rollback:
            (self.folder / f"{name}_rollback.sql").write_text(text)

    def commit(self, message: str = "more") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    made = Repository(tmp_path / "repository")
    made.write(ONE)
    made.commit()
    return made


def since(repository: Repository, ref: str = "main") -> Since:
    return names_since(ref, repository.folder)


def added(*names: str) -> Since:
    return Since(frozenset(names), frozenset())


def test_nothing_is_new_where_nothing_was_done(repository: Repository) -> None:
    assert since(repository) == added()
    assert since(repository, "HEAD") == added()


def test_a_committed_a_staged_and_an_unknown_migration_are_added(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "branch")
    repository.write(TWO)
    repository.commit()
    repository.write(THREE)
    repository.git("add", "--all")
    repository.write("004_änderung")
    assert since(repository) == added(TWO, THREE, "004_änderung")
    assert since(repository).names == {TWO, THREE, "004_änderung"}


def test_what_git_ignores_and_what_is_no_sql_or_elsewhere_does_not_count(repository: Repository) -> None:
    (repository.root / ".gitignore").write_text("*_draft.sql\n")
    repository.write("005_draft", rollback=False)
    (repository.folder / "notes.txt").write_text("x")
    (repository.folder / "below").mkdir()
    (repository.folder / "below" / "006_below.sql").write_text("SELECT 1;\n")
    (repository.root / "007_above.sql").write_text("SELECT 1;\n")
    assert since(repository) == added()


def test_a_changed_migration_is_told_from_an_added_one(repository: Repository) -> None:
    repository.write(TWO)
    repository.commit()
    repository.write(ONE, "SELECT 2;\n", rollback=False)
    repository.write(THREE)
    assert since(repository) == Since(frozenset({THREE}), frozenset({ONE}))


def test_a_rollback_script_that_is_new_makes_its_migration_new_and_one_that_is_gone_changes_it(
    repository: Repository,
) -> None:
    repository.write(TWO, rollback=False)
    repository.commit()
    repository.write(TWO)
    (repository.folder / f"{ONE}_rollback.sql").unlink()
    assert since(repository) == Since(frozenset({TWO}), frozenset({ONE}))


def test_a_renamed_migration_is_an_added_one(repository: Repository) -> None:
    repository.git("config", "diff.renames", "true")
    for ending in (".sql", "_rollback.sql"):
        (repository.folder / f"{ONE}{ending}").rename(repository.folder / f"{TWO}{ending}")
    repository.commit()
    assert since(repository, "HEAD~1") == Since(frozenset({TWO}), frozenset({ONE}))


def test_what_others_did_on_the_ref_meanwhile_is_nothing_of_ours(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "branch")
    repository.write(TWO)
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    repository.write(THREE)
    repository.write(ONE, "SELECT 3;\n")
    repository.commit()
    repository.git("checkout", "--quiet", "branch")
    assert since(repository) == added(TWO)


def test_a_file_that_was_only_touched_is_not_changed(repository: Repository) -> None:
    os.utime(repository.folder / f"{ONE}.sql", (1, 1))
    assert since(repository) == added()


@pytest.mark.parametrize("ref", ["nonsense", "origin/main", "--output=x", "main..HEAD", "", "HEAD:data base"])
def test_a_ref_that_is_not_there_is_said_to_be_so(repository: Repository, ref: str) -> None:
    with pytest.raises(UsageError, match="git knows no commit") as refused:
        since(repository, ref)
    assert refused.value.hint is not None
    assert "git fetch" in refused.value.hint
    assert list(repository.root.glob("**/x")) == []


def test_a_folder_outside_any_repository_is_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "plain"
    folder.mkdir()
    with pytest.raises(UsageError, match="not in a git repository"):
        names_since("main", folder)


def test_a_missing_git_and_a_missing_folder_are_said_to_be_so(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        names_since("main", tmp_path / "nowhere")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed"):
        since(repository)


def test_a_shallow_clone_without_the_base_is_explained(repository: Repository, tmp_path: Path) -> None:
    repository.git("checkout", "--quiet", "-b", "branch")
    repository.write(TWO)
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    repository.write(THREE)
    repository.commit()
    clone = tmp_path / "clone"
    url = repository.root.as_uri()
    repository.git("clone", "--quiet", "--depth=1", "--branch=branch", url, str(clone))
    folder = clone / "data base" / "migrations"
    with pytest.raises(UsageError, match="git knows no commit 'origin/main'") as refused:
        names_since("origin/main", folder)
    assert "fetch-depth: 0" in (refused.value.hint or "")
    repository.git("fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main", cwd=clone)
    with pytest.raises(UsageError, match="shallow clone: the commit where this branch left origin/main") as refused:
        names_since("origin/main", folder)
    assert "fetch-depth: 0" in (refused.value.hint or "")
    repository.git("fetch", "--quiet", "--unshallow", "origin", cwd=clone)
    assert names_since("origin/main", folder) == added(TWO)


def test_branches_without_a_common_commit_are_said_to_be_so(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "other")
    repository.commit("another beginning")
    with pytest.raises(UsageError, match="no commit in common"):
        since(repository)


def test_a_worktree_is_a_repository_too(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "--quiet", "-b", "branch", str(tmp_path / "tree"))
    folder = tmp_path / "tree" / "data base" / "migrations"
    (folder / f"{TWO}.sql").write_text("SELECT 1;\n")
    assert names_since("main", folder) == added(TWO)


def test_the_refs_that_a_shell_may_offer(repository: Repository) -> None:
    repository.git("branch", "feature/one")
    repository.git("tag", "v1")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert set(refs(repository.folder)) == {"main", "feature/one", "v1", "origin/main"}
