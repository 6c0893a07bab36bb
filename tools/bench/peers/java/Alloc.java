/* alloc-24: objects of three words that die at once. Each is stored where the compiler must believe that others see
 * it; else it would make none. */
final class Alloc implements Workload {
    private static final class Small {
        long first, middle, last;
    }

    private static final class Sink {
        Small object;
        long a, b, c, d, e, f, g, h, i, j, k, l, m, n; // threads write to lines of their own
    }

    private final long objects;
    private final Sink[] sinks = new Sink[256];

    Alloc(Params params) {
        objects = params.get("objects", 50000000);
        for (int i = 0; i < sinks.length; i++)
            sinks[i] = new Sink();
    }

    @Override
    public long work(int index) {
        Sink sink = sinks[index];
        long sum = index;
        for (long i = 0; i < objects; i++) {
            Small object = new Small();
            object.first = i;
            object.last = i << 7;
            sink.object = object;
            sum += object.first ^ object.last;
        }
        return sum;
    }
}
