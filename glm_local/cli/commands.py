"""The command ``glm``: thin, every answer also as one JSON line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from glm_local.cli.audit_commands import Debug, Json, audit_app
from glm_local.errors import ConfigError, GlmError, Problem, nearest
from glm_local.job import run_options
from glm_local.job.command import Answer, RunArguments, answered, run_answer, study_answer
from glm_local.texts.counted import counted

app = typer.Typer(
    help="Factor-based generalized linear models: run jobs, score, audit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(audit_app, name="audit")


def _option(one: run_options.RunOption) -> Any:
    return typer.Option(one.flag, help=one.help)


Conf = Annotated[str, typer.Argument(help=run_options.CONF_HELP)]
Set = Annotated[list[str] | None, _option(run_options.SET)]
Param = Annotated[list[str] | None, _option(run_options.PARAM)]
RunId = Annotated[str | None, _option(run_options.RUN_ID)]
Out = Annotated[str | None, _option(run_options.OUT)]
RunStore = Annotated[str | None, _option(run_options.STORE)]
Quiet = Annotated[bool, _option(run_options.QUIET)]


@app.command("run")
def run_command(
    conf: Conf,
    overrides: Set = None,
    parameters: Param = None,
    run_id: RunId = None,
    out: Out = None,
    store: RunStore = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Run a job: read, check, split, fit, second opinion, validate, save, report. Run again, it adds nothing twice."""
    from glm_local.on_pandas.local_environment import local_environment

    arguments = RunArguments(conf, overrides or (), parameters or (), run_id, out, store, quiet)
    return answered(lambda: run_answer(arguments, local_environment), as_json, debug)


