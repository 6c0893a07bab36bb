/* hash-map: see tools/bench/workloads/hash_map.c. */
final class HashMap implements Workload {
    private static final class Box {
        long first, second, third;

        long read() {
            return first ^ second << 1 ^ third << 2;
        }
    }

    private static final class Pair {
        Pair next;
        Box value;
        long key;
    }

    private final long keys, ops;

    HashMap(Params params) {
        keys = params.get("keys", 500000);
        ops = params.get("ops", 8000000);
    }

    private static void insert(Pair[] table, int bucket, long key, long seed) {
        Box box = new Box();
        box.first = seed;
        box.second = seed + 1;
        box.third = seed + 2;
        Pair entry = new Pair();
        entry.key = key;
        entry.value = box;
        entry.next = table[bucket];
        table[bucket] = entry;
    }

    @Override
    public long work(int index) {
        Rng random = new Rng(Rng.mix(index + 1));
        int buckets = 16;
        while (buckets < keys)
            buckets *= 2;
        Pair[] table = new Pair[buckets];
        for (long key = 0; key < keys; key++)
            insert(table, (int) Rng.mix(key) & (buckets - 1), key, key);
        long sum = 0;
        for (long op = 0; op < ops; op++) {
            long draw = random.next();
            long key = (draw >>> 1) % keys;
            int bucket = (int) Rng.mix(key) & (buckets - 1);
            Pair entry = table[bucket], previous = null;
            while (entry.key != key) {
                previous = entry;
                entry = entry.next;
            }
            sum += entry.value.read() ^ op;
            if (previous != null)
                previous.next = entry.next;
            else
                table[bucket] = entry.next;
            insert(table, bucket, key, draw);
        }
        for (Pair head : table)
            for (Pair entry = head; entry != null; entry = entry.next)
                sum += Rng.mix(entry.key ^ entry.value.read());
        return sum;
    }
}
