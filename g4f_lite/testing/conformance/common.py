"""The checks for every provider: attributes, import, registration, secrecy of the key."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from ...errors.suggestions import did_you_mean
from ...provider.base import NAME as NAME_FORM
from ...provider.base import Provider
from ...provider.declared_contents import CAPABILITIES
from ...provider.local import LocalProvider
from ...provider.misspelt import misspelt
from ...provider.openai_protocol.chat import OpenaiTemplate
from . import contract
from .contract import fail, hold
from .service import SECRET

LIMIT_S = 60.0
"""Time limit for the import of a plugin, in seconds."""


class Conformance:
    """The base of both suites."""

    provider: ClassVar[type[Provider] | Provider]
    """The provider class under test, or an instance."""

    def made(self, **attributes: Any) -> Provider:
        """Return an instance with these attributes."""
        given = getattr(type(self), "provider", None)
        if isinstance(given, Provider):
            return given.replace(**attributes) if attributes else given
        if not (isinstance(given, type) and issubclass(given, Provider)):
            fail(contract.NAME, f"{type(self).__name__}.provider must be a Provider class or instance, not {given!r}")
        try:
            return given(**attributes)
        except Exception as error:
            given_here = ", ".join(f"{name}=…" for name in attributes)
            fail(contract.NAME, f"{given.__name__}({given_here}) raises {type(error).__name__}: {error}")

    def test_name_and_attributes(self) -> None:
        one = self.made()
        hold(NAME_FORM.fullmatch(one.name), contract.NAME, f"name is {one.name!r}")
        for attribute, kinds in _KINDS.items():
            value = getattr(one, attribute)
            hold(
                isinstance(value, kinds) and not (isinstance(value, str) and str not in kinds),
                contract.NAME,
                f"{attribute} is {value!r}",
            )
        for kind in type(one).__mro__:
            _check_class(kind)
        listed = one.fallback_models or one.model_aliases
        hold(one.default_model or not listed, contract.NAME, "default_model is empty, though there are other models")
        for attribute in ("fallback_models", "api_key_env", "capabilities"):
            for value in getattr(one, attribute):
                hold(isinstance(value, str) and value, contract.NAME, f"{attribute} holds {value!r}")
        _check_model_names(one)
        for capability in one.capabilities.difference(CAPABILITIES):
            hint = did_you_mean(capability, CAPABILITIES, f"; there are {', '.join(sorted(CAPABILITIES))}")
            fail(contract.NAME, f"capabilities has {capability!r}{hint}")
        if one.needs_auth and Conformance.made(self).working:
            hold(one.api_key_env, contract.NAME, "needs_auth is True, but api_key_env names no variable")
            hold(one.login_url, contract.NAME, "needs_auth is True, but login_url names no page for a key")

    def test_import_and_registration_do_no_io(self) -> None:
        one = self.made()
        if type(one).__module__ == "__main__" or "<locals>" in type(one).__qualname__:
            return  # such a class cannot be imported by name
        report = _import_isolated(type(one), one.api_key_env)
        for did in report["did"]:
            fail(contract.IMPORT, f"importing and registering {one.name!r} causes I/O: {did}")
        hold(not report["error"], contract.IMPORT, f"importing or registering {one.name!r} fails: {report['error']}")
        hold(
            not report["printed"], contract.IMPORT, f"importing {one.name!r} prints {report['printed'].strip()[:80]!r}"
        )
        hold(
            not report["keys"], contract.IMPORT, f"{one.name!r} holds the key of the environment once it is registered"
        )

    def test_a_key_does_not_show_in_repr_or_pickle(self) -> None:
        one = self.made(api_key=SECRET)
        hold(one.api_key == SECRET, contract.KEY, "api_key= is not kept as the attribute api_key")
        for shown, text in (("repr", repr(one)), ("str", str(one))):
            hold(SECRET not in text, contract.KEY, f"{shown} of the provider shows the key: {text}")
        try:
            pickled = pickle.dumps(one)
        except Exception as error:
            if "<locals>" in type(one).__qualname__:  # a class made inside a function cannot be pickled
                return
            fail(contract.KEY, f"the provider cannot be pickled: {type(error).__name__}: {error}")
        hold(SECRET.encode() not in pickled, contract.KEY, "a pickle of the provider holds the key")


_LIBRARY = (Provider, LocalProvider, OpenaiTemplate)
_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "label", "url", "login_url", "api_base", "default_model"), (str,)),
    **dict.fromkeys(("working", "needs_auth", "automatic"), (bool,)),
    **dict.fromkeys(("fallback_models", "api_key_env"), (tuple, list)),
    "model_aliases": (Mapping,),
    "capabilities": (frozenset,),
}


def _check_class(kind: type) -> None:
    """Check the names in a class of the provider, or in one of its bases."""
    for name, meant in misspelt(kind) if kind not in _LIBRARY else ():
        fail(contract.NAME, f"{name} is no attribute; did you mean {meant!r}?")
    for name, method in vars(kind).items():
        asynchronous = inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)
        if asynchronous and any(name in vars(base) for base in _LIBRARY):
            fail(contract.CLIENTS, f"{name} is an async function, not a plain one")


def _check_model_names(one: Provider) -> None:
    for alias, model in one.model_aliases.items():
        hold(alias and isinstance(model, str) and model, contract.NAME, f"model_aliases has {alias!r}: {model!r}")
        hold(
            one.get_model_name(alias) == model,
            contract.NAME,
            f"get_model_name({alias!r}) is {one.get_model_name(alias)!r}, not {model!r}",
        )
    for empty in (None, ""):
        hold(
            one.get_model_name(empty) == one.default_model,
            contract.NAME,
            f"get_model_name({empty!r}) is {one.get_model_name(empty)!r}, not the default model",
        )
    hold(
        one.get_model_name("a-model-that-is-not-listed") == "a-model-that-is-not-listed",
        contract.NAME,
        "get_model_name changes a model id that the class does not list; the service may know it",
    )


def _import_isolated(kind: type, variables: Any) -> dict[str, Any]:
    """Import the module of a class and register it in a fresh interpreter; return its report."""
    module = sys.modules[kind.__module__]
    environment = {
        **os.environ,
        **dict.fromkeys(variables, SECRET),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    target = (kind.__module__, str(getattr(module, "__file__", "")), kind.__qualname__)
    try:
        ran = subprocess.run(  # noqa: S603  # this interpreter, with names of this process
            [sys.executable, "-P", "-m", "g4f_lite.testing.import_trial", *target],
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        fail(contract.IMPORT, f"importing {kind.__module__} does not end within {LIMIT_S:g} s")
    last = ran.stdout.splitlines()[-1:] or [""]
    if not last[0].startswith("{"):
        fail(
            contract.IMPORT,
            f"importing {kind.__module__} ends the process with code {ran.returncode}: {ran.stderr[-300:].strip()}",
        )
    report: dict[str, Any] = json.loads(last[0])
    report["printed"] += "\n".join(ran.stdout.splitlines()[:-1])
    return report
