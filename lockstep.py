"""The command line: one subcommand, one call; no logic. `main` turns every error into one line and an exit code.

Exit codes: 0 holds, 1 violated, 2 unknown (budget, interrupt), 3 usage or internal error.
"""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from traces.commands.report import Report

EXIT_UNKNOWN, EXIT_ERROR = 2, 3

app = typer.Typer(
    name="lockstep",
    help="Verify how Apache Kafka coordinates itself: the protocol's spec and its implementation, in lock-step.",
    epilog="Exit codes: 0 holds, 1 violated, 2 unknown, 3 usage or internal error.",
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, nothing else.")]
Budget = Annotated[str | None, typer.Option(metavar="TIME", help="CPU time to spend: 60s, 2m, 1h.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Where counterexamples go.")]
Bug = Annotated[str | None, typer.Option(metavar="ID", help="Plant a bug: an id of `lockstep bugs`.")]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Where random choices start.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also claims and places of guards.")]

OUT = Path("lockstep-out")


def finish(report: "Report", as_json: bool) -> NoReturn:
    """Print a report and leave with its exit code."""
    if as_json:
        print(json.dumps(report.to_json(), allow_nan=False))
    else:
        from traces.render import printed

        print(printed(report.show), end="")
    raise typer.Exit(report.exit_code)


@app.callback()
def root(context: typer.Context) -> None:
    """Print the help if there is no subcommand."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def verify(
    budget: Annotated[str | None, typer.Option(metavar="TIME", help="CPU time per check.")] = "4m",
    as_json: Json = False,
) -> None:
    """The main job: every check, a table of verdicts."""
    from traces.commands.verify import verify

    finish(verify(budget=budget), as_json)


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="specs, properties, actions, bugs or all.")] = "specs",
    as_json: Json = False,
) -> None:
    """List what there is to check."""
    from traces.commands.listing import listing

    finish(listing(what), as_json)


@app.command()
def check(
    spec: Annotated[str, typer.Argument(help="A spec: kraft, two-phase (see lockstep list specs).")],
    properties: Annotated[
        list[str] | None, typer.Option("--property", "-p", metavar="NAME", help="Check this one only; repeatable.")
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="explore, walk, bmc, induct, prove, refine ...")
    ] = "explore",
    bounds: Annotated[str | None, typer.Option(metavar="A=1,B=2", help="Change bounds of the spec.")] = None,
    budget: Budget = None,
    seed: Seed = 0,
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="Walks (walk).")] = 200,
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Steps per walk (walk).")] = 60,
    threads: Annotated[int, typer.Option(min=1, max=2, metavar="N", help="Threads (explore).")] = 1,
    checkpoint: Annotated[Path | None, typer.Option(metavar="FILE", help="Save the search there (explore).")] = None,
    memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Memory for states; more goes to disk: 8G."),
    ] = None,
    spill: Annotated[Path | None, typer.Option(metavar="DIR", help="Where states go beyond it (explore).")] = None,
    fingerprints: Annotated[
        bool, typer.Option("--fingerprints", help="Compare hashes; prints the odds (explore).")
    ] = False,
    resume: Annotated[Path | None, typer.Option(metavar="FILE", help="Go on from a checkpoint (explore).")] = None,
    symmetry: Annotated[
        bool, typer.Option("--symmetry/--no-symmetry", help="Nodes' names do not matter (explore).", show_default=False)
    ] = False,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Also guards, out-degrees and states per depth.")
    ] = False,
    max_violations: Annotated[
        int,
        typer.Option(min=1, max=1000, metavar="N", help="Look for so many violations (explore).", show_default=False),
    ] = 1,
    distinct_by: Annotated[
        str, typer.Option(metavar="WHAT", help="Different by action, property, variables A,B.", show_default=False)
    ] = "action",
    depth: Annotated[int, typer.Option(min=0, metavar="N", help="Steps per run (bmc).")] = 8,
    skeleton: Annotated[
        str | None, typer.Option(metavar="A(n1),B,...", help="Actions of a run, _ for any argument (bmc).")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TRACE[:STEP]", help="Where runs start (bmc).")] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was proved, and how, as JSON (prove).")
    ] = None,
    smt: Annotated[Path | None, typer.Option(metavar="DIR", help="Write every query as SMT-LIB (prove).")] = None,
    second: Annotated[
        str | None, typer.Option("--second-solver", metavar="TIME", help="Ask cvc5 too, so long per query (prove).")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where proved queries are remembered (prove).")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Prove everything anew (prove).")] = False,
    bug: Bug = None,
    out: Out = OUT,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Check a spec: a verdict per property."""
    from traces.commands.bounded import Bounded
    from traces.commands.check import check
    from traces.commands.evidence import Evidence

    finish(
        check(
            spec,
            properties=properties or (),
            engine=engine,
            bounds=bounds,
            budget=budget,
            seed=seed,
            runs=runs,
            steps=steps,
            threads=threads,
            checkpoint=checkpoint,
            memory=memory,
            spill=spill,
            fingerprints=fingerprints,
            max_violations=max_violations,
            distinct_by=distinct_by,
            symmetry=symmetry,
            resume=resume,
            coverage=coverage,
            bounded=Bounded(depth, skeleton, start),
            evidence=Evidence(manifest, smt, second, cache, remember=not no_cache),
            bug=bug,
            out=out,
            verbose=verbose,
        ),
        as_json,
    )


@app.command()
def simulate(
    mode: Annotated[str, typer.Argument(help="An implementation: kraft, zookeeper.")],
    seed: Seed = 0,
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Steps per run, before its quiet period.")] = 400,
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="Runs: seeds N, N+1, ...")] = 5,
    faults: Annotated[
        str, typer.Option(metavar="PLAN", help="none, light, default, heavy, or loss=0.1,crash=0.5")
    ] = "default",
    nodes: Annotated[int, typer.Option(min=1, max=9, metavar="N", help="Voters, or servers of the ensemble.")] = 3,
    bug: Bug = None,
    out: Out = OUT,
    histories: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the clients' histories there, for check-history.")
    ] = None,
    twice: Annotated[
        bool, typer.Option("--twice", help="Run each seed twice more, and compare step by step.", show_default=False)
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the implementation with faults, watched."""
    from traces.commands.simulate import simulate

    report = simulate(
        mode,
        seed=seed,
        steps=steps,
        runs=runs,
        nodes=nodes,
        faults=faults,
        bug=bug,
        out=out,
        histories=histories,
        twice=twice,
    )
    finish(report, as_json)


@app.command()
def replay(
    trace: Annotated[Path, typer.Argument(metavar="TRACE", help="A trace file (.itf.json).")],
    on: Annotated[str | None, typer.Option(metavar="SIDE", help="spec, impl or both (default: what there is).")] = None,
    strict: Annotated[
        bool, typer.Option("--strict/--tolerant", help="Every step as recorded, or skip what changed since.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Replay a trace on spec and implementation."""
    from traces.commands.replay import replay_file

    finish(replay_file(trace, on=on, strict=strict), as_json)


@app.command()
def bugs(
    bug: Annotated[str | None, typer.Argument(metavar="[ID]", help="One bug; all without it.")] = None,
    find: Annotated[bool, typer.Option("--find", help="Find each again, on spec and implementation.")] = False,
    budget: Annotated[str | None, typer.Option(metavar="TIME", help="CPU time per bug and engine.")] = "2m",
    as_json: Json = False,
) -> None:
    """The historical bugs; find them again."""
    from traces.commands.bugs import bugs

    finish(bugs(bug, find=find, budget=budget), as_json)


@app.command()
def claims(
    claim: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One claim, with its evidence; all without it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What is said about both modes, with the evidence for it."""
    from traces.commands.claims import claims

    finish(claims(claim), as_json)


@app.command("check-history")
def check_history(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A history: one JSON object per line.")],
    model: Annotated[str, typer.Option(metavar="NAME", help="metadata, register or zookeeper.")] = "metadata",
    budget: Annotated[str | None, typer.Option(metavar="TIME", help="Time to spend: 60s, 2m.")] = "60s",
    as_json: Json = False,
) -> None:
    """Is a history of client operations linearizable?"""
    from traces.commands.history import check_history

    finish(check_history(file, model=model, budget=budget), as_json)


@app.command("check-log")
def check_log(
    mode: Annotated[str, typer.Argument(metavar="KIND", help="zookeeper: disks; zookeeper-wire: a recorded wire.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="A server's directory each, or an archive.")],
    history: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What clients of the same run were answered (zookeeper).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the logs of real servers."""
    from traces.commands.check_log import check_log

    finish(check_log(mode, paths, history), as_json)


@app.command()
def export(
    spec: Annotated[str, typer.Argument(help="A spec: kraft, two-phase (see lockstep list specs).")],
    fmt: Annotated[str, typer.Option("--format", metavar="NAME", help="tla; or a drawing: dot, mermaid.")] = "tla",
    bounds: Annotated[str | None, typer.Option(metavar="A=1,B=2", help="Change bounds of the spec.")] = None,
    bug: Bug = None,
    symmetry: Annotated[
        bool, typer.Option("--symmetry", help="Also a module for TLC in which nodes' names do not matter (tla).")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the files are written.")] = OUT,
    as_json: Json = False,
) -> None:
    """Write a spec as TLA+ for TLC, or draw its states."""
    from traces.commands.export import export_command

    finish(export_command(spec, bounds, fmt, out, bug, symmetry=symmetry), as_json)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line on these arguments (default: those of the process) and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without a character must not stop a verdict
    try:
        code = app(args=list(arguments) if arguments is not None else None, prog_name="lockstep", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return fail("interrupted: nothing is decided", EXIT_UNKNOWN)
    except BrokenPipeError:
        # Whoever read our output has seen enough (`lockstep list | head`); Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: whatever it is, the user gets one line
        return fail(explain(error), EXIT_ERROR)
    return code if isinstance(code, int) else 0


def explain(error: Exception) -> str:
    """One line for an error: as it is if it is meant for the user, else as an internal error with its place."""
    from traces.commands.report import CommandError

    if isinstance(error, CommandError):
        return str(error)
    usage_error = typer.BadParameter.__bases__[0]  # of the click that typer uses, be it its own copy
    if isinstance(error, usage_error):
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "lockstep"
        return f"{getattr(error, 'format_message')().rstrip('.')}; see {command} --help"  # noqa: B009
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = " ".join(str(error).split())
    return f"internal error: {type(error).__name__}: {text}{place}; set LOCKSTEP_DEBUG=1 to see the traceback and report it"


def fail(message: str, code: int) -> int:
    """Print one line on stderr, and the traceback where LOCKSTEP_DEBUG asks for it."""
    if os.environ.get("LOCKSTEP_DEBUG"):
        traceback.print_exc()
    print(f"lockstep: error: {' '.join(message.split())}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
