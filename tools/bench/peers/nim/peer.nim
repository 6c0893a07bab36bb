## A peer of eddy-bench in Nim (ORC): the same workloads, word for word, and the same checksums.
## usage: peer WORKLOAD [NAME=NUMBER]...; see ../README.md. Prints one JSON object on one line.
##
## ORC tells of no pauses: what it does is part of the statements that drop references.
import std/[locks, os, posix, strformat, strutils]
import random64, tables, trees

type
  Kind = enum
    alloc24Kind = "alloc-24", binaryTreesKind = "binary-trees", gcbenchKind = "gcbench", hashMapKind = "hash-map",
    graphKind = "graph", dagKind = "dag"
  Worker = object
    begin, finish: float
    checksum: uint64

var # shared by the threads, without references
  kind: Kind
  params: array[3, int]
  workers: array[256, Worker]
  threads: array[256, Thread[int]]
  start: Lock

proc fail(message: string) =
  stderr.writeLine "peer: " & message
  quit 2

proc seconds(clock: ClockId): float =
  var time: Timespec
  discard clock_gettime(clock, time)
  float(time.tv_sec) + float(time.tv_nsec) * 1e-9

proc work(index: int) {.thread.} =
  acquire start
  release start
  workers[index].begin = seconds(CLOCK_MONOTONIC)
  workers[index].checksum =
    case kind
    of alloc24Kind: alloc24(index, params[0])
    of binaryTreesKind: binaryTrees(index, params[0])
    of gcbenchKind: gcbench(index, params[0], params[1])
    of hashMapKind: hashMap(index, params[0], params[1])
    of graphKind: graph(index, params[0], params[1], params[2], true)
    of dagKind: graph(index, params[0], params[1], params[2], false)
  workers[index].finish = seconds(CLOCK_MONOTONIC)

proc names(kind: Kind): seq[(string, int)] =
  case kind
  of alloc24Kind: @[("objects", 50000000)]
  of binaryTreesKind: @[("depth", 18)]
  of gcbenchKind: @[("depth", 16), ("array", 500000)]
  of hashMapKind: @[("keys", 500000), ("ops", 8000000)]
  of graphKind, dagKind: @[("slots", 10000), ("nodes", 32), ("steps", 150000)]

proc peakRssBytes(): int =
  for line in lines("/proc/self/status"):
    if line.startsWith("VmHWM:"):
      return parseInt(line.splitWhitespace[1]) * 1024

proc main() =
  if paramCount() == 0:
    fail "which workload?"
  try:
    kind = parseEnum[Kind](paramStr(1))
  except ValueError:
    fail "unknown workload '" & paramStr(1) & "'"
  for i, (name, initial) in kind.names:
    params[i] = initial
  var count = 1
  var liveMb = 0
  for i in 2 .. paramCount():
    let parts = paramStr(i).split('=')
    if parts.len != 2 or parts[1].len == 0 or not parts[1].allCharsInSet(Digits):
      fail "an argument must be NAME=NUMBER, not '" & paramStr(i) & "'"
    var known = true
    case parts[0]
    of "threads": count = parseInt(parts[1])
    of "live_mb": liveMb = parseInt(parts[1])
    else:
      known = false
      for n, (name, initial) in kind.names:
        if name == parts[0]:
          params[n] = parseInt(parts[1])
          known = true
    if not known:
      fail "unknown parameter '" & parts[0] & "'"

  let chains = liveBuild(liveMb)
  if liveMb != 0:
    GC_fullCollect()
  initLock start
  acquire start
  for i in 0 ..< count:
    createThread(threads[i], work, i)
  var cpu = seconds(CLOCK_PROCESS_CPUTIME_ID)
  release start
  var begin = Inf
  var finish = 0.0
  var checksum = 0'u64
  for i in 0 ..< count:
    joinThread(threads[i])
    begin = min(begin, workers[i].begin)
    finish = max(finish, workers[i].finish)
    checksum = mix(checksum + workers[i].checksum)
  cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu
  let peak = peakRssBytes()
  if liveMb != 0:
    checksum = mix(checksum + liveCheck(chains))
  echo &"""{{"workload": "{kind}", "engine": "nim", "version": "{NimVersion}", "threads": {count}, """,
    &""""wall_s": {finish - begin}, "cpu_s": {cpu}, "peak_rss_bytes": {peak}, """,
    &""""checksum": "{checksum.toHex.toLowerAscii}", "longest_pause_ns": null}}"""
  flushFile stdout
  exitnow 0 # without taking the live heap apart

main()
