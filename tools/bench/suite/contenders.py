"""Who takes part: eddy-bench's engines and the programs in ../peers. Builds them, starts one run, reads its result."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import plan

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PEERS = os.path.join(ROOT, "tools", "bench", "peers")
BENCH = os.environ.get("EDDY_BENCH") or os.path.join(ROOT, "build", "release", "tools", "bench", "eddy-bench")
BUILT = os.environ.get("EDDY_PEERS") or os.path.join(ROOT, "build", "peers")
INSTALL = "./tools/bench.sh all --install-peers, or apt-get install openjdk-17-jdk-headless golang-go nim"

# The first collector of each language builds it; `needs` are the programs without which it is skipped.
LANGUAGES = {
    "java": {"needs": ["java", "javac"], "extension": ".java"},
    "go": {"needs": ["go"], "extension": (".go", ".mod")},
    "nim": {"needs": ["nim", "gcc"], "extension": ".nim"},
    "cpython": {"needs": [], "extension": ".py"},
}
JAVA_OPTIONS = {
    "java-parallel": ["-XX:+UseParallelGC"],
    "java-g1": ["-XX:+UseG1GC"],
    "java-zgc": ["-XX:+UseZGC", "-XX:-ZUncommit"],
}


class RunFailed(Exception):
    """A run ended without a result; the text says why."""


class BuildFailed(Exception):
    pass


def language_of(contender):
    return "java" if contender in JAVA_OPTIONS else contender


def missing(contender):
    """Why the contender cannot take part, or None."""
    if contender in plan.ENGINES:
        return None
    needs = [program for program in LANGUAGES[language_of(contender)]["needs"] if shutil.which(program) is None]
    return f"not installed: {', '.join(needs)} ({INSTALL})" if needs else None


def newest(paths):
    return max((os.path.getmtime(path) for path in paths), default=0)


def build(language):
    """Builds the peer of a language, if its sources are newer than what there is."""
    source = os.path.join(PEERS, language)
    target = os.path.join(BUILT, language)
    if language == "cpython":
        return
    files = sorted(os.path.join(source, name) for name in os.listdir(source)
                   if name.endswith(LANGUAGES[language]["extension"]))
    stamp = os.path.join(target, "built")
    if os.path.exists(stamp) and os.path.getmtime(stamp) >= newest(files):
        return
    os.makedirs(target, exist_ok=True)
    environment = dict(os.environ, GOFLAGS="-buildvcs=false", GOCACHE=os.path.join(BUILT, "go-cache"), GOWORK="off")
    command = {
        "java": ["javac", "-d", target, *files],
        "go": ["go", "build", "-o", os.path.join(target, "peer"), "."],
        "nim": ["nim", "c", "--hints:off", "--mm:orc", "--threads:on", "-d:danger",
                "--nimcache:" + os.path.join(target, "cache"), "-o:" + os.path.join(target, "peer"),
                os.path.join(source, "peer.nim")],
    }[language]
    done = subprocess.run(command, cwd=source, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        raise BuildFailed(f"the peer in {language} does not build:\n{done.stdout}")
    with open(stamp, "w", encoding="ascii"):
        pass


def engine_command(experiment, contender):
    command = [BENCH, "run", experiment.workload, f"--engine={contender}", f"--threads={experiment.threads}", "--json=-"]
    if experiment.live_mb:
        command.append(f"--live-mb={experiment.live_mb}")
    return command + [f"--param={name}={value}" for name, value in experiment.params.items()]


def peer_command(experiment, contender, heap_mb, log):
    arguments = [experiment.workload, f"threads={experiment.threads}", f"live_mb={experiment.live_mb}"]
    arguments += [f"{name}={value}" for name, value in experiment.params.items()]
    if contender == "cpython":
        return [sys.executable, "-B", os.path.join(PEERS, "python", "peer.py"), *arguments]
    if contender in JAVA_OPTIONS:
        heap = [] if heap_mb is None else [f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m"]
        return ["java", *JAVA_OPTIONS[contender], *heap, f"-Xlog:gc,safepoint:file={log}:uptime", "-cp",
                os.path.join(BUILT, "java"), "Main", *arguments]
    return [os.path.join(BUILT, contender, "peer"), *arguments]


def java_pause_ns(log, from_ms, to_ms):
    """The longest safepoint or allocation stall between two uptimes."""
    longest = 0
    for line in log.splitlines():
        time = re.match(r"\[([0-9.]+)s\]", line)
        if time is None or not from_ms <= float(time[1]) * 1000 <= to_ms + 1:
            continue
        total = re.search(r"Total:\s*([0-9]+) ns", line)
        stall = re.search(r"Allocation Stall \(.*\) ([0-9.]+)ms", line)
        if total:
            longest = max(longest, int(total[1]))
        if stall:
            longest = max(longest, int(float(stall[1]) * 1e6))
    return longest


FIGURES = ["wall_s", "cpu_s", "collector_cpu_s", "peak_rss_bytes", "longest_pause_ns", "longest_cost_ns", "pause_p999_ns",
           "mmu_1ms", "latency_p50_us", "latency_p99_us", "latency_p999_us", "latency_max_us",
           "collector_ns_per_object_life", "process_ns_per_object_life", "collector_ns_per_object"]


def figures_of(document, contender):
    """The figures of one run, whoever made it, by the same names."""
    flat = {**document.get("params", {}), **document}
    if contender in plan.ENGINES:
        stall = document["stall"]
        if contender not in ("malloc", "atomic"):
            flat.update(longest_pause_ns=stall["max_ns"], longest_cost_ns=stall["max_cost_ns"],
                        pause_p999_ns=stall["p999_ns"], mmu_1ms=stall["mmu_1ms"])
        else:
            flat.pop("collector_cpu_s")
    return {name: flat[name] for name in FIGURES if flat.get(name) is not None}


def run(experiment, contender, heap_mb=None, limit_s=600):
    """One run: (figures, checksum, version)."""
    with tempfile.TemporaryDirectory() as scratch:
        log = os.path.join(scratch, "gc.log")
        command = engine_command(experiment, contender) if contender in plan.ENGINES else peer_command(
            experiment, contender, heap_mb, log)
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=limit_s,
                                  cwd=scratch, check=False)
        except subprocess.TimeoutExpired:
            raise RunFailed(f"took longer than {limit_s} s") from None
        except OSError as error:
            raise RunFailed(f"cannot run {command[0]}: {error.strerror}") from None
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "nothing said").splitlines()
            raise RunFailed(f"exit status {done.returncode}: {said[0][:200]}")
        try:
            document = json.loads(done.stdout)
        except ValueError:
            raise RunFailed("printed no JSON") from None
        if contender in JAVA_OPTIONS and os.path.exists(log):
            with open(log, encoding="utf-8") as text:
                document["longest_pause_ns"] = java_pause_ns(text.read(), document["from_ms"], document["to_ms"])
    version = document.get("version") or document.get("params", {}).get("allocator", "")
    return figures_of(document, contender), document["checksum"], version
