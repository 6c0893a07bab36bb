## alloc-24, binary-trees and gcbench: see tools/bench/workloads/alloc.c, binary_trees.c and gcbench.inc.

type Small = ref object
  words: array[3, uint64]

var sink {.threadvar.}: Small # so that the object is one that others could see

proc alloc24*(index, objects: int): uint64 =
  result = uint64(index)
  for i in 0'u64 ..< uint64(objects):
    let small = Small()
    small.words[0] = i
    small.words[2] = i shl 7
    sink = small
    result += small.words[0] xor small.words[2]

const leastDepth = 4

type Node = ref object
  left, right: Node
  item: uint64

proc make(depth: int, item: uint64): Node =
  if depth == 0:
    return Node(item: item)
  let left = make(depth - 1, 2 * item - 1)
  let right = make(depth - 1, 2 * item)
  Node(left: left, right: right, item: item)

proc check(node: Node): uint64 =
  if node.left == nil:
    return 1 + node.item
  1 + node.item + check(node.left) - check(node.right)

proc binaryTrees*(index, depth: int): uint64 =
  result = uint64(index) + check(make(depth + 1, 0))
  let longLived = make(depth, 0)
  for d in countup(leastDepth, depth, 2):
    for i in 0 ..< 1 shl (depth - d + leastDepth):
      result = result * 31 + check(make(d, uint64(i)))
  result = result * 31 + check(longLived)

type GcNode = ref object
  left, right: GcNode
  i, j: int32

func size(depth: int): int = (2 shl depth) - 1

proc populate(depth: int, node: GcNode) =
  if depth == 0:
    return
  let left = GcNode()
  let right = GcNode()
  node.left = left
  node.right = right
  node.j = int32(depth)
  populate(depth - 1, left)
  populate(depth - 1, right)

proc gcMake(depth: int): GcNode =
  if depth == 0:
    return GcNode()
  let left = gcMake(depth - 1)
  let right = gcMake(depth - 1)
  GcNode(left: left, right: right, j: int32(depth))

proc check(node: GcNode): uint64 =
  result = 1 + uint64(node.i + node.j)
  if node.left != nil:
    result += check(node.left) + 3 * check(node.right)

proc makeTrees(depth, stretchDepth: int): uint64 =
  let iterations = 2 * size(stretchDepth) div size(depth)
  for i in 0 ..< iterations:
    let tree = GcNode()
    populate(depth, tree)
    result = result * 31 + check(tree)
  for i in 0 ..< iterations:
    result = result * 31 + check(gcMake(depth))

proc gcbench*(index, depth, length: int): uint64 =
  let stretch = uint64(index) + check(gcMake(depth + 2))
  let tree = GcNode()
  populate(depth, tree)
  var values = newSeq[float](length)
  for i in 0 ..< length div 2:
    values[i] = 1.0 / float(i + 1)
  var inner = 0'u64
  for d in countup(leastDepth, depth, 2):
    inner = inner * 31 + makeTrees(d, depth + 2)
  var total = 0.0
  for i in 0 ..< length div 2:
    total += values[i]
  inner = inner * 31 + check(tree) + uint64(total * 1e6)
  stretch * 31 + inner
