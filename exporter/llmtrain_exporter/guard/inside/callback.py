"""The callback that stands in a training: whatever goes wrong in it, the training goes on.

Order of a step in Transformers: clipping, `on_pre_optimizer_step`, the update, `on_step_end`, `on_log`, then
evaluation and checkpoint as the flags say, and a look whether to stop. So what is decided in `on_log` holds
at the same step. There all ranks are, at the same step: what one decides is told to the others there.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from llmtrain_exporter.guard.inside.agreement import Ranks, ranks_of
from llmtrain_exporter.guard.inside.belonging import goes_on_in
from llmtrain_exporter.guard.inside.fence import Fence
from llmtrain_exporter.guard.inside.live_control import (
    LiveController,
    LiveSettings,
    Steering,
    given_settings,
    set_given,
)
from llmtrain_exporter.guard.inside.rates import CannotBeChangedError, LearningRates, agree
from llmtrain_exporter.guard.inside.skipping import NormListener, UsualNorm
from llmtrain_exporter.guard.inside.snapshot import free_for, save_snapshot
from llmtrain_exporter.guard.inside.trainers import producer_of_trainer, settings_of_trainer, trainer_above
from llmtrain_exporter.guard.inside.watch import Watch, WatchedTraining
from llmtrain_exporter.guard.options import GuardOptions, LiveControl
from llmtrain_exporter.knowledge import guard_words as words
from llmtrain_exporter.knowledge import refusal_words
from llmtrain_exporter.knowledge.guard_limits import STOPPED_EXIT_CODE
from llmtrain_exporter.knowledge.text import fill, written
from llmtrain_exporter.model.guarded import StopReason

_logger = logging.getLogger(__name__)

CALLBACKS = "transformers.trainer_callback"
"""Where the class of a trainer's callbacks is; loaded only where its package is."""


class Decision(NamedTuple):
    """What all ranks do after a row."""

    stop: bool = False
    save: bool = False
    settings: LiveSettings = LiveSettings()

    def numbers(self) -> tuple[float, ...]:
        """As a broadcast takes it."""
        return float(self.stop), float(self.save), *self.settings

    @classmethod
    def of(cls, numbers: tuple[float, ...]) -> Decision:
        """What a broadcast brought."""
        stop, save, *settings = numbers
        return cls(bool(stop), bool(save), LiveSettings(*settings))


NOTHING = Decision()


