"""Each make against a model of a few lines: any commands in any order, and after each of them spent + reserved ≤ limit."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from helpers.states import LONG, MAKES, PLENTY, do, in_use, let_end, new_id
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from g4f_lite.health.shared_state import NEVER, Amount, Renew, Reservation, Reserve, Settle, SharedState

LIMITS = {("a", "total"): 40, ("b", "total"): 25, ("a", "parallel"): 3, ("c", "parallel"): 1, ("b", "minute"): 30}
wanted = st.lists(st.tuples(st.sampled_from(sorted(LIMITS)), st.integers(0, 12)), max_size=4)


class Model(RuleBasedStateMachine):
    """`spent` and `held` by limit; `open` has what is reserved, `ended` what may be settled late."""

    make = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.spent = dict.fromkeys(LIMITS, 0)
        self.held = dict.fromkeys(LIMITS, 0)
        self.open: dict[str, tuple[Amount, ...]] = {}
        self.ended: dict[str, tuple[Amount, ...]] = {}
        self.sent: dict[str, tuple[Reserve, Any]] = {}

    @initialize()
    def start(self) -> None:
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        opened = self.stack.enter_context(MAKES[self.make](Path(folder)))
        self.state: SharedState = self.stack.enter_context(closing(opened()))

    def teardown(self) -> None:
        self.stack.close()

    @rule(rows=wanted, brief=st.booleans(), data=st.data())
    def reserve(self, rows: list[tuple[tuple[str, str], int]], brief: bool, data: st.DataObject) -> None:
        amounts = tuple(
            Amount(name[0], "calls", name[1], LIMITS[name], amount)  # type: ignore[arg-type]
            for name, amount in rows
        )
        command = Reserve(new_id(), amounts, 1 if brief else LONG)
        taken = dict.fromkeys(LIMITS, 0)
        no_room, final = [], False
        for index, (name, amount) in enumerate(rows):
            taken[name] += amount
            if self.spent[name] + self.held[name] + taken[name] > LIMITS[name]:
                no_room.append(index)
                never = self.spent[name] + taken[name] > LIMITS[name]
                final |= never and (name[1] != "minute" or taken[name] > LIMITS[name])
        answer = do(self.state, command)
        assert isinstance(answer, Reservation)
        if no_room:
            assert answer.refused_by in no_room
            assert (answer.wait_ms == NEVER) is final
            assert final or answer.wait_ms > 0
            return
        assert answer.refused_by is None and len(answer.left) == len(amounts)
        for name, amount in taken.items():
            self.held[name] += amount
        for (name, _), left in zip(rows, answer.left, strict=True):
            assert left == LIMITS[name] - self.spent[name] - self.held[name]
        self.sent[command.id] = command, answer
        self.open[command.id] = amounts
        if brief:
            let_end(1)
            self._count(self.open.pop(command.id), [amount.amount for amount in amounts])
            self.ended[command.id] = amounts

    def _count(self, amounts: tuple[Amount, ...], used: list[int], *, held: bool = True) -> None:
        for amount, real in zip(amounts, used, strict=True):
            name = (amount.scope, amount.window)
            self.held[name] -= amount.amount if held else 0
            if amount.window != "parallel":
                self.spent[name] += real if held else real - amount.amount

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        known = sorted({**self.open, **self.ended, **self.sent, "nobody": ()})
        one = data.draw(st.sampled_from(known))
        held = one in self.open
        amounts = self.open.pop(one, None) or self.ended.pop(one, ())
        used = [data.draw(st.integers(0, amount.amount)) for amount in amounts]
        self._count(amounts, used, held=held)
        assert do(self.state, Settle(one, tuple(used) or (7, 7))) is None

    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        if self.sent:
            command, answer = self.sent[data.draw(st.sampled_from(sorted(self.sent)))]
            assert do(self.state, command) == answer

    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        ids = data.draw(st.lists(st.sampled_from(sorted({*self.sent, "nobody"})), max_size=3))
        assert do(self.state, Renew(tuple(ids), LONG)) is None

    @invariant()
    def agrees_with_the_model(self) -> None:
        for name, limit in LIMITS.items():
            used = in_use(self.state, Amount(name[0], "calls", name[1], PLENTY, 0))  # type: ignore[arg-type]
            assert used == self.spent[name] + self.held[name] <= limit


# Not made shorter: that takes minutes with a real state.
SETTINGS = settings(max_examples=25, stateful_step_count=25, deadline=None, phases=[Phase.reuse, Phase.generate])


@pytest.mark.no_cover
@pytest.mark.parametrize("make", MAKES)
def test_any_commands_in_any_order(make: str) -> None:
    machine = type("Of" + make, (Model,), {"make": make})
    run_state_machine_as_test(machine, settings=SETTINGS)
