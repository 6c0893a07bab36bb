"""The section of the results page about the workloads where Eddy loses: a table of the figures, and the reason that
somebody wrote for each of these workloads in reasons.md."""
import re

import figures
import plan

MEASURES = [("wall_s", "wall"), ("cpu_s", "CPU"), ("peak_rss_bytes", "memory"), ("longest_pause_ns", "longest pause"),
            ("latency_p999_us", "p99.9 latency")]
ARRIVALS = "requests"  # its wall time is that of the arrivals: no figure


def read_reasons(path):
    """{workload: text} of a file of sections '## workload'."""
    reasons, name = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            heading = re.match(r"## (\S+)\s*$", line)
            if heading:
                name = heading[1]
                reasons[name] = ""
            elif name:
                reasons[name] += line
    return {name: text.strip() for name, text in reasons.items()}


def losing(results):
    """[(workload, experiment, contender, {figure: ratio})] with one ratio above 1 at least."""
    found = []
    for record in results["experiments"]:
        for other in plan.CONTENDERS:
            if other in ("eddy", "eddy-precise") or other not in record["contenders"]:
                continue
            ratios = {}
            for figure, _ in MEASURES:
                if figure == "wall_s" and record["workload"] == ARRIVALS:
                    continue
                ratio = figures.ratio(record, other, figure)
                if ratio is not None:
                    ratios[figure] = ratio[0]
            if any(ratio > 1 for ratio in ratios.values()):
                found.append((record["workload"], record, other, ratios))
    return found


def without_reason(results, reasons):
    return sorted({workload for workload, *_ in losing(results) if not reasons.get(workload)})


def label_of(record):
    if record["group"] == "live":
        return f"{record['size_mb']} MB live"
    if record["group"] == "threads":
        return f"{record['threads']} threads"
    return "small" if record["group"] == "small" else "usual size"


def section(results, reasons):
    found = losing(results)
    if not any(record["rounds"] for record in results["experiments"]):
        return []
    lines = ["## Where Eddy loses", ""]
    if not found:
        return lines + ["Nowhere, in these figures.", ""]
    lines += ["Every experiment in which some figure is worse than another contender's, as the ratio of Eddy's to its (bold: above 1). "
              "A longest pause is one figure of a run and varies widely.", ""]
    for workload in dict.fromkeys(workload for workload, *_ in found):
        lines += [f"### {workload}", "", reasons.get(workload) or "*No reason has been written down yet (tools/bench/suite/reasons.md).*", ""]
        lines += ["| | against | " + " | ".join(title for _, title in MEASURES) + " |", "|---|---" + "|---:" * len(MEASURES) + "|"]
        for own, record, other, ratios in found:
            if own != workload:
                continue
            cells = ["" if figure not in ratios else f"**{ratios[figure]:.2f}**" if ratios[figure] > 1 else f"{ratios[figure]:.2f}"
                     for figure, _ in MEASURES]
            lines.append(f"| {label_of(record)} | {other} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines
