"""
Which tool call a piece of a stream belongs to.

OpenAI gives each call an index and an id, and sends its name once. Others give index 0 to all calls, or none; one id to
two calls; no id, or a late one; or they repeat the name with each piece, or all that they have said. Rule: no piece is
lost, and none counts twice.
"""

from __future__ import annotations

import re

import msgspec

from .chunks import ToolCallDelta
from .pieces import Pieces

_MARKS = re.compile(r'\\.?|["{}]', re.DOTALL)
"""What may begin or end a text or an object, or a backslash with the character after it."""
_NOTHING = ("{}", "null")
"""Arguments of gateways that have none yet, or no more."""


class OpenCall:
    """A tool call whose pieces arrive."""

    def __init__(self) -> None:
        self.sent_id = ""
        """As the service sent it."""
        self.id = ""
        """As the caller sees it."""
        self.name = ""
        self.is_text = False
        """Whether the arguments are those of a custom tool: any text, not an object."""
        self._begin()

    def _begin(self) -> None:
        self.arguments = Pieces()
        self._length = 0
        self._repeats_all = False
        self._read = 0
        self._depth = 0
        self._in_text = self._escaped = self._begun = False

    def is_whole(self) -> bool:
        """Whether the arguments are a JSON object that has been closed. Each piece is read once."""
        for piece in self.arguments[self._read :]:
            mark = ""
            for mark in _MARKS.findall(piece, self._escaped):
                if mark == '"':
                    self._in_text = not self._in_text
                elif not self._in_text and mark in "{}":
                    self._begun = True
                    self._depth += 1 if mark == "{" else -1
            self._escaped = mark == "\\"
        self._read = len(self.arguments)
        return self._begun and self._depth == 0 and not self._in_text

    def add(self, arguments: str) -> str:
        """Add a piece of the arguments; return what is new in it."""
        if self._length and arguments[:1] in ("{", "n") and not self.is_text:
            if arguments.strip() in _NOTHING and self.is_whole():
                return ""
            if self._length <= 4 and arguments[0] == "{" and "".join(self.arguments) in _NOTHING:
                self._begin()
            elif self._says_again(arguments):
                self._repeats_all = True
                arguments = arguments[self._length :]
        if arguments:
            self.arguments.append(arguments)
            self._length += len(arguments)
        return arguments

    def _says_again(self, arguments: str) -> bool:
        """
        Tell whether a piece begins with all that has been said before.

        Source: reports of hermes-agent, Vercel's AI SDK and opencode about services behind gateways: Qianfan, GLM.
        """
        if len(arguments) < self._length or not arguments.startswith(self.arguments[0]):
            return False
        said = "".join(self.arguments)
        return arguments.startswith(said) and (self._repeats_all or not _may_begin_json(said + arguments))


def _may_begin_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return "truncated" in str(error) or "invalid number" in str(error)  # such as `1e`
    return True


class OpenCalls(list[OpenCall]):
    """The calls of one choice, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self._by_index: dict[int | None, OpenCall] = {}
        """The last one with each index."""
        self._by_id: dict[str, OpenCall] = {}

    @property
    def indexes(self) -> int:
        """How many indexes their pieces have had."""
        return len(self._by_index)

    def find(self, piece: ToolCallDelta) -> OpenCall | None:
        """Return the call that a piece goes on with; None if it begins one."""
        name = (piece.function.name or "") if piece.function is not None else ""
        at = self._by_index.get(piece.index)
        if at is None and piece.index is None and self and not name and not piece.id:
            at = self[-1]
        if piece.id and (at is None or at.sent_id != piece.id):
            if (same := self._by_id.get(piece.id)) is not None:
                return None if name and same.name else same  # else two calls with one id
            if at is not None and at.sent_id and name and at.name:  # another call, unless this one is not whole yet
                return at if name == at.name and at.arguments and not at.is_whole() else None
        if at is None or not name or not at.name:
            return at
        if name != at.name:
            return None
        if at.is_whole():
            return at if self._repeats(at, piece) else None
        return None if piece.index is None and not piece.id and not at.arguments else at

    def take(self, piece: ToolCallDelta) -> tuple[OpenCall, str]:
        """Add a piece; return its call, and its arguments, or "" if it only repeats them."""
        found = self.find(piece)
        function = piece.function
        arguments = (function.arguments or "") if function is not None else ""
        if found is None:
            call = OpenCall()
            self.append(call)
        else:
            call = found
            if self._repeats(call, piece):
                arguments = ""
        self._by_index[piece.index] = call
        call.sent_id = call.sent_id or piece.id or ""
        if call.sent_id:
            self._by_id[call.sent_id] = call
        if function is not None:
            call.name = call.name or function.name or ""
        call.is_text = call.is_text or piece.type == "custom"
        return call, call.add(arguments) if arguments else ""

    def _repeats(self, call: OpenCall, piece: ToolCallDelta) -> bool:
        """Tell whether a piece says, with the name, once more all that its call has said: a summary, or a late id."""
        function = piece.function
        if not piece.id or function is None or not function.name or not call.arguments:
            return False
        return not function.arguments or (call.is_whole() and function.arguments == "".join(call.arguments))
