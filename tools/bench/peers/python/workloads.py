"""The workloads: see tools/bench/workloads/ for what they are. Numbers wrap at 64 bits where it matters."""
import gc

MASK = (1 << 64) - 1
LEAST_DEPTH = 4
WALK = 8


def mix(x):
    x &= MASK
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


class Random:
    """xorshift64*."""
    __slots__ = ("state",)

    def __init__(self, index):
        self.state = mix(index + 1)

    def next(self):
        x = self.state
        x ^= x >> 12
        x ^= x << 25 & MASK
        x ^= x >> 27
        self.state = x
        return x * 0x2545F4914F6CDD1D & MASK


class Small:
    __slots__ = ("first", "middle", "last")


def alloc_24(index, objects):
    total = index
    for i in range(objects):
        small = Small()
        small.first = i
        small.last = i << 7
        total += small.first ^ small.last
    return total & MASK


class Tree:
    __slots__ = ("left", "right", "item")

    def __init__(self, left, right, item):
        self.left = left
        self.right = right
        self.item = item


def make_tree(depth, item):
    if depth == 0:
        return Tree(None, None, item)
    return Tree(make_tree(depth - 1, 2 * item - 1), make_tree(depth - 1, 2 * item), item)


def check_tree(node):
    if node.left is None:
        return 1 + node.item
    return 1 + node.item + check_tree(node.left) - check_tree(node.right)


def binary_trees(index, depth):
    total = index + check_tree(make_tree(depth + 1, 0))
    long_lived = make_tree(depth, 0)
    for d in range(LEAST_DEPTH, depth + 1, 2):
        for i in range(1 << depth - d + LEAST_DEPTH):
            total = total * 31 + check_tree(make_tree(d, i)) & MASK
    return total * 31 + check_tree(long_lived) & MASK


class GcNode:
    __slots__ = ("left", "right", "i", "j")

    def __init__(self):
        self.left = None
        self.right = None
        self.i = 0
        self.j = 0


def tree_size(depth):
    return (2 << depth) - 1


def populate(depth, node):
    if depth == 0:
        return
    left = GcNode()
    right = GcNode()
    node.left = left
    node.right = right
    node.j = depth
    populate(depth - 1, left)
    populate(depth - 1, right)


def make_gc_tree(depth):
    if depth == 0:
        return GcNode()
    left = make_gc_tree(depth - 1)
    right = make_gc_tree(depth - 1)
    node = GcNode()
    node.left = left
    node.right = right
    node.j = depth
    return node


def check_gc_tree(node):
    total = 1 + node.i + node.j
    if node.left is not None:
        total += check_gc_tree(node.left) + 3 * check_gc_tree(node.right)
    return total


def make_gc_trees(depth, stretch_depth):
    iterations = 2 * tree_size(stretch_depth) // tree_size(depth)
    total = 0
    for _ in range(iterations):
        tree = GcNode()
        populate(depth, tree)
        total = total * 31 + check_gc_tree(tree) & MASK
    for _ in range(iterations):
        total = total * 31 + check_gc_tree(make_gc_tree(depth)) & MASK
    return total


def gcbench(index, depth, array):
    stretch = index + check_gc_tree(make_gc_tree(depth + 2))
    tree = GcNode()
    populate(depth, tree)
    values = [1.0 / (i + 1) for i in range(array // 2)] + [0.0] * (array - array // 2)
    inner = 0
    for d in range(LEAST_DEPTH, depth + 1, 2):
        inner = inner * 31 + make_gc_trees(d, depth + 2)
    total = 0.0
    for i in range(array // 2):
        total += values[i]
    inner = inner * 31 + check_gc_tree(tree) + int(total * 1e6)
    return stretch * 31 + inner & MASK


class Pair:
    __slots__ = ("next", "value", "key")

    def __init__(self, following, value, key):
        self.next = following
        self.value = value
        self.key = key


def insert(table, bucket, key, seed):
    table[bucket] = Pair(table[bucket], (seed, seed + 1 & MASK, seed + 2 & MASK), key)


def read_box(box):
    return (box[0] ^ box[1] << 1 ^ box[2] << 2) & MASK


def hash_map(index, keys, ops):
    random = Random(index)
    buckets = 16
    while buckets < keys:
        buckets *= 2
    table = [None] * buckets
    for key in range(keys):
        insert(table, mix(key) & buckets - 1, key, key)
    total = 0
    for op in range(ops):
        draw = random.next()
        key = (draw >> 1) % keys
        bucket = mix(key) & buckets - 1
        entry = table[bucket]
        previous = None
        while entry.key != key:
            previous = entry
            entry = entry.next
        total += read_box(entry.value) ^ op
        if previous is not None:
            previous.next = entry.next
        else:
            table[bucket] = entry.next
        insert(table, bucket, key, draw)
    for entry in table:
        while entry is not None:
            total += mix(entry.key ^ read_box(entry.value))
            entry = entry.next
    return total & MASK


class Node:
    __slots__ = ("next", "other", "edge", "value")

    def __init__(self, value):
        self.value = value


def make_graph(random, count, cyclic):
    nodes = [Node(random.next()) for _ in range(count)] + [None, None]
    for i in range(count):
        node = nodes[i]
        draw = node.value >> 16
        if cyclic:
            node.next = nodes[(i + 1) % count]
            node.other = nodes[(i + count - 1) % count]
            node.edge = nodes[draw % count]
        else:
            node.next = nodes[i + 1]
            node.other = nodes[i + 2]
            node.edge = nodes[i + 1 + draw % (count - i - 1)] if i + 1 < count else None
    return nodes[0]


def change_graph(node, draw):
    total = node.value
    for i in range(WALK):
        following = node.edge if draw >> i & 1 else node.next
        if following is None:
            break
        total = total * 31 + following.value
        node = following
    if node.edge is not None and node.edge.next is not None:
        node.edge = node.edge.next
    return total


def graphs(index, slots, nodes, steps, cyclic):
    random = Random(index)
    total = index
    table = [make_graph(random, nodes, cyclic) for _ in range(slots)]
    for _ in range(steps):
        slot = (random.next() >> 32) % slots
        table[slot] = None
        table[slot] = make_graph(random, nodes, cyclic)
        draw = random.next()
        total = total * 31 + change_graph(table[(draw >> 32) % slots], draw) & MASK
    table.clear()
    gc.collect()
    return total


def graph(index, slots, nodes, steps):
    return graphs(index, slots, nodes, steps, True)


def dag(index, slots, nodes, steps):
    return graphs(index, slots, nodes, steps, False)


class Link:
    __slots__ = ("next", "beyond", "value")


def live_build(megabytes):
    chains = []
    for chain in range(1024 if megabytes else 0):
        head = None
        for i in range((megabytes << 20) // 32 // 1024):
            link = Link()
            link.value = i + chain
            link.beyond = None if head is None else head.next
            link.next = head
            head = link
        chains.append(head)
    return chains


def live_check(chains):
    total = 0
    for link in chains:
        while link is not None:
            total = total * 31 + link.value + (0 if link.beyond is None else link.beyond.value) & MASK
            link = link.next
    return total


GRAPHS = {"slots": 10000, "nodes": 32, "steps": 150000}
WORKLOADS = {
    "alloc-24": (alloc_24, {"objects": 50000000}),
    "binary-trees": (binary_trees, {"depth": 18}),
    "gcbench": (gcbench, {"depth": 16, "array": 500000}),
    "hash-map": (hash_map, {"keys": 500000, "ops": 8000000}),
    "graph": (graph, GRAPHS),
    "dag": (dag, GRAPHS),
}
