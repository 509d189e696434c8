"""A command line as people may see it."""

from __future__ import annotations

import shlex

import pytest
from llmtrain_exporter.guard.launch.shown_command import identity_of_command, shown_command


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("train --hub_token abc --beta 0.1", "train --hub_token '***' --beta 0.1"),
        ("train --hub-token=abc", "train '--hub-token=***'"),
        ("env WANDB_API_KEY=abc HF_TOKEN=def train", "env 'WANDB_API_KEY=***' 'HF_TOKEN=***' train"),
        ("train --reward_api_keys abc def --beta 0.1", "train --reward_api_keys '***' '***' --beta 0.1"),
        ("train --hub_token -abc", "train --hub_token '***'"),
        ("srun --export=ALL,WANDB_API_KEY=abc train", "srun '--export=ALL,WANDB_API_KEY=***' train"),
        ("MODELSCOPE_SDK_TOKEN=abc train", "'MODELSCOPE_SDK_TOKEN=***' train"),
        ("bash -c 'cd /x && HF_TOKEN=abc train'", "bash -c 'cd /x && HF_TOKEN=*** train'"),
        ("bash -c 'train --hub_token abc -n 1'", "bash -c 'train --hub_token *** -n 1'"),
        ("train https://abc@github.com/x", "train 'https://***@github.com/x'"),
        ("train 'https://h/f?access_token=abc&n=1'", "train 'https://h/f?access_token=***&n=1'"),
        ("""train '{"api_key": "abc", "n": 1}'""", """train '{"api_key": "***", "n": 1}'"""),
        ("curl -H 'Authorization: Bearer abc'", "curl -H 'Authorization: Bearer ***'"),
        ("train ++hub.token=abc --wandb_key abc", "train '++hub.token=***' --wandb_key '***'"),
        ("train --push_token hf_abcdefghijklmnopqrst", "train --push_token '***'"),
        ("train --db postgres://me:word@host/db", "train --db 'postgres://***@host/db'"),
        ("train --password 'two words'", "train --password '***'"),
        ("train --hub_token --beta 0.1", "train --hub_token --beta 0.1"),
        ("train --pad_token '<pad>' --max_tokens 512", "train --pad_token '<pad>' --max_tokens 512"),
    ],
)
def test_what_is_secret_is_not_shown(line: str, shown: str) -> None:
    """By its name, or by its form; tokens of texts are none."""
    assert shown_command(shlex.split(line)) == shown


@pytest.mark.parametrize("piece", ["a", "-", "key", "token.", "a=", "a:", "--key "])
def test_a_long_word_takes_no_long_time(piece: str) -> None:
    """A word may have 128 KiB, as settings in JSON do. Were each place in it a begin, it took minutes."""
    word = piece * (131_000 // len(piece))
    assert shown_command(["train", word]).startswith("train ")


def test_a_command_is_known_again_by_all_of_its_words() -> None:
    """And by nothing else."""
    assert identity_of_command(["a", "b c"]) == identity_of_command(["a", "b c"])
    assert identity_of_command(["a", "b c"]) != identity_of_command(["a", "b", "c"])
