package main

// binary-trees: see tools/bench/workloads/binary_trees.c.
const leastDepth = 4

type treeNode struct {
	left, right *treeNode
	item        int64
}

type binaryTrees struct {
	mostDepth int
}

func newBinaryTrees(p params) *binaryTrees {
	return &binaryTrees{int(p.get("depth", 18))}
}

func makeTree(depth int, item int64) *treeNode {
	if depth == 0 {
		return &treeNode{item: item}
	}
	left := makeTree(depth-1, 2*item-1)
	right := makeTree(depth-1, 2*item)
	return &treeNode{left, right, item}
}

func checkTree(node *treeNode) uint64 {
	if node.left == nil {
		return 1 + uint64(node.item)
	}
	return 1 + uint64(node.item) + checkTree(node.left) - checkTree(node.right)
}

func (b *binaryTrees) work(index int) uint64 {
	sum := uint64(index) + checkTree(makeTree(b.mostDepth+1, 0))
	longLived := makeTree(b.mostDepth, 0)
	for depth := leastDepth; depth <= b.mostDepth; depth += 2 {
		iterations := int64(1) << (b.mostDepth - depth + leastDepth)
		for i := int64(0); i < iterations; i++ {
			sum = sum*31 + checkTree(makeTree(depth, i))
		}
	}
	return sum*31 + checkTree(longLived)
}
