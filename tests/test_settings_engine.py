"""The engine over any model: nested sections, lists of them, unions told apart by a tag, secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pytest
from llmtrain_exporter.config import ConfigError, Schema, configure, show
from llmtrain_exporter.config.fields import SettingsSection, chosen_by
from llmtrain_exporter.config.flag_values import Form, FromText
from llmtrain_exporter.config.layers import Layers, SettingSource
from llmtrain_exporter.config.messages import wrong_value
from llmtrain_exporter.config.secrets import secret_of
from llmtrain_exporter.config.values import OneOrMore, choice
from pydantic import Field, SecretStr, ValidationError, model_validator


class Mail(SettingsSection):
    """A section of a union that pydantic tells apart by a literal."""

    kind: Literal["mail"]
    address: str
    password: SecretStr | None = None
    password_file: str | None = None
    password_env: str | None = None


class Pager(SettingsSection):
    """Another one."""

    kind: Literal["pager"]
    number: OneOrMore
    note: str = ""


class Disk(SettingsSection):
    """A section of a union that `chosen_by` makes."""

    medium: str
    gigabytes: OneOrMore = 1


class Tape(SettingsSection):
    """Another one."""

    medium: str
    metres: OneOrMore = 1


if TYPE_CHECKING:
    Medium = Disk | Tape
else:
    Medium = chosen_by("medium", {"disk": Disk, "tape": Tape})


class Window(SettingsSection):
    """A plain section."""

    opens: int = Field(default=8, description="When it opens.")
    title: str | None = Field(default=None, description="What stands on it.", alias="The-Title")


class House(SettingsSection):
    """All kinds of settings."""

    @model_validator(mode="after")
    def _in_harmony(self) -> House:
        if (self.colour, self.window.opens) == ("blue", 0):
            raise ValueError("a blue house is never closed")
        if len(self.bells) > 1:
            wrong = wrong_value(("bells", 1, "kind"), None, "is one too many")
            raise ValidationError.from_exception_data("House", [wrong])
        return self

    colour: Annotated[str, choice(("red", "green", "blue")), FromText("COLOUR")] = Field(
        default="red", description="Of the walls."
    )
    window: Window = Window()
    bells: tuple[Annotated[Mail | Pager, Field(discriminator="kind")], ...] = ()
    cellar: tuple[Medium, ...] = ()
    rooms: Annotated[Mapping[str, Window], FromText(form=Form.YAML)] = Field(
        default={}, description="By name."
    )


HOUSE = Schema(House, "HOUSE_", "colour: red", (("window", "WINDOW_"),))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "house.yml"


def problems(text: str, file: Path) -> list[str]:
    """What is told of a file with that text, without the file's name."""
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        configure(HOUSE, {}, {}, str(file))
    return [problem.removeprefix(f"{file}: ") for problem in error.value.problems]


def test_the_settings_of_a_model_are_found() -> None:
    """Plain ones, those of sections that are named, and what can be text; a flag has a metavar."""
    assert [(setting.key, setting.variable, setting.flag) for setting in HOUSE.settings] == [
        ("colour", "HOUSE_COLOUR", "--colour"),
        ("rooms", "HOUSE_ROOMS", ""),
        ("window_opens", "HOUSE_WINDOW_OPENS", ""),
        ("window_The-Title", "HOUSE_WINDOW_TITLE", ""),
    ]
    assert [setting.default for setting in HOUSE.settings] == ["red", "", "8", ""]


def test_a_variable_changes_one_key_of_a_section(file: Path) -> None:
    """The others stay as the file has them, and both origins are told."""
    file.write_text("window: {opens: 9, The-Title: Tea}")
    chosen = configure(HOUSE, {"colour": "blue"}, {"HOUSE_WINDOW_OPENS": "7"}, str(file))
    assert (chosen.settings.window.opens, chosen.settings.window.title) == (7, "Tea")
    assert chosen.origins == {
        "colour": "flag --colour",
        "window": f"file {file}, environment HOUSE_WINDOW_OPENS",
        "bells": "default",
        "cellar": "default",
        "rooms": "default",
    }


