// A peer of eddy-bench in Go: the same workloads, word for word, and the same checksums.
// usage: peer WORKLOAD [NAME=NUMBER]...; see ../README.md. Prints one JSON object on one line.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A workload is made before the clock starts; work is run by every thread.
type workload interface {
	work(index int) uint64
}

// One with figures of its own adds them after all threads have ended.
type reporter interface {
	report(result map[string]any)
}

type params map[string]int64

func (p params) get(name string, initial int64) int64 {
	value, given := p[name]
	if !given {
		return initial
	}
	delete(p, name)
	return value
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "peer: "+format+"\n", arguments...)
	os.Exit(2)
}

func parse(arguments []string) params {
	p := params{}
	for _, argument := range arguments {
		name, text, found := strings.Cut(argument, "=")
		value, err := strconv.ParseInt(text, 10, 64)
		if !found || err != nil || value < 0 {
			fail("an argument must be NAME=NUMBER, not '%s'", argument)
		}
		p[name] = value
	}
	return p
}

// The pauses of the whole process so far, as the runtime counts them: by lengths up to limits.
func pauses() *metrics.Float64Histogram {
	sample := []metrics.Sample{{Name: "/gc/pauses:seconds"}}
	metrics.Read(sample)
	return sample[0].Value.Float64Histogram()
}

// The upper limit of the longest pause between two looks.
func longestPause(before, after *metrics.Float64Histogram) int64 {
	for i := len(after.Counts) - 1; i >= 0; i-- {
		if after.Counts[i] > before.Counts[i] {
			limit := after.Buckets[i+1]
			if math.IsInf(limit, 1) {
				limit = after.Buckets[i]
			}
			return int64(limit * 1e9)
		}
	}
	return 0
}

func copyOf(h *metrics.Float64Histogram) *metrics.Float64Histogram {
	return &metrics.Float64Histogram{Counts: append([]uint64(nil), h.Counts...), Buckets: h.Buckets}
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) * 1e-9
}

func peakRssBytes() uint64 {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "VmHWM:" {
			kib, _ := strconv.ParseUint(fields[1], 10, 64)
			return kib * 1024
		}
	}
	return 0
}

func makeWorkload(name string, p params, threads int) workload {
	switch name {
	case "alloc-24":
		return newAlloc(p)
	case "binary-trees":
		return newBinaryTrees(p)
	case "gcbench":
		return newGcbench(p)
	case "hash-map":
		return newHashMap(p)
	case "graph":
		return newGraph(p, true)
	case "dag":
		return newGraph(p, false)
	case "requests":
		return newRequests(p, threads)
	}
	fail("unknown workload '%s'", name)
	return nil
}

func main() {
	if len(os.Args) < 2 {
		fail("which workload?")
	}
	p := parse(os.Args[2:])
	threads := int(p.get("threads", 1))
	var chains []*link
	if megabytes := p.get("live_mb", 0); megabytes != 0 {
		chains = liveBuild(megabytes)
	}
	w := makeWorkload(os.Args[1], p, threads)
	for name := range p {
		fail("unknown parameter '%s'", name)
	}
	if chains != nil {
		runtime.GC()
	}

	before := copyOf(pauses())
	var wait sync.WaitGroup
	start := make(chan struct{})
	begins, ends, sums := make([]time.Time, threads), make([]time.Time, threads), make([]uint64, threads)
	for i := 0; i < threads; i++ {
		wait.Add(1)
		go func(i int) {
			runtime.LockOSThread()
			<-start
			begins[i] = time.Now()
			sums[i] = w.work(i)
			ends[i] = time.Now()
			wait.Done()
		}(i)
	}
	cpu := cpuSeconds()
	close(start)
	wait.Wait()
	cpu = cpuSeconds() - cpu
	longest := longestPause(before, pauses())
	begin, end, checksum := begins[0], ends[0], uint64(0)
	for i := range sums {
		if begins[i].Before(begin) {
			begin = begins[i]
		}
		if ends[i].After(end) {
			end = ends[i]
		}
		checksum = mix(checksum + sums[i])
	}
	peak := peakRssBytes()
	if chains != nil {
		checksum = mix(checksum + liveCheck(chains))
	}

	result := map[string]any{
		"workload":         os.Args[1],
		"engine":           "go",
		"version":          runtime.Version(),
		"threads":          threads,
		"wall_s":           end.Sub(begin).Seconds(),
		"cpu_s":            cpu,
		"peak_rss_bytes":   peak,
		"checksum":         fmt.Sprintf("%016x", checksum),
		"longest_pause_ns": longest,
	}
	if r, ok := w.(reporter); ok {
		r.report(result)
	}
	line, _ := json.Marshal(result)
	fmt.Println(string(line))
}
