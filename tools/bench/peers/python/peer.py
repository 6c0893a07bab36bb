"""A peer of eddy-bench on CPython: the same workloads, word for word, and the same checksums.

usage: peer.py WORKLOAD [NAME=NUMBER]...; see ../README.md. Prints one JSON object on one line. The longest pause is the
longest run of the cycle collector; what counting frees is part of the statements that drop references.
"""
import gc
import json
import os
import platform
import sys
import threading
import time

import workloads


def fail(message):
    print(f"peer: {message}", file=sys.stderr)
    sys.exit(2)


def parse(arguments):
    params = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or not text.isdecimal():
            fail(f"an argument must be NAME=NUMBER, not '{argument}'")
        params[name] = int(text)
    return params


def peak_rss_bytes():
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


class Pauses:
    """The longest run of the cycle collector so far."""

    def __init__(self):
        self.longest_ns = 0
        self.began_ns = 0

    def __call__(self, phase, info):
        if phase == "start":
            self.began_ns = time.perf_counter_ns()
        else:
            self.longest_ns = max(self.longest_ns, time.perf_counter_ns() - self.began_ns)


def main():
    if len(sys.argv) < 2:
        fail("which workload?")
    name = sys.argv[1]
    params = parse(sys.argv[2:])
    if name not in workloads.WORKLOADS:
        fail(f"unknown workload '{name}'")
    work, initial = workloads.WORKLOADS[name]
    threads = params.pop("threads", 1)
    live_mb = params.pop("live_mb", 0)
    for given in params:
        if given not in initial:
            fail(f"unknown parameter '{given}'")
    values = {**initial, **params}
    chains = workloads.live_build(live_mb)
    if live_mb:
        gc.collect()

    spans = [None] * threads
    start = threading.Barrier(threads + 1)

    def run(index):
        start.wait()
        begin = time.perf_counter()
        checksum = work(index, **values)
        spans[index] = (begin, time.perf_counter(), checksum)

    threading.stack_size(64 << 20)
    workers = [threading.Thread(target=run, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    pauses = Pauses()
    gc.callbacks.append(pauses)
    cpu = time.process_time()
    start.wait()
    for worker in workers:
        worker.join()
    cpu = time.process_time() - cpu
    gc.callbacks.clear()
    if None in spans:
        sys.exit(1)
    checksum = 0
    for _, _, own in spans:
        checksum = workloads.mix(checksum + own)
    peak = peak_rss_bytes()
    if live_mb:
        checksum = workloads.mix(checksum + workloads.live_check(chains))
    print(json.dumps({
        "workload": name,
        "engine": "cpython",
        "version": platform.python_version(),
        "threads": threads,
        "wall_s": max(end for _, end, _ in spans) - min(begin for begin, _, _ in spans),
        "cpu_s": cpu,
        "peak_rss_bytes": peak,
        "checksum": f"{checksum:016x}",
        "longest_pause_ns": pauses.longest_ns,
    }), flush=True)
    os._exit(0)  # without taking the live heap apart


main()
