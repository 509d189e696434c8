"""What the model of a file of settings says: its sections, its keys, and where it holds secrets."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Discriminator, SecretBytes, SecretStr, Tag

from llmtrain_exporter.config.yaml_document import Place

_KEY_ITSELF = "[key]"  # with this pydantic's place of an error ends where a mapping's key is wrong


class SettingsSection(BaseModel):
    """A mapping in a file of settings: it has the keys of its model and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    typical_keys: ClassVar[tuple[str, ...]] = ()
    """By which people see what is meant; the first two where there are none."""


def chosen_by(key: str, sections: Mapping[str, type[BaseModel]]) -> Any:
    """The type of a section that is one of these, as the word under `key` says."""

    def tag(value: Any) -> str | None:
        word = value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)
        return None if word is None else str(word)

    tag.__name__ = key  # what pydantic's errors call it
    members = tuple(Annotated[section, Tag(word)] for word, section in sections.items())
    return Annotated[Union[members], Discriminator(tag)]  # noqa: UP007  # there is no other way for a tuple


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file, as the model sees it."""

    place: Place
    owner: type[BaseModel]  # the innermost section around it
    wanted: Any  # the type of what belongs there; None where the model does not know the key
    tag: str = ""  # what chose `owner` among several models
    tagged: Mapping[str, Any] = field(default_factory=dict)  # all of these by their tags


def spot_of(model: type[BaseModel], loc: Place) -> Spot:
    """Where in a file the `loc` of pydantic's error is.

    Pydantic says too which of several models a tag has chosen, and that is no place in a file.
    """
    spot = Spot((), model, model)
    for part in loc:
        if part == _KEY_ITSELF:
            break
        spot = _next(spot, part)
    return spot


def _next(spot: Spot, part: str | int) -> Spot:
    kinds = _alternatives(spot.wanted)
    if len(kinds) > 1:
        return _chosen(spot, kinds, part)
    kind, place = _bare(kinds[0]), (*spot.place, part)
    if kind is spot.owner:
        return replace(spot, place=place, wanted=_inside(kind, part))
    return Spot(place, kind if is_section(kind) else spot.owner, _inside(kind, part))


def _chosen(spot: Spot, kinds: list[Any], part: str | int) -> Spot:
    tagged = {tag: kind for kind in kinds for tag in _tags(kind)}
    if str(part) in tagged:
        section = _bare(tagged[str(part)])
        return Spot(spot.place, section, section, str(part), tagged)
    if tagged:  # what our own checks of a whole model say has no tag
        return replace(spot, place=(*spot.place, part))
    return replace(spot, wanted=None)  # pydantic's word for one of several plain types


def is_section(kind: Any) -> bool:
    """Whether a type is a model of its own."""
    return isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, BaseModel)


def sections_in(kind: Any) -> Iterator[type[BaseModel]]:
    """The models that a type names, also as items of lists and values of mappings."""
    if is_section(kind):
        yield kind
    else:
        for part in get_args(kind):
            yield from sections_in(part)


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys of a section as they are written."""
    return [info.alias or name for name, info in model.model_fields.items()]


def typical_keys(model: type[BaseModel]) -> tuple[str, ...]:
    """Keys by which people see what a section is."""
    return getattr(model, "typical_keys", ()) or tuple(keys_of(model)[:2])


def holds_secret(kind: Any) -> bool:
    """Whether a value of that type may hold a secret, however deep."""
    if is_section(kind):
        return any(holds_secret(info.annotation) for info in kind.model_fields.values())
    return kind in (SecretStr, SecretBytes) or any(map(holds_secret, get_args(kind)))


def has_secret_key(model: type[BaseModel]) -> bool:
    """Whether a key of the section itself is a secret."""
    kinds = [info.annotation for info in model.model_fields.values()]
    return any(holds_secret(kind) and not any(sections_in(kind)) for kind in kinds)


def _alternatives(kind: Any) -> list[Any]:
    """The types that may stand there, without None."""
    bare = _bare(kind)
    if get_origin(bare) not in (Union, types.UnionType):
        return [kind]
    members = [member for part in get_args(bare) for member in _alternatives(part)]
    return [member for member in members if member is not types.NoneType]


def _bare(kind: Any) -> Any:
    """A type without its annotations."""
    return _bare(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def _tags(kind: Any) -> tuple[str, ...]:
    """The words by which a section is chosen among others."""
    marked = [mark.tag for mark in getattr(kind, "__metadata__", ()) if isinstance(mark, Tag)]
    section = _bare(kind)
    kinds = [info.annotation for info in section.model_fields.values()] if is_section(section) else []
    return (
        *marked,
        *(
            str(tag)
            for annotation in kinds
            if get_origin(annotation) is Literal
            for tag in get_args(annotation)
        ),
    )


def _inside(kind: Any, part: str | int) -> Any:
    """The type of what stands there under a key or index."""
    if is_section(kind):
        found = (info for name, info in kind.model_fields.items() if part in (info.alias or name, name))
        return next((info.annotation for info in found), None)
    arguments = get_args(kind)
    if not arguments:
        return None
    origin = get_origin(kind)
    return arguments[1] if isinstance(origin, type) and issubclass(origin, Mapping) else arguments[0]
