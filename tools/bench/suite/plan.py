"""What is run: experiments, each one workload with one set of parameters on several contenders.

Sizes: "full" is what the results page of the documentation shows, "quick" ends in about five minutes, "tiny" is for
tests. An experiment belongs to a group: workloads (each at its usual size), live (growing live heap), threads (a
growing number of them), small (sizes at which CPython ends, too).
"""
from dataclasses import dataclass, field

ENGINES = ["eddy", "eddy-precise", "malloc", "atomic", "boehm", "boehm-incremental"]
JAVA = ["java-parallel", "java-g1", "java-zgc"]
PEERS = JAVA + ["go", "nim", "cpython"]
CONTENDERS = ENGINES + PEERS
GROUPS = ["workloads", "live", "threads", "small"]

# Workloads that peers have, too; the others run on eddy-bench's engines only.
PORTED = {
    "alloc-24": JAVA + ["go", "nim"],
    "binary-trees": JAVA + ["go", "nim"],
    "gcbench": JAVA + ["go", "nim"],
    "hash-map": JAVA + ["go", "nim"],
    "graph": JAVA + ["go", "nim"],
    "dag": JAVA + ["go", "nim"],
    "requests": JAVA + ["go"],
}

ENTRY_BYTES = 120  # of an entry of the workload "requests"
NODE_BYTES = 40  # of a node of "graph"
GRAPH_NODES = 32


@dataclass
class Experiment:
    group: str
    workload: str
    contenders: list
    params: dict = field(default_factory=dict)
    threads: int = 1
    live_mb: int = 0  # asked of the live heap beside the workload
    size_mb: int = 0  # all that is live, roughly; the live heap or that of the workload's own

    @property
    def most_rounds(self):
        """Making gigabytes takes most of the time: fewer rounds of that."""
        return 1 if self.size_mb > 2000 else 2 if self.size_mb > 1000 else 1000

    @property
    def name(self):
        parts = [self.group, self.workload]
        if self.group == "live":
            parts.append(f"{self.size_mb}mb")
        if self.group == "threads":
            parts.append(f"{self.threads}t")
        return "/".join(parts)


SIZES = {
    "full": {
        "workloads": {
            "alloc-24": {"objects": 50000000}, "alloc-56": {"objects": 50000000}, "binary-trees": {"depth": 18},
            "gcbench": {"depth": 16}, "mt-gcbench": {"depth": 16}, "quads": {"depth": 10},
            "hash-map": {"keys": 500000, "ops": 8000000}, "lru": {"ops": 3000000}, "cycles": {}, "acyclic": {},
            "graph": {"steps": 150000}, "dag": {"steps": 150000}, "frames": {}, "requests": {"requests": 10000},
        },
        "live_mb": [10, 100, 1024, 4096],
        "live": {"binary-trees": {"depth": 18}, "graph": {"steps": 100000},
                 "requests": {"requests": 15000, "objects": 400}},
        "threads": [1, 2, 4, 8],
        "threaded": {"binary-trees": {"depth": 16}, "hash-map": {"keys": 200000, "ops": 2000000}, "lru": {"ops": 1000000}},
        "small": {"alloc-24": {"objects": 5000000}, "binary-trees": {"depth": 14}, "gcbench": {"depth": 12},
                  "hash-map": {"keys": 100000, "ops": 500000}, "graph": {"slots": 1000, "steps": 10000}},
    },
    "quick": {
        "workloads": {
            "alloc-24": {"objects": 20000000}, "alloc-56": {"objects": 20000000}, "binary-trees": {"depth": 15},
            "gcbench": {"depth": 14}, "mt-gcbench": {"depth": 13}, "quads": {"depth": 8},
            "hash-map": {"keys": 200000, "ops": 1000000}, "lru": {"ops": 500000}, "cycles": {"pairs": 200000},
            "acyclic": {"pairs": 200000}, "graph": {"slots": 5000, "steps": 20000},
            "dag": {"slots": 5000, "steps": 20000}, "frames": {"objects": 10000000}, "requests": {"requests": 2000},
        },
        "live_mb": [10, 100],
        "live": {"binary-trees": {"depth": 15}, "graph": {"steps": 5000}, "requests": {"requests": 2000}},
        "threads": [1, 2, 4],
        "threaded": {"binary-trees": {"depth": 15}},
        "small": {"binary-trees": {"depth": 11}, "hash-map": {"keys": 20000, "ops": 100000}},
    },
    "tiny": {
        "workloads": {"alloc-24": {"objects": 100000}, "binary-trees": {"depth": 8}, "graph": {"slots": 100, "steps": 500},
                      "dag": {"slots": 100, "steps": 500}, "requests": {"requests": 50, "entries": 2000}},
        "live_mb": [1, 2],
        "live": {"binary-trees": {"depth": 6}},
        "threads": [1, 2],
        "threaded": {"hash-map": {"keys": 1000, "ops": 5000}},
        "small": {"gcbench": {"depth": 7, "array": 1000}},
    },
}


def contenders_of(workload):
    return ENGINES + PORTED.get(workload, [])


def live_experiment(workload, params, megabytes):
    """The experiment with about so much live: by the workload's own table, or beside it."""
    own = {
        "requests": {"entries": max(1, (megabytes << 20) // ENTRY_BYTES)},
        "graph": {"slots": max(1, (megabytes << 20) // (GRAPH_NODES * NODE_BYTES))},
    }.get(workload)
    contenders = [name for name in contenders_of(workload) if name != "eddy-precise"]
    return Experiment("live", workload, contenders, {**params, **(own or {})},
                      threads=2 if workload == "requests" else 1, live_mb=0 if own else megabytes, size_mb=megabytes)


def make(size, groups=GROUPS, contenders=None):
    """The experiments of a size, those of some groups only, and some contenders only."""
    sizes = SIZES[size]
    experiments = []
    for workload, params in sizes["workloads"].items():
        threads = 2 if workload in ("lru", "requests") else 1
        experiments.append(Experiment("workloads", workload, contenders_of(workload), params, threads))
    for workload, params in sizes["live"].items():
        for megabytes in sizes["live_mb"]:
            experiments.append(live_experiment(workload, params, megabytes))
    for workload, params in sizes["threaded"].items():
        for threads in sizes["threads"]:
            names = [name for name in contenders_of(workload) if name != "eddy-precise"]
            experiments.append(Experiment("threads", workload, names, params, threads))
    for workload, params in sizes["small"].items():
        experiments.append(Experiment("small", workload, ["eddy", "malloc", "cpython"], params))
    experiments = [e for e in experiments if e.group in groups]
    for experiment in experiments:
        if contenders is not None:
            experiment.contenders = [c for c in experiment.contenders if c == "eddy" or c in contenders]
    return [e for e in experiments if len(e.contenders) > 1]


def memory_needed_mb(experiment, contender):
    """An upper estimate of what a run occupies, so that the machine is not driven out of memory."""
    factor = {"malloc": 1.5, "atomic": 1.8, "nim": 2, "go": 2.5, "boehm": 2.5, "boehm-incremental": 3, "cpython": 5}
    return 400 * max(1, experiment.threads // 2) + factor.get(contender, 2) * experiment.size_mb
