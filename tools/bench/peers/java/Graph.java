/* graph and dag: see tools/bench/workloads/graph.c. The last collection of the measured part is asked for with
 * System.gc(). */
final class Graph implements Workload {
    private static final class Node {
        Node next, other, edge;
        long value;
    }

    private static final int WALK = 8;
    private final int slots, count;
    private final long steps;
    private final boolean cyclic;

    Graph(Params params, boolean cyclic) {
        slots = (int) params.get("slots", 10000);
        count = (int) params.get("nodes", 32);
        steps = params.get("steps", 150000);
        this.cyclic = cyclic;
    }

    private int target(long draw, int from) {
        if (cyclic)
            return (int) ((draw >>> 16) % count);
        return from + 1 < count ? from + 1 + (int) ((draw >>> 16) % (count - from - 1)) : count;
    }

    private Node make(Rng random) {
        Node[] nodes = new Node[count + 2];
        for (int i = 0; i < count; i++) {
            nodes[i] = new Node();
            nodes[i].value = random.next();
        }
        for (int i = 0; i < count; i++) {
            Node node = nodes[i];
            node.next = nodes[cyclic ? (i + 1) % count : i + 1];
            node.other = nodes[cyclic ? (i + count - 1) % count : i + 2];
            node.edge = nodes[target(node.value, i)];
        }
        return nodes[0];
    }

    private static long change(Node node, long draw) {
        long sum = node.value;
        for (int i = 0; i < WALK; i++) {
            Node next = (draw >>> i & 1) != 0 ? node.edge : node.next;
            if (next == null)
                break;
            sum = sum * 31 + next.value;
            node = next;
        }
        Node edge = node.edge;
        if (edge != null && edge.next != null)
            node.edge = edge.next;
        return sum;
    }

    @Override
    public long work(int index) {
        Rng random = new Rng(Rng.mix(index + 1));
        long sum = index;
        Node[] table = new Node[slots];
        for (int slot = 0; slot < slots; slot++)
            table[slot] = make(random);
        for (long step = 0; step < steps; step++) {
            int slot = (int) ((random.next() >>> 32) % slots);
            table[slot] = null;
            table[slot] = make(random);
            long draw = random.next();
            sum = sum * 31 + change(table[(int) ((draw >>> 32) % slots)], draw);
        }
        for (int slot = 0; slot < slots; slot++)
            table[slot] = null;
        System.gc();
        return sum;
    }
}
