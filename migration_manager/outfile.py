"""Write one file whole or not at all: a reader sees the old text or the new one, and a full disk leaves the old one."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from migration_manager.errors import FileError


def read_file(path: Path, shown: str) -> str | None:
    """Return a file's text; None where there is none. Raises `FileError` for one that cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise FileError(f"is not UTF-8 (byte {error.start})", path=shown) from None
    except OSError as error:
        raise FileError(f"cannot be read: {_reason(error)}", path=shown) from None


def write_file(path: Path, text: str, shown: str) -> None:
    """Replace a file, or make it, at once. It keeps its mode, a link stays a link. Raises `FileError`."""
    real = Path(os.path.realpath(path))
    temporary: str | None = None
    try:
        mode = real.stat().st_mode & 0o7777 if real.exists() else 0o666 & ~_umask()
        if real.exists() and not os.access(real, os.W_OK):
            raise PermissionError(None, "Permission denied")  # its folder would let us, and its owner has said no
        descriptor, temporary = tempfile.mkstemp(prefix=f".{real.name}.", suffix=".part", dir=real.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(real)
        temporary = None
    except OSError as error:
        raise FileError(f"cannot be written: {_reason(error)}", path=shown) from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
