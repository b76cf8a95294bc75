"""A text that must not be seen by accident. Imports nothing of the package."""

from __future__ import annotations

from typing import Any, Final, NoReturn

MASK: Final = "***"


class Secret:
    """A password or the like: whatever shows it shows `***`; only `reveal` gives the text.

    Not a `str`, so that joining, logging or encoding one as JSON fails instead of leaking.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self.__text

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.__text == other.__text

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    # A copy is the same secret; without these two, dataclasses.asdict and copy would go through pickle.
    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not written anywhere")
