package main

// alloc-24: objects of three words that die at once. Each is stored where the compiler must believe that others
// see it; else it would be on the stack.
type small struct {
	words [3]uint64
}

type sink struct {
	object *small
	_      [120]byte // threads write to lines of their own
}

type alloc struct {
	objects int64
	sinks   [256]sink
}

func newAlloc(p params) *alloc {
	return &alloc{objects: p.get("objects", 50000000)}
}

func (a *alloc) work(index int) uint64 {
	sum := uint64(index)
	for i := int64(0); i < a.objects; i++ {
		object := &small{}
		object.words[0] = uint64(i)
		object.words[2] = uint64(i) << 7
		a.sinks[index].object = object
		sum += object.words[0] ^ object.words[2]
	}
	return sum
}
