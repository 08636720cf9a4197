"""What is kept in memory ends with the gateway, whoever comes later."""

from __future__ import annotations

import sqlite3

import pytest

from g4f_lite.gateway.admin.file import AdminFile

TABLE = "CREATE TABLE IF NOT EXISTS one (number INTEGER)"


@pytest.mark.parametrize("used", [True, False])
def test_a_thread_that_comes_late_opens_nothing_in_memory(used: bool) -> None:
    file = AdminFile(None)
    if used:
        with file.open(TABLE) as memory:
            memory.execute("INSERT INTO one VALUES (1)")
    file.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"), file.open(TABLE):
        pass
