package main

import (
	"math"
	"sort"
	"time"
)

// requests: see tools/bench/workloads/requests.c.
type field struct {
	next *field
	text []uint64
	key  uint64
}

type item struct {
	value []uint64
	key   uint64
}

const (
	lookups    = 8
	valueWords = 8
	textWords  = 3
	early      = 120 * time.Microsecond
)

type requests struct {
	count, objects int
	updates        uint64
	mean           float64
	tables         [][]*item
	latencies      [][]time.Duration
}

func words(seed uint64, count int) []uint64 {
	made := make([]uint64, count)
	for i := range made {
		made[i] = seed + uint64(i)
	}
	return made
}

func newItem(key uint64) *item {
	return &item{words(key, valueWords), key}
}

func newRequests(p params, threads int) *requests {
	r := &requests{count: int(p.get("requests", 10000)), mean: 1e9 / float64(p.get("rate", 2000))}
	entries := p.get("entries", 400000)/int64(threads) + 1
	r.objects, r.updates = int(p.get("objects", 100)), uint64(p.get("updates", 50))
	for i := 0; i < threads; i++ {
		table := make([]*item, entries)
		for slot := range table {
			table[slot] = newItem(mix(uint64(slot + i)))
		}
		r.tables = append(r.tables, table)
		r.latencies = append(r.latencies, make([]time.Duration, r.count))
	}
	return r
}

func (r *requests) serve(table []*item, random *rng) uint64 {
	sum := uint64(0)
	var head *field
	for i := 0; i < r.objects; i++ {
		text := words(random.next(), textWords)
		head = &field{head, text, text[0]}
	}
	for i := 0; i < lookups; i++ {
		it := table[random.next()%uint64(len(table))]
		sum += it.key ^ it.value[0]
	}
	for f := head; f != nil; f = f.next {
		sum += f.key + f.text[textWords-1]
	}
	draw := random.next()
	if draw%100 < r.updates {
		table[draw>>8%uint64(len(table))] = newItem(draw)
	}
	return sum
}

func (r *requests) work(index int) uint64 {
	random := rng(mix(uint64(index) + 1))
	sum, due := uint64(0), time.Now()
	for i := 0; i < r.count; i++ {
		uniform := (float64(random.next()>>11) + 1) / 9007199254740993.0
		due = due.Add(time.Duration(-math.Log(uniform) * r.mean))
		if left := time.Until(due); left > early {
			time.Sleep(left - early)
		}
		for time.Now().Before(due) {
		}
		sum += r.serve(r.tables[index], &random)
		r.latencies[index][i] = time.Since(due)
	}
	return sum
}

func (r *requests) report(result map[string]any) {
	var all []time.Duration
	for _, own := range r.latencies {
		all = append(all, own...)
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	last := len(all) - 1
	for name, index := range map[string]int{"p50": last / 2, "p99": last * 99 / 100, "p999": last * 999 / 1000, "max": last} {
		result["latency_"+name+"_us"] = float64(all[index].Nanoseconds()) * 1e-3
	}
}
