#!/usr/bin/env python3
"""Sums up what gcovr found, for tools/coverage. usage: coverage.py REPORT.json REPORT.txt [FILE...]: writes the text, prints its
table by directory, and what was not reached in each FILE."""
import collections
import json
import os
import sys


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


def main():
    with open(sys.argv[1]) as report:
        files = json.load(report)["files"]
    asked = {os.path.normpath(name) for name in sys.argv[3:]}
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
            if name in asked and (not_run or not_taken):
                listed.append(f"{name}:{number}: {'not run:    ' if not_run else 'branch left:'} {text[number - 1].strip()}")
        if sums.lines:
            table.append(sums.text(name))
        never = [f["name"] for f in file["functions"] if f["execution_count"] == 0]
        for what, value in (("functions", " ".join(never)), ("lines", ranges(unrun)), ("branches of lines", ranges(untaken))):
            if value:
                missing.append(f"{name}: {what}: {value}")
    short = [head] + [directories[name].text(name) for name in sorted(directories, key=lambda d: (d == "all", d))]
    with open(sys.argv[2], "w") as out:
        out.write("\n".join(short + ["", head] + table + ["", "Not reached:"] + missing) + "\n")
    print("\n".join(listed + short))
    print(f"coverage: files, and all that was not reached: {os.path.relpath(sys.argv[2])}; sources: build/coverage/report.html")


main()