class Guard:
    """A callback for a trainer of Transformers, and of all that is built on it.

    One that is made is a `transformers.TrainerCallback`, if Transformers is loaded then. For one training
    after the other, each in its output folder; on every rank. What the environment says of the options goes
    before those given here: there speaks who started the command.
    """

    def __new__(cls, *_: object, **__: object) -> Guard:  # a subclass, made when it is needed
        """A callback of the trainer's own kind."""
        package = CALLBACKS.partition(".")[0]
        base = import_module(CALLBACKS).TrainerCallback if package in sys.modules else object
        made: Guard = object.__new__(cls if issubclass(cls, base) else _also(cls, base))
        return made

    def __init__(
        self,
        options: GuardOptions | None = None,
        trainer: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`trainer`: None: the one that calls, which is found then. `clock`: Unix time."""
        self._fence = Fence("the guard")
        self._given = options or GuardOptions()
        self._options = self._given
        self.trainer = trainer
        self._clock = clock
        self._forget()

    def __getattr__(self, name: str) -> Any:
        """Nothing is done at other events, where no class of the trainer's answers to them."""
        if name.startswith("on_"):
            return _nothing
        raise AttributeError(name)

    def _forget(self) -> None:
        self._ranks: Ranks | None = None  # None: nothing is watched
        self._watch: Watch | None = None  # on the first rank alone
        self._steering: Steering | None = None
        self._rate_is_due = False  # before the first update, when all ranks are known
        self._listener: NormListener | None = None
        self._usual = UsualNorm()
        self._reason: StopReason | None = None  # on the first rank alone
        self._stopping = False
        self._agreed_at = -1  # step

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """See where the training is and what of it is to be watched."""
        caller = sys._getframe(1)  # callbacks are not told whose they are
        self._forget()
        self._fence.run(lambda: self._begin(caller, args, state, kwargs), None)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """See to the rate before the first update; throw gradients away that would do harm."""
        if self._rate_is_due:
            self._rate_is_due = False
            self._fence.try_anyway(lambda: self._make_rate(args, kwargs), None)
        if self._listener is None or self._ranks is None:
            return
        judged = (self._fence.run(lambda: self._judged_update(state), 0.0),)
        if any(self._fence.try_anyway(lambda: self._agreed(judged), ())):
            self._fence.try_anyway(lambda: kwargs["optimizer"].zero_grad(), None)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Take in what was logged, and do what follows, on all ranks alike."""
        if self._ranks is None or not isinstance(logs, Mapping):
            return
        decided = self._fence.run(lambda: self._decided(logs, state), NOTHING)
        # A row of training is logged by all ranks at once; of others nobody knows.
        step = getattr(state, "global_step", self._agreed_at)
        if "loss" in logs and step > self._agreed_at:
            self._agreed_at = step
            agreed = self._fence.try_anyway(lambda: self._agreed(decided.numbers()), NOTHING.numbers())
            self._act(Decision.of(agreed), args, control, kwargs)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Neither save nor evaluate once more what is stopped."""
        if self._stopping:
            control.should_save = control.should_evaluate = False

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The training is over. One that was stopped ends its process: what follows takes it for well."""
        if self._listener is not None:
            self._fence.try_anyway(self._listener.stop, None)
        if self._watch is not None:
            self._fence.try_anyway(self._watch.end, None)
        if self._stopping:
            self._let_others_end(args, state, control, kwargs)
            raise SystemExit(STOPPED_EXIT_CODE)

    def _let_others_end(self, args: Any, state: Any, control: Any, kwargs: Mapping[str, Any]) -> None:
        """Callbacks that come after this one are told of the end as well: trackers write their last then."""
        callbacks = list(getattr(getattr(self.trainer, "callback_handler", None), "callbacks", ()))
        own = next((at for at, each in enumerate(callbacks) if each is self), len(callbacks))
        for each in callbacks[own + 1 :]:
            each.on_train_end(args, state, control, **kwargs)

    def _begin(self, caller: Any, args: Any, state: Any, kwargs: Mapping[str, Any]) -> None:
        found = trainer_above(caller, self)
        trainer = self.trainer if found is None else found
        if not _is_first(self, trainer):
            return
        options = GuardOptions.from_env(os.environ) or self._given
        is_other = options.resume_from and not goes_on_in(args.output_dir, options.resume_from)
        self._options = options.of_another() if is_other else options
        self.trainer = trainer
        ranks = ranks_of(getattr(args, "device", None))
        if ranks.rank == 0:
            settings = settings_of_trainer(trainer, args, kwargs.get("model"))
            producer = producer_of_trainer(trainer)
            training = WatchedTraining(Path(args.output_dir), settings, producer, self._clock)
            self._watch = Watch(self._options, training)
            self._watch.begin(state)
        self._rate_is_due = self._options.scale_learning_rate is not None or state.global_step > 0
        for setting, value in self._options.settings.items():
            self._set_given(setting, value, args)
        if self._options.live is not None:
            self._begin_to_steer(self._options.live, args, kwargs)
        if self._options.skip_bad_updates:
            self._listener = self._unless_refused("skip_bad_updates", lambda: NormListener(trainer))
        ranks.arrive()
        self._ranks = ranks

    def _set_given(self, setting: str, value: float, args: Any) -> None:
        """On each rank alike: what stands in the way of it is the same on all."""
        before = self._unless_refused(setting, lambda: set_given(self.trainer, args, setting, value))
        if before is not None and self._watch is not None:
            self._watch.changed(setting, before, value, words.AFTER_RESCUE.en)

    def _begin_to_steer(self, control: LiveControl, args: Any, kwargs: Mapping[str, Any]) -> None:
        """See what can be changed later, and from where on."""
        given, refused = given_settings(control, self.trainer, args, lambda: _rates(kwargs))
        for setting, why in refused.items():
            self._event("refuse", why, setting=setting)
        rates = _rates(kwargs) if given.rate_share else None
        self._steering = Steering(self.trainer, args, rates, self._given_rate(args))
        if self._watch is not None:
            self._watch.controller = LiveController(control, given)
            if rates is not None:
                self._watch.controller.starts_at(rates.share_of(self._given_rate(args)))

    def _given_rate(self, args: Any) -> float:
        """The base rate that is meant to be in force, by the arguments and the launcher."""
        return float(args.learning_rate) * (self._options.scale_learning_rate or 1.0)

    def _make_rate(self, args: Any, kwargs: Mapping[str, Any]) -> None:
        """Make the rate what it is meant to be, on all ranks or on none: their weights would drift apart."""
        rate = self._given_rate(args)
        if self._options.scale_learning_rate is None:
            self._tell_rate(rate, kwargs)
            return
        if self._ranks is None or not self._ranks.look():
            return
        known = (*self._options.rates_before, float(args.learning_rate))
        before = self._unless_refused("learning_rate", lambda: _rates(kwargs).make(rate, known))
        if before is not None and not agree(before, rate) and self._watch is not None:
            because = words.AFTER_RESCUE if self._options.attempt else words.AS_GIVEN
            self._watch.changed("learning_rate", before, rate, because.en)

    def _tell_rate(self, given: float, kwargs: Mapping[str, Any]) -> None:
        """That the rate of the checkpoint is in force, and not the one that was given."""
        try:
            rate = _rates(kwargs).only
        except CannotBeChangedError:
            return
        if self._watch is not None and rate is not None and not agree(rate, given):
            told = {"rate": written(rate), "given": f"--learning_rate {written(given)}"}
            _logger.warning("llmtrain-exporter guard: %s", fill(words.OLD_RATE, self._options.lang, told))

    def _unless_refused(self, setting: str, work: Callable[[], Any]) -> Any:
        """What `work` gives; None where it cannot be done here, which is written down."""
        try:
            return work()
        except CannotBeChangedError as error:
            self._event("refuse", str(error), setting=setting)
            return None

    def _event(self, action: Any, because: str, **details: float | str) -> None:
        if self._watch is not None:
            self._watch.event(action, because, None, **details)

    def _judged_update(self, state: Any) -> float:
        """1 for an update that would do harm, by the first rank's norm: that of all of them."""
        norm = self._listener.take() if self._listener is not None else None
        if norm is None or self._watch is None:
            return 0.0
        usual = self._usual.value
        if not self._usual.is_bad(norm):
            return 0.0
        told: dict[str, float | str] = {"grad_norm": norm, **({"usual": usual} if usual is not None else {})}
        self._watch.event("skip", refusal_words.BAD_UPDATE.en, state.global_step + 1, **told)
        return 1.0

    def _decided(self, logs: Mapping[str, object], state: Any) -> Decision:
        """What the first rank wants all to do; the others want nothing."""
        if self._watch is None or self._stopping:
            return NOTHING
        self._reason = self._watch.row(logs, state)
        steered = self._watch.controller
        settings = steered.in_force if steered is not None else LiveSettings()
        return Decision(self._reason is not None, self._saves(), settings)

    def _saves(self) -> bool:
        """Whether a snapshot is wanted, and there is room for it."""
        if self._reason is None or self._options.on_incident != "save" or self.trainer is None:
            return False
        trainer, free = self.trainer, self._options.free_bytes
        try:
            return free_for(trainer.args.output_dir, trainer.model, free) is not None
        except Exception as error:  # whatever kind of model it is: the training is stopped all the same
            self._event("refuse", str(error), setting="snapshot")
            return False

    def _agreed(self, numbers: tuple[float, ...]) -> tuple[float, ...]:
        """The first rank's numbers; of ranks without a guard nobody waits for any, and nothing is done."""
        ranks = self._ranks
        if ranks is None:
            return (0.0,) * len(numbers)
        known = ranks.together
        if ranks.look():
            return ranks.agree(numbers)
        if known is None:
            self._event("refuse", refusal_words.RANKS_WITHOUT_GUARD.en)
        return (0.0,) * len(numbers)

    def _act(self, agreed: Decision, args: Any, control: Any, kwargs: Mapping[str, Any]) -> None:
        if self._steering is not None and agreed.settings != LiveSettings():
            steering = self._steering
            self._fence.try_anyway(lambda: steering.apply(agreed.settings), None)
        if not agreed.stop:
            return
        if agreed.save:
            self._fence.try_anyway(lambda: self._save_aside(args, kwargs), None)
        control.should_training_stop = self._stopping = True
        control.should_save = control.should_evaluate = False
        if self._watch is not None and self._reason is not None:
            watch, reason = self._watch, self._reason
            self._fence.try_anyway(lambda: watch.stopped(reason), None)

    def _save_aside(self, args: Any, kwargs: Mapping[str, Any]) -> None:
        saved = save_snapshot(self.trainer, args, kwargs.get("model"))
        self._event("save", "before the training is stopped", checkpoint=str(saved))


def _rates(kwargs: Mapping[str, Any]) -> LearningRates:
    """Those of the trainer, by what each event tells. Raises CannotBeChangedError."""
    return LearningRates(kwargs.get("optimizer"), kwargs.get("lr_scheduler"))


def _nothing(*_: object, **__: object) -> None:
    """As a callback that has no use for an event."""


def _also(guard: type, base: type) -> type:
    """The guard as a subclass of the trainer's callbacks too: what it does not answer to, these do."""
    return type(guard.__name__, (guard, base), {"__doc__": guard.__doc__, "__module__": guard.__module__})


def _is_first(guard: Guard, trainer: Any) -> bool:
    """Whether no other guard stands in the trainer before this one: the user's script may have one too."""
    callbacks = getattr(getattr(trainer, "callback_handler", None), "callbacks", ())
    return next((each for each in callbacks if isinstance(each, Guard)), guard) is guard
