/* binary-trees: see tools/bench/workloads/binary_trees.c. */
final class BinaryTrees implements Workload {
    private static final class Node {
        Node left, right;
        long item;
    }

    private static final int LEAST_DEPTH = 4;
    private final int mostDepth;

    BinaryTrees(Params params) {
        mostDepth = (int) params.get("depth", 18);
    }

    private static Node make(int depth, long item) {
        Node node;
        if (depth == 0) {
            node = new Node();
        } else {
            Node left = make(depth - 1, 2 * item - 1);
            Node right = make(depth - 1, 2 * item);
            node = new Node();
            node.left = left;
            node.right = right;
        }
        node.item = item;
        return node;
    }

    private static long check(Node node) {
        if (node.left == null)
            return 1 + node.item;
        return 1 + node.item + check(node.left) - check(node.right);
    }

    @Override
    public long work(int index) {
        long sum = index + check(make(mostDepth + 1, 0));
        Node longLived = make(mostDepth, 0);
        for (int depth = LEAST_DEPTH; depth <= mostDepth; depth += 2) {
            long iterations = 1L << (mostDepth - depth + LEAST_DEPTH);
            for (long i = 0; i < iterations; i++)
                sum = sum * 31 + check(make(depth, i));
        }
        return sum * 31 + check(longLived);
    }
}
