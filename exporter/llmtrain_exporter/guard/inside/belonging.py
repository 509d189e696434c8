"""Which trainer of a process a checkpoint belongs to."""

from __future__ import annotations

import os
import re

from llmtrain_exporter.ingest.checkpoints import folder_of_checkpoint

_VERSION = re.compile(r"v\d+-\d")


def goes_on_in(output_dir: str, checkpoint: str) -> bool:
    """Whether a trainer with that output folder is the one of a checkpoint, kept from rotation or not."""
    folder, resumed_from = os.path.realpath(output_dir), os.path.realpath(checkpoint)
    own = folder_of_checkpoint(resumed_from)
    return folder in (os.path.dirname(resumed_from), own) or _is_next_version(folder, own)


def _is_next_version(folder: str, own: str) -> bool:
    """Whether ms-swift has made a folder of its own for this start, "v1-20260131-120000", beside that one."""
    are_versions = all(_VERSION.match(os.path.basename(each)) for each in (folder, own))
    return are_versions and os.path.dirname(folder) == os.path.dirname(own)
