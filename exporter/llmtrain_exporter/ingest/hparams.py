"""The hyper-parameters that TensorBoard's plugin keeps. Source: its plugin_data.proto, struct.proto."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.ingest.protobuf import double, fields, submessages, text

TAG = "_hparams_/session_start_info"

_SESSION_START, _HPARAMS = 3, 1  # of HParamsPluginData, of its SessionStartInfo
_KEY, _VALUE = 1, 2  # of an entry of its map
_NUMBER, _STRING, _TRUTH = 2, 3, 4  # of a Value of struct.proto


def session_settings(kept: bytes) -> Mapping[str, object]:
    """The settings with which a session began. Raises MalformedError."""
    settings: dict[str, object] = {}
    for session in submessages(kept, _SESSION_START):
        for entry in submessages(session, _HPARAMS):
            found = dict(fields(entry))
            value = found.get(_VALUE)
            if _KEY in found and type(value) is bytes:
                settings[text(found[_KEY])] = _plain(value)
    return settings


def _plain(value: bytes) -> object:
    for number, content in fields(value):
        if number == _NUMBER:
            return double(content)
        if number == _STRING:
            return text(content)
        if number == _TRUTH:
            return bool(content)
    return None
