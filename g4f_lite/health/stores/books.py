"""What a state of this machine does with each command. Pure: the tables are passed in, and the time."""

from __future__ import annotations

from msgspec.structs import replace

from ..shared_state import (
    Answer,
    BeginProbe,
    Command,
    EndProbe,
    Look,
    Renew,
    Reserve,
    Restore,
    Settle,
    Tell,
)
from .ledger import Ledger, unknown
from .notices import Notices
from .table import NewTable


class Books:
    """The ledger and the notices of one state. Not locked."""

    def __init__(self, table: NewTable) -> None:
        self.ledger, self.notices = Ledger(table), Notices(table)

    def execute(self, command: Command, now: int) -> Answer:
        """Apply a command."""
        match command:
            case Reserve():
                answer = self.ledger.reserve(command, now)
                if self.ledger.pressed:
                    self.ledger.pressed = False
                    self.notices.nudge(now)
                return answer
            case Settle():
                self.ledger.settle(command, now)
            case Renew():
                self.ledger.renew(command, now)
            case Restore():
                self.ledger.restore(command, now)
            case BeginProbe():
                return self.notices.begin_probe(command, now)
            case EndProbe():
                self.notices.end_probe(command, now)
            case Tell():
                self.notices.tell(command, now)
            case Look():
                seen = self.notices.look(command, now)
                return replace(seen, shares=self.ledger.share(command, seen.members, seen.place, now))
            case _:
                raise unknown(command)
        return None
