#!/bin/bash
# ./tools/bench.sh all and page: at tiny sizes all contenders that are installed agree on checksums, document and page are
# well-formed; the page says of a made-up document where Eddy loses; contenders that disagree, fail or are not
# there are told; wrong command lines are refused. usage: EDDY_BENCH=PROGRAM [EDDY_BUILD=DIR] tests/tool_bench_all.sh
set -u

: "${EDDY_BENCH:?is not set}"
suite=$(cd "$(dirname "$0")/../tools/bench/suite" && pwd)
python=$(python3 -c 'import sys; print(sys.executable)') || { echo "no python3"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export EDDY_BENCH EDDY_PEERS=${EDDY_BUILD:-$scratch}/peers
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

bench() { "$python" -B "$suite" "$@"; }

# All of it, small.
out=$scratch/tiny
bench all --tiny --out "$out" >"$scratch/log" 2>&1 || fail "all --tiny: $(tail -n 3 "$scratch/log")"
"$python" - "$out" <<'END' || fail "the results at tiny sizes are wrong"
import json, os, re, sys, xml.dom.minidom
out = sys.argv[1]
results = json.load(open(out + "/results/results.json"))
assert (results["format"], results["version"], results["mode"]) == ("eddy-bench all", 1, "tiny")
assert results["machine"]["kernel"] and results["versions"]["jemalloc"]
left_out = {entry["what"] for entry in results["skipped"]}
seen = set()
for experiment in results["experiments"]:
    assert experiment["rounds"] == 1 and re.fullmatch("[0-9a-f]{16}", experiment["checksum"]), experiment
    for name, contender in experiment["contenders"].items():
        assert contender["note"] is None and len(contender["runs"]) == 1, (experiment["name"], name, contender["note"])
        run = contender["runs"][0]
        assert run["wall_s"] > 0 and run["peak_rss_bytes"] > 1 << 20, (experiment["name"], name, run)
        assert ("longest_pause_ns" in run) == (name not in ("malloc", "atomic", "nim")), (experiment["name"], name, run)
        assert ("latency_p999_us" in run) == (experiment["workload"] == "requests")
        assert not name.startswith("java") or contender["heap_mb"] >= 8
        seen.add(name)
assert {"eddy", "malloc", "atomic", "cpython"} <= seen and not seen & left_out, (seen, left_out)
page = open(out + "/results.md").read()
for heading in "At a glance", "Where Eddy loses", "Growth with the live heap", "Growth with threads", "CPython":
    assert "\n## " + heading + "\n" in page, heading
charts = re.findall(r"\]\((results/[^)]*\.svg)\)", page)
assert len(charts) == len(set(charts)) == len(os.listdir(out + "/results")) - 1 > 5, charts
for chart in charts:
    xml.dom.minidom.parse(os.path.join(out, chart))
END
cp "$out/results/results.json" "$scratch/before.json"
bench all --tiny --out "$out" --resume >"$scratch/log" 2>&1 && cmp -s "$out/results/results.json" "$scratch/before.json" ||
  fail "--resume of a whole run: $(tail -n 3 "$scratch/log")"

# The page of a made-up document: Eddy loses hash-map to malloc in wall time, and wins quads.
contender() { # contender WALL...: of two rounds
  echo "{\"note\": null, \"runs\": [{\"round\": 0, \"wall_s\": $1, \"cpu_s\": 1}, {\"round\": 1, \"wall_s\": $2, \"cpu_s\": 1}]}"
}
experiment() { # experiment WORKLOAD EDDY MALLOC
  echo "{\"name\": \"workloads/$1\", \"group\": \"workloads\", \"workload\": \"$1\", \"threads\": 1, \"live_mb\": 0, \"size_mb\": 0,
    \"params\": {}, \"checksum\": \"0\", \"rounds\": 2, \"contenders\": {\"eddy\": $2, \"malloc\": $3}}"
}
made_up() {
  echo "{\"format\": \"eddy-bench all\", \"version\": 1, \"mode\": \"full\", \"begun\": \"now\", \"machine\": {\"processors\": 2},
    \"versions\": {}, \"skipped\": [{\"what\": \"nim\", \"why\": \"is elsewhere\"}], \"experiments\": [$1]}"
}
made_up "$(experiment hash-map "$(contender 3 5)" "$(contender 2 2)"), $(experiment quads "$(contender 1 1)" "$(contender 4 4)")" \
  >"$scratch/loses.json"
bench page "$scratch/loses.json" --out "$scratch/loses" >"$scratch/log" 2>&1 || fail "page: $(cat "$scratch/log")"
grep -q '^| usual size | malloc | \*\*2.00\*\* | 1.00 |' "$scratch/loses/results.md" || fail "the page does not say that Eddy loses"
sed -n '/^## Where/,/^## Each/p' "$scratch/loses/results.md" | grep -q quads && fail "the page says that Eddy loses quads"
grep -q '| nim | is elsewhere |' "$scratch/loses/results.md" || fail "the page does not say what was left out"
made_up "$(experiment quads "$(contender 1 1)" "$(contender 4 4)")" >"$scratch/wins.json"
bench page "$scratch/wins.json" --out "$scratch/wins" >"$scratch/log" 2>&1 || fail "page: $(cat "$scratch/log")"
grep -q 'Nowhere' "$scratch/wins/results.md" || fail "the page says that Eddy loses somewhere"

# Every workload has a reason beside its figures, should it lose.
"$EDDY_BENCH" list | sed -n '/^Workloads:/,/^Engines:/s/^  \([a-z][a-z0-9-]*\) .*/\1/p' >"$scratch/known"
"$python" -B -c "import sys; sys.path.insert(0, sys.argv[1]); import plan, losses
for e in plan.make('full'): assert e.workload in open(sys.argv[2]).read().split(), e.workload
for e in plan.make('full'): assert losses.read_reasons(sys.argv[1] + '/reasons.md').get(e.workload), e.workload" \
  "$suite" "$scratch/known" || fail "a workload is unknown or without a reason"

# Contenders that disagree, fail, or are not installed.
mkdir "$scratch/bin"
cat >"$scratch/fake" <<'END'
#!/bin/sh
case $* in
*engine=boehm\ *) echo "out of luck" >&2; exit 3 ;;
*engine=malloc*) sum=$FAKE_SUM ;;
*) sum=1 ;;
esac
echo '{"wall_s": 1, "cpu_s": 1, "collector_cpu_s": 0, "peak_rss_bytes": 9000000, "checksum": "'$sum'", "params": {}, "stall":
  {"max_ns": 1, "max_cost_ns": 1, "p999_ns": 1, "mmu_1ms": 1}}'
