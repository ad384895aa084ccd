"""Progress on standard error: a spinner on a terminal, one line per finished stage, nothing else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console

from glm_local.contract.terminal_text import terminal_text, terminal_word


class Progress(Protocol):
    """Who is told of a job's stages."""

    def stage(self, name: str) -> object:
        """A context manager around one stage; `Told.say` inside it sets what the finished line says."""
        ...


class Told:
    """What a stage has to say when it is done."""

    def __init__(self) -> None:
        self.text = ""

    def say(self, text: str) -> None:
        """Set the text of the stage's line."""
        self.text = text


class StageLines:
    """Stages as lines ``fit  12 coefficients, deviance 1,234.5  0.31 s`` on standard error.

    Parameters
    ----------
    stream
        Standard error unless told otherwise.
    quiet
        Say nothing.
    """

    def __init__(self, stream: TextIO | None = None, quiet: bool = False) -> None:
        self._console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True)
        self._quiet = quiet

    @contextmanager
    def stage(self, name: str) -> Iterator[Told]:
        """Time one stage and say what it did; a stage that fails says nothing, the error does."""
        told, start = Told(), time.perf_counter()
        if self._quiet:
            yield told
            return
        if self._console.is_terminal:
            with self._console.status(name):
                yield told
        else:
            yield told
        seconds = time.perf_counter() - start
        self._console.print(f"{name:<17}{terminal_word(told.text)}  {seconds:.2f} s", markup=False)

    def line(self, text: str) -> None:
        """Say one line."""
        if not self._quiet:
            self._console.print(terminal_text(text), markup=False)
