/* requests: see tools/bench/workloads/requests.c. */
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

final class Requests implements Workload {
    private static final class Field {
        Field next;
        long[] text;
        long key;
    }

    private static final class Item {
        long[] value;
        long key;
    }

    private static final int LOOKUPS = 8, VALUE_WORDS = 8, TEXT_WORDS = 3, EARLY_NS = 120000;
    private final int requests, objects, updates, entries;
    private final double mean;
    private final Item[][] tables;
    private final long[][] latencies;

    Requests(Params params, int threads) {
        requests = (int) params.get("requests", 10000);
        mean = 1e9 / params.get("rate", 2000);
        entries = (int) (params.get("entries", 400000) / threads + 1);
        objects = (int) params.get("objects", 100);
        updates = (int) params.get("updates", 50);
        tables = new Item[threads][entries];
        latencies = new long[threads][requests];
        for (int i = 0; i < threads; i++)
            for (int slot = 0; slot < entries; slot++)
                put(tables[i], slot, Rng.mix(slot + i));
    }

    private static long[] words(long seed, int count) {
        long[] words = new long[count];
        for (int i = 0; i < count; i++)
            words[i] = seed + i;
        return words;
    }

    private static void put(Item[] table, int slot, long key) {
        Item item = new Item();
        item.value = words(key, VALUE_WORDS);
        item.key = key;
        table[slot] = item;
    }

    private static int slotOf(long draw, int length) {
        return (int) Long.remainderUnsigned(draw, length);
    }

    private long serve(Item[] table, Rng random) {
        long sum = 0;
        Field head = null;
        for (int i = 0; i < objects; i++) {
            Field field = new Field();
            field.text = words(random.next(), TEXT_WORDS);
            field.key = field.text[0];
            field.next = head;
            head = field;
        }
        for (int i = 0; i < LOOKUPS; i++) {
            Item item = table[slotOf(random.next(), table.length)];
            sum += item.key ^ item.value[0];
        }
        for (Field field = head; field != null; field = field.next)
            sum += field.key + field.text[TEXT_WORDS - 1];
        long draw = random.next();
        if (slotOf(draw, 100) < updates)
            put(table, slotOf(draw >>> 8, table.length), draw);
        return sum;
    }

    private static void await(long due) {
        long left = due - System.nanoTime();
        if (left > EARLY_NS)
            LockSupport.parkNanos(left - EARLY_NS);
        while (System.nanoTime() - due < 0)
            Thread.onSpinWait();
    }

    @Override
    public long work(int index) {
        Rng random = new Rng(Rng.mix(index + 1));
        long sum = 0, due = System.nanoTime();
        for (int i = 0; i < requests; i++) {
            double uniform = ((double) (random.next() >>> 11) + 1) / 9007199254740993.0;
            due += (long) (-Math.log(uniform) * mean);
            await(due);
            sum += serve(tables[index], random);
            latencies[index][i] = System.nanoTime() - due;
        }
        return sum;
    }

    @Override
    public void report(Map<String, Object> result) {
        long[] all = Arrays.stream(latencies).flatMapToLong(Arrays::stream).sorted().toArray();
        int last = all.length - 1;
        result.put("latency_p50_us", all[last / 2] * 1e-3);
        result.put("latency_p99_us", all[(int) (last * 99L / 100)] * 1e-3);
        result.put("latency_p999_us", all[(int) (last * 999L / 1000)] * 1e-3);
        result.put("latency_max_us", all[last] * 1e-3);
    }
}
