"""The code in README and docs runs, and the files and names in them exist."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tenacity import wait_none

import g4f_lite
from g4f_lite import Client, LocalProvider, OpenaiTemplate, Provider, RoutesExhaustedError
from g4f_lite.cli.app import commands
from g4f_lite.testing import FaultServer, replies

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "SECURITY.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("providers/*.md"),
        *ROOT.glob("examples/*.md"),
        *ROOT.glob("tests/*.md"),
    ]
)
WIDTH = 110
ELSEWHERE = ("tutorial.md", "ecosystem.md", "simulation.md")
"""tests/integration/test_authors.py, tests/openai/ecosystem and tests/simulation run what is in these."""
WITH_PYTHON = [page for page in PAGES if "```python" in page.read_text("utf-8") and page.name not in ELSEWHERE]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.no_cover
@pytest.mark.parametrize("page", WITH_PYTHON, ids=name)
def test_the_python_of_a_page_runs(page: Path, groq: FaultServer, capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    text = page.read_text("utf-8")
    for block in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        line = text[: block.start(1)].count("\n")
        exec(compile("\n" * line + block.group(1), name(page), "exec"), namespace)
    assert groq.received or "FaultServer" in text
    assert not re.search(r"[^\n]Usage\(prompt", capsys.readouterr().out)  # on a line of its own


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            there = page.parent / target if target else page
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


def anchors(page: Path) -> list[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_modules_that_a_page_names_are_there(page: Path) -> None:
    for path in re.findall(r"`([a-z_0-9/]+/[a-z_0-9]+\.py)`", page.read_text("utf-8")):
        assert any((folder / path).exists() for folder in (ROOT, ROOT / "g4f_lite", ROOT / "providers")), path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_line_of_a_page_is_too_wide(page: Path) -> None:
    """benchmarks/RESULTS.md is not among the pages: `python -m benchmarks` writes its tables of measurements."""
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        assert len(line) <= WIDTH, f"{name(page)}:{number}"


def test_the_readme_shows_the_error_that_is_printed(server: FaultServer) -> None:
    server.on("openai/gpt-oss-120b", replies.error(404, "The model does not exist.", code="model_not_found"))
    server.on("openai/gpt-oss-20b", replies.error(503, "overloaded"))
    with (
        Client(base_urls={"groq": server.base_url}, keys={"groq": "test"}, retry_wait=wait_none()) as client,
        pytest.raises(RoutesExhaustedError) as raised,
    ):
        client.chat.completions.create(
            messages=[{"role": "user", "content": "Which day is it?"}],
            provider="groq",
            model="openai/gpt-oss-120b",
            fallback_models=["openai/gpt-oss-20b"],
        )
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = re.search(r"^```text\n(no answer from .*?)\n```", readme, re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert re.sub(r"\d\.\d\d s", "0.00 s", shown.group(1)) == raised.value.message


@pytest.mark.no_cover
def test_the_tables_of_the_providers_are_not_stale() -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    text = generate["PAGE"].read_text("utf-8")
    assert generate["page"](text) == text, "run python docs/generate.py"


@pytest.mark.parametrize("kind", [Provider, OpenaiTemplate, LocalProvider])
def test_all_that_a_provider_may_declare_or_override_is_documented(kind: type) -> None:
    """Not only the bundled providers know of it."""
    pages = [*ROOT.glob("docs/plugins/*.md"), ROOT / "docs/providers.md", ROOT / "docs/endpoints.md"]
    words = {word for page in pages for word in re.findall(r"\w+", page.read_text("utf-8"))}
    names = {name for owner in kind.__mro__[:-1] for name in vars(owner) if not name.startswith("_")}
    assert names - words == set()


def test_every_public_name_is_on_a_page() -> None:
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]
    words = {word for page in pages for word in re.findall(r"\w+", page.read_text("utf-8"))}
    singular = {word.removesuffix("s") for word in words}
    assert set(g4f_lite.__all__) - words - singular == {"__version__"}


def options_of(command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from options_of(found)
    yield from (option for one in command.params if isinstance(one, click.Option) for option in one.opts)


def test_every_option_of_the_command_is_on_a_page() -> None:
    text = "\n".join(page.read_text("utf-8") for page in ROOT.glob("docs/*.md"))
    options = {option for option in options_of(commands) if option.startswith("--")}
    assert {option for option in options if not re.search(rf"{option}\b", text)} == {"--version"}


def test_each_room_is_in_the_picture_of_the_architecture() -> None:
    picture = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for entry in (ROOT / "g4f_lite").iterdir():
        if (entry / "__init__.py").exists():
            assert f"`{entry.name}/`" in picture, entry.name
    order = re.search(
        r'^ORDER = """\n(.*?)"""', (Path(__file__).parent / "test_rooms.py").read_text("utf-8"), re.M | re.S
    )
    assert order is not None
    drawn = "\n".join(f" *{' · '.join(rooms.split())}" for rooms in reversed(order.group(1).splitlines()))
    assert re.search(f"^{drawn}$", picture, re.MULTILINE), "the order of the rooms"


def test_providers_import_public_names_only() -> None:
    for path in (ROOT / "providers").rglob("*.py"):
        for target in re.findall(r"(?:from|import) (g4f_lite[\w.]*)", path.read_text("utf-8")):
            assert target.split(".")[0] == "g4f_lite_providers" or target == "g4f_lite", f"{path.name}: {target}"


def test_no_lock_is_hidden_in_a_property() -> None:
    """Before Python 3.12 a `cached_property` has one for all instances, which a forked child may find locked for ever."""
    for path in [*(ROOT / "g4f_lite").rglob("*.py"), *(ROOT / "providers").rglob("*.py")]:
        assert "@cached_property" not in path.read_text("utf-8"), path.name