def test_all_problems_come_in_the_order_of_sources_and_lines(file: Path) -> None:
    """Whatever the order of the model."""
    file.write_text("rooms: {a: 3}\nwindow:\n  opens: x\ncolour: pink\n")
    with pytest.raises(ConfigError) as error:
        configure(HOUSE, {"colour": "brown"}, {"HOUSE_WINDOW_OPENS": "never"}, str(file))
    assert error.value.problems == (
        f"{file}: line 1: rooms.a: must be a mapping with keys such as opens and The-Title, not 3",
        'HOUSE_WINDOW_OPENS: must be a whole number, not "never"',
        '--colour: must be red, green or blue, not "brown"',
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bells: [{kind: mail}]", "bells[0].address: is missing"),
        (
            "bells: [{kind: mail, adress: a, address: b}]",
            "bells[0].adress: unknown key; did you mean address?",
        ),
        (
            "bells: [{kind: mail, address: b, number: 3}]",
            "bells[0].number: is no setting of mail; only pager has it",
        ),
        (
            "bells: [{kind: pager, number: 1, adress: a}]",
            "bells[0].adress: unknown key; did you mean address?",
        ),
        ("bells: [{kind: pager, number: 1}, {kind: pager, number: 1}]", "bells[1].kind: is one too many"),
        ("bells: [{kind: pager, number: 0}]", "bells[0].number: must be at least 1, not 0"),
        ("bells: [{kind: bell}]", 'bells[0].kind: must be mail or pager, not "bell"'),
        ("bells: [{number: 3}]", "bells[0].kind: is missing"),
        ("bells: [3]", "bells[0]: must be a mapping with keys such as kind and address"),
        ("cellar: [{medium: tape, metres: 0}]", "cellar[0].metres: must be at least 1, not 0"),
        ("cellar: [{medium: disk, gigabytes: x}]", 'cellar[0].gigabytes: must be a whole number, not "x"'),
        (
            "cellar: [{medium: tape, gigabytes: 1}]",
            "cellar[0].gigabytes: is no setting of tape; only disk has it",
        ),
        ("cellar: [{medium: drum}]", 'cellar[0].medium: must be disk or tape, not "drum"'),
        ("cellar: [{medium: [tape]}]", "cellar[0].medium: must be disk or tape, not \"['tape']\""),
        ("cellar: [{}]", "cellar[0].medium: is missing"),
        ("cellar: [tape]", 'cellar[0]: must be a mapping with keys such as medium and gigabytes, not "tape"'),
        ("rooms: {a: {The-Titel: x}}", "rooms.a.The-Titel: unknown key; did you mean The-Title?"),
        ("rooms: {a: {The-Title: 3}}", "rooms.a.The-Title: must be text; put it in quotes, not 3"),
        ("rooms: {3: {}}", "rooms[3]: must be text; put it in quotes, not 3"),
    ],
)
def test_places_are_those_of_the_file(text: str, told: str, file: Path) -> None:
    """Which of several models a tag has chosen is no part of a place; its own keys are what is allowed."""
    assert problems(text, file) == [f"line 1: {told}"]


@pytest.mark.parametrize(
    "text",
    [
        "bells: [{kind: mail, address: a, password: [hunter2]}]",
        "bells: [{kind: mail, address: [hunter2]}]",  # under the wrong key
        "bells: [{kind: mail, address: {hunter2: 1}}]",
        "bells: [hunter2]",
        "bells: {a: hunter2}",
    ],
)
def test_a_secret_is_never_quoted(text: str, file: Path) -> None:
    """Nor what stands in its place, or it in another's."""
    [told] = problems(text, file)
    assert "hunter2" not in told


def test_a_secret_is_shown_as_stars(file: Path) -> None:
    """In a file that is shown, and wherever else the settings are printed."""
    file.write_text("bells: [{kind: mail, address: a, password: hunter2}]")
    chosen = configure(HOUSE, {}, {}, str(file))
    assert "hunter2" not in show(chosen) + repr(chosen)
    assert '"password": "**********"' in show(chosen)


def test_a_secret_is_looked_up_where_it_is_said_to_be(tmp_path: Path) -> None:
    """In the settings, a file or a variable; one of them."""
    (tmp_path / "word").write_text("hunter2\n")

    def found(**given: str) -> str | None:
        mail = Mail.model_validate({"kind": "mail", "address": "a", **given})
        return secret_of(mail, "password", {"WORD": "hunter3"})

    assert found() is None
    assert found(password=" hunter1 ") == "hunter1"
    assert found(password_file=str(tmp_path / "word")) == "hunter2"
    assert found(password_env="WORD") == "hunter3"
    with pytest.raises(ValueError, match=r"must have one of password, password_file, password_env, not"):
        found(password="a", password_env="WORD")
    with pytest.raises(ValueError, match="the environment variable NONE is not set"):
        found(password_env="NONE")


def test_an_item_may_come_from_variables(file: Path) -> None:
    """It follows those of the file, and each of its keys is told by its own variable."""
    file.write_text("bells: [{kind: pager, number: 1}]")
    layers = Layers()
    layers.add_file(str(file), HOUSE.example)
    sources = {key: SettingSource("environment", f"BELL_{key.upper()}") for key in ("number", "note")}
    layers.append(
        "bells", {"kind": "pager", "number": "0", "note": ""}, SettingSource("environment", "BELL"), sources
    )
    with pytest.raises(ConfigError, match=r"^BELL_NUMBER: must be at least 1"):
        layers.validated(House)
    assert layers.where(("bells", 1)) == "BELL"
    assert layers.where(("bells", 0, "number")) == f"{file}: line 1: bells[0].number"


def test_what_cannot_be_nested_is_told_by_the_file_that_says_so(file: Path) -> None:
    """A variable for a key of a section that the file has as something else."""
    file.write_text("window: open")
    with pytest.raises(ConfigError, match="line 1: window: must be a mapping with keys such as opens"):
        configure(HOUSE, {}, {"HOUSE_WINDOW_OPENS": "3"}, str(file))


def test_what_is_wrong_with_all_together_needs_no_place(file: Path) -> None:
    """It has the file's name where there is a file."""
    assert problems("{colour: blue, window: {opens: 0}}", file) == ["a blue house is never closed"]
    with pytest.raises(ConfigError, match=r"^a blue house is never closed$"):
        configure(HOUSE, {"colour": "blue"}, {"HOUSE_WINDOW_OPENS": "0"}, None)
