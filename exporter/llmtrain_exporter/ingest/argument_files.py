"""Which files beside a log say what its run was started with."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.ingest import axolotl
from llmtrain_exporter.ingest.arguments import ArgumentFile
from llmtrain_exporter.ingest.settings_text import (
    parse_flat_yaml,
    parse_json,
    parse_nested_yaml,
    parse_valued_yaml,
)
from llmtrain_exporter.ingest.stated import in_common_words


def tracked_settings(content: bytes) -> Mapping[str, object]:
    """Of the config.yaml that W&B and SwanLab keep of a run, also under the names that all share."""
    return in_common_words(parse_valued_yaml(content))


def hydra_settings(content: bytes) -> Mapping[str, object]:
    """Of the config.yaml that Hydra leaves of a run, also under the names that all share."""
    return in_common_words(parse_nested_yaml(content))


def _any_config(content: bytes) -> Mapping[str, object]:
    return axolotl.config_settings(content) or tracked_settings(content)


HUGGING_FACE_FILES = (
    ArgumentFile("args.json", parse_json),  # ms-swift
    ArgumentFile("sft_args.json", parse_json),  # ms-swift 1
    ArgumentFile("training_args.json", parse_json),
    ArgumentFile("training_args.yaml", parse_flat_yaml),  # LLaMA-Factory
    ArgumentFile("debug.log", axolotl.printed_settings, begin=True),
    ArgumentFile("config.yaml", _any_config),  # Axolotl, or W&B beside its copy of what was printed
    ArgumentFile("config.yml", axolotl.config_settings),
    ArgumentFile("adapter_config.json", parse_json),  # PEFT
)
"""What trainers on Transformers leave beside a log, whichever of their logs that is."""

_HYDRA = ".hydra/config.yaml"
HYDRA_FILES = (
    ArgumentFile(_HYDRA, hydra_settings),
    ArgumentFile("config.yaml", tracked_settings),  # of W&B, beside its copy of what was printed
    *(
        # By day and time of the start.
        ArgumentFile(f"{where}outputs/*/*/{_HYDRA}", hydra_settings, alone=True)
        for where in ("", "../")
    ),
)
"""What Hydra leaves of the run whose logs lie beside it, or beside the folder of its outputs."""
