"""Why a path shows no run; the words are in `story_words.NO_RUN_REASONS` and `finding_words`."""

from __future__ import annotations

from enum import Enum

NOT_A_TRAINING, EMPTY_FILE = "not_a_training", "empty"
"""Why a file that may be a printed log by its name is none. Nobody expects one: it is not counted."""

NOT_SEEN = "not_seen"
"""The same of a large file, only some of which was looked at."""

ODD_NAME, OTHER_FORMAT, BARE_CHECKPOINT = "odd_name", "other_format", "bare_checkpoint"
OTHER_FILES, SOME_OTHER_FILES = "other_files", "some_other_files"
"""What lies in a folder without a log: logs under names that nobody looks for, and all that is none.

`SOME_OTHER_FILES`: of so many files that not all were counted.
"""

COVERED = "covered"
"""A run that is followed elsewhere has its rows."""

UNREAD_ROWS = "unread_rows"
"""A training prints into the file in a way that is not read; which one it is is the detail."""


class NoRunReason(Enum):
    """Why there is no run where somebody looked for one."""

    NOT_READ = "not_read"
    """Nobody has looked yet."""

    NOT_THERE = "not_there"
    """There is neither a file nor a folder of that name."""

    UNREADABLE = "unreadable"
    """The system refuses it; what the system says is the detail."""

    NO_LOG = "no_log"
    """A folder without any log below it; the names of the files that are looked for are the detail."""

    EMPTY = "empty"
    """A log without a byte."""

    NO_RECORD = "no_record"
    """A log without a training record in what it says."""

    NOT_UNDERSTOOD = "not_understood"
    """A log with rows of a training, none of which could be read."""

    NOT_CHOSEN = "not_chosen"
    """A run, of which no metric is chosen for its history; the globs that choose are the detail."""

    NO_SUCH_NAME = "no_such_name"
    """There are runs, but none of the name that was asked for."""

    BROKEN = "broken"
    """It may be a run: the analysis failed, with an exception whose class is the detail."""


class Content(Enum):
    """What a file looks like in which no row of a training was found."""

    NOTHING = "nothing"
    POINTER = "pointer"
    """What Git LFS leaves where it did not fetch a file."""

    PACKED = "packed"
    NO_ROW_YET = "no_row_yet"
    """The begin of what a tracker writes, which holds rows back for a while."""

    NO_STORE = "no_store"
    """A database, or what is called as a tracker's store, in which no run of a tracker stands."""

    NO_MARK = "no_mark"
    """UTF-16 without the mark before it, or behind text in another encoding."""

    BINARY = "binary"
    UNREAD_ROWS = "unread_rows"
    """What a trainer prints in a way that is not read."""

    JSON = "json"
    TEXT = "text"


class UnreadRows(Enum):
    """A way of showing rows that is not read, because another file has them better."""

    AREAL = "areal_table"
    NEMO_RL = "nemo_rl_report"
    PRIME_RL = "prime_rl_console"
    LITGPT = "litgpt_csv"
    BARS = "bars"
    """Values behind progress bars, and nowhere else."""