@app.command("study")
def study_command(
    conf: Conf,
    overrides: Set = None,
    parameters: Param = None,
    run_id: RunId = None,
    out: Out = None,
    store: RunStore = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Run an automatic study: screen, bin, keep what earns its place, cross, finalize, report. Stopped, it goes on."""
    from glm_local.on_pandas.local_environment import local_environment

    arguments = RunArguments(conf, overrides or (), parameters or (), run_id, out, store, quiet)
    return answered(lambda: study_answer(arguments, local_environment), as_json, debug)


@app.command("validate")
def validate_command(
    conf: Conf,
    overrides: Set = None,
    parameters: Param = None,
    data: Annotated[bool, typer.Option("--data", help="Also compare with the columns of the data.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Check a job's file and its specifications without running it."""
    return answered(lambda: _validated(conf, overrides or (), parameters or (), data), as_json, debug)


def _validated(conf: str, overrides: Sequence[str], parameters: Sequence[str], data: bool) -> Answer:
    from glm_local.job.check_config import columns_of_source, read_any_config, words
    from glm_local.job.toml_document import read_parameters
    from glm_local.on_pandas.local_environment import local_environment

    config = read_any_config(conf, overrides, read_parameters(parameters))
    found, said = words(config)
    document: dict[str, Any] = {"conf": conf, **found, "study": config.study_name}
    said = f"{conf} is good: {said}, family {config.model.family}"
    if data:
        name, kinds = columns_of_source(config, local_environment())
        said += f"; {name} has every column it reads"
        document["columns"] = kinds
    return Answer(document, said)


@app.command("score")
def score_command(
    model: Annotated[str, typer.Argument(help="A model.json.")],
    data: Annotated[str, typer.Argument(help="Parquet file or folder, CSV file, or Delta table.")],
    out: Annotated[str, typer.Option("--out", help="A .parquet or .csv file.")],
    kind: Annotated[str, typer.Option("--kind", help="mean, rate (without exposure and offset) or link.")] = "mean",
    column: Annotated[str, typer.Option("--column", help="Name of the score's column.")] = "prediction",
    delimiter: Annotated[str, typer.Option("--delimiter", help="Separator of a CSV file.")] = ",",
    store: Annotated[str | None, typer.Option("--store", help="Record the scoring in this audit.")] = None,
    study: Annotated[
        str | None, typer.Option("--study", help="Study it belongs to; the model's name otherwise.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Score rows with a model and write them with a column more."""

    def ask() -> Answer:
        from glm_local.job.data_sources import DataSource
        from glm_local.job.score_file import record_score, score_file
        from glm_local.stores.delta_store import open_store
        from glm_local.texts.number_format import rate_text

        source, loaded, asked = DataSource("path", data, delimiter=delimiter), _model(model), _score_kind(kind)
        scored = score_file(loaded, source, out, asked, column)
        figures = f"mean {rate_text(scored.mean)}; {scored.refused:,} without a score"
        said = f"{counted(scored.rows)} scored into {scored.path}, {figures}"
        run = None if store is None else record_score(open_store(store), loaded, source, scored, asked, study)
        return Answer({"model": loaded.fingerprint, **scored.__dict__, "run_id": run}, said)

    return answered(ask, as_json, debug)


@app.command("sql")
def sql_command(
    model: Annotated[str, typer.Argument(help="A model.json.")],
    dialect: Annotated[str, typer.Option("--dialect", help="spark, duckdb, snowflake, …")] = "spark",
    kind: Annotated[str, typer.Option("--kind", help="mean, rate or link.")] = "mean",
    table: Annotated[str | None, typer.Option("--table", help="Write a whole query on this table.")] = None,
    column: Annotated[str, typer.Option("--column", help="Name of the score's column in a query.")] = "prediction",
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Print a model's score as SQL."""

    def ask() -> Answer:
        text = _model(model).to_sql(dialect, _score_kind(kind), table, column)
        return Answer({"dialect": dialect, "sql": text}, text)

    return answered(ask, as_json, debug)


@app.command("version")
def version_command(as_json: Json = False, debug: Debug = False) -> int:
    """Print versions."""

    def ask() -> Answer:
        from glm_local.glm.document import package_versions

        versions = package_versions()
        return Answer({"versions": versions}, "\n".join(f"{name} {version}" for name, version in versions.items()))

    return answered(ask, as_json, debug)


def _model(path: str) -> Any:
    from glm_local import load_model

    if not Path(path).is_file():
        raise ConfigError.because(
            f"{path} does not exist.", "A model is a JSON file.", "Give the model.json of a run.", path="model"
        )
    try:
        return load_model(Path(path))
    except (ValueError, OSError) as error:
        if isinstance(error, GlmError):
            raise
        raise ConfigError.because(
            f"{path} is not a model: {str(error).splitlines()[0]}.",
            "A model is the JSON a fit wrote.",
            "Give the model.json of a run.",
            path="model",
        ) from None


def _score_kind(kind: str) -> Literal["mean", "rate", "link"]:
    kinds = ("mean", "rate", "link")
    if kind not in kinds:
        raise ConfigError.because(
            f"{kind!r} is not a kind of score.",
            f"It is one of {', '.join(kinds)}.",
            nearest(kind, kinds),
            path="--kind",
        )
    return cast(Literal["mean", "rate", "link"], kind)


def run_app(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = typer.main.get_command(app)
    try:
        code = command.main(given, prog_name="glm", standalone_mode=False)
    except Exception as error:
        message = getattr(error, "format_message", None)  # click's usage errors, whichever click typer brings
        if message is None:
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(message(), err=True)
            return 2
        problem = _usage_problem(error, message())

        def wrong() -> Answer:
            raise ConfigError(problem)

        return answered(wrong, "--json" in given)
    return code if isinstance(code, int) else 0


def _usage_problem(error: Any, message: str) -> Problem:
    """What is wrong with a command line: an unknown option or command with the nearest one."""
    context = getattr(error, "ctx", None)
    command = getattr(context, "command", None)
    option, help_text = getattr(error, "option_name", None), f"Run: {getattr(context, 'command_path', 'glm')} --help"
    wrong, known = "", list[str]()
    if type(error).__name__ == "NoSuchOption" and option and command is not None:
        wrong, known = option, [name for one in command.params for name in one.opts if name.startswith("--")]
    elif "No such command" in message and command is not None:
        wrong, known = message.split("'")[1], command.list_commands(context)
    if not wrong or context is None:
        return Problem("", f"{message.rstrip('.')}.", "A command is given as its help says.", help_text)
    what = "an option" if option else "a command"
    hint = f"{nearest(wrong, [*known, '--help'] if option else known)} {help_text}"
    found = f"{wrong!r} is not {what} of {context.command_path}."
    return Problem("", found, "A command is given as its help says.", hint)


def main() -> None:
    """Entry of the command ``glm``."""
    sys.exit(run_app())


if __name__ == "__main__":
    main()