END
chmod +x "$scratch/fake"
few() { EDDY_BENCH=$scratch/fake PATH=$scratch/bin "$python" -B "$suite" all --tiny --groups workloads --workloads graph --out "$scratch/few"; }
FAKE_SUM=1 few >"$scratch/log" 2>&1 || fail "with two that are missing or fail: $(tail -n 3 "$scratch/log")"
grep -q 'boehm left out: exit status 3: out of luck' "$scratch/log" || fail "a failing contender is not told"
grep -q 'java-g1 left out: not installed: java, javac' "$scratch/log" || fail "a missing contender is not told"
FAKE_SUM=2 few >"$scratch/log" 2>&1
[ $? -eq 1 ] || fail "checksums that differ: not refused"
grep -q 'workloads/graph: malloc has the checksum 2, others 1' "$scratch/log" || fail "checksums that differ: $(tail -n 1 "$scratch/log")"

refused() { # refused WHAT-IS-SAID ARGUMENT...
  said=$1
  shift
  bench "$@" >"$scratch/log" 2>&1
  status=$?
  [ "$status" -eq 2 ] || fail "$*: exit status $status, not 2"
  grep -q -e "$said" "$scratch/log" || fail "$*: says '$(cat "$scratch/log")'"
}
refused "unknown: 'nope'; there are: workloads, live" all --groups nope
refused "unknown: 'nope'; there are: eddy" all --contenders nope
refused "no experiment with the workload 'nope'" all --workloads nope
refused "whole number from 1, not '0'" all --rounds 0
refused "not allowed with" all --quick --tiny
refused "unrecognized arguments: --nope" all --nope
refused "nothing is left" all --tiny --contenders eddy --out "$scratch/none"
refused "cannot write to /dev/null" all --tiny --contenders malloc --out /dev/null/nowhere
refused "other experiments" all --tiny --groups small --resume --out "$out"
refused "cannot read" page "$scratch/nothing" --out "$scratch/none"
refused "no result of" page <(echo '{}') --out "$scratch/none"
refused "required" page "$scratch/wins.json"

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
