"""Records how the calls ended, and what was wrong with their answers."""

from __future__ import annotations

import pickle
import threading
import traceback
from array import array
from collections import Counter
from typing import Any
from zlib import crc32

from g4f_lite import ChatCompletion, ChatCompletionChunk, G4FLiteError, RoutesExhaustedError

from .ask import Ask
from .providers import SECRET, Here


class Ledger:
    """The ends of the calls, in memory that does not grow, and the problems."""

    def __init__(self, calls: int) -> None:
        self.answers = array("Q", bytes(8 * calls))
        """The serial number and the checksum of the answer to each call."""
        self.ends: Counter[str] = Counter()
        self.problems: list[str] = []
        self._lock = threading.Lock()

    def problem(self, text: str) -> None:
        if len(self.problems) < 50:
            self.problems.append(text)

    def ended(self, how: str) -> None:
        with self._lock:
            self.ends[how] += 1

    def add_chunk(self, asked: Ask, said: str, chunk: ChatCompletionChunk) -> str:
        """Return the text of a stream so far; a restart discards it."""
        if chunk.restarted:
            self.check_owner(asked, said)
            said = ""
        return said + chunk.text

    def check_owner(self, asked: Ask, text: str) -> None:
        """Check that a text belongs to this call."""
        if not all(word.startswith(f"{asked.nonce}.") for word in text.split()):
            self.problem(f"call {asked.nonce} was answered with {text!r}")

    def answered(self, asked: Ask, reply: ChatCompletion, said: str | None = None) -> None:
        self.check_owner(asked, reply.text)
        if said is not None and said != reply.text:
            self.problem(f"the stream of call {asked.nonce} yielded {said!r}, but its completion is {reply.text!r}")
        outcomes = [attempt.outcome for attempt in reply.attempts]
        if not reply.text or reply.choices[0].finish_reason != "stop" or "ok" not in outcomes:
            self.problem(f"call {asked.nonce} accepted as an answer: {reply!r} after {outcomes}")
            return
        if reply.provider == "here":
            if reply.text != "".join(Here.words(str(asked.nonce))):
                self.problem(f"call {asked.nonce} got only a part of its answer: {reply.text!r}")
        else:
            serial = int(reply.text.split()[-1].split(".")[1])
            self.answers[asked.nonce] = serial << 32 | crc32(reply.text.encode())
        if asked.nonce % 8 == 0:
            self._check_pickle(asked, reply)
        self.ended("answered")

    def failed(self, asked: Ask, error: BaseException) -> None:
        if not isinstance(error, G4FLiteError):
            self.problem(f"call {asked.nonce} raised\n{''.join(traceback.format_exception(error))[-3000:]}")
            return
        for one in error.exceptions if isinstance(error, RoutesExhaustedError) else (error,):
            self.check_owner(asked, getattr(one, "partial_text", ""))
        shown = "".join([repr(error), str(error), str(error.trail), *traceback.format_exception(error)])
        if SECRET in shown:
            self.problem(f"call {asked.nonce} shows its key: …{shown[max(0, shown.index(SECRET) - 300) :][:400]}")
        self._check_pickle(asked, error)
        self.ended("failed")

    def _check_pickle(self, asked: Ask, value: Any) -> None:
        pickled = pickle.dumps(value)
        if SECRET.encode() in pickled:
            self.problem(f"call {asked.nonce}: a key in the pickle of {value!r}")
        if (copy := pickle.loads(pickled)).trail != value.trail or str(copy) != str(value):
            self.problem(f"call {asked.nonce}: unpickling changes {value!r}")

    def verify(self, complete: dict[int, int]) -> None:
        """Compare the answers with those that the servers have sent completely."""
        for nonce, answer in enumerate(self.answers):
            if answer and complete.get(answer >> 32) != answer & 0xFFFFFFFF:
                self.problem(f"call {nonce} accepted an incomplete answer")

    def add(self, other: tuple[list[tuple[int, int]], Counter[str], list[str]]) -> None:
        """Add the report of a child."""
        answers, ends, problems = other
        for nonce, answer in answers:
            self.answers[nonce] = answer
        with self._lock:
            self.ends += ends
        for problem in problems:
            self.problem(f"in a child: {problem}")

    def report(self) -> tuple[list[tuple[int, int]], Counter[str], list[str]]:
        return [(nonce, answer) for nonce, answer in enumerate(self.answers) if answer], self.ends, self.problems
