"""./tools/bench.sh all and ./tools/bench.sh page: the command line."""
import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)

import contenders  # noqa: E402
import measure  # noqa: E402
import page  # noqa: E402
import plan  # noqa: E402

REASONS = os.path.join(HERE, "reasons.md")
# rounds, minutes after which no round is begun, trial runs for a Java heap, seconds that a run may take
MODES = {"full": (3, None, 3, 300), "quick": (3, 4, 1, 60), "tiny": (1, None, 1, 60)}


def names(known):
    def parse(text):
        for name in text.split(","):
            if name not in known:
                raise argparse.ArgumentTypeError(f"unknown: '{name}'; there are: {', '.join(known)}")
        return text.split(",")
    return parse


def at_least_one(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not '{text}'")
    return int(text)


def parse(arguments):
    parser = argparse.ArgumentParser(prog="bench.sh", allow_abbrev=False, description="All workloads on all engines and on programs in other languages.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("all", allow_abbrev=False, help="run everything; write OUT/results/results.json, OUT/results.md and its charts")
    size = run.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="mode", action="store_const", const="quick", default="full", help="small sizes, about five minutes")
    size.add_argument("--tiny", dest="mode", action="store_const", const="tiny", help="sizes for a test: the figures mean nothing")
    run.add_argument("--out", default=os.path.join(contenders.ROOT, "build", "results"), help="directory (default: build/results; docs for the documentation)")
    run.add_argument("--rounds", type=at_least_one, help="rounds (default: 3; quick: 3 or as many as begin within four minutes)")
    run.add_argument("--minutes", type=at_least_one, help="begin nothing after so many minutes, but for the first round")
    run.add_argument("--groups", type=names(plan.GROUPS), default=plan.GROUPS, help="only these, separated by commas: " + ", ".join(plan.GROUPS))
    run.add_argument("--contenders", type=names(plan.CONTENDERS), help="only Eddy and these: " + ", ".join(plan.CONTENDERS))
    run.add_argument("--workloads", type=lambda text: text.split(","), help="only these workloads")
    run.add_argument("--resume", action="store_true", help="go on with what OUT/results/results.json lacks")
    run.add_argument("--dry-run", action="store_true", help="only list what would be run")
    run.add_argument("--install-peers", action="store_true", help="first install OpenJDK, Go and Nim (Debian; root or sudo)")
    again = commands.add_parser("page", allow_abbrev=False, help="write the page from an earlier run's document")
    again.add_argument("json")
    again.add_argument("--out", required=True, help="directory for results.md and results/")
    return parser, parser.parse_args(arguments)


def take_part(experiments):
    """Builds who is there and takes the others out of the plan; returns notes about them."""
    skipped, why = [], {}
    for name in plan.PEERS:
        if any(name in e.contenders for e in experiments):
            reason = contenders.missing(name)
            if reason is None:
                try:
                    contenders.build(contenders.language_of(name))
                except contenders.BuildFailed as error:
                    reason = "does not build"
                    measure.say(f"bench: {error}")
            if reason is not None:
                why[name] = reason
    for name, reason in why.items():
        skipped.append({"what": name, "why": reason})
        measure.say(f"bench: {name} left out: {reason}")
    for experiment in experiments:
        experiment.contenders = [c for c in experiment.contenders if c not in why]
    return skipped


def command_all(parser, options):
    experiments = plan.make(options.mode, options.groups, options.contenders)
    if options.workloads is not None:
        known = {e.workload for e in experiments}
        for workload in options.workloads:
            if workload not in known:
                parser.error(f"no experiment with the workload '{workload}'; there are: {', '.join(sorted(known))}")
        experiments = [e for e in experiments if e.workload in options.workloads]
    if options.dry_run:
        for e in experiments:
            print(e.name, ",".join(e.contenders), " ".join(f"{k}={v}" for k, v in e.params.items()))
        return 0
    skipped = take_part(experiments)
    experiments = [e for e in experiments if len(e.contenders) > 1]
    if not experiments:
        parser.error("nothing is left to compare with")
    path = os.path.join(options.out, "results", "results.json")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as error:
        parser.error(f"cannot write to {options.out}: {error.strerror}")
    results = measure.new_results(options.mode, experiments, skipped)
    if options.resume and os.path.exists(path):
        old = page.load(path)
        if [(e["name"], e["params"]) for e in old["experiments"]] != [(e["name"], e["params"]) for e in results["experiments"]]:
            parser.error(f"{path} is about other experiments: it cannot be resumed")
        results = old
    rounds, minutes, tries, limit_s = MODES[options.mode]
    minutes = options.minutes if options.minutes is not None else None if options.rounds is not None else minutes
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    try:
        measure.run(experiments, results, path, options.rounds or rounds, deadline, tries, limit_s)
    except measure.ChecksumsDiffer as error:
        measure.say(f"bench: {error}")
        return 1
    return write_page(results, options.out)


def write_page(results, out):
    for workload in page.write(results, out, REASONS):
        measure.say(f"bench: no reason in reasons.md why {workload} loses")
    measure.say(f"bench: wrote {os.path.join(out, 'results.md')}")
    return 0


def main():
    parser, options = parse(sys.argv[1:])
    if options.command == "all":
        return command_all(parser, options)
    try:
        results = page.load(options.json)
    except OSError as error:
        parser.error(f"cannot read {options.json}: {error.strerror}")
    except ValueError as error:
        parser.error(f"{options.json}: {error}")
    os.makedirs(options.out, exist_ok=True)
    return write_page(results, options.out)


sys.exit(main())
