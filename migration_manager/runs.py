"""The identity of a run: a sortable id, and the commit and CI run its surroundings tell."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path

# Crockford's base 32: no I, L, O, U, so that an id can be read aloud in an incident.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_COMMIT_VARIABLES = (
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "BITBUCKET_COMMIT",
    "CIRCLE_SHA1",
    "BUILD_SOURCEVERSION",
    "GIT_COMMIT",
)
_CI_RUN_VARIABLES = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILD_BUILDURI", "BITBUCKET_BUILD_NUMBER")


def new_run_id() -> str:
    """Return 26 characters that sort by the millisecond they were made in and are otherwise random (a ULID)."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def surroundings(environ: Mapping[str, str], folder: Path) -> tuple[str | None, str | None]:
    """Return the commit that is deployed and the CI run that deploys it, None for what is not known.

    The commit comes from the CI system's variables, else from the checkout `folder` is in, read without running git.
    """
    commit = next((environ[name] for name in _COMMIT_VARIABLES if environ.get(name)), None)
    ci_run = next((environ[name] for name in _CI_RUN_VARIABLES if environ.get(name)), None)
    if environ.get("GITHUB_RUN_ID"):
        ci_run = "/".join(
            filter(None, (environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_REPOSITORY"), "actions/runs"))
        )
        ci_run += "/" + environ["GITHUB_RUN_ID"]
    return commit or _checked_out(folder), ci_run


def _checked_out(folder: Path) -> str | None:
    """Return the commit of the checkout a folder is in; None outside one, and for anything unusual."""
    for parent in (folder, *folder.parents):
        head = parent / ".git" / "HEAD"
        try:
            content = head.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if not content.startswith("ref: "):
            return content or None
        try:
            return (parent / ".git" / content.removeprefix("ref: ")).read_text(encoding="ascii").strip() or None
        except (OSError, UnicodeDecodeError):  # packed references: not worth a parser
            return None
    return None
