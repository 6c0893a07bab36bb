package main

const (
	chainCount = 1024
	linkBytes  = 32
)

type link struct {
	next, beyond *link
	value        uint64
}

// liveBuild makes the live heap of live_mb: as many objects as eddy-bench makes, 32768 to a megabyte.
func liveBuild(megabytes int64) []*link {
	length := uint64(megabytes) << 20 / linkBytes / chainCount
	chains := make([]*link, chainCount)
	for chain := range chains {
		var head *link
		for i := uint64(0); i < length; i++ {
			l := &link{next: head, value: i + uint64(chain)}
			if head != nil {
				l.beyond = head.next
			}
			head = l
		}
		chains[chain] = head
	}
	return chains
}

func liveCheck(chains []*link) uint64 {
	sum := uint64(0)
	for _, head := range chains {
		for l := head; l != nil; l = l.next {
			sum = sum*31 + l.value
			if l.beyond != nil {
				sum += l.beyond.value
			}
		}
	}
	return sum
}

type rng uint64

func (r *rng) next() uint64 {
	x := uint64(*r)
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*r = rng(x)
	return x * 0x2545f4914f6cdd1d
}

func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
