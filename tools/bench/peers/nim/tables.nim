## hash-map, graph and dag, and the live heap: see tools/bench/workloads/hash_map.c, graph.c and engines/live.c.
import random64

type
  Box = ref object
    words: array[3, uint64]
  Pair = ref object
    next: Pair
    value: Box
    key: uint64

func read(box: Box): uint64 = box.words[0] xor (box.words[1] shl 1) xor (box.words[2] shl 2)

proc insert(table: var seq[Pair], bucket: int, key, seed: uint64) =
  let box = Box(words: [seed, seed + 1, seed + 2])
  let entry = Pair(next: table[bucket], value: box, key: key)
  table[bucket] = entry

proc hashMap*(index, keys, ops: int): uint64 =
  var random = initRandom(index)
  var buckets = 16
  while buckets < keys:
    buckets *= 2
  let mask = uint64(buckets - 1)
  var table = newSeq[Pair](buckets)
  for key in 0'u64 ..< uint64(keys):
    table.insert(int(mix(key) and mask), key, key)
  for op in 0'u64 ..< uint64(ops):
    let draw = random.next
    let key = (draw shr 1) mod uint64(keys)
    let bucket = int(mix(key) and mask)
    var previous: Pair = nil
    var entry = table[bucket]
    while entry.key != key:
      previous = entry
      entry = entry.next
    result += entry.value.read xor op
    if previous != nil:
      previous.next = entry.next
    else:
      table[bucket] = entry.next
    table.insert(bucket, key, draw)
  for head in table:
    var entry = head
    while entry != nil:
      result += mix(entry.key xor entry.value.read)
      entry = entry.next

const walk = 8

type Node = ref object
  next, other, edge: Node
  value: uint64

func target(draw: uint64, start, count: int, cyclic: bool): int =
  if cyclic:
    int((draw shr 16) mod uint64(count))
  elif start + 1 < count:
    start + 1 + int((draw shr 16) mod uint64(count - start - 1))
  else:
    count

proc make(random: var Random, count: int, cyclic: bool): Node =
  var nodes: array[64 + 2, Node]
  for i in 0 ..< count:
    nodes[i] = Node(value: random.next)
  for i in 0 ..< count:
    let node = nodes[i]
    node.next = nodes[if cyclic: (i + 1) mod count else: i + 1]
    node.other = nodes[if cyclic: (i + count - 1) mod count else: i + 2]
    node.edge = nodes[target(node.value, i, count, cyclic)]
  nodes[0]

proc change(first: Node, draw: uint64): uint64 =
  var node = first
  result = node.value
  for i in 0 ..< walk:
    let next = if ((draw shr i) and 1) != 0: node.edge else: node.next
    if next == nil:
      break
    result = result * 31 + next.value
    node = next
  if node.edge != nil and node.edge.next != nil:
    node.edge = node.edge.next

proc graph*(index, slots, count, steps: int, cyclic: bool): uint64 =
  var random = initRandom(index)
  result = uint64(index)
  var table = newSeq[Node](slots)
  for slot in 0 ..< slots:
    table[slot] = make(random, count, cyclic)
  for step in 0 ..< steps:
    let slot = int((random.next shr 32) mod uint64(slots))
    table[slot] = nil
    table[slot] = make(random, count, cyclic)
    let draw = random.next
    result = result * 31 + change(table[int((draw shr 32) mod uint64(slots))], draw)
  for slot in 0 ..< slots:
    table[slot] = nil
  GC_fullCollect()

type Link = ref object
  next, beyond: Link
  value: uint64

const chainCount = 1024

proc liveBuild*(megabytes: int): seq[Link] =
  let length = uint64(megabytes) * 1024 * 1024 div 32 div chainCount
  result = newSeq[Link](chainCount)
  for chain in 0 ..< chainCount:
    var head: Link = nil
    for i in 0'u64 ..< length:
      head = Link(next: head, beyond: (if head == nil: nil else: head.next), value: i + uint64(chain))
    result[chain] = head

proc liveCheck*(chains: seq[Link]): uint64 =
  for head in chains:
    var link {.cursor.} = head
    while link != nil:
      result = result * 31 + link.value + (if link.beyond == nil: 0'u64 else: link.beyond.value)
      link = link.next
