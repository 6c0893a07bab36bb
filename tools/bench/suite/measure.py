"""Runs the plan, round by round: in a round each experiment once, in it each contender once, so that ratios are paired
and slow changes of the machine meet all alike. What fails or does not fit is left out from then on, with a note.

A Java heap is set before the first round so that the peak memory of the process is Eddy's: a few runs, each with the
last one's difference made good.
"""
import json
import os
import sys
import time

import contenders
import machine
import plan

FORMAT = "eddy-bench all"
VERSION = 1
SPARE_MB = 300
MIB = 1 << 20
LEAST_JAVA_HEAP_MB = 8
MOST_FAILURES = 8
NEAR = 0.05  # peak memory that is so near to Eddy's is equal


class ChecksumsDiffer(Exception):
    pass


def say(text):
    print(text, file=sys.stderr, flush=True)


def new_results(mode, experiments, skipped):
    names = sorted({c for e in experiments for c in e.contenders}, key=plan.CONTENDERS.index)
    return {
        "format": FORMAT, "version": VERSION, "mode": mode, "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine.describe(), "versions": machine.versions(names),
        "skipped": skipped,
        "experiments": [{
            "name": e.name, "group": e.group, "workload": e.workload, "threads": e.threads, "live_mb": e.live_mb,
            "size_mb": e.size_mb, "params": e.params, "checksum": None, "rounds": 0,
            "contenders": {c: {"runs": [], "note": None} for c in e.contenders},
        } for e in experiments],
    }


def write(results, path):
    """Replaces the file in one step, so that what is there is whole at any time."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)


def one_run(record, experiment, contender, heap_mb, limit_s):
    needed = plan.memory_needed_mb(experiment, contender)
    available = machine.available_mb() - SPARE_MB
    if needed > available:
        raise contenders.RunFailed(f"needs about {needed:.0f} MB of memory, {max(0, available)} are free")
    figures, checksum, _ = contenders.run(experiment, contender, heap_mb, limit_s)
    if record["checksum"] is None:
        record["checksum"] = checksum
    if checksum != record["checksum"]:
        raise ChecksumsDiffer(f"{experiment.name}: {contender} has the checksum {checksum}, others {record['checksum']}")
    return figures


def fit_heap(record, experiment, contender, peak_bytes, tries, limit_s):
    """The Java heap in MB with which the process has that peak memory, or what comes nearest to it, and the share.
    Heaps in which it does not run do not count as a try."""
    base_mb = 45  # of a Java process without its heap, about
    target_mb = peak_bytes / MIB
    heap_mb = max(LEAST_JAVA_HEAP_MB, round(target_mb - base_mb))
    too_small_mb = 0
    best, tried, failures = None, set(), 0
    while tries > 0 and failures < MOST_FAILURES and heap_mb not in tried:
        tried.add(heap_mb)
        try:
            figures = one_run(record, experiment, contender, heap_mb, limit_s)
        except contenders.RunFailed as error:
            failures += 1
            failure = error
            too_small_mb = max(too_small_mb, heap_mb)
            heap_mb = round(too_small_mb * 1.3) + 4
            continue
        tries -= 1
        peak_mb = figures["peak_rss_bytes"] / MIB
        share = peak_mb / target_mb
        if best is None or abs(share - 1) < abs(best[1] - 1):
            best = (heap_mb, share)
        if abs(share - 1) <= NEAR:
            break
        heap_mb = max(LEAST_JAVA_HEAP_MB, round(heap_mb + target_mb - peak_mb))
        if heap_mb <= too_small_mb:
            heap_mb = (too_small_mb + best[0]) // 2
    if best is None:
        raise contenders.RunFailed(f"no heap found in which it runs ({failure})")
    return best


def prepare(record, experiment, tries, limit_s):
    """A run that warms up, then the heaps of the Java contenders."""
    entries = record["contenders"]
    java = [c for c in experiment.contenders if c in plan.JAVA and entries[c]["note"] is None]
    if not java or record["rounds"] > 0:
        return
    try:
        figures = one_run(record, experiment, "eddy", None, limit_s)
    except contenders.RunFailed as error:
        entries["eddy"]["note"] = str(error)
        return
    for contender in java:
        entry = entries[contender]
        if "heap_mb" in entry:
            continue
        try:
            entry["heap_mb"], share = fit_heap(record, experiment, contender, figures["peak_rss_bytes"], tries, limit_s)
            entry["peak_share"] = round(share, 3)
        except contenders.RunFailed as error:
            entry["note"] = str(error)
            say(f"    {experiment.name}: {contender} left out: {error}")


def run_round(record, experiment, limit_s):
    figures = {}
    for contender in experiment.contenders:
        entry = record["contenders"][contender]
        if entry["note"] is not None:
            continue
        try:
            figures[contender] = one_run(record, experiment, contender, entry.get("heap_mb"), limit_s)
        except contenders.RunFailed as error:
            entry["note"] = str(error)
            say(f"    {experiment.name}: {contender} left out: {error}")
    # All of a round or nothing: an interrupted one would leave runs without their partners.
    for contender, values in figures.items():
        record["contenders"][contender]["runs"].append({"round": record["rounds"], **values})
    record["rounds"] += 1


def run(experiments, results, path, rounds, deadline, tries, limit_s):
    """Runs what is missing, and writes the results after each experiment. Stops before the deadline, but not in the
    first round."""
    records = {record["name"]: record for record in results["experiments"]}
    for round_number in range(rounds):
        for experiment in experiments:
            record = records[experiment.name]
            if record["rounds"] > round_number or round_number >= experiment.most_rounds:
                continue
            if round_number > 0 and deadline is not None and time.monotonic() > deadline:
                say("bench: the time is up")
                return
            began = time.monotonic()
            prepare(record, experiment, tries, limit_s)
            run_round(record, experiment, limit_s)
            write(results, path)
            say(f"  round {round_number + 1} of {rounds}: {experiment.name}, {time.monotonic() - began:.1f} s")
