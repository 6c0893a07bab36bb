/* A peer of eddy-bench on the Java virtual machine: the same workloads, word for word, and the same checksums.
 * usage: java Main WORKLOAD [NAME=NUMBER]...; see ../README.md. Prints one JSON object on one line.
 *
 * The longest pause is not here: whoever starts this reads it from the machine's own log of safepoints, between
 * from_ms and to_ms of its uptime. */
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;

public final class Main {
    static final class Worker extends Thread {
        final int index;
        final Workload workload;
        final CyclicBarrier start;
        long beginNs, endNs, checksum;

        Worker(int index, Workload workload, CyclicBarrier start) {
            super(null, null, "worker", 64L << 20);
            this.index = index;
            this.workload = workload;
            this.start = start;
        }

        @Override
        public void run() {
            try {
                start.await();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            beginNs = System.nanoTime();
            checksum = workload.work(index);
            endNs = System.nanoTime();
        }
    }

    static long cpuNs() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    static long bytesOf(String file, String key) throws IOException {
        for (String line : Files.readAllLines(Path.of(file)))
            if (line.startsWith(key))
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
        return 0;
    }

    /* ZGC maps its heap at three addresses and the kernel counts each of them; the proportional size does not. It
     * is looked at when the run ends: run ZGC with -XX:-ZUncommit, so that this is the peak. */
    static long peakRssBytes() throws IOException {
        boolean zgc = ManagementFactory.getRuntimeMXBean().getInputArguments().contains("-XX:+UseZGC");
        return zgc ? bytesOf("/proc/self/smaps_rollup", "Pss:") : bytesOf("/proc/self/status", "VmHWM:");
    }

    static Workload workloadOf(String name, Params params, int threads) {
        switch (name) {
            case "alloc-24": return new Alloc(params);
            case "binary-trees": return new BinaryTrees(params);
            case "gcbench": return new GcBench(params);
            case "hash-map": return new HashMap(params);
            case "graph": return new Graph(params, true);
            case "dag": return new Graph(params, false);
            case "requests": return new Requests(params, threads);
            default: throw new IllegalArgumentException("unknown workload '" + name + "'");
        }
    }

    public static void main(String[] arguments) throws Exception {
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> {
            System.err.println("peer: " + error);
            Runtime.getRuntime().halt(error instanceof OutOfMemoryError ? 3 : 1);
        });
        Params params;
        int threads, liveMb;
        Workload workload;
        Live live = null;
        try {
            params = new Params(arguments);
            threads = (int) params.get("threads", 1);
            liveMb = (int) params.get("live_mb", 0);
            if (liveMb != 0)
                live = new Live(liveMb);
            workload = workloadOf(arguments.length == 0 ? "" : arguments[0], params, threads);
            params.checkAllUsed();
        } catch (IllegalArgumentException e) {
            System.err.println("peer: " + e.getMessage());
            System.exit(2);
            return;
        }
        if (liveMb != 0)
            System.gc();

        CyclicBarrier start = new CyclicBarrier(threads + 1);
        List<Worker> workers = new ArrayList<>();
        for (int i = 0; i < threads; i++)
            workers.add(new Worker(i, workload, start));
        for (Worker worker : workers)
            worker.start();
        long fromMs = ManagementFactory.getRuntimeMXBean().getUptime();
        long cpu = cpuNs();
        start.await();
        long begin = Long.MAX_VALUE, end = Long.MIN_VALUE, checksum = 0;
        for (Worker worker : workers) {
            worker.join();
            begin = Math.min(begin, worker.beginNs);
            end = Math.max(end, worker.endNs);
            checksum = Rng.mix(checksum + worker.checksum);
        }
        cpu = cpuNs() - cpu;
        long toMs = ManagementFactory.getRuntimeMXBean().getUptime();
        long peak = peakRssBytes();
        if (live != null)
            checksum = Rng.mix(checksum + live.check());

        Map<String, Object> result = new LinkedHashMap<>();
        result.put("workload", "\"" + arguments[0] + "\"");
        result.put("engine", "\"java\"");
        result.put("version", "\"" + System.getProperty("java.vm.version") + "\"");
        result.put("threads", threads);
        result.put("wall_s", (end - begin) * 1e-9);
        result.put("cpu_s", cpu * 1e-9);
        result.put("peak_rss_bytes", peak);
        result.put("checksum", String.format("\"%016x\"", checksum));
        result.put("longest_pause_ns", "null");
        result.put("from_ms", fromMs);
        result.put("to_ms", toMs);
        workload.report(result);
        StringBuilder line = new StringBuilder();
        result.forEach((key, value) -> line.append(line.length() == 0 ? "{" : ", ").append('"').append(key)
                .append("\": ").append(value));
        System.out.println(line.append('}'));
        System.exit(0);
    }
}
