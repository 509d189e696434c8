"""A training of the stand-in trainer, with flags as a script on Transformers has."""

from __future__ import annotations

import argparse
import atexit
import importlib
import json
import os
import signal
import threading
from types import SimpleNamespace


def arguments() -> argparse.Namespace:
    """The flags; those that end in `_at` let something happen after that step."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output_dir", default="out")
    parser.add_argument("--learning_rate", type=float, default=3e-3)
    parser.add_argument("--max_grad_norm", type=float, default=1.0)
    parser.add_argument("--beta", type=float, default=0.04)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--resume_from_checkpoint")
    parser.add_argument("--max_steps", type=int, default=60)
    parser.add_argument("--save_steps", type=int, default=5)
    parser.add_argument("--save_total_limit", type=int, default=100)
    parser.add_argument("--breaks_after", type=int, default=30)
    parser.add_argument("--breaks_above", type=float, default=1e-3)
    parser.add_argument("--kill_at", type=int, default=0, help="SIGKILL to itself")
    parser.add_argument("--kill_both_at", type=int, default=0, help="SIGKILL to what has started it, too")
    parser.add_argument("--fail_at", type=int, default=0, help="an error of its own, after a rescue")
    parser.add_argument("--fail_first", action="store_true", help="the same before it trains")
    parser.add_argument("--abort_at_exit", action="store_true", help="as libraries do; once in a life")
    parser.add_argument("--hub_token", help="for nobody's eyes")
    parser.add_argument("--folder_of_its_own", help="below output_dir, for each start: v{}-20260131")
    parser.add_argument("--wait_at", type=int, default=0, help="says so and waits for a signal")
    return parser.parse_args()


def wait_for_keeping() -> None:
    """Let the guard keep what it is about to: a real step takes longer than a link."""
    for thread in threading.enumerate():
        if thread.name == "llmtrain-guard-keep":
            thread.join()


def die(both: bool) -> None:
    """Be killed, once in a life: the same command is started again."""
    if not os.path.exists("died"):
        open("died", "w").close()
        if both:
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def is_rescued() -> bool:
    """Whether the guard has started this again."""
    return bool(json.loads(os.environ.get("LLMTRAIN_GUARD", "{}")).get("attempt"))


def main() -> None:
    """Train."""
    told = arguments()
    if told.folder_of_its_own:
        known = len(os.listdir(told.output_dir)) if os.path.isdir(told.output_dir) else 0
        told.output_dir = os.path.join(told.output_dir, told.folder_of_its_own.format(known))

    def after_step(step: int) -> None:
        wait_for_keeping()
        if step in (told.kill_at, told.kill_both_at):
            die(step == told.kill_both_at)
        if step == told.fail_at and is_rescued():
            raise RuntimeError("out of memory")
        if step == told.wait_at:
            print("waiting", flush=True)
            signal.pause()

    if told.abort_at_exit and not is_rescued():
        atexit.register(os.abort)
    if told.fail_first and is_rescued() and not os.path.exists("mended"):
        raise RuntimeError("out of memory")
    made = importlib.import_module("transformers.trainer").Trainer
    trainer = made(SimpleNamespace(**vars(told), after_step=after_step, device=None))
    trainer.train(told.resume_from_checkpoint)
    print("done", flush=True)


if __name__ == "__main__":
    main()
