"""The results page: Markdown and SVG from the document that measure.py writes. Says nothing that is not in it, but
for the reasons of reasons.md."""
import json
import os
import re

import charts
import figures
import losses
import plan
from charts import number

MIB = 1 << 20
COLUMNS = [  # figure, heading, divisor
    ("wall_s", "wall s", 1), ("cpu_s", "CPU s", 1), ("peak_rss_bytes", "peak MiB", MIB),
    ("longest_pause_ns", "longest pause ms", 1e6),
]
COST = ("longest_cost_ns", "its cost ms", 1e6)
LATENCIES = [("latency_p50_us", "p50 us", 1), ("latency_p99_us", "p99 us", 1), ("latency_p999_us", "p99.9 us", 1),
             ("latency_max_us", "longest us", 1)]
RATIOS = [("wall_s", "Wall time"), ("cpu_s", "Processor time"), ("peak_rss_bytes", "Peak memory"),
          ("longest_pause_ns", "Longest pause"), ("latency_p999_us", "Latency, p99.9")]


def shown(value, divisor=1):
    return "–" if value is None else number(value / divisor)


def table(heading, rows):
    lines = ["| " + " | ".join(heading) + " |", "|---" + "|---:" * (len(heading) - 1) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def names_in(records):
    present = {c for record in records for c, entry in record["contenders"].items() if entry["runs"]}
    return [name for name in plan.CONTENDERS if name in present]


class Page:
    def __init__(self, results, reasons, directory):
        self.results = results
        self.reasons = reasons
        self.directory = directory  # of the charts; their links are relative to the page beside it
        self.lines = []
        os.makedirs(directory, exist_ok=True)

    def add(self, *lines):
        self.lines += lines

    def group(self, name):
        return [record for record in self.results["experiments"] if record["group"] == name and record["rounds"] > 0]

    def chart(self, name, svg, alternative):
        file = re.sub(r"[^a-z0-9]+", "-", name) + ".svg"
        with open(os.path.join(self.directory, file), "w", encoding="utf-8") as out:
            out.write(svg)
        self.add(f"![{alternative}]({os.path.basename(self.directory)}/{file})", "")

    def head(self):
        results, machine = self.results, self.results["machine"]
        rounds = sorted({record["rounds"] for record in results["experiments"] if record["rounds"] > 0})
        counted = "no" if not rounds else f"{rounds[0]}" if len(rounds) == 1 else f"{rounds[0]} to {rounds[-1]}"
        self.add("# Results", "",
                 "Written by `./tools/bench.sh all`; do not edit. Everything below can be had again with that command.", "")
        if results["mode"] != "full":
            self.add(f"**These are figures of the mode \"{results['mode']}\"**: small sizes, few rounds, for a first look only.", "")
        self.add(f"Begun {results['begun']}, {counted} round{'s' * (counted != '1')}. Figures are medians over the rounds; ratios are medians of paired "
                 "ratios (in a round all contenders of an experiment run one after the other, each in a process of its own). "
                 "Below 1 Eddy is better.", "")
        self.add(*table(["machine", ""], [[key, str(machine[key])] for key in machine if machine[key] is not None] +
                        [[f"version: {key}", text] for key, text in results["versions"].items()]))
        self.add("Contenders: `eddy` (conservative stacks) and `eddy-precise` (frames of handles); `malloc`, jemalloc with explicit free;",
                 "`atomic`, jemalloc and C11 atomic counts; `boehm` and `boehm-incremental`, libgc; `java-*`, OpenJDK with the heap set so",
                 "that peak memory is Eddy's (table at the end); `go`; `nim`, with ORC; `cpython`. The first six are one program that is",
                 "compiled once per engine; the others are programs of their own with the same checksums (`tools/bench/peers/README.md`,",
                 "which also says what each runtime calls a pause). Compilation while the program runs is in Java's figures. Eddy has no heap limit and",
                 "its usual configuration. A pause is on the clock, the machine's doings included; its *cost*, where a contender tells,",
                 "is the greatest one without the time in the run queue.", "")

    def ratio_tables(self):
        records = self.group("workloads")
        others = [name for name in names_in(records) if name != "eddy"]
        if not records:
            return
        self.add("## At a glance", "")
        for figure, title in RATIOS:
            rows = []
            for record in records:
                if figure == "wall_s" and record["workload"] == losses.ARRIVALS:
                    continue
                found = [figures.ratio(record, other, figure) for other in others]
                if not any(found):
                    continue
                rows.append([record["workload"]] + ["" if r is None else f"**{r[0]:.2f}**" if r[0] > 1 else f"{r[0]:.2f}" for r in found])
            if rows:
                self.add(f"{title}, Eddy / other (bold: Eddy loses):", "", *table(["workload"] + others, rows))

    def workloads(self):
        for record in self.group("workloads"):
            names = names_in([record])
            title = f"{record['workload']}, {record['threads']} thread{'s' * (record['threads'] != 1)}"
            self.add(f"### {title}", "")
            served = record["workload"] == losses.ARRIVALS
            columns = COLUMNS + [COST] + (LATENCIES if served else [])
            panels = [(heading, {c: scaled(figures.median(record, c, figure), divisor) for c in names})
                      for figure, heading, divisor in (COLUMNS[1:] + [LATENCIES[2]] if served else COLUMNS)]
            self.chart(f"workload-{record['workload']}", charts.bars(title, panels), f"{title}: bars for each contender")
            rows = []
            for name in names:
                cells = [shown(figures.median(record, name, figure), divisor) for figure, _, divisor in columns]
                against = figures.ratio(record, name, "latency_p999_us" if served else "wall_s") if name != "eddy" else None
                spread = "" if against is None else f"{against[0]:.2f} ({against[1]:.2f}-{against[2]:.2f})"
                rows.append([name] + cells + [spread])
            self.add(*table([""] + [heading for _, heading, _ in columns] + ["p99.9, Eddy / it" if served else "wall, Eddy / it"], rows))

    def cycles(self):
        pairs = [("graph", "dag", "collector_ns_per_object_life", "cpu_s"), ("cycles", "acyclic", "collector_ns_per_object", "cpu_s")]
        rows = []
        records = {record["workload"]: record for record in self.group("workloads")}
        for cyclic, acyclic, figure, _ in pairs:
            if cyclic not in records or acyclic not in records:
                continue
            for name in names_in([records[cyclic]]):
                a, b = (figures.median(records[w], name, figure) for w in (cyclic, acyclic))
                if a and b:
                    rows.append([f"{cyclic} / {acyclic}", name, number(a), number(b), f"{a / b:.2f}"])
        if rows:
            self.add("## Old cyclic garbage", "", "Processor time of the collector per object that died, in ns: from birth on for `graph`, while "
                     "they are dropped and reclaimed for `cycles`. (Boehm's is only what it does while the world is stopped.)", "",
                     *table(["workloads", "", "cyclic", "acyclic twin", "ratio"], rows))

    def growth(self, group, x_of, x_label, heading, text):
        records = self.group(group)
        if not records:
            return
        self.add(f"## {heading}", "", text, "")
        for workload in dict.fromkeys(record["workload"] for record in records):
            own = sorted((r for r in records if r["workload"] == workload), key=x_of)
            wanted = [LATENCIES[2], LATENCIES[3], COLUMNS[1]] if workload == losses.ARRIVALS else [COLUMNS[0]]
            wanted = wanted + [COLUMNS[3], COLUMNS[2]]
            self.add(f"### {workload}", "")
            for figure, title, divisor in wanted:
                names = [n for n in names_in(own) if any(figures.values(r, n, figure) for r in own)]
                if not names:
                    continue
                series = {n: [(x_of(r), figures.median(r, n, figure) / divisor) for r in own if figures.median(r, n, figure)] for n in names}
                self.chart(f"{group}-{workload}-{figure}", charts.lines(f"{workload}: {title}", x_label, title, series), f"{workload}: {title} by {x_label}")
                rows = [[n] + [shown(figures.median(r, n, figure), divisor) for r in own] for n in names]
                self.add(*table([f"{title}; {x_label}:"] + [f"{x_of(r):g}" for r in own], rows))

    def small(self):
        records = self.group("small")
        if not records:
            return
        self.add("## CPython", "", "At sizes at which it ends, too.", "")
        rows = []
        for record in records:
            for name in names_in([record]):
                cells = [shown(figures.median(record, name, figure), divisor) for figure, _, divisor in COLUMNS]
                against = figures.ratio(record, name, "wall_s") if name != "eddy" else None
                rows.append([record["workload"], name] + cells + ["" if against is None else f"{against[0]:.3f}"])
        self.add(*table(["workload", ""] + [heading for _, heading, _ in COLUMNS] + ["wall, Eddy / it"], rows))

    def notes(self):
        heaps = [[record["name"], name, str(entry["heap_mb"]), f"{entry['peak_share']:.2f}"]
                 for record in self.results["experiments"] for name, entry in record["contenders"].items() if "heap_mb" in entry]
        if heaps:
            self.add("## Java's heaps", "", "`-Xms` and `-Xmx`, and the peak memory of the process in the trial run as a share of Eddy's. Where the share is far "
                     "from 1 no heap does it: a Java process has some 45 MiB without one, or the workload fails in less.", "",
                     *table(["experiment", "", "MiB", "share"], heaps))
        left_out = [[text["what"], text["why"]] for text in self.results["skipped"]]
        left_out += [[f"{name} in {record['name']}", entry["note"]] for record in self.results["experiments"]
                     for name, entry in record["contenders"].items() if entry["note"]]
        if left_out:
            self.add("## Left out", "", *table(["what", "why"], left_out))

    def text(self):
        self.head()
        self.ratio_tables()
        self.add(*losses.section(self.results, self.reasons))
        self.add("## Each workload", "")
        self.workloads()
        self.cycles()
        self.growth("live", lambda r: r["size_mb"], "live MB", "Growth with the live heap",
                    "`binary-trees` beside a live heap of so many MB of small linked objects; `graph` and `requests` with tables of about that size.")
        self.growth("threads", lambda r: r["threads"], "threads", "Growth with threads",
                    f"Every thread does the full work, so that a flat line is perfect scaling; this machine has {self.results['machine']['processors']} processors.")
        self.small()
        self.notes()
        return "\n".join(self.lines).rstrip() + "\n"


def scaled(value, divisor):
    return None if value is None else value / divisor


def load(path):
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    if results.get("format") != "eddy-bench all" or results.get("version") != 1:
        raise ValueError("this is no result of ./tools/bench.sh all")
    return results


def write(results, out, reasons_path):
    """Writes OUT/results.md and the charts in OUT/results/. Returns the workloads that lose without a reason."""
    reasons = losses.read_reasons(reasons_path)
    page = Page(results, reasons, os.path.join(out, "results"))
    text = page.text()
    with open(os.path.join(out, "results.md"), "w", encoding="utf-8") as file:
        file.write(text)
    return losses.without_reason(results, reasons)
