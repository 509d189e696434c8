"""Settings: what they are, where they come from, and what is wrong with them."""

from llmtrain_exporter.config.layers import (
    CONFIG_VARIABLE,
    ConfigError,
    Configured,
    Setting,
    catalogue,
    check_file,
    configure,
    show,
)
from llmtrain_exporter.config.settings import (
    Assignment,
    RunRule,
    Settings,
    address,
    duration,
    seconds,
    unique_name,
)

__all__ = [
    "CONFIG_VARIABLE",
    "Assignment",
    "ConfigError",
    "Configured",
    "RunRule",
    "Setting",
    "Settings",
    "address",
    "catalogue",
    "check_file",
    "configure",
    "duration",
    "seconds",
    "show",
    "unique_name",
]
