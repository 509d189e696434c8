"""The command line: quick to answer, clear about mistakes, quiet when it is told to stop."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from llmtrain_exporter import cli, config
from llmtrain_exporter.cli.exit_codes import gated
from llmtrain_exporter.publish import demo

from tests.servers import HANGS_SECONDS, ExporterProcess, eventually
from tests.training import append, llamafactory, printed, swift, trainer_state

COMMANDS = sorted(cli.commands.commands)
HEAVY = (
    "numpy",
    "orjson",
    "pandas",
    "prometheus_client",
    "pydantic",
    "requests",
    "starlette",
    "uvicorn",
    "yaml",
)
SECONDS = 0.5  # of the processor, for --help
UNTRACED = {"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}  # what is timed measures no coverage


def llmtrain(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    command = [sys.executable, "-m", "llmtrain_exporter", *map(str, arguments)]
    environ = {**os.environ, **(env or {})}
    return subprocess.run(
        command, capture_output=True, text=True, env=environ, timeout=HANGS_SECONDS, check=False
    )


@contextmanager
def running(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The program while it runs, ended at the latest with the block."""
    command = [sys.executable, "-m", "llmtrain_exporter", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def code(arguments: Sequence[str]) -> int:
    """The exit code of the program, run in this process."""
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The help of a command."""
    assert code([command, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_an_example_and_its_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """--help shows at least one whole command line, and what the exit codes mean."""
    text = help_of(command, capsys)
    assert re.search(rf"Examples:\n    llmtrain-exporter {command} ?", text)
    assert re.search(r"Exit codes:\s0 ", text)


def test_the_settings_of_serve_are_flags(capsys: pytest.CaptureFixture[str]) -> None:
    """Every setting stands in the help with its flag, its default and its variable."""
    code(["serve", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for setting in config.EXPORTER.settings:
        assert setting.flag in text
        if not setting.text.positional:
            assert setting.variable in text
            assert setting.description in text
        if setting.default:
            assert f"default: {setting.default}" in text


def test_flags_go_before_the_environment_and_the_file(tmp_path: Path) -> None:
    """`config --show` takes what serve takes, and says where each value comes from."""
    file = tmp_path / "llmtrain.yml"
    file.write_text("max_depth: 2\nmax_runs: 3\nlabels: {a: b}\n")
    answer = llmtrain(
        *("config", "--show", "--config", file, "--max-depth", "4", "logs", "more"),
        *("--label", "team=nlp", "--label", "gpu=8", "--web.config.file", "web.yml"),
        env={"LLMTRAIN_MAX_DEPTH": "5", "LLMTRAIN_MAX_RUNS": "6", "LLMTRAIN_LOG_LEVL": "info"},
    )
    shown = answer.stdout.splitlines()
    assert "max_depth: 4  # flag --max-depth" in shown
    assert "max_runs: 6  # environment LLMTRAIN_MAX_RUNS" in shown
    assert 'labels: {"team": "nlp", "gpu": "8"}  # flag --label' in shown
    assert 'paths: ["logs", "more"]  # flag PATH' in shown
    assert 'web_config_file: "web.yml"  # flag --web.config.file' in shown
    assert 'log_level: "warning"  # default' in shown
    assert (
        answer.stderr
        == "Warning: environment LLMTRAIN_LOG_LEVL is no setting; did you mean LLMTRAIN_LOG_LEVEL?\n"
    )


def test_a_file_of_settings_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A good one is in order, of a bad one everything that is wrong is told, a line each."""
    file = tmp_path / "llmtrain.yml"
    file.write_text("max_depth: 2\n")
    assert code(["config", "--check", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: in order\n"
    file.write_text("max_depth: x\nlistn: y\n")
    assert code(["config", "--check", str(file)]) == 64
    errors = capsys.readouterr().err.splitlines()
    assert [error.split(": ")[0:3] for error in errors] == [
        ["Error", str(file), "line 1"],
        ["Error", str(file), "line 2"],
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["serve"], "no logs to watch: give files or folders, as in llmtrain-exporter serve output/"),
        (["serve", "x", "--listen", "y"], "--listen: must be HOST:PORT"),
        (["serve", "x", "--web.config.file", "/does/not/exist"], "/does/not/exist: No such file"),
        (["serve", "x", "--config", "/does/not/exist"], "/does/not/exist: No such file"),
        (["serve", "x", "--listn", "y"], "No such option"),
        (["srve"], "No such command"),
        (["check"], "Missing argument 'LOG...'. See llmtrain-exporter check --help."),
        (["check", "--profile", "x", "y"], "Invalid value for '--profile'"),
        (["config"], "give either --show or --check FILE"),
        (["config", "--show", "--check", "x"], "give either --show or --check FILE"),
        (["check", "x", "--logging-steps"], "Option '--logging-steps' requires an argument."),
        (["render", "x", "y"], "Got unexpected extra argument (y). See llmtrain-exporter render --help."),
        (
            ["render", "--grafana-url", "foo bar"],
            "Invalid value for '--grafana-url': 'foo bar' is no web address;",
        ),
        (
            ["render", "--exporter-url", "localhost:9848"],
            "Invalid value for '--exporter-url': 'localhost:9848' is",
        ),
        (["render", "--runbook-url", "https://me:x@example"], "Invalid value for '--runbook-url': "),
        (
            ["replay", os.path.dirname(__file__), "x"],
            f"{os.path.dirname(__file__)}: not a file; give the log",
        ),
        (["replay", __file__, "x", "--speed", "-1"], '--speed: must be lines per second, or "max"'),
        (["replay", __file__, "x", "--interval", "x"], "--interval: must be a duration"),
        (["demo", "--speed", "nan"], '--speed: must be lines per second, or "max"'),
        (["demo", "--listen", "x"], "--listen: must be HOST:PORT"),
        (["demo", "--keep", os.path.dirname(__file__)], f"{os.path.dirname(__file__)}: is not empty"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_exit_code_64(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong and what to do, and nothing else."""
    assert code(arguments) == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    [line] = captured.err.splitlines()
    assert line.startswith(f"Error: {told}")


@pytest.mark.parametrize("existing", [[], ["--append"], ["--force"]])
def test_a_log_that_is_not_there_cannot_be_replayed(
    existing: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That is no wrong usage: 1, as the help of `replay` says."""
    assert code(["replay", "/does/not/exist", str(tmp_path / "x"), *existing]) == 1
    assert capsys.readouterr().err == "Error: /does/not/exist: No such file or directory\n"
    assert "1 cannot be read or written" in help_of("replay", capsys)
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_commands_says_what_each_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    """In a whole sentence, however narrow the terminal for which help is written."""
    assert code(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == sorted(COMMANDS)
    assert [line for line in listed if not line.endswith(".") or line.endswith("...")] == []


GATES = [
    (None, {0: 0, 1: 0, 2: 0, 3: 3}),
    ("broken", {0: 0, 1: 0, 2: 2, 3: 3}),
    ("watch", {0: 0, 1: 1, 2: 2, 3: 3}),
]


@pytest.mark.parametrize(("fail_on", "codes"), GATES)
def test_a_gate_lets_milder_verdicts_pass(fail_on: str | None, codes: dict[int, int]) -> None:
    """What is no verdict passes none."""
    assert {verdict: gated(verdict, fail_on) for verdict in codes} == codes


@pytest.fixture
def worrying(tmp_path: Path) -> Path:
    """A run with warnings alone: its verdict is watch."""
    rows = [swift(step, grad_norm=12.0 if step > 40 else 1.0, loss=1.0) for step in range(1, 81)]
    return append(tmp_path / "run" / demo.LOG, *rows)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["check"], 1),
        (["check", "--fail-on", "watch"], 1),
        (["check", "--fail-on", "broken"], 0),
        (["report", "-o", "report.md"], 0),
        (["report", "-o", "report.md", "--fail-on", "watch"], 1),
        (["report", "-o", "report.md", "--fail-on", "broken"], 0),
        (["report", "-o", "report.md", "--fail-on", "none"], 64),
        (["report", "-o", "no/such/report.md"], 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_exit_code_fails_from_the_verdict_that_was_asked_for(
    arguments: list[str], expected: int, worrying: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """check from watch on, a report that is written not at all; and 3 where there is no report."""
    monkeypatch.chdir(tmp_path)
    assert code([*arguments, str(worrying)]) == expected


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_usage_is_never_taken_for_a_verdict(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An option that is none: 64, whatever the command; 2 would mean that a run is broken."""
    assert code([command, "--no-such-option"]) == 64
    assert "64" in " ".join(help_of(command, capsys).split("Exit codes:")[1].split())


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The help goes to standard error, and nothing was done."""
    assert code([]) == 64
    assert "llmtrain-exporter demo" in capsys.readouterr().err


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    """--version names program and version."""
    assert code(["--version"]) == 0
    assert re.fullmatch(r"llmtrain-exporter \d+\.\d+\.\d+\n", capsys.readouterr().out)


def loaded(arguments: list[str], among: Sequence[str] = HEAVY) -> list[str]:
    """Those of some modules, else of the heavy libraries, that a command line loads."""
    program = (
        "import sys\nfrom llmtrain_exporter.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        f"print([name for name in {among!r} if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    names: list[str] = json.loads(answer.stdout.splitlines()[-1].replace("'", '"'))
    return names


def test_help_loads_nothing_heavy() -> None:
    """The list of commands needs no library but click, the settings need those that check them."""
    assert loaded(["--help"]) == []
    assert loaded(["check", "--help"]) == []
    assert loaded(["serve", "--help"]) == ["pydantic", "yaml"]


@pytest.mark.parametrize("arguments", [["--version"], ["check", "--help"], ["demo", "--help"]])
def test_a_command_is_loaded_when_it_is_asked_for(arguments: list[str]) -> None:
    """Whoever asks for one waits for no other, unless it does what that does."""
    modules = [f"llmtrain_exporter.cli.{name}" for name in COMMANDS]
    asked = {"check": ["check"], "demo": ["demo", "serve"]}.get(arguments[0], [])
    assert loaded(arguments, modules) == [f"llmtrain_exporter.cli.{name}" for name in asked]


def test_a_misspelt_command_is_told_what_it_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    """All names are known, though hardly any command is loaded."""
    assert code(["chek"]) == 64
    assert "Did you mean 'check'?" in capsys.readouterr().err


def test_a_log_is_read_without_what_only_odd_ones_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict on a log waits for no OpenSSL, no random numbers and no names of HTML."""
    for name in [name for name in os.environ if name.startswith("LLMTRAIN_")]:
        monkeypatch.delenv(name)
    log = tmp_path / "logging.jsonl"
    log.write_text("".join(f"{swift(step)}\n" for step in range(1, 4)))
    assert loaded(["check", str(log)], ("hashlib", "html", "orjson", "tempfile")) == ["orjson"]


def test_who_has_set_nothing_waits_for_no_check_of_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log is read without what checks them; with any setting, misspelt ones too, they are checked."""
    for name in [name for name in os.environ if name.startswith("LLMTRAIN_")]:
        monkeypatch.delenv(name)
    arguments = ["check", str(tmp_path)]
    assert loaded(arguments) == ["orjson"]
    assert "pydantic" in loaded([*arguments, "--logging-steps", "5"])
    monkeypatch.setenv("LLMTRAIN_LOGGING_STEP", "5")
    assert "pydantic" in loaded(arguments)


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"]])
def test_help_is_quick(arguments: list[str]) -> None:
    """In time of the processor, since a busy machine says nothing about the program; the best of three."""

    def seconds() -> float:
        before = os.times()
        assert llmtrain(*arguments, env=UNTRACED).returncode == 0
        after = os.times()
        return sum(after[2:4]) - sum(before[2:4])  # of the children, as user and system

    assert min(seconds() for _ in range(3)) < SECONDS


def explained(*arguments: str | Path, expected: int = 0) -> str:
    """What `config --explain` prints, on one line."""
    done = llmtrain("config", "--explain", *arguments)
    assert (done.returncode, done.stderr) == (expected, "")
    return " ".join(done.stdout.split())


def test_config_explains_what_is_found_and_what_is_followed(tmp_path: Path) -> None:
    """Each run with its log and why that one, what adds to it or repeats it, and what was left out."""
    rows = [llamafactory(step) for step in range(1, 9)]
    append(tmp_path / "out" / "trainer_log.jsonl", *rows)
    append(tmp_path / "out" / "trainer_state.json", trainer_state(range(1, 9)))
    append(
        tmp_path / "train.log", *(str({"loss": 1 / step, "lr": 1e-5, "epoch": 0.1}) for step in range(1, 9))
    )
    append(tmp_path / "server.log", "ready")
    append(tmp_path / "odd.txt", printed(1))
    text = explained(tmp_path)
    for part in (
        "1 run",
        "run out followed: out/trainer_log.jsonl, as llamafactory (trainer_log.jsonl), by its name; it grows",
        "added: out/trainer_state.json, what the rows of that lack",
        "not read: train.log, of the same training",
        "server.log: text without a row of a training",
        "odd.txt: rows of a training stand in it, under an odd name: read with --stdout-log 'odd.txt'",
    ):
        assert part in text
    chinese = explained(tmp_path, "--lang", "zh")
    assert "读取：out/trainer_log.jsonl" in chinese
    assert "未读取：train.log，属于同一训练" in chinese
    assert "run odd followed: odd.txt" in explained(tmp_path, "--stdout-log", "odd.txt")
    assert "by the rows of a training in it" in explained(append(tmp_path / "x" / "y.log", printed(9)).parent)
    append(tmp_path / "z" / "tune.log", *(f"Step {step} | loss:2.0{step} lr:2e-05 " for step in range(1, 9)))
    assert "as torchtune (what programs print)" in explained(tmp_path / "z")


def test_config_explains_why_nothing_is_found(tmp_path: Path) -> None:
    """As `check` says it, of a folder, a file, and of what is not there."""
    log = append(tmp_path / "train.log", "Loading")
    assert "train.log: text without a row of a training" in explained(tmp_path, expected=3)
    assert "It begins with: Loading" in explained(log, expected=3)
    assert "no such file or folder (yet)" in explained(tmp_path / "gone", expected=3)
    assert "no run: no training log below it" in explained(tmp_path, "--stdout-log", "never", expected=3)


def test_config_explains_all_paths_that_are_named(tmp_path: Path) -> None:
    """The worst of them gives the exit code."""
    log = append(tmp_path / "a" / "trainer_log.jsonl", *map(llamafactory, range(1, 9)))
    other = append(tmp_path / "b" / "train.log", "Loading")
    text = explained(log.parent, other.parent, log.parent, expected=3)
    assert text.count("run a followed: trainer_log.jsonl") == 1
    assert "train.log: text without a row of a training" in text


@pytest.mark.parametrize("arguments", [("config", "--show"), ("check", demo.BUNDLED)])
def test_a_closed_pipe_ends_a_command_quietly(arguments: tuple[str | Path, ...]) -> None:
    """`... | head -0` is no error of ours: exit code 141, as of a program that the signal ends."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "llmtrain_exporter", *map(str, arguments)]
    answer = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=HANGS_SECONDS, check=False
    )
    os.close(writing)
    assert (answer.returncode, answer.stderr) == (141, "")


@pytest.mark.parametrize(("arguments", "expected"), [(("config", "--show"), 1), (("check", demo.BUNDLED), 3)])
def test_a_full_disk_under_the_output_is_told(arguments: tuple[str | Path, ...], expected: int) -> None:
    """One line; of check it must not look like a verdict."""
    command = [sys.executable, "-m", "llmtrain_exporter", *map(str, arguments)]
    with open("/dev/full", "w") as full:
        answer = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=HANGS_SECONDS, check=False
        )
    assert (answer.returncode, answer.stderr) == (expected, "Error: No space left on device\n")


def test_names_that_are_no_text_are_printed(tmp_path: Path) -> None:
    """A folder may be called anything, and the terminal may know ASCII only."""
    folder = tmp_path / os.fsdecode(b"\xff\xe5\xa5\x96")
    folder.mkdir()
    (folder / "logging.jsonl").write_bytes((demo.BUNDLED / demo.HEALTHY / demo.LOG).read_bytes())
    answer = llmtrain("check", tmp_path, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (answer.returncode, answer.stderr) == (0, "")


def test_a_broken_log_is_told_in_the_exit_code(tmp_path: Path) -> None:
    """3 for what is no log, whatever else there is."""
    (tmp_path / "logging.jsonl").write_text("nothing\n")
    assert llmtrain("check", tmp_path / "logging.jsonl").returncode == 3
    assert llmtrain("check", tmp_path / "missing").returncode == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM are the usual ends: exit code 0, and nothing to say."""
    (tmp_path / "logging.jsonl").write_bytes((demo.BUNDLED / demo.HEALTHY / demo.LOG).read_bytes())
    with ExporterProcess([tmp_path]) as exporter:
        assert exporter.metrics()["llmtrain_exporter_runs"] == 1
        exporter.process.send_signal(number)
        assert exporter.process.wait(HANGS_SECONDS) == 0
        assert exporter.log == ""


def test_a_path_may_appear_later(tmp_path: Path) -> None:
    """A folder that is not there yet is told, and watched from the moment that it is."""
    folder = tmp_path / "later"
    with ExporterProcess([folder, "--scan-interval", "100ms"]) as exporter:
        eventually(lambda: str(folder) in exporter.log)
        folder.mkdir()
        (folder / "logging.jsonl").write_bytes((demo.BUNDLED / demo.HEALTHY / demo.LOG).read_bytes())
        eventually(lambda: exporter.metrics()["llmtrain_exporter_runs"] == 1)
        assert exporter.log.count(str(folder)) == 1


def test_settings_reach_the_exporter(tmp_path: Path) -> None:
    """Names, labels and profiles of the rules stand in run_info."""
    run = tmp_path / "qwen" / "v7-20260101-000000"
    run.mkdir(parents=True)
    (run / "logging.jsonl").write_bytes((demo.BUNDLED / demo.HEALTHY / demo.LOG).read_bytes())
    file = tmp_path / "llmtrain.yml"
    file.write_text(
        "labels: {team: nlp}\nruns:\n- regex: '(.*)/v(\\d+)-.*'\n  name: '\\1 \\2'\n  labels: {gpu: '8'}\n"
    )
    with ExporterProcess([tmp_path, "--config", file]) as exporter:
        [info] = [name for name in exporter.metrics() if name.startswith("llmtrain_run_info")]
    for label in ('run="qwen 7"', 'team="nlp"', 'gpu="8"', 'profile="grpo"'):
        assert label in info


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    """One line that says what to do, and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = llmtrain("serve", tmp_path, "--listen", f"127.0.0.1:{port}")
    assert answer.returncode == 1
    assert re.fullmatch(rf"Error: .*127\.0\.0\.1:{port}.*\n", answer.stderr)


def test_a_loop_that_fails_ends_the_exporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that never change look healthy, so there must be none: it is an end with an error."""
    from llmtrain_exporter.serve import service
    from llmtrain_exporter.serve.watcher import Watcher

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Watcher, "run", broken)
    settings = config.Settings(paths=(str(tmp_path),), listen="127.0.0.1:0")
    assert service.serve(settings, lambda _: None) is False


def first_lines(process: subprocess.Popen[str], count: int) -> str:
    assert process.stdout
    return "".join(process.stdout.readline() for _ in range(count))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_shows_both_runs_and_leaves_nothing(number: signal.Signals) -> None:
    """It serves what it says it serves, and takes its folder away at its end."""
    with running("demo", "--speed", "max", "--listen", "127.0.0.1:0") as process:
        told = first_lines(process, 8)
        [folder] = re.findall(r"(/\S+llmtrain-demo-\w+):", told)
        [runs] = re.findall(r"http://\S+/api/v1/runs", told)

        def steps() -> dict[str, int]:
            listed = requests.get(runs, timeout=HANGS_SECONDS).json()["runs"]
            return {run["run"]: run["last_step"] for run in listed}

        eventually(lambda: steps() == {demo.COLLAPSE: 35, demo.HEALTHY: 200})
        assert llmtrain("check", f"{folder}/{demo.COLLAPSE}").returncode in (0, 1, 2)
        process.send_signal(number)
        _, errors = process.communicate(timeout=HANGS_SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert not os.path.exists(folder)


def test_the_demo_takes_another_port_where_its_own_is_taken(tmp_path: Path) -> None:
    """It says so, and the logs stay where they were wanted."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(
            "demo", "--speed", "max", "--keep", tmp_path / "x", "--listen", f"127.0.0.1:{port}"
        ) as process:
            [address] = re.findall(r"http://(\S+)/metrics", first_lines(process, 8))
            eventually((tmp_path / "x" / demo.HEALTHY / demo.LOG).exists)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=HANGS_SECONDS)
    assert process.returncode == 0
    assert address != f"127.0.0.1:{port}"
    assert f"Port {port} is in use" in errors
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == [demo.COLLAPSE, demo.HEALTHY]


def test_the_bundled_logs_tell_nothing_of_the_machine_they_come_from() -> None:
    """No absolute path, no address, no token, and of the arguments only what the exporter makes use of."""
    from llmtrain_exporter.knowledge import arguments

    harmless = {*arguments.NUMBERS, *(key for keys in arguments.TEXTS.values() for key in keys)}
    harmless |= {"reward_funcs", "reward_weights", "logging_nan_inf_filter"}
    for path in demo.BUNDLED.rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert not re.search(r'"[^"]*(://|@|token|secret)|"/\w', text)
            if path.name == "args.json":
                assert set(json.loads(text)) <= harmless
