package main

// gcbench: see tools/bench/workloads/gcbench.inc.
type gcNode struct {
	left, right *gcNode
	i, j        int32
}

type gcbench struct {
	depth, length int
}

func newGcbench(p params) *gcbench {
	return &gcbench{int(p.get("depth", 16)), int(p.get("array", 500000))}
}

func treeSize(depth int) int64 {
	return int64(2)<<depth - 1
}

func populate(depth int, node *gcNode) {
	if depth == 0 {
		return
	}
	left := &gcNode{}
	right := &gcNode{}
	node.left = left
	node.right = right
	node.j = int32(depth)
	populate(depth-1, left)
	populate(depth-1, right)
}

func gcMake(depth int) *gcNode {
	if depth == 0 {
		return &gcNode{}
	}
	left := gcMake(depth - 1)
	right := gcMake(depth - 1)
	return &gcNode{left: left, right: right, j: int32(depth)}
}

func gcCheck(node *gcNode) uint64 {
	sum := 1 + uint64(int64(node.i+node.j))
	if node.left != nil {
		sum += gcCheck(node.left) + 3*gcCheck(node.right)
	}
	return sum
}

func makeTrees(depth, stretchDepth int) uint64 {
	iterations := 2 * treeSize(stretchDepth) / treeSize(depth)
	sum := uint64(0)
	for i := int64(0); i < iterations; i++ {
		tree := &gcNode{}
		populate(depth, tree)
		sum = sum*31 + gcCheck(tree)
	}
	for i := int64(0); i < iterations; i++ {
		sum = sum*31 + gcCheck(gcMake(depth))
	}
	return sum
}

func (g *gcbench) work(index int) uint64 {
	sum, inner := uint64(index)+gcCheck(gcMake(g.depth+2)), uint64(0)
	tree := &gcNode{}
	populate(g.depth, tree)
	array := make([]float64, g.length)
	for i := 0; i < g.length/2; i++ {
		array[i] = 1.0 / float64(i+1)
	}
	for d := leastDepth; d <= g.depth; d += 2 {
		inner = inner*31 + makeTrees(d, g.depth+2)
	}
	total := 0.0
	for i := 0; i < g.length/2; i++ {
		total += array[i]
	}
	inner = inner*31 + gcCheck(tree) + uint64(total*1e6)
	return sum*31 + inner
}
