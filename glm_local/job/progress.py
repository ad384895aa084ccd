"""Progress on standard error: a spinner on a terminal, one line per finished stage, nothing else."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console

from glm_local.texts.terminal_text import terminal_text, terminal_word


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


PATIENCE = 1.0
"""Seconds after which what is being waited for is named."""


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
        """Time one stage and say what it did; a stage that fails says nothing, the error does.

        Through a pipe a stage that takes longer than `PATIENCE` seconds is named while it goes on.
        """
        told, start = Told(), time.perf_counter()
        if self._quiet:
            yield told
            return
        if self._console.is_terminal:
            with self._console.status(name):
                yield told
        else:
            with self._named_when_slow(name):
                yield told
        seconds = time.perf_counter() - start
        self._console.print(f"{name:<17}{terminal_word(told.text)}  {seconds:.2f} s", markup=False)

    @contextmanager
    def waiting(self, name: str) -> Iterator[None]:
        """Name what is being waited for, if it is not there at once."""
        with self.stage(name) if self._console.is_terminal and not self._quiet else self._named_when_slow(name):
            yield

    @contextmanager
    def _named_when_slow(self, name: str) -> Iterator[None]:
        timer = threading.Timer(PATIENCE, lambda: self.line(f"{name:<17}…"))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def line(self, text: str) -> None:
        """Say one line."""
        if not self._quiet:
            self._console.print(terminal_text(text), markup=False)
