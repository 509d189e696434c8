"""Printed logs whose true steps are known: made at random, as trainers, bars, buffers and ranks write."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

BLANKS = " " * 60
BLOCK = 2048  # bytes that a buffer of standard output takes here; short runs fill no larger one


@dataclass(frozen=True)
class Writing:
    """How a log is written."""

    bar: str  # cleared, plain, lines, none
    held: bool = False  # standard output is written in blocks
    ranks: int = 1
    every_rank_draws: bool = False
    decimals: int = 4  # of epochs
    quick: bool = False  # steps are quicker than the bar is drawn
    evaluates: bool = False
    banner: bool = False
    stated: bool = False  # args.json names the logging interval


@dataclass(frozen=True)
class Truth:
    """A log, and what is true of it."""

    text: str
    steps: list[int]  # of the training rows of the first rank that are in the log, in their order
    interval: int
    planned: int
    resumes: int  # processes whose first row is of a step at which a row had been printed, or an earlier one
    restarts: int  # processes that began at an earlier step than the one before came to, with rows of both
    finished: bool
    writing: Writing
    fraction: float | None = None


@dataclass
class Process:
    """One process that prints from a step to another."""

    chance: random.Random
    writing: Writing
    planned: int
    per_epoch: float
    text: list[str] = field(default_factory=list)
    buffer: str = ""
    drawn: int = 0
    shown: list[int] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)

    def bar(self, step: int, elapsed: str = "01:23<02:34,  1.02it/s") -> str:
        return f"{100 * step // self.planned:3d}%|####      | {step}/{self.planned} [{elapsed}]"

    def begin(self, step: int) -> None:
        if self.writing.banner:
            self.text.append(f"***** Running training *****\n  Total optimization steps = {self.planned:,}\n")
            if step:
                self.text.append(f"  Continuing training from global step {step}\n")
        self.draw(0, "00:00<?, ?it/s")
        self.drawn = step

    def draw(self, step: int, elapsed: str = "01:23<02:34,  1.02it/s") -> None:
        kind = self.writing.bar
        if kind == "none":
            return
        draws = self.writing.ranks if self.writing.every_rank_draws else 1
        for _ in range(draws):
            bar = self.bar(step, elapsed)
            self.text.append(f"{bar}\n" if kind == "lines" else f"\r{bar}")
        self.drawn = step

    def step(self, step: int) -> None:
        if not self.writing.quick or not step % 7:
            self.draw(step)

    def row(self, step: int, kind: str = "loss") -> None:
        epoch = f"{step / self.per_epoch:.{self.writing.decimals}f}"
        value = 2.0 - step / (2 * self.planned) + self.chance.random() / 100
        text = f"{{'{kind}': {value:.4f}, 'grad_norm': {self.chance.random():.6f}, 'epoch': {epoch}}}\n"
        if kind != "loss":
            self.evaluate(step, text.replace("grad_norm", "eval_runtime"))
            return
        for rank in range(self.writing.ranks):
            self.print(step, text, not rank, not rank or self.writing.every_rank_draws)

    def evaluate(self, step: int, text: str) -> None:
        """An evaluation draws its own bar below the training's, and clears it when it is done."""
        below = self.writing.bar == "cleared" and self.writing.ranks == 1
        if below:
            self.text.append("\n\r  0%|    | 0/7 [00:00<?, ?it/s]\x1b[A")
            self.text.append("\n\r 71%|### | 5/7 [00:02<00:00, 2it/s]\x1b[A")
        for rank in range(self.writing.ranks):
            self.print(step, text, False, not rank or self.writing.every_rank_draws, below)

    def print(self, step: int, text: str, counts: bool, draws: bool, below: bool = False) -> None:
        """As tqdm does: the bar is cleared, the row written, the bar drawn again. `below`: another bar."""
        kind = self.writing.bar
        if kind == "lines" and draws and not self.writing.quick:
            self.text.append(f"{self.bar(step)}\n")
        if kind == "cleared" and draws:
            self.text.append(f"\r{BLANKS}\r" + (f"\n\r{BLANKS}\r\x1b[A" if below else ""))
        self.write(text, step if counts else None)
        if kind in ("cleared", "plain") and draws:
            self.text.append(f"\r{self.bar(step)}" if kind == "cleared" else "")
        if below:
            self.text.append(f"\n\r100%|####| 7/7 [00:02<00:00,  2.07it/s]\x1b[A\n\r{BLANKS}\x1b[A")

    def write(self, text: str, step: int | None) -> None:
        if not self.writing.held:
            self.text.append(("\n" if self.writing.bar == "plain" else "") + text)
            self.shown += [] if step is None else [step]
            return
        if len(self.buffer) + len(text) > BLOCK:
            self.flush()
        self.buffer += text
        self.pending += [] if step is None else [step]

    def flush(self) -> None:
        self.text.append(self.buffer)
        self.shown += self.pending
        self.buffer, self.pending = "", []


