"""A plugin made from a row of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import g4f_lite
from g4f_lite import OpenaiTemplate, Provider, hookimpl

from .catalogue.constants import FOREIGN
from .row import Row

COMMON: dict[str, Any] = {"foreign_fields": FOREIGN, "known_fields": frozenset()}
"""What holds for a row that does not say otherwise."""


class ConfigOnly:
    """Registers OpenAI's protocol with the constants of one row."""

    def __init__(self, name: str, row: Row) -> None:
        self._name = name
        self._row = row

    @hookimpl
    def register_providers(self, register: Callable[[type[Provider] | Provider], None]) -> None:
        attributes: dict[str, Any] = {**COMMON, **self._row}
        for declaration in ("error_codes", "error_words"):
            if declaration in attributes:
                attributes[declaration] = {
                    sign: getattr(g4f_lite, exception, exception)  # an unknown name is reported with its entry
                    for sign, exception in attributes[declaration].items()
                }
        register(OpenaiTemplate(name=self._name, **attributes))
