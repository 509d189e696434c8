"""Settings: what they are, where they come from, and what is wrong with them.

`engine` serves any model: `settings` for the exporter, others for the relay and for web configurations.
"""

from llmtrain_exporter.config.engine import Configured, Schema, check_file, configure, show
from llmtrain_exporter.config.messages import ConfigError
from llmtrain_exporter.config.run_rules import RunRule
from llmtrain_exporter.config.settings import EXPORTER, Settings
from llmtrain_exporter.config.values import address, duration, seconds, size

__all__ = [
    "EXPORTER",
    "ConfigError",
    "Configured",
    "RunRule",
    "Schema",
    "Settings",
    "address",
    "check_file",
    "configure",
    "duration",
    "seconds",
    "show",
    "size",
]
