"""A training of the stand-in trainer, with flags as a script on Transformers has."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import subprocess
import sys
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
    parser.add_argument("--leave_at", type=int, default=0, help="leaves a process behind")
    parser.add_argument("--wait_at", type=int, default=0, help="says so and waits for a signal")
    parser.add_argument("--deaf", action="store_true", help="does not listen to SIGTERM")
    return parser.parse_args()


def main() -> None:
    """Train."""
    told = arguments()
    if told.deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def after_step(step: int) -> None:
        for thread in threading.enumerate():  # a real step takes longer than a link
            if thread.name == "llmtrain-guard-keep":
                thread.join()
        dies = step in (told.kill_at, told.kill_both_at) and not os.path.exists("died")
        if dies:  # once in its life: the same command is started again
            open("died", "w").close()
        if dies and step == told.kill_both_at:
            os.kill(os.getppid(), signal.SIGKILL)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        if step == told.leave_at:
            sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
            left = subprocess.Popen(sleeper, start_new_session=True)
            print(f"left {left.pid}", flush=True)
        if step == told.wait_at:
            print("waiting", flush=True)
            signal.pause()

    made = importlib.import_module("transformers.trainer").Trainer
    trainer = made(SimpleNamespace(**vars(told), after_step=after_step, device=None))
    trainer.train(told.resume_from_checkpoint)
    print("done", flush=True)


if __name__ == "__main__":
    main()
