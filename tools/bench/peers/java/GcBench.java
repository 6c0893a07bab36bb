/* gcbench: see tools/bench/workloads/gcbench.inc. */
final class GcBench implements Workload {
    private static final class Node {
        Node left, right;
        int i, j;
    }

    private static final int LEAST_DEPTH = 4;
    private final int depth, length;

    GcBench(Params params) {
        depth = (int) params.get("depth", 16);
        length = (int) params.get("array", 500000);
    }

    private static long size(int depth) {
        return (2L << depth) - 1;
    }

    private static void populate(int depth, Node node) {
        if (depth == 0)
            return;
        Node left = new Node();
        Node right = new Node();
        node.left = left;
        node.right = right;
        node.j = depth;
        populate(depth - 1, left);
        populate(depth - 1, right);
    }

    private static Node make(int depth) {
        if (depth == 0)
            return new Node();
        Node left = make(depth - 1);
        Node right = make(depth - 1);
        Node node = new Node();
        node.left = left;
        node.right = right;
        node.j = depth;
        return node;
    }

    private static long check(Node node) {
        long sum = 1 + node.i + node.j;
        if (node.left != null)
            sum += check(node.left) + 3 * check(node.right);
        return sum;
    }

    private static long makeTrees(int depth, int stretchDepth) {
        long iterations = 2 * size(stretchDepth) / size(depth);
        long sum = 0;
        for (long i = 0; i < iterations; i++) {
            Node tree = new Node();
            populate(depth, tree);
            sum = sum * 31 + check(tree);
        }
        for (long i = 0; i < iterations; i++)
            sum = sum * 31 + check(make(depth));
        return sum;
    }

    @Override
    public long work(int index) {
        long sum = index + check(make(depth + 2)), inner = 0;
        Node tree = new Node();
        populate(depth, tree);
        double[] array = new double[length];
        for (int i = 0; i < length / 2; i++)
            array[i] = 1.0 / (i + 1);
        for (int d = LEAST_DEPTH; d <= depth; d += 2)
            inner = inner * 31 + makeTrees(d, depth + 2);
        double total = 0;
        for (int i = 0; i < length / 2; i++)
            total += array[i];
        inner = inner * 31 + check(tree) + (long) (total * 1e6);
        return sum * 31 + inner;
    }
}
