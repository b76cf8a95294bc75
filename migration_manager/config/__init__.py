"""The effective configuration: every value with where it comes from.

Flag > environment variable > `.env` > file > default. Problems are collected and told together. The only package
that looks at the process's environment, in `load_from_process` and `examine_process`; everything else gets the
variables and the current folder as parameters.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from migration_manager.config.keys import VARIABLES, flag_name, variable_name
from migration_manager.config.resolution import examine_settings
from migration_manager.config.settings import Examination, Origin, Settings
from migration_manager.configfile import DEFAULT_CONFIG
from migration_manager.errors import ConfigError

__all__ = [
    "DEFAULT_CONFIG",
    "VARIABLES",
    "Examination",
    "Origin",
    "Settings",
    "examine_process",
    "examine_settings",
    "flag_name",
    "load_from_process",
    "load_settings",
    "variable_name",
]


def load_from_process(overrides: Mapping[str, object]) -> Settings:
    """Return the settings for this process's environment and current folder. Raises `ConfigError`."""
    return load_settings(overrides, environ=os.environ, cwd=_current_folder())


def examine_process(overrides: Mapping[str, object]) -> Examination:
    """Like `load_from_process`, for showing: what is wrong is part of the answer."""
    return examine_settings(overrides, environ=os.environ, cwd=_current_folder())


def load_settings(overrides: Mapping[str, object], *, environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings, or raise one `ConfigError` with everything that is wrong.

    `overrides` are the flags by key (`environment`, `url`, `migrations`, `config`, `lock_timeout`, ...); None
    means that the flag was not given.
    """
    return examine_settings(overrides, environ=environ, cwd=cwd).checked()


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigError("the current folder does not exist any more") from None
