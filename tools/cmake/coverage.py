#!/usr/bin/env python3
"""Sums up what gcovr found, for tools/coverage. usage: coverage.py [--page PAGE.md] REPORT.json REPORT.txt [FILE...]: writes the
text, prints its table by directory, and what was not reached in each FILE; and writes PAGE.md, which sorts that by reason."""
import collections
import json
import os
import re
import sys

# What was not reached is sorted by the first of these that the text of its line, or of the line before, matches.
REASONS = (
    ("Misuse", r"eddy__misuse|EDETACHED|ETHREAD|EINVAL",
     "The program breaks a rule in a way that no test does at this place; the checks themselves are tested elsewhere."),
    ("Lack of memory", r"ENOMEM|== NULL|!= NULL|FAILS|alloc\(|_take\(|grow|failed|reserve",
     "The system, or the limit, refuses memory at this very call. Hooks let allocations fail that a program can provoke; not each of the library's own."),
    ("The system refuses", r"errno|ESYSTEM|pthread_|open|close|write|mmap|madvise|file|clock|fork|stack|[<=]= ?-1|< 0",
     "A system call fails that does not fail on a healthy machine, or answers as another kernel would."),
    ("Events and recordings", r"EVENT|record|listen|ring|stall|late",
     "A listener or a recorder is there at a moment when none was."),
    ("Another thread is faster", r"CAS|EXCHANGE|ACQUIRE|SEQ_CST|wait|epoch|in_epoch|state",
     "Another thread has to come between two neighbouring steps. Scripted interleavings stand at the steps that the design names, not at each load."),
    ("Sizes", r"MAX|MOST|LEAST|limit|bytes|count|room|length|size|[<>]",
     "A number beyond what tests make: a table larger than the limit allows, a count above two thousand millions, a name that fills its buffer."),
    ("Combinations", r"", "Conditions of several parts, of which not each combination was met."),
)


class Sums:
    def __init__(self):
        self.lines = self.lines_run = self.branches = self.branches_taken = 0

    def add(self, line):
        branches = [b["count"] for b in line["branches"] if not b.get("gcovr/excluded")]
        self.lines += 1
        self.lines_run += line["count"] > 0
        self.branches += len(branches)
        self.branches_taken += sum(count > 0 for count in branches)
        return line["count"] == 0, 0 in branches

    def text(self, name):
        def percent(part, whole):
            return f"{100 * part / whole:6.1f}" if whole else "     -"

        return (f"{name:36} {self.lines:7} {percent(self.lines_run, self.lines)} "
                f"{self.branches:9} {percent(self.branches_taken, self.branches)}")


def ranges(numbers):
    """3,4,5,9 as 3-5 9."""
    runs = []
    for n in numbers:
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return " ".join(f"{a}-{b}" if a != b else f"{a}" for a, b in runs)


def reason(text, number):
    near = text[number - 1] + " " + (text[number - 2] if number > 1 else "")
    return next(index for index, (_, pattern, _) in enumerate(REASONS) if re.search(pattern, near))


def write_page(path, tables, left):
    """left: for each reason the lines and branches by file."""
    with open(path, "w") as out:
        out.write("# Coverage\n\nWritten by `tools/coverage --fuzz 120`, then `tools/coverage --tests --keep --page docs/coverage.md`; do not edit. "
                  "Lines and branches of the library that\nthe tests and the fuzz mutator have executed together, counted by gcc without "
                  "optimisation; `tools/coverage` says at its top what does not count.\n\n")
        out.write("| directory | lines | run, % | branches | taken, % |\n|---|---:|---:|---:|---:|\n")
        for name, sums in tables:
            cells = sums.text(name).split()
            out.write(f"| {'all' if name == 'all' else '`' + name + '`'} | " + " | ".join(cells[1:]) + " |\n")
        out.write("\n## What was not reached\n\nSorted by what the line says, so that a few are in the wrong section; the numbers are those of lines. A line whose\n"
                  "branch is left was run, but not in each way.\n")
        for (title, _, text), places in zip(REASONS, left):
            lines = sum(len(v[0]) for v in places.values())
            branches = sum(len(v[1]) for v in places.values())
            out.write(f"\n### {title}\n\n{text} {lines} lines, {branches} lines with a branch.\n\n| file | lines | branches of lines |\n|---|---|---|\n")
            for name in sorted(places):
                out.write(f"| `{name}` | {ranges(places[name][0])} | {ranges(places[name][1])} |\n")


def main():
    arguments = sys.argv[1:]
    page = None
    if arguments[0] == "--page":
        page, arguments = arguments[1], arguments[2:]
    with open(arguments[0]) as report:
        files = json.load(report)["files"]
    asked = {os.path.normpath(name) for name in arguments[2:]}
    left = [collections.defaultdict(lambda: ([], [])) for _ in REASONS]
    head = f"{'':36} {'lines':>7} {'% run':>6} {'branches':>9} {'% taken':>6}"
    directories = collections.defaultdict(Sums)
    table, missing, listed = [], [], []
    for file in files:
        name, sums, unrun, untaken = file["file"], Sums(), [], []
        with open(name) as source:
            text = source.read().split("\n")
        for line in file["lines"]:
            if line.get("gcovr/noncode") or line.get("gcovr/excluded"):
                continue
            directories[os.path.dirname(name) + "/"].add(line)
            directories["all"].add(line)
            not_run, not_taken = sums.add(line)
            number = line["line_number"]
            if not_run:
                unrun.append(number)
            elif not_taken:
                untaken.append(number)
            if not_run or not_taken:
                left[reason(text, number)][name][0 if not_run else 1].append(number)
            if name in asked and (not_run or not_taken):
                listed.append(f"{name}:{number}: {'not run:    ' if not_run else 'branch left:'} {text[number - 1].strip()}")
        if sums.lines:
            table.append(sums.text(name))
        never = [f["name"] for f in file["functions"] if f["execution_count"] == 0]
        for what, value in (("functions", " ".join(never)), ("lines", ranges(unrun)), ("branches of lines", ranges(untaken))):
            if value:
                missing.append(f"{name}: {what}: {value}")
    tables = [(name, directories[name]) for name in sorted(directories, key=lambda d: (d == "all", d))]
    short = [head] + [sums.text(name) for name, sums in tables]
    if page:
        write_page(page, tables, left)
    with open(arguments[1], "w") as out:
        out.write("\n".join(short + ["", head] + table + ["", "Not reached:"] + missing) + "\n")
    print("\n".join(listed + short))
    print(f"coverage: files, and all that was not reached: {os.path.relpath(arguments[1])}; sources: build/coverage/report.html")


main()
