"""A warning points at the line that the caller wrote, however deep in the library it is raised."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from g4f_lite import AsyncClient, Client, OpenaiTemplate, PluginWarning, provider_names, register


class Derived(Client):
    """A client of the caller's own, whose constructor is a frame of the caller."""

    def __init__(self) -> None:
        super().__init__(keys={"groqq": "k"})


class Shadowing(OpenaiTemplate):
    name = "groq"
    api_base = "http://127.0.0.1:9/v1"
    default_model = "m"


@pytest.mark.parametrize(
    ("warned", "category"),
    [
        (lambda: Client(keys={"groqq": "k"}), UserWarning),
        (lambda: AsyncClient(base_urls={"groqq": "http://127.0.0.1:9/v1"}), UserWarning),
        (Derived, UserWarning),
        (lambda: Client(plugins=[Shadowing]), PluginWarning),
        (lambda: provider_names() and register(Shadowing), PluginWarning),
    ],
    ids=["Client", "AsyncClient", "a derived client", "plugins=", "register"],
)
def test_a_warning_points_at_the_callers_line(warned: Callable[[], object], category: type[Warning]) -> None:
    with pytest.warns(category) as caught:
        warned()
    code = Derived.__init__.__code__ if warned is Derived else warned.__code__  # type: ignore[attr-defined]
    for warning in caught:
        assert warning.filename == __file__
        assert warning.lineno in {line for _, _, line in code.co_lines()}
