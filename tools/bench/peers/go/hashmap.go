package main

// hash-map: see tools/bench/workloads/hash_map.c.
type box struct {
	words [3]uint64
}

type pair struct {
	next  *pair
	value *box
	key   uint64
}

type hashMap struct {
	keys, ops uint64
}

func newHashMap(p params) *hashMap {
	return &hashMap{uint64(p.get("keys", 500000)), uint64(p.get("ops", 8000000))}
}

func insert(table []*pair, bucket, key, seed uint64) {
	b := &box{[3]uint64{seed, seed + 1, seed + 2}}
	table[bucket] = &pair{table[bucket], b, key}
}

func (b *box) read() uint64 {
	return b.words[0] ^ b.words[1]<<1 ^ b.words[2]<<2
}

func (h *hashMap) work(index int) uint64 {
	random := rng(mix(uint64(index) + 1))
	buckets := uint64(16)
	for buckets < h.keys {
		buckets *= 2
	}
	table := make([]*pair, buckets)
	for key := uint64(0); key < h.keys; key++ {
		insert(table, mix(key)&(buckets-1), key, key)
	}
	sum := uint64(0)
	for op := uint64(0); op < h.ops; op++ {
		draw := random.next()
		key := draw >> 1 % h.keys
		bucket := mix(key) & (buckets - 1)
		entry, previous := table[bucket], (*pair)(nil)
		for entry.key != key {
			previous = entry
			entry = entry.next
		}
		sum += entry.value.read() ^ op
		if previous != nil {
			previous.next = entry.next
		} else {
			table[bucket] = entry.next
		}
		insert(table, bucket, key, draw)
	}
	for _, head := range table {
		for entry := head; entry != nil; entry = entry.next {
			sum += mix(entry.key ^ entry.value.read())
		}
	}
	return sum
}
