package main

import "runtime"

// graph and dag: see tools/bench/workloads/graph.c. The last collection of the measured part is runtime.GC().
type graphNode struct {
	next, other, edge *graphNode
	value             uint64
}

const walk = 8

type graph struct {
	slots, steps uint64
	count        int
	cyclic       bool
}

func newGraph(p params, cyclic bool) *graph {
	return &graph{uint64(p.get("slots", 10000)), uint64(p.get("steps", 150000)), int(p.get("nodes", 32)), cyclic}
}

func (g *graph) target(draw uint64, from int) int {
	if g.cyclic {
		return int(draw >> 16 % uint64(g.count))
	}
	if from+1 < g.count {
		return from + 1 + int(draw>>16%uint64(g.count-from-1))
	}
	return g.count
}

func (g *graph) make(random *rng) *graphNode {
	nodes := [64 + 2]*graphNode{}
	count := g.count
	for i := 0; i < count; i++ {
		nodes[i] = &graphNode{value: random.next()}
	}
	for i := 0; i < count; i++ {
		node := nodes[i]
		if g.cyclic {
			node.next, node.other = nodes[(i+1)%count], nodes[(i+count-1)%count]
		} else {
			node.next, node.other = nodes[i+1], nodes[i+2]
		}
		node.edge = nodes[g.target(node.value, i)]
	}
	return nodes[0]
}

func change(node *graphNode, draw uint64) uint64 {
	sum := node.value
	for i := 0; i < walk; i++ {
		next := node.next
		if draw>>i&1 != 0 {
			next = node.edge
		}
		if next == nil {
			break
		}
		sum = sum*31 + next.value
		node = next
	}
	if node.edge != nil && node.edge.next != nil {
		node.edge = node.edge.next
	}
	return sum
}

func (g *graph) work(index int) uint64 {
	random := rng(mix(uint64(index) + 1))
	sum := uint64(index)
	table := make([]*graphNode, g.slots)
	for slot := range table {
		table[slot] = g.make(&random)
	}
	for step := uint64(0); step < g.steps; step++ {
		slot := random.next() >> 32 % g.slots
		table[slot] = nil
		table[slot] = g.make(&random)
		draw := random.next()
		sum = sum*31 + change(table[draw>>32%g.slots], draw)
	}
	for slot := range table {
		table[slot] = nil
	}
	runtime.GC()
	return sum
}
