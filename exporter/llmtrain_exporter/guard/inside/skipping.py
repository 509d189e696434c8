"""An update whose gradient would do harm is not applied: its gradients are thrown away on all ranks."""

from __future__ import annotations

import functools
import math
from collections import deque
from collections.abc import Callable
from typing import Any

from llmtrain_exporter.analyse.averages import median
from llmtrain_exporter.guard.inside.rates import CannotBeChangedError
from llmtrain_exporter.knowledge import guard_limits as limits
from llmtrain_exporter.knowledge import refusal_words as words


class UsualNorm:
    """Knows the usual gradient norm of a run, and which one is far from it."""

    def __init__(self) -> None:
        self._norms: deque[float] = deque(maxlen=limits.USUAL_NORM_STEPS)
        self._in_a_row = 0  # far above the usual one

    @property
    def value(self) -> float | None:
        """The median of the last ones; None while they are too few."""
        return median(self._norms) if len(self._norms) >= limits.USUAL_NORM_LEAST else None

    def is_bad(self, norm: float) -> bool:
        """Whether an update of this norm would do harm; else it counts for what is usual."""
        if not math.isfinite(norm):
            return True
        usual = self.value
        if usual and norm >= limits.BAD_UPDATE_RATIO * usual:
            self._in_a_row += 1
            if self._in_a_row <= limits.SPIKES_ACCEPTED:
                return True
            self._norms.clear()
        self._in_a_row = 0
        self._norms.append(norm)
        return False


class NormListener:
    """Hears the gradient norm, as it is before clipping, from whoever clips for the trainer.

    When callbacks are asked gradients are clipped already, and nothing shows how large they were.
    """

    def __init__(self, trainer: Any) -> None:
        """Raises CannotBeChangedError where updates cannot be skipped, or no norm is heard."""
        if getattr(trainer, "is_deepspeed_enabled", False):
            raise CannotBeChangedError(words.DEEPSPEED_APPLIES)
        if getattr(trainer, "is_fsdp_enabled", False):
            raise CannotBeChangedError(words.GRADIENTS_SHARDED)
        accelerator: Any = getattr(trainer, "accelerator", None)
        clip = getattr(accelerator, "clip_grad_norm_", None)
        if clip is None:
            raise CannotBeChangedError(words.NO_CLIPPING_KNOWN)
        self._scaled = getattr(accelerator, "scaler", None) is not None
        self._norm: Any = None
        self._accelerator = accelerator
        self._accelerator.clip_grad_norm_ = self._listening(clip)

    def take(self) -> float | None:
        """The norm of this update; None where none was heard, or a loss scaler sees to it."""
        heard, self._norm = self._norm, None
        if heard is None:
            return None
        norm = float(heard)
        return None if self._scaled and not math.isfinite(norm) else norm

    def stop(self) -> None:
        """Hear nothing any more: the accelerator is what it was."""
        vars(self._accelerator).pop("clip_grad_norm_", None)

    def _listening(self, clip: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(clip)
        def clip_grad_norm_(*args: Any, **kwargs: Any) -> Any:
            self._norm = clip(*args, **kwargs)
            return self._norm

        return clip_grad_norm_