def random_log(seed: int) -> Truth:
    """A log of one to four processes, of which each goes on from a checkpoint of the one before."""
    chance = random.Random(seed)
    writing = _writing(chance)
    interval = chance.choice((1, 2, 5, 10, 25))
    planned = interval * chance.randint(8, 60) + chance.choice((0, 0, chance.randrange(interval)))
    fraction = None
    if writing.stated and chance.random() < 0.4:
        fraction = chance.choice((0.1, 0.05, 0.02))
        planned = chance.randint(50, 800)
        interval = math.ceil(planned * fraction)
    first = writing.bar != "none" and chance.random() < 0.3
    per_epoch = planned / chance.choice((1, 2, 3, 0.5))
    text: list[str] = ["Loading the model\n"]
    steps: list[int] = []
    resumes, restarts, begin, reached, finished = 0, 0, 0, 0, False
    for at in range(count := chance.choice((1, 1, 2, 2, 3, 4))):
        process = Process(chance, writing, planned, per_epoch, text)
        last = at == count - 1
        most = planned if last and chance.random() < 0.7 else chance.randint(begin + 1, planned - 1)
        _train(process, begin, most, interval, first and not begin)
        before = len(steps)
        finished = last and most == planned and chance.random() < 0.8
        killed = not finished and chance.random() < 0.5 and writing.held
        if not killed:
            process.flush()
        steps += process.shown
        if process.shown:
            resumes += bool(before) and steps[before] <= steps[before - 1]
            restarts += bool(before) and begin < reached
        if before or process.shown or process.pending:
            reached = most if process.shown or process.pending else max(most, reached)
        text += _closing(process, chance, finished, killed)
        if not last:
            saved = max(interval, planned // 8)
            begin = chance.choice((0, most // saved * saved, max(most // saved - 1, 0) * saved))
            # Without a bar nothing shows a process that takes no step again.
            begin = (
                begin if begin < (planned - 1 if writing.bar != "none" else max(steps[-1:], default=0)) else 0
            )
    return Truth("".join(text), steps, interval, planned, resumes, restarts, finished, writing, fraction)


def _writing(chance: random.Random) -> Writing:
    bar = chance.choice(("cleared", "cleared", "cleared", "plain", "lines", "none"))
    held = bar == "cleared" and chance.random() < 0.4
    ranks = 1 if held else chance.choice((1, 1, 1, 2, 4))
    return Writing(
        bar=bar,
        held=held,
        ranks=ranks,
        every_rank_draws=ranks > 1 and bar == "cleared" and chance.random() < 0.5,
        quick=bar == "cleared" and chance.random() < 0.2,
        decimals=chance.choice((2, 4)) if bar in ("cleared", "lines") else 4,
        evaluates=chance.random() < 0.3,
        banner=chance.random() < 0.3,
        stated=bar == "none" or chance.random() < 0.3,
    )


def _train(process: Process, begin: int, most: int, interval: int, first: bool) -> None:
    process.begin(begin)
    for step in range(begin + 1, most + 1):
        process.step(step)
        if not step % interval or (step == 1 and first):
            process.row(step)
        if process.writing.evaluates and not step % (4 * interval):
            process.row(step, "eval_loss")


def _closing(process: Process, chance: random.Random, finished: bool, killed: bool) -> Iterator[str]:
    if finished:
        if process.writing.bar != "none":
            yield f"\r{process.bar(process.planned)}\n"
        yield "{'train_runtime': 100.0, 'train_samples_per_second': 1.0, 'train_loss': 1.0, 'epoch': 1.0}\n"
    elif not killed and chance.random() < 0.5:
        yield "\nTraceback (most recent call last):\n  File 'train.py', line 1\nRuntimeError: CUDA error\n"
    else:
        yield "\n"
