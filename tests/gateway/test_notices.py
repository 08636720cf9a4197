"""What processes tell each other of routes."""

from __future__ import annotations

import time
from pathlib import Path

from g4f_lite.gateway.admin.file import AdminFile
from g4f_lite.gateway.admin.notices import Notice, Notices


def test_who_comes_later_hears_of_no_rest_that_has_been_ended(tmp_path: Path) -> None:
    file, until = AdminFile(tmp_path / "spend.db"), time.time() + 3600
    teller, listener = Notices(file), Notices(file)
    told = [Notice("groq:one", until), Notice("groq:two", until), Notice("groq:one", 0.0)]
    for notice in told[:2]:
        teller.tell(notice)
    assert listener.heard() == told[:2]
    teller.tell(told[2])
    assert listener.heard() == told[2:] and teller.heard() == []
    assert Notices(file).heard() == told[1:]
    teller.tell(told[0])
    assert listener.heard() == told[:1]
    assert Notices(file).heard() == [*told[1:], told[0]]
